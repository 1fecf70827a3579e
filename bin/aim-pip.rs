//! Stands in front of pip.

fn main() {}
