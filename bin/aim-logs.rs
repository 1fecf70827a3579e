//! Reads the history of an environment.

fn main() {}
