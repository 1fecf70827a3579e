//! What a session has done.

use super::names::Number;
use crate::lsp::change::Told;
use crate::lsp::wire::Body;

/// What is to be done.
#[derive(Debug)]
pub enum Effect {
    /// Send this to the client.
    ToClient(Body),
    /// Send this to the server of that number.
    ToServer(Number, Body),
    /// Start a server; its number.
    Start(Number),
    /// The server is not needed any more: close its input, and end it if it does not end by itself.
    End(Number),
    /// For the log, and for who asks how it is.
    Tell(Told),
    /// The client has gone, or is to go: end; `true` where it said goodbye as the protocol has it.
    Leave(bool),
}
