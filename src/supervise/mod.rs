//! Any command, in the foreground, restarted when the environment has changed: `aim-worker supervise`.
//!
//! Start reading at `supervisor`, the one loop: it starts the command as if it had been typed, follows the record of
//! the environment (`environment`), and waits until no installer is at work before one process takes the place of
//! another. With [`On::Loaded`] each process notes what it loads (`loaded`), and a change of anything else passes.
//! Sockets are handed to each of them (`doors`), so that nobody who connects is refused; where there are such, the next
//! one is started before the last one ends. A `note` in the environment says who is supervised there, and is how
//! somebody else asks for a restart. What is run after a change instead of all the time is followed by a loop of its
//! own (`after_change`).
//!
//! **Invariant:** asks no daemon: the record is the truth. Prints nothing: what happens is told to an [`Observer`].
//!
//! **Invariant:** what a person sent or typed reaches the command, and its end is ours; whoever waits for this process
//! learns how the command ended.

mod address;
mod after_change;
mod command;
mod doors;
mod environment;
mod loaded;
mod note;
mod order;
mod process;
mod supervisor;
mod told;

pub use address::Address;
pub use doors::{Doors, ListenError};
pub use note::{Note, Supervised, ask_for_restart, is_stopped, start, stop, supervised_in};
pub use order::{On, Order, name_of};
pub use told::{Changed, Observer, Told};

use std::io;

use self::command::Launch;
use self::environment::Environment;
use crate::exec::{ChildStatus, Foreground, SocketPlaces};
use crate::host::Host;
use crate::project::Project;

/// Runs `order` in the environment of `project` until it ends by itself or somebody ends it, and says how it ended.
///
/// # Errors
/// That it cannot be started at first: `NotFound` where there is no such program.
pub fn run(
    order: &Order,
    project: &Project,
    host: &Host,
    (places, doors): (&SocketPlaces, Doors),
    note: &mut Note,
    observer: &mut dyn Observer,
) -> io::Result<ChildStatus> {
    let launch = Launch {
        order,
        venv: project.venv(),
        host,
        places,
    };
    let environment = Environment::of(project);
    // Told before anything is touched, or waited for.
    launch.command(&[], None)?;
    let foreground = Foreground::begin()?;
    if order.after_change {
        after_change::run(launch, environment, foreground, note, observer)
    } else {
        supervisor::run(launch, environment, foreground, doors, note, observer)
    }
}
