//! Doors: who may put a file into a project, a cloned repository above all, tries to reach what is outside of it, to
//! hold pip up, or to spoil the history. After each try nothing outside has changed by a byte, and pip worked as ever.

mod allowed;
mod bounds;
mod links;
mod meanwhile;
mod outside;
mod superuser;

use crate::sandbox::{Ran, Sandbox};

/// pip installs as ever, with at most one line of ours.
fn pip_works(sandbox: &Sandbox) -> Ran {
    let wheel = sandbox.wheel("greeting", "1.0");
    let ran = sandbox
        .pip([
            "install",
            "--force-reinstall",
            wheel.to_str().expect("utf-8"),
        ])
        .ok()
        .says("Successfully installed greeting-1.0");
    assert!(ran.stderr().lines().count() <= 1, "{ran:?}");
    ran
}
