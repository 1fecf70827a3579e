//! Flows on runners made for a test.

mod runner;

mod garbage;
mod order;
mod reference;
mod results;
mod stream;
