//! Nodes of a flow, each on the environment as it is by then; where that is not recorded, the node says so.

use super::Watch;
use crate::backend::flow::{NodeCall, NodeDone, Runner};
use crate::json::JsonText;

/// A runner whose environment is looked at before every node, not before the first alone: a flow may take long, and
/// where the system tells of no changes nobody else would look in time.
pub(in crate::backend) struct Watched<R> {
    runner: R,
    watch: Watch,
}

impl<R> Watched<R> {
    /// `runner`, in the environment that `watch` watches.
    pub(in crate::backend) fn new(runner: R, watch: Watch) -> Self {
        Self { runner, watch }
    }
}

impl<R: Runner> Runner for Watched<R> {
    type Object = R::Object;

    async fn run(&self, call: NodeCall<R::Object>) -> NodeDone<R::Object> {
        self.watch.catch_up().await;
        let warning = self.watch.warning();
        let done = self.runner.run(call).await;
        NodeDone { warning, ..done }
    }

    async fn display(&self, object: &R::Object) -> Option<String> {
        self.runner.display(object).await
    }

    async fn full_result(&self, node: &str) -> Option<JsonText> {
        self.runner.full_result(node).await
    }
}
