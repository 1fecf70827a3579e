//! Language servers, kept in step with the environment: `aim-lsp` for editors, and the daemon's bridge for pages.
//!
//! An editor starts its language server once and talks to it for hours. This room stands between the two: what one says
//! goes to the other as it is, and when the environment has changed, the server is told in its own way, or another one
//! takes its place without the editor's noticing.
//!
//! Start reading at [`session`]: the protocol, as a value that knows neither process nor clock. Around it:
//!
//! | part | what it knows |
//! | --- | --- |
//! | [`wire`] | where a message begins and ends, its kind and its id |
//! | [`change`] | what has changed, and what became of it |
//! | [`memory`] | what the client has said that a new server must be told |
//! | [`session`] | who is asked, who answers, and how one server follows another |
//! | [`strategy`] | what each server needs, a file each |
//! | [`relay`] | processes, streams, time, and the environment's generation |
//!
//! **Invariant:** knows neither standard streams nor `WebSockets`: a client is two open descriptors.

mod change;
mod memory;
mod note;
mod relay;
mod session;
mod strategy;
mod wire;

pub use change::{Outcome, Told};
pub use note::{Note, running_in};
pub use relay::{Client, Environment, Launch, Observer, run};
pub use strategy::Strategy;
pub use wire::{Frame, Frames, Head, Message, header};
