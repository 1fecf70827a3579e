//! `aim-worker flow`: the project's flow, told as it goes, then its results.
//!
//! How the nodes fare is talk; the outputs of result nodes are the data.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::attended::{Arrival, Attended};
use super::cli::FlowArgs;
use super::flow_list::NodeList;
use super::reached::Reached;
use super::structure::Stored;
use crate::api::v1::{FlowDone, FlowEvent, FlowEvents, FlowRun};
use crate::console::style::{NAME, paint};
use crate::console::{Console, WaitingLine, cause, time, worker_wait};
use crate::error::{Error, Exit, Explain, Result};
use crate::host::Host;
use crate::json::Json;
use crate::json::laid_out;
use crate::terminal::printable;
use crate::words::t;

/// How often a living list is drawn at most, and at least while a node runs.
const PERIODS: (Duration, Duration) = (Duration::from_millis(40), Duration::from_millis(200));

/// Runs the flow. The exit status tells whether every node succeeded; leaving the command cancels what runs.
pub(super) fn run(
    console: &mut Console,
    host: &Host,
    reached: &Reached,
    args: FlowArgs,
) -> Result<Exit> {
    let structure = reached.project.layout().structure();
    if !structure.is_file() {
        let path = structure.display();
        return Err(Error::failed(t!("worker_cli.flow.none", path = path))
            .hint(t!("worker_cli.flow.hint_none")));
    }
    let stored = Stored::read(&structure);
    let values = args.values.iter().map(|given| &given.id);
    stored.check(args.start.iter().chain(values))?;
    // The run's id in the answer is made of the project's, so it is not named by its folder here.
    let id = reached.client.worker(reached.address())?.project;
    let mut node_values = stored.into_values();
    node_values.extend(args.values.into_iter().map(|given| (given.id, given.value)));
    let flow = FlowRun {
        project_id: id.to_string(),
        start_node_id: args.start,
        node_values,
        max_workers: args.max_workers,
        timeout_sec: args.timeout,
        halt_on_error: !args.keep_going,
        events: Some(FlowEvents::All),
    };
    let client = reached.client.clone();
    // The first event begins the list, which says the rest.
    let mut line = Some(worker_wait::asked(console, &client, reached.address()));
    if console.is_json() {
        let attended = Attended::<(), Json>::begin(move |_| client.flow(&flow))?;
        return answer(console, &attended, line);
    }
    let attended = Attended::begin(move |say| client.flow_events(&flow, say))?;
    let mut shown = Shown::new(console.can_redraw());
    loop {
        let arrival = attended.next(shown.patience());
        line.take();
        match arrival {
            Arrival::Told(event) => shown.tell(event),
            Arrival::Nothing => {}
            Arrival::Ended(done) => {
                let done = done.map_err(with_hint);
                shown.end(console);
                let done = done?;
                console.note(shown.summary());
                for failure in &shown.failures {
                    cause::tell(console, host, &reached.project, failure);
                }
                return results(console, &shown, &done);
            }
            Arrival::Interrupted => {
                shown.cancel();
                shown.end(console);
                console.note(t!("worker_cli.flow.cancelled"));
                return Ok(Exit::Interrupted);
            }
        }
        shown.draw(console);
    }
}

/// With `--json`: the daemon's answer as it is.
fn answer(
    console: &mut Console,
    attended: &Attended<(), Json>,
    mut line: Option<WaitingLine>,
) -> Result<Exit> {
    #[derive(Deserialize)]
    struct Verdict {
        success: bool,
    }
    loop {
        let arrival = attended.next(None);
        line.take();
        match arrival {
            Arrival::Ended(answer) => {
                let answer = answer.map_err(with_hint)?;
                console.json_text(&answer.to_string())?;
                let verdict: Verdict = answer.read().context(t!("api.not_understood"))?;
                return Ok(exit(verdict.success));
            }
            Arrival::Interrupted => {
                console.note(t!("worker_cli.flow.cancelled"));
                return Ok(Exit::Interrupted);
            }
            Arrival::Told(()) | Arrival::Nothing => {}
        }
    }
}

fn exit(success: bool) -> Exit {
    if success { Exit::Done } else { Exit::Failed }
}

/// Where the daemon cannot tell where to start, what to type.
fn with_hint(error: Error) -> Error {
    let why = error.to_string();
    if why.contains(" start nodes found") || why.contains("No start node found") {
        error.hint(t!("worker_cli.flow.hint_start"))
    } else {
        error
    }
}

/// The outputs of result nodes, each under its name.
fn results(console: &mut Console, shown: &Shown, done: &FlowDone) -> Result<Exit> {
    for (id, value) in shown.list.in_order(&done.result_nodes) {
        let name = shown.list.name(id);
        // For an object that stays in its worker, its own text is shown; its reference is for programs.
        let text = match done.object_text(id) {
            Some(text) => text.lines().map(printable).collect::<Vec<_>>().join("\n"),
            None => laid_out(value.as_str()),
        };
        let name = paint(NAME, printable(&name));
        let gap = if text.contains('\n') { '\n' } else { ' ' };
        // Data that is nobody's style goes out untouched.
        console.text(format!("{name}:{gap}"))?;
        console.foreign(format!("{text}\n").as_bytes())?;
    }
    Ok(exit(done.success))
}

/// What stands on the screen of the flow.
struct Shown {
    list: NodeList,
    /// Whether it is redrawn in place.
    is_living: bool,
    /// What nodes said that failed, each once.
    failures: Vec<String>,
    /// Lines that are final and not printed yet.
    lines: Vec<String>,
    /// Lines on the terminal that the next drawing replaces.
    drawn: usize,
    drawn_at: Option<Instant>,
    is_stale: bool,
    began: Instant,
}

impl Shown {
    fn new(is_living: bool) -> Self {
        Self {
            list: NodeList::default(),
            is_living,
            failures: Vec::new(),
            lines: Vec::new(),
            drawn: 0,
            drawn_at: None,
            is_stale: false,
            began: Instant::now(),
        }
    }

    /// How long to wait for an event before it is drawn again.
    fn patience(&self) -> Option<Duration> {
        let period = if self.is_stale { PERIODS.0 } else { PERIODS.1 };
        (self.is_living && (self.is_stale || self.list.is_counting())).then_some(period)
    }

    fn tell(&mut self, event: FlowEvent) {
        match event {
            FlowEvent::Start(nodes) => self.list = NodeList::new(nodes),
            FlowEvent::NodeWaiting(id, waiting) => {
                self.list.waits(&id, waiting, Instant::now());
            }
            FlowEvent::NodeStart(id) => self.list.begins(&id, Instant::now()),
            FlowEvent::NodeComplete(id, result) => {
                self.lines.extend(self.list.settles(&id, &result));
                if result.is_own_failure() && !self.failures.contains(&result.logs) {
                    self.failures.push(result.logs);
                }
            }
            FlowEvent::Complete(_) | FlowEvent::Error(_) | FlowEvent::Other => return,
        }
        self.is_stale = true;
    }

    /// Brings the screen up to date, unless it was a moment ago.
    fn draw(&mut self, console: &mut Console) {
        if !self.is_living {
            for line in self.lines.drain(..) {
                console.note(line);
            }
            return;
        }
        let now = Instant::now();
        let period = if self.is_stale { PERIODS.0 } else { PERIODS.1 };
        if self.drawn_at.is_some_and(|at| now < at + period) {
            return;
        }
        let (columns, rows) = console.talk_size().unwrap_or((80, 24));
        // One row is left for the cursor, and one for the last line that was printed before the list.
        let living = self.list.living(now, columns, rows.saturating_sub(2));
        self.replace(console, &living);
        self.drawn_at = Some(now);
        self.is_stale = false;
    }

    /// Nothing lives any more: what is final stays.
    fn end(&mut self, console: &mut Console) {
        if self.is_living {
            self.replace(console, &[]);
        } else {
            self.draw(console);
        }
    }

    fn cancel(&mut self) {
        self.lines.extend(self.list.cancel());
    }

    fn replace(&mut self, console: &mut Console, living: &[String]) {
        let text: String = self
            .lines
            .drain(..)
            .chain(living.iter().cloned())
            .map(|line| line + "\n")
            .collect();
        console.redraw(self.drawn, &text);
        self.drawn = living.len();
    }

    fn summary(&self) -> String {
        let counts = self.list.counts();
        let took = time::duration(self.began.elapsed());
        t!(
            "worker_cli.flow.summary",
            done = counts.done,
            failed = counts.failed,
            skipped = counts.skipped,
            took = took
        )
        .into_owned()
    }
}
