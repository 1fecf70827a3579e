//! One client and the server that it believes to be one and the same: the whole protocol, without a process or a clock.
//!
//! What happens is told by calls ([`Session::client_said`], [`Session::changed`], …), what is to be done is taken
//! from [`Session::effect`]. Whoever drives a session owns the processes and tells the time.
//!
//! A server is *current* while it answers the client, *next* while it is made ready beside the current one, and nothing
//! once another has its place: then nothing that it says is heard.
//!
//! **Invariant:** every request of the client is answered once; whatever is not understood is passed on.

mod asked;
mod diagnostics;
mod effect;
mod following;
mod from_client;
mod from_server;
mod life;
mod names;
mod next;
mod progress;
mod ready;
mod result_ids;
mod state;
mod takeover;
#[cfg(test)]
mod tests;
mod wanted;

pub use effect::Effect;
pub use names::Number;
pub use state::Session;
