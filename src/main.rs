//! Runs the command line; its outcome becomes the exit code.
fn main() {}
