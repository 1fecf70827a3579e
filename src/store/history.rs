//! `runs.jsonl`: run records, one a line.
