//! The few styles that the commands use, each for one meaning.

use anstyle::{AnsiColor, Style};

/// Headings.
pub const HEADING: Style = Style::new().bold();
/// What can be typed or referred to: ids, names of commands.
pub const NAME: Style = AnsiColor::Cyan.on_default();
/// Went well; was added.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Went badly; was removed.
pub const BAD: Style = AnsiColor::Red.on_default();
/// Needs a look; was changed.
pub const ODD: Style = AnsiColor::Yellow.on_default();
/// Less important.
pub const FAINT: Style = Style::new().dimmed();
/// No style.
pub const PLAIN: Style = Style::new();

/// `text` in `style`.
pub fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}
