//! What the history knows of an environment at a time that a person names.

use chrono::{DateTime, Utc};

use crate::console::{Console, history};
use crate::error::Result;
use crate::project::ProjectLayout;
use crate::store::{EnvMeta, Past, RunLog};
use crate::words::t;

/// The history, and what is recorded last.
pub(super) struct Known {
    pub(super) meta: EnvMeta,
    log: RunLog,
    now: DateTime<Utc>,
}

impl Known {
    /// What is known of the project at `layout`.
    ///
    /// # Errors
    /// As [`history::whole`] and [`history::recorded`].
    pub(super) fn read(layout: &ProjectLayout, now: DateTime<Utc>) -> Result<Self> {
        let log = history::whole(layout)?;
        let meta = history::recorded(layout)?;
        Ok(Self { meta, log, now })
    }

    /// What was installed at what `text` names: `now` (also where nothing is said), a time, a generation (`g12`), a
    /// run.
    ///
    /// # Errors
    /// `Exit::NotFound` for what is none of these, and for what lies before the history begins.
    pub(super) fn past(&self, console: &mut Console, text: Option<&str>) -> Result<Past> {
        let moment = history::moment(text.unwrap_or("now"), &self.log, self.now)?;
        let past = history::past(&moment, &self.meta, &self.log)?;
        if past.has_gap {
            console.warn(t!("logs.gap"));
        }
        Ok(past)
    }
}
