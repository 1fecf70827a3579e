//! From what a terminal was told to what a person would read on it.
