//! The `donormatch` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    donormatch::barrier::hide_paths();
    ExitCode::from(donormatch::cli::main(std::env::args_os()))
}
