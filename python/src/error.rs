//! Errors of the core → exceptions of `donormatch._errors` and of the operating system.

use donormatch::{Error, ErrorKind};
use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError, PyOSError, PyRuntimeError};
use pyo3::prelude::*;

/// The result of everything that the module exports.
pub type Result<T, E = BindingError> = std::result::Result<T, E>;

/// What can go wrong between Python and the core.
#[derive(Debug)]
pub enum BindingError {
    /// The core refused.
    Core(Error),
    /// Python refused, or a signal came.
    Python(PyErr),
    /// The core panicked: a bug of ours.
    Panic,
}

impl From<Error> for BindingError {
    fn from(error: Error) -> Self {
        Self::Core(error)
    }
}

impl From<PyErr> for BindingError {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl From<BindingError> for PyErr {
    fn from(error: BindingError) -> Self {
        match error {
            BindingError::Python(error) => error,
            BindingError::Core(error) => Python::attach(|py| exception(py, &error)),
            BindingError::Panic => PyRuntimeError::new_err(
                "internal error of donormatch, not of your data; please report what you called",
            ),
        }
    }
}

fn exception(py: Python<'_>, error: &Error) -> PyErr {
    let class = match error.kind() {
        ErrorKind::Io => return os_error(error),
        ErrorKind::Input => "InputError",
        ErrorKind::Parameter => "ParameterError",
        ErrorKind::ModelFormat => "ModelFormatError",
        ErrorKind::Convergence => "ConvergenceError",
        ErrorKind::Cancelled => return PyKeyboardInterrupt::new_err(()),
        ErrorKind::Memory => return PyMemoryError::new_err(joined(error)),
    };
    py.import("donormatch._errors")
        .and_then(|module| module.getattr(class)?.call1((joined(error),)))
        .map_or_else(|failure| failure, PyErr::from_value)
}

/// `OSError(errno, text, path)`, which Python itself turns into `FileNotFoundError` and its kin.
fn os_error(error: &Error) -> PyErr {
    match error {
        Error::Io { path, source } if source.raw_os_error().is_some() => {
            let text = source.to_string();
            let text = text
                .split(" (os error")
                .next()
                .unwrap_or_default()
                .to_owned();
            PyOSError::new_err((source.raw_os_error(), text, path.as_os_str().to_owned()))
        }
        other => PyOSError::new_err(joined(other)),
    }
}

/// The message with its causes, outermost first.
fn joined(error: &Error) -> String {
    let causes = error.causes();
    std::iter::once(error.to_string())
        .chain(causes)
        .collect::<Vec<_>>()
        .join(": ")
}
