//! One session: a shell on its terminal, what it has put out, and the page that it is shown on, if any.
//!
//! One task owns all of it, so that a key goes from the page to the shell, and its echo back, without a change of task.
//! It does whatever can be done at the moment and then waits for the next thing to happen ([`Session::poll`]).
//!
//! **Invariant:** a session lives exactly as long as its task. When that ends, no descriptor is left, and no process
//! but what a shell that ended by itself has left running, as on any terminal.

mod handed;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::process::ExitStatus;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep, sleep_until, timeout};

pub(super) use self::handed::HandedSession;
use super::drawing::{Drawing, Size};
use super::input::Input;
use super::output::Output;
use super::page::{Heard, Page};
use super::protocol::{Farewell, FromPage, exit};
use super::pty::Pty;
use super::shell::Shell;
use crate::backend::supervise;
use crate::backend::web_socket::Came;

/// How long a terminal is a row too small when its program is to draw again: a program may look at the size a while
/// after it was told of another, and draws nothing where it finds the one that it knows.
const SMALLER: Duration = Duration::from_millis(250);

/// How long the shell must have said nothing before the screen is drawn.
const QUIET: Duration = Duration::from_millis(100);

/// How long a shell that is hung up has to end, before it is killed.
const GRACE: Duration = Duration::from_secs(1);

/// How long the last of the output may take to come once the shell has ended.
const REST: Duration = Duration::from_millis(500);

/// What others ask of a session.
#[derive(Debug)]
pub(super) enum Order {
    /// To be shown on this page.
    Show(Box<Visit>),
    /// To end.
    End(Farewell),
    /// To tell how it is.
    Tell(oneshot::Sender<Told>),
    /// To go to the program that takes this one's place.
    HandOver(oneshot::Sender<HandedSession>),
}

/// A page that comes.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) came: Came,
    /// How far it has seen the stream.
    pub(super) seen: Option<u64>,
    /// The number of its last visit, if it says so.
    pub(super) last: Option<u64>,
    pub(super) size: Option<Size>,
    /// What it is to be told beside the stream.
    pub(super) events: Option<mpsc::Receiver<String>>,
}

/// How a session is.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) pid: u32,
    /// The group of processes that has the terminal.
    pub(super) foreground: Option<u32>,
    pub(super) is_shown: bool,
    pub(super) size: Size,
    /// For how long nothing was typed and nothing printed.
    pub(super) idle: Duration,
}

/// One session.
pub(super) struct Session {
    id: String,
    pty: Pty,
    size: Size,
    output: Output,
    input: Input,
    page: Option<Page>,
    /// How many pages have come.
    visits: u64,
    orders: mpsc::UnboundedReceiver<Order>,
    /// Nothing was typed and nothing printed since.
    still_since: Instant,
    /// After so long a stillness it ends.
    idle: Option<Duration>,
    drawing: Option<oneshot::Receiver<Drawing>>,
    /// The terminal is a row too small until then, so that the program draws its screen again.
    smaller_until: Option<Instant>,
    alarm: Pin<Box<Sleep>>,
    buffer: Buffer,
}

/// What a session leaves that has ended.
pub(super) struct Parting {
    /// How the shell ended, if that is known.
    pub(super) status: Option<ExitStatus>,
    /// The page that is to get the rest of the output, and the reason.
    page: Option<(Page, Output)>,
}

impl Parting {
    /// Tells the page; returns when it is gone.
    pub(super) async fn tell(self) {
        if let Some((page, output)) = self.page {
            let farewell = self.status.map_or(Farewell::Ended, Farewell::Exited);
            page.part(Some(output), self.status.map(exit), &farewell)
                .await;
        }
    }
}

/// Where all sessions of a thread read to.
type Buffer = std::sync::Arc<crate::backend::locked::Locked<Vec<u8>>>;

/// What happened.
enum Happened {
    Ordered(Order),
    Heard(Heard),
    Exited(io::Result<ExitStatus>),
    Drawn(Option<Drawing>),
    Alarm,
}

impl Session {
    /// Starts `shell` in a terminal of `size`.
    pub(super) fn start(
        id: &str,
        shell: &Shell,
        size: Size,
        idle: Option<Duration>,
        orders: mpsc::UnboundedReceiver<Order>,
        buffer: Buffer,
    ) -> io::Result<Self> {
        Ok(Self {
            id: id.to_owned(),
            pty: Pty::start(shell, size)?,
            size,
            output: Output::default(),
            input: Input::default(),
            page: None,
            visits: 0,
            orders,
            still_since: Instant::now(),
            idle,
            drawing: None,
            smaller_until: None,
            alarm: Box::pin(sleep_until(Instant::now())),
            buffer,
        })
    }

    /// Lives until the shell ends, or is to end. Gives what is left to be said then; nothing where it was handed over.
    pub(super) async fn live(mut self) -> Option<Parting> {
        loop {
            match poll_fn(|context| self.poll(context)).await {
                Happened::Ordered(Order::Show(visit)) => self.show(*visit).await,
                Happened::Ordered(Order::Tell(asks)) => drop(asks.send(self.told())),
                Happened::Ordered(Order::HandOver(to)) => {
                    let _ = to.send(self.hand_over().await);
                    return None;
                }
                Happened::Ordered(Order::End(farewell)) => return Some(self.end(farewell).await),
                Happened::Heard(Heard::Said(said)) => match said {
                    FromPage::Close => return Some(self.end(Farewell::Ended).await),
                    FromPage::Input { data } => {
                        self.input.push(&data);
                        self.still_since = Instant::now();
                    }
                    FromPage::Resize { cols, rows } => self.resize(sized(cols, rows)),
                    FromPage::Ack { .. } | FromPage::Ping => {}
                },
                Happened::Heard(Heard::Gone(farewell)) => self.leave(farewell),
                Happened::Drawn(drawing) => {
                    self.drawing = None;
                    if let Some(drawing) = drawing {
                        self.output.drawn(drawing);
                    }
                }
                Happened::Exited(status) => return Some(self.exited(status.ok()).await),
                Happened::Alarm => {
                    if let Some(farewell) = self.alarmed() {
                        return Some(self.end(farewell).await);
                    }
                }
            }
        }
    }

    /// Does what can be done, and says what happened that is to be decided on.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Happened> {
        if let Poll::Ready(Some(order)) = self.orders.poll_recv(context) {
            return Poll::Ready(Happened::Ordered(order));
        }
        let typed = self.pty.poll_write(context, &mut self.input);
        // While the terminal takes no more, the page waits; its socket is full at some time, and it stops sending.
        let is_deaf = typed.is_pending() && self.input.is_plenty();
        if let Some(page) = self.page.as_mut().filter(|_| !is_deaf)
            && let Poll::Ready(heard) = page.poll_heard(context)
        {
            return Poll::Ready(Happened::Heard(heard));
        }
        let keeps_up = |page: &Option<Page>, output: &Output| {
            page.as_ref()
                .is_none_or(|page| page.keeps_up(output, is_deaf))
        };
        let (may_read, mut was_read) = (keeps_up(&self.page, &self.output), false);
        if may_read {
            let mut buffer = self.buffer.lock();
            was_read = self
                .pty
                .poll_read(context, &mut buffer, &mut self.output)
                .is_ready();
        }
        if was_read {
            self.still_since = Instant::now();
        }
        if let Some(page) = &mut self.page
            && page.poll_sent(context, &self.output).is_ready()
        {
            return Poll::Ready(Happened::Heard(Heard::Gone(None)));
        }
        if let Poll::Ready(status) = self.pty.poll_exit(context) {
            return Poll::Ready(Happened::Exited(status));
        }
        if let Some(drawing) = &mut self.drawing
            && let Poll::Ready(drawing) = Pin::new(drawing).poll(context)
        {
            return Poll::Ready(Happened::Drawn(drawing.ok()));
        }
        if (was_read || !may_read) && keeps_up(&self.page, &self.output) {
            // There may be more to read, or room for it again; others have their turn first.
            context.waker().wake_by_ref();
        }
        self.poll_alarm(context).map(|()| Happened::Alarm)
    }

    fn poll_alarm(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let page = self.page.as_ref().map(Page::due);
        let drawing = (self.drawing.is_none() && self.output.wants_drawing())
            .then(|| self.still_since + QUIET);
        let idle = self.idle.map(|idle| self.still_since + idle);
        let Some(next) = [page, drawing, idle, self.smaller_until]
            .into_iter()
            .flatten()
            .min()
        else {
            return Poll::Pending;
        };
        // One that is later than the alarm is looked for again when that rings.
        if self.alarm.is_elapsed() || self.alarm.deadline() > next {
            self.alarm.as_mut().reset(next);
        }
        match self.alarm.as_mut().poll(context) {
            Poll::Ready(()) if next <= Instant::now() => Poll::Ready(()),
            Poll::Ready(()) => {
                self.alarm.as_mut().reset(next);
                self.alarm.as_mut().poll(context)
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Does what is due; gives why it is to end, if it is.
    fn alarmed(&mut self) -> Option<Farewell> {
        let still = self.still_since.elapsed();
        if self.idle.is_some_and(|idle| still >= idle) {
            return Some(Farewell::Idle);
        }
        if still >= QUIET && self.drawing.is_none() && self.output.wants_drawing() {
            let draw = self.output.draw(self.size);
            let (sender, drawing) = oneshot::channel();
            self.drawing = Some(drawing);
            supervise::spawn("a drawing", async move {
                if let Ok(drawing) = supervise::blocking("a drawing", draw).await {
                    let _ = sender.send(drawing);
                }
            });
        }
        if self
            .smaller_until
            .is_some_and(|until| until <= Instant::now())
        {
            self.smaller_until = None;
            self.pty.resize(self.size);
        }
        if self
            .page
            .as_mut()
            .is_some_and(|page| !page.is_there(Instant::now()))
        {
            self.leave(None);
        }
        None
    }

    /// Is shown on the page that comes; one that it was shown on is told.
    async fn show(&mut self, visit: Visit) {
        self.leave(Some(Farewell::TakenOver));
        let others = visit.last.is_some_and(|last| last != self.visits);
        let replay = self.output.replay(visit.seen, others);
        let is_in_doubt = replay.is_in_doubt;
        self.visits += 1;
        let (came, number) = (visit.came, self.visits);
        self.page = Some(Page::new(came, &self.id, number, replay, visit.events).await);
        self.resize(visit.size);
        if is_in_doubt {
            let rows = (self.size.rows - 1).max(1);
            self.pty.resize(Size { rows, ..self.size });
            self.smaller_until = Some(Instant::now() + SMALLER);
        }
    }

    /// Is shown on no page any more.
    fn leave(&mut self, farewell: Option<Farewell>) {
        let Some(page) = self.page.take() else {
            return;
        };
        self.output.answered(page.place());
        if let Some(farewell) = farewell {
            supervise::spawn("a goodbye", async move {
                page.part(None, None, &farewell).await;
            });
        }
    }

    fn resize(&mut self, size: Option<Size>) {
        if let Some(size) = size.filter(|size| *size != self.size) {
            self.size = size;
            self.smaller_until = None;
            self.pty.resize(size);
        }
    }

    fn told(&self) -> Told {
        let foreground = self.pty.foreground();
        Told {
            pid: self.pty.pid(),
            foreground: foreground.map(|group| group.as_raw_nonzero().get().unsigned_abs()),
            is_shown: self.page.is_some(),
            size: self.size,
            idle: self.still_since.elapsed(),
        }
    }

    /// The shell has ended by itself: what it put out last goes to the page before that is told so.
    async fn exited(mut self, status: Option<ExitStatus>) -> Parting {
        let rest = poll_fn(|context| {
            let mut buffer = self.buffer.lock();
            while self
                .pty
                .poll_read(context, &mut buffer, &mut self.output)
                .is_ready()
            {}
            if self.pty.is_over() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        let _ = timeout(REST, rest).await;
        let Self { page, output, .. } = self;
        Parting {
            status,
            page: page.map(|page| (page, output)),
        }
    }

    /// The shell is ended, and the page told why.
    async fn end(mut self, farewell: Farewell) -> Parting {
        let page = self.page.take();
        let told = async {
            if let Some(page) = page {
                page.part(None, None, &farewell).await;
            }
        };
        let ((), ended) = tokio::join!(told, self.end_shell());
        Parting {
            status: ended.ok(),
            page: None,
        }
    }

    async fn end_shell(&mut self) -> io::Result<ExitStatus> {
        self.pty.hang_up();
        let ended = timeout(GRACE, poll_fn(|context| self.pty.poll_exit(context))).await;
        self.pty.kill();
        match ended {
            Ok(status) => status,
            Err(_) => poll_fn(|context| self.pty.poll_exit(context)).await,
        }
    }
}

/// A size that a page asks for; none where that is no size.
pub(super) fn sized(cols: u64, rows: u64) -> Option<Size> {
    const MOST: u64 = 2_000;
    let fits = |count: u64| {
        u16::try_from(count.min(MOST))
            .ok()
            .filter(|count| *count > 0)
    };
    Some(Size {
        cols: fits(cols)?,
        rows: fits(rows)?,
    })
}
