//! A few futures that are under way at once.
//!
//! All are polled by whoever waits, without a task for each: a node costs no hand-over between threads, and dropping
//! [`InFlight`] drops, and so cancels, all that is under way. With at most ten, polling every one on each wake costs
//! less than keeping account of which has woken.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Futures with the place that each works for.
pub(super) struct InFlight<T> {
    room: usize,
    busy: Vec<(usize, Work<T>)>,
}

impl<T> InFlight<T> {
    /// Room for `room` futures at once, at least one.
    pub(super) fn new(room: usize) -> Self {
        Self {
            room: room.max(1),
            busy: Vec::new(),
        }
    }

    /// Whether another may begin.
    pub(super) fn has_room(&self) -> bool {
        self.busy.len() < self.room
    }

    /// Begins `work` for `place`.
    pub(super) fn begin(&mut self, place: usize, work: impl Future<Output = T> + Send + 'static) {
        self.busy.push((place, Box::pin(work)));
    }

    /// The next one that ends; `None` when nothing is under way. Nothing is lost when this future is dropped.
    pub(super) async fn next(&mut self) -> Option<(usize, T)> {
        if self.busy.is_empty() {
            return None;
        }
        let ended = poll_fn(|context| {
            for slot in 0..self.busy.len() {
                let (place, work) = &mut self.busy[slot];
                let place = *place;
                if let Poll::Ready(value) = work.as_mut().poll(context) {
                    drop(self.busy.remove(slot));
                    return Poll::Ready((place, value));
                }
            }
            Poll::Pending
        });
        Some(ended.await)
    }
}
