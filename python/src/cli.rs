//! The command line of the wheel's console script: the function that the cargo binary runs.

use std::ffi::OsString;

use pyo3::prelude::*;

use crate::error::Result;
use crate::runtime::short;

/// Runs the command line on the process's own streams; gives the exit code.
#[pyfunction]
pub fn run_cli(py: Python<'_>, args: Vec<OsString>) -> Result<u8> {
    short(py, || Ok(donormatch::cli::main(args)))
}
