//! Real interpreters in real environments, the real worker script, no daemon.

mod faults;
mod flows;
mod freshness;
mod limits;
mod nodes;
mod policy;
mod site;
mod stopping;
