//! The `donormatch` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(donormatch::cli::main(std::env::args_os()))
}
