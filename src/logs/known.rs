//! What the history knows of an environment at a time that a person names.

use chrono::{DateTime, Utc};

use crate::console::{Console, history};
use crate::error::{Error, Result};
use crate::project::ProjectLayout;
use crate::store::{EnvMeta, MetaState, Past, RunLog};
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
    /// `Exit::NotFound` where nothing is recorded; when what is cannot be read.
    pub(super) fn read(layout: &ProjectLayout, now: DateTime<Utc>) -> Result<Self> {
        let log = history::whole(layout)?;
        match EnvMeta::read(layout) {
            (meta, MetaState::Present) => Ok(Self { meta, log, now }),
            (_, MetaState::Absent) => Err(Error::not_found(t!("logs.none_yet"))),
            (_, MetaState::Broken(why)) => Err(Error::failed(why).hint(t!("logs.hint_sync"))),
        }
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
