//! Controls workers through the daemon.

fn main() {}
