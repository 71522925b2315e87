//! Runs the command line; its outcome becomes the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    metergate::cli::run()
}
