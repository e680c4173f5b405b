//! The compiled half of the Python package: extract, release the interpreter, call the core, wrap.

use pyo3::prelude::*;

/// The private extension module `donormatch._core`.
#[pymodule]
mod _core {
    use super::{Bound, PyModule, PyModuleMethods, PyResult};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
