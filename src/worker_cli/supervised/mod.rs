//! Supervised commands, as they are listed (`found`, `shown`) and as somebody asks for something of one (`asked`): what
//! their supervisors wrote down in the environments, and what projects order.

mod asked;
mod found;
mod shown;

pub(super) use asked::{none_of_name, restart, start, stop};
pub(super) use found::{Found, NotRunning, beside, everywhere, of, supervised};
pub(super) use shown::{line, line_of_none, table, without_daemon};
