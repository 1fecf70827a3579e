//! Any words as pip's arguments: a NUL parts them, as in /proc/PID/cmdline.
#![no_main]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use aim_toolkit::testing::{Effect, PipCommand};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    let args = line.split(|byte| *byte == 0).map(<[u8]>::to_vec);
    let args: Vec<OsString> = args.map(OsString::from_vec).collect();
    let command = PipCommand::parse(&args);
    if let Some(at) = command.action_at {
        assert_eq!(command.action, args[at].to_string_lossy());
    }
    // What stands before an installation's first word cannot make it a reading command if it has no hyphen.
    let operands = args
        .iter()
        .filter(|arg| !arg.as_encoded_bytes().starts_with(b"-"));
    let install: Vec<OsString> = ["install".into()]
        .into_iter()
        .chain(operands.cloned())
        .collect();
    let install = PipCommand::parse(&install);
    assert_eq!(install.effect, Effect::Changing);
});
