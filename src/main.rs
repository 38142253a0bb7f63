//! The command line. It only dispatches.

fn main() {}
