//! `aim-pip` typed by its own name, to see what it is. Through the hook it is pip to the byte.

use std::path::Path;

use super::call::PipCall;
use crate::hook;
use crate::host::Host;
use crate::words::t;

/// What to say to who types `aim-pip`, `aim-pip --help` or `aim-pip --version`; none for any other call.
pub(super) fn answer(host: &Host) -> Option<String> {
    let (name, args) = host.args().split_first()?;
    if Path::new(name).file_name()? != "aim-pip" {
        return None;
    }
    let version = || format!("aim-pip {} (aim-toolkit)\n", env!("CARGO_PKG_VERSION"));
    match args {
        [] => Some(version() + &explanation(host)),
        [only] if only == "--help" || only == "-h" => Some(version() + &explanation(host)),
        [only] if only == "--version" || only == "-V" => Some(version()),
        _ => None,
    }
}

fn explanation(host: &Host) -> String {
    let call = PipCall::of(host).ok();
    let behind = match call.as_ref().map(PipCall::venv) {
        Some(venv) if hook::is_installed(venv).unwrap_or(false) => {
            t!("shim.own_name.remembered", path = venv.root().display())
        }
        Some(venv) => t!("shim.own_name.no_hook", path = venv.root().display()),
        None => t!("shim.own_name.nothing"),
    };
    let (what, to_type) = (t!("shim.own_name.what"), t!("shim.own_name.to_type"));
    format!("\n{what}\n\n{behind}\n\n{to_type}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_name_and_a_question_are_answered() {
        let said = |args: &[&str]| answer(&Host::fake(args.iter().copied()));
        for args in [
            &["aim-pip"][..],
            &["/x/aim-pip", "--help"],
            &["aim-pip", "--version"],
        ] {
            let text = said(args).expect("words");
            assert!(text.starts_with("aim-pip "), "{text}");
        }
        assert_eq!(said(&["aim-pip", "-V"]).expect("words").lines().count(), 1);
        for args in [
            &["pip"][..],
            &["pip", "--help"],
            &["aim-pip", "install"],
            &["aim-pip", "--help", "install"],
            &["aim-pip", "--aim-hook=1"],
            &[],
        ] {
            assert_eq!(said(args), None, "{args:?}");
        }
    }
}
