//! `aim-backend terminals`: which terminal sessions there are, and the end of one.

use std::time::Duration;

use chrono::Utc;
use clap::Subcommand;

use super::status::here;
use crate::api::v1::TerminalInfo;
use crate::api::{Client, in_time};
use crate::console::candidate::{Value, values};
use crate::console::table::{Cell, Table};
use crate::console::{Console, connect, time};
use crate::error::{Error, Exit, Result};
use crate::host::Host;
use crate::words::t;

/// How long a shell waits for the sessions after Tab.
const PATIENCE: Duration = Duration::from_millis(300);

/// What `aim-backend terminals` can do.
#[derive(Debug, Subcommand)]
pub enum TerminalsCommand {
    /// Ends one session.
    #[command(about = t!("backend.help.terminals_end").into_owned())]
    End {
        /// Its id, or as much of it as tells it from the others.
        #[arg(value_name = "SESSION", add = values(sessions), help = t!("backend.help.session").into_owned())]
        session: String,
    },
}

/// `aim-backend terminals`.
pub(super) fn run(
    host: &Host,
    command: Option<TerminalsCommand>,
    console: &mut Console,
) -> Result<Exit> {
    let client = connect(console, host, here(host).as_ref())?;
    let all = client.terminals()?;
    match command {
        None if console.is_json() => console.json(&all)?,
        None if all.is_empty() => console.note(t!("backend.terminals.none")),
        None => {
            let table = table(&all).to_text(console.width());
            console.text(table)?;
        }
        Some(TerminalsCommand::End { session }) => {
            let session = &named(&all, &session)?.session;
            client.end_terminal(session)?;
            if console.is_json() {
                console.json(&serde_json::json!({"ended": session}))?;
            } else {
                console.note(t!(
                    "backend.terminals.ended",
                    session = shortest(&all, session)
                ));
            }
        }
    }
    Ok(Exit::Done)
}

fn table(all: &[TerminalInfo]) -> Table {
    let headings = [
        t!("backend.terminals.session"),
        t!("backend.terminals.project"),
        t!("backend.terminals.command"),
        t!("backend.terminals.began"),
        t!("backend.terminals.idle"),
        t!("backend.terminals.page"),
    ];
    let mut table = Table::new(headings).gives_way([2]);
    let now = Utc::now();
    for one in all {
        let shell = one.shell.display().to_string();
        let page = if one.is_shown {
            t!("backend.terminals.shown")
        } else {
            t!("backend.terminals.not_shown")
        };
        let idle = time::duration(Duration::from_secs(one.idle_s));
        table.push([
            Cell::from(shortest(all, &one.session)),
            Cell::from(one.project.to_string()),
            Cell::from(one.command.as_ref().unwrap_or(&shell)),
            Cell::from(time::ago(one.started_at, now)),
            Cell::from(idle),
            Cell::from(page),
        ]);
    }
    table
}

/// The sessions that a shell offers, if the daemon tells them in time.
fn sessions() -> Vec<Value> {
    let ask = || {
        let host = Host::real();
        let client = Client::connect(&host, here(&host).as_ref()).ok()?;
        client.terminals().ok()
    };
    let all = in_time(PATIENCE, ask).unwrap_or_default();
    let value = |one: &TerminalInfo| {
        let shell = one.shell.display().to_string();
        let meaning = format!(
            "{}, {}",
            one.project,
            one.command.as_ref().unwrap_or(&shell)
        );
        (shortest(&all, &one.session).to_owned(), meaning)
    };
    all.iter().map(value).collect()
}

/// The one session that `session` is the id of, or the end of it: ids that were given at nearly the same time begin
/// alike.
fn named<'a>(all: &'a [TerminalInfo], session: &str) -> Result<&'a TerminalInfo> {
    let mut fitting = all.iter().filter(|one| one.session.ends_with(session));
    match (fitting.next(), fitting.next()) {
        (Some(one), None) if !session.is_empty() => Ok(one),
        (Some(_), Some(_)) => Err(Error::usage(t!(
            "backend.terminals.ambiguous",
            session = session
        ))),
        _ => Err(
            Error::not_found(t!("backend.terminals.unknown", session = session))
                .hint(t!("backend.terminals.hint_list")),
        ),
    }
}

/// As much of the end of an id as tells it from the others.
fn shortest<'a>(all: &[TerminalInfo], session: &'a str) -> &'a str {
    const LEAST: usize = 6;
    let from = |length: usize| &session[session.len().saturating_sub(length)..];
    let is_alone = |end: &&str| all.iter().filter(|one| one.session.ends_with(*end)).count() <= 1;
    let ends = (LEAST..session.len()).map(from);
    ends.into_iter().find(is_alone).unwrap_or(session)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::project::ProjectId;

    fn one(session: &str) -> TerminalInfo {
        TerminalInfo {
            session: session.to_owned(),
            project: ProjectId::new("p").expect("an id"),
            path: PathBuf::from("/p"),
            command: None,
            shell: PathBuf::from("/bin/sh"),
            pid: 1,
            started_at: Utc::now(),
            generation: 1,
            is_shown: false,
            cols: 80,
            rows: 24,
            idle_s: 0,
        }
    }

    #[test]
    fn a_session_is_named_by_the_end_of_its_id() {
        let all = ["01aaaa0000aaaaaa", "01aaaa0000bbbbbb", "01aaaa0001bbbbbb"].map(one);
        for (name, expected) in [
            ("aaaaaa", Some(0)),
            ("01aaaa0000bbbbbb", Some(1)),
            ("1bbbbbb", Some(2)),
            ("bbbbbb", None),
            ("01aaaa", None),
            ("", None),
        ] {
            let found = named(&all, name).ok().map(|one| one.session.clone());
            let expected = expected.map(|index: usize| all[index].session.clone());
            assert_eq!(found, expected, "{name}");
        }
        for one in &all {
            let short = shortest(&all, &one.session);
            assert_eq!(named(&all, short).expect("alone"), one);
        }
        assert_eq!(shortest(&all, &all[0].session), "aaaaaa");
        assert!(table(&all).to_text(Some(80)).contains("0bbbbbb"));
    }
}
