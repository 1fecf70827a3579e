//! Any file as a launcher, and as the script that a launcher stands for.
#![no_main]

use aim_toolkit::testing::Launcher;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let launcher = Launcher::parse(file).unwrap_or_else(|| Launcher {
        aim_pip: "/usr/bin/aim-pip".into(),
    });
    let bytes = launcher.to_bytes(Some(file));
    assert_eq!(Launcher::parse(&bytes), Some(launcher));
});
