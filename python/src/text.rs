//! Foreign text as it may be shown.

use pyo3::prelude::*;

/// Text in which characters that act on a terminal or on its order are written out.
#[pyfunction]
pub fn printable(text: &str) -> String {
    donormatch::printable(text).into_owned()
}
