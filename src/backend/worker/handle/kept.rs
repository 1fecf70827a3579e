//! The objects that workers keep for flows, held by name.
//!
//! **Invariant:** what nobody holds is let go of: dropping the last [`Kept`] tells the worker, as soon as it is free.

use std::sync::Arc;

use super::task_handle::TaskHandle;
use crate::backend::flow::Object;
use crate::backend::worker::task::Control;

/// An object in a worker.
#[derive(Debug, Clone)]
pub struct Kept(Arc<Hold>);

#[derive(Debug)]
struct Hold {
    id: String,
    /// The process that has it.
    pid: u32,
    task: TaskHandle,
}

impl Kept {
    pub(crate) fn new(id: String, pid: u32, task: TaskHandle) -> Self {
        task.objects.hold();
        Self(Arc::new(Hold { id, pid, task }))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.pid
    }

    pub(crate) fn task(&self) -> &TaskHandle {
        &self.0.task
    }
}

impl Object for Kept {
    fn id(&self) -> &str {
        &self.0.id
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let id = std::mem::take(&mut self.id);
        self.task.objects.let_go(self.pid, id);
        // A full queue will look by itself.
        let _ = self.task.ask.try_send(Control::Tidy);
    }
}
