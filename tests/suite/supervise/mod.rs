//! `aim-worker supervise`: a command in the foreground that follows its environment.

mod after_change;
mod foreground;
mod listening;
mod loaded;
mod noted;
mod ordered;
mod restarts;
mod site;
mod under_load;
