//! `aim-backend restart`: has the daemon move to this program, and waits until it has.

use std::thread::sleep;
use std::time::Duration;

use clap::Args;

use super::socket::other_program;
use super::status::here;
use crate::api::Client;
use crate::api::v1::{Health, MoveRequest, When};
use crate::console::Console;
use crate::error::{Error, Exit, Result};
use crate::host::Host;
use crate::words::t;

/// How often it is looked whether the daemon has moved.
const LOOK: Duration = Duration::from_millis(50);

/// When it is to move.
#[derive(Debug, Clone, Copy, Args)]
pub struct MoveArgs {
    /// Without waiting for nodes that run.
    #[arg(long, help = t!("backend.help.restart_now").into_owned())]
    pub now: bool,
}

/// `aim-backend restart`: of the daemon that the commands here would call.
pub(super) fn run(host: &Host, args: MoveArgs, console: &mut Console) -> Result<Exit> {
    let client = Client::connect(host, here(host).as_ref())?;
    let before = client.health()?;
    if !before.is_ours() {
        let program = before.program.as_deref().unwrap_or("?");
        return Err(other_program(client.socket(), program));
    }
    let program = host
        .exe()
        .ok_or_else(|| Error::failed(t!("backend.service.no_exe")))?;
    let moving = client.move_to(&MoveRequest {
        program: program.to_path_buf(),
        when: if args.now { When::Now } else { When::Idle },
    })?;
    let waits_for = moving.waits_for;
    let line = console.waiting(move |so_far| {
        Some(t!("backend.restart.waiting", n = waits_for, time = so_far).into_owned())
    });
    let after = moved(&client, &before)?;
    drop(line);
    if console.is_json() {
        console.json(&serde_json::json!({"restarted": true, "pid": after.pid, "terminals": moving.terminals}))?;
    } else {
        let pid = after
            .pid
            .map_or_else(|| "?".to_owned(), |pid| pid.to_string());
        console.note(t!(
            "backend.restart.done",
            pid = pid,
            version = env!("CARGO_PKG_VERSION"),
            n = moving.terminals
        ));
    }
    Ok(Exit::Done)
}

/// Waits until the daemon that answered `before` is another one.
fn moved(client: &Client, before: &Health) -> Result<Health> {
    loop {
        match client.health() {
            Ok(now) if now.started_at != before.started_at => return Ok(now),
            Ok(_) => {}
            // A call that was under way when the daemon moved has no answer.
            Err(error) if error.exit() != Exit::NoDaemon && client.health().is_ok() => {}
            Err(error) => return Err(error.context(t!("backend.restart.gone"))),
        }
        sleep(LOOK);
    }
}
