//! The shim stays lean: what only commands and the daemon need is not linked into it.

use std::process::Command;

use crate::sandbox::{program_path, skipped};

#[test]
fn the_shim_has_no_symbol_of_server_client_or_parser() {
    let symbols = |program: &str| {
        let Ok(output) = Command::new("nm")
            .arg("-C")
            .arg(program_path(program))
            .output()
        else {
            skipped("nm (binutils) is not here to read symbols with");
            return None;
        };
        assert!(output.status.success(), "{output:?}");
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (Some(shim), Some(worker)) = (symbols("aim-pip"), symbols("aim-worker")) else {
        return;
    };
    assert!(
        worker.contains("hyper::"),
        "the look at symbols sees nothing even where hyper is"
    );
    for name in [
        "tokio::",
        "hyper::",
        "axum::",
        "reqwest::",
        "clap_builder::",
        "comfy_table::",
    ] {
        let line = shim.lines().find(|line| line.contains(name));
        assert!(line.is_none(), "aim-pip has {name}: {line:?}");
    }
}
