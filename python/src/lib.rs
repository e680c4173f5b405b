//! The compiled half of the Python package: extract, release the interpreter, call the core, wrap.

mod array;
mod error;
mod feature;
mod profiles;
mod read;
mod runtime;
mod settings;

use pyo3::prelude::*;

/// The private extension module `donormatch._core`.
#[pymodule]
mod _core {
    use super::{Bound, PyModule, PyModuleMethods, PyResult};

    #[pymodule_export]
    use super::feature::{distances, diversity, pairwise};
    #[pymodule_export]
    use super::profiles::PyProfiles;
    #[pymodule_export]
    use super::read::{profiles_from_arrow, profiles_from_matrix, read_profiles};
    #[pymodule_export]
    use super::runtime::{n_threads, provoke_panic, set_n_threads};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
