//! Brings everything around an environment in step with it.

fn main() {}
