//! What a program does not need is not linked into it.

use std::process::Command;

use crate::sandbox::{program_path, skipped};

#[test]
fn each_program_has_only_what_it_needs() {
    let (parser, client) = ("clap_builder::", "ureq::");
    let server = ["tokio::", "hyper::", "axum::", "utoipa::"];
    let all = [&server[..], &[parser, client]].concat();
    check("aim-pip", &["aim_toolkit::"], &all);
    check("aim-logs", &[parser], &[&server[..], &[client]].concat());
    check("aim-worker", &[parser, client], &server);
    check("aim-lsp", &[parser], &[&server[..], &[client]].concat());
    check("aim-venv-sync", &[parser, client], &server);
    #[cfg(feature = "backend")]
    check("aim-backend", &server, &[]);
}

/// Looks into `program`: all of `there` must be seen, or the look is worth nothing, and none of `absent`.
fn check(program: &str, there: &[&str], absent: &[&str]) {
    let Ok(output) = Command::new("nm")
        .arg("-C")
        .arg(program_path(program))
        .output()
    else {
        skipped("nm (binutils) is not here to read symbols with");
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let symbols = String::from_utf8_lossy(&output.stdout);
    for name in there {
        assert!(symbols.contains(name), "{name} is not seen in {program}");
    }
    for name in absent {
        let line = symbols.lines().find(|line| line.contains(name));
        assert!(line.is_none(), "{program} has {name}: {line:?}");
    }
}
