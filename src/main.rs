//! The `donormatch` binary.

fn main() {}
