//! What a monitor's question costs that asks of many projects.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::http::Connection;
use crate::measure::{quick_turns, row, timed};
use crate::sandbox::{Daemon, Sandbox};

const PROJECTS: usize = 200;

/// All projects, none of which has changed, beside the smallest answer that there is; and a set-up of all of them.
pub(crate) fn rows() {
    let sandbox = Sandbox::new();
    let below = sandbox.root().join("work");
    for number in 0..PROJECTS {
        environment(&below.join(format!("p{number:03}/.venv")));
    }
    let folder = below.to_str().expect("utf-8").to_owned();
    let set_up = timed(|| {
        sandbox
            .run("aim-venv-sync", ["init", "--all", "-y", &folder])
            .ok()
    });
    println!(
        "{:<58} {:>10} {:>10} {:>8}  at most 2 s",
        "init --all, 200 projects",
        "",
        format!("{:.2} s", set_up.as_secs_f64()),
        ""
    );
    let mut serve = sandbox.command("aim-backend");
    let _daemon = Daemon::start(serve.args(["serve", "--projects-root", &folder]));
    let mut connection = Connection::open(&sandbox.socket());
    let expected = format!("\naim_projects {PROJECTS}\n");
    let until = Instant::now() + Duration::from_secs(60);
    while !String::from_utf8_lossy(&connection.get("/metrics")).contains(&expected) {
        assert!(Instant::now() < until, "not all projects are followed");
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut other = Connection::open(&sandbox.socket());
    let (bare, ours) = quick_turns(
        6,
        || timed(|| connection.get("/api/health")),
        || timed(|| other.get("/metrics")),
    );
    row(
        "GET /metrics, 200 projects / GET /api/health",
        bare,
        ours,
        "at most 5 ms",
    );
}

/// As much of an environment as is needed to set it up.
fn environment(venv: &Path) {
    let site = venv.join("lib/python3.11/site-packages");
    let write = |path: PathBuf, text: &str| {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::fs::write(path, text).expect("written");
    };
    write(venv.join("pyvenv.cfg"), "version = 3.11.7\n");
    write(venv.join("bin/pip"), "#!/bin/sh\n");
    write(site.join("pip/__init__.py"), "");
    let metadata = "Name: pip\nVersion: 24.0\n";
    write(site.join("pip-24.0.dist-info/METADATA"), metadata);
    write(site.join("pip-24.0.dist-info/RECORD"), "");
    std::os::unix::fs::symlink("/bin/sh", venv.join("bin/python")).expect("link");
}
