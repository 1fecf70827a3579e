//! Events, as a page hears them.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::{RUN, World, generation};
use crate::api::v1::{EnvChanged, Event, EventKind};
use crate::project::ProjectId;

/// Somebody who listens.
pub(super) struct Ear {
    lines: BufReader<UnixStream>,
    last_id: String,
}

impl Ear {
    /// Listens from now on, or after `last_id`; returns when the daemon has heard of it.
    pub(super) fn to(world: &World, query: &str, last_id: Option<&str>) -> Self {
        let mut stream = UnixStream::connect(world.path("s")).expect("connects");
        let patience = Some(Duration::from_secs(60));
        stream.set_read_timeout(patience).expect("a limit");
        let header = last_id.map(|id| format!("last-event-id: {id}\r\n"));
        let header = header.unwrap_or_default();
        write!(
            stream,
            "GET /api/v1/events{query} HTTP/1.1\r\nhost: aim\r\n{header}\r\n"
        )
        .expect("sent");
        let mut ear = Self {
            lines: BufReader::new(stream),
            last_id: String::new(),
        };
        assert!(ear.line().expect("a status").contains("200"));
        while !ear.line().expect("a header").is_empty() {}
        ear
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = self.lines.read_line(&mut line).expect("in time");
        (length > 0).then(|| line.trim_end().to_owned())
    }

    /// The next event; none at the end.
    pub(super) fn next(&mut self) -> Option<Event> {
        let mut kind = String::new();
        loop {
            let line = self.line()?;
            if let Some(name) = line.strip_prefix("event: ") {
                name.clone_into(&mut kind);
            } else if let Some(id) = line.strip_prefix("id: ") {
                id.clone_into(&mut self.last_id);
            } else if let Some(json) = line.strip_prefix("data: ") {
                // Whatever the order of the fields, the event ends with an empty line.
                while let Some(line) = self.line()
                    && !line.is_empty()
                {
                    if let Some(name) = line.strip_prefix("event: ") {
                        name.clone_into(&mut kind);
                    } else if let Some(id) = line.strip_prefix("id: ") {
                        id.clone_into(&mut self.last_id);
                    }
                }
                let event: Event = serde_json::from_str(json).expect("an event");
                assert_eq!(event.kind.name(), kind);
                return Some(event);
            }
        }
    }

    fn expect(&mut self, kind: EventKind, generation: u64) -> Event {
        let event = self.next().expect("an event");
        assert_eq!(
            (event.kind, event.generation),
            (kind, Some(generation)),
            "{event:?}"
        );
        event
    }
}

#[test]
fn an_answer_has_begun_before_there_is_anything_to_tell() {
    let world = World::new();
    let mut ear = Ear::to(&world, "", None);
    // The size of the chunk, then the chunk.
    ear.line().expect("a size");
    assert_eq!(ear.line().as_deref(), Some(": from here on"));
}

#[test]
fn a_change_is_told_from_the_run_to_the_worker() {
    let world = World::new();
    let Some(project) = world.living_project("p") else {
        return;
    };
    generation(&project, 1);
    let client = world.client();
    let mut ear = Ear::to(&world, "", None);
    let pid = client.start(&project).expect("started").pid;
    ear.expect(EventKind::WorkerStarting, 1);
    let ready = ear.expect(EventKind::WorkerReady, 1);
    assert_eq!(
        (ready.pid, ready.project.as_ref().map(ProjectId::as_str)),
        (pid, Some("p"))
    );
    generation(&project, 2);
    let change = EnvChanged {
        generation: 2,
        run_id: Some(RUN.to_owned()),
        wait_s: Some(60.0),
    };
    client.env_changed(&project, &change).expect("told");
    let run = ear.expect(EventKind::RunFinished, 2);
    assert_eq!((run.run_id.as_deref(), run.number), (Some(RUN), Some(2)));
    let place = ear.last_id.clone();
    let changed = ear.expect(EventKind::EnvChanged, 2);
    assert_eq!(changed.run_id.as_deref(), Some(RUN));
    assert_eq!(changed.number, Some(2));
    ear.expect(EventKind::WorkerStarting, 2);
    ear.expect(EventKind::WorkerReady, 2);

    // Somebody who was away, and asks for another project's events, too.
    let mut again = Ear::to(&world, "?project=p", Some(&place));
    again.expect(EventKind::EnvChanged, 2);
    again.expect(EventKind::WorkerStarting, 2);
    let mut stranger = Ear::to(&world, "?project=p", Some("another-daemons-1"));
    assert_eq!(stranger.next().expect("an event").kind, EventKind::Gap);
    stranger.expect(EventKind::WorkerStarting, 1);
}

#[test]
fn only_the_projects_own_events_are_told_and_failures_with_their_reason() {
    let world = World::new();
    let (mine, other) = (world.project("root/mine"), world.project("root/other"));
    let client = world.client();
    assert_eq!(world.get("/api/v1/events?project=nobody").0, 404);
    let mut ear = Ear::to(&world, "?project=mine", None);
    for project in [&other, &mine] {
        client.start(project).expect_err("no interpreter");
    }
    let starting = ear.expect(EventKind::WorkerStarting, 0);
    assert_eq!(
        starting.project.as_ref().map(ProjectId::as_str),
        Some("mine")
    );
    let failed = ear.expect(EventKind::WorkerFailed, 0);
    assert!(
        failed
            .reason
            .as_deref()
            .is_some_and(|why| why.contains("interpreter is gone")),
        "{failed:?}"
    );
}

#[test]
fn who_listens_is_let_go_at_the_end() {
    let mut world = World::new();
    let mut ear = Ear::to(&world, "", None);
    world.end();
    assert_eq!(ear.next(), None);
}
