//! How a process ended, in words.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// Name of the signal that a process died of: `SIGKILL`.
pub(crate) fn signal_name(status: ExitStatus) -> Option<String> {
    let number = status.signal()?;
    let name = signal_hook::low_level::signal_name(number);
    Some(name.map_or_else(|| format!("signal {number}"), str::to_owned))
}

/// "ended with exit code 3", "was killed by SIGKILL".
pub(crate) fn ending(status: ExitStatus) -> String {
    match (signal_name(status), status.code()) {
        (Some(signal), _) => format!("was killed by {signal}"),
        (None, Some(code)) => format!("ended with exit code {code}"),
        (None, None) => "ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_in_words() {
        for (raw, expected) in [
            (3 << 8, "ended with exit code 3"),
            (0, "ended with exit code 0"),
            (9, "was killed by SIGKILL"),
            (11, "was killed by SIGSEGV"),
        ] {
            assert_eq!(ending(ExitStatus::from_raw(raw)), expected);
        }
    }
}
