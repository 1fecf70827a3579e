//! A future that runs beside its owner and ends with it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::task::JoinHandle;

use crate::backend::supervise::{self, Panicked};

/// The handle on it. It is a future itself; gives `None` if what ran panicked.
#[derive(Debug)]
pub(crate) struct Background<T>(JoinHandle<Result<T, Panicked>>);

impl<T: Send + 'static> Background<T> {
    pub(crate) fn spawn(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self(supervise::spawn("a start", future))
    }

    /// Breaks it off; returns when all that it held is dropped.
    pub(crate) async fn cancel(self) {
        self.0.abort();
        self.await;
    }
}

impl<T> Future for Background<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.0)
            .poll(context)
            .map(|ended| ended.ok()?.ok())
    }
}

impl<T> Drop for Background<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
