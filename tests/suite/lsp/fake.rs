//! The scripted server, and a project whose generation a test raises.

use serde_json::{Value, json};

use super::editor::{Editor, Profile, proxy};
use crate::sandbox::Sandbox;

const SCRIPT: &str = include_str!("fake_server.py");

/// A project with an environment, and the scripted server in it.
pub(super) fn world() -> Sandbox {
    let sandbox = Sandbox::ready();
    sandbox.write("fake_server.py", SCRIPT);
    sandbox
}

/// An editor with the scripted server, which obeys `words`.
pub(super) fn editor(sandbox: &Sandbox, words: &str) -> Editor {
    Editor::spawn(command(sandbox, words), Profile::Push)
}

pub(super) fn command(sandbox: &Sandbox, words: &str) -> std::process::Command {
    let python = sandbox.python().path().display().to_string();
    let mut command = proxy(sandbox, &[&python, "fake_server.py"]);
    command.env("AIM_FAKE", words);
    command
}

/// Raises the generation as a run does.
pub(super) fn raise(sandbox: &Sandbox, name: &str) {
    let wheel = sandbox.wheel(name, "1.0");
    sandbox
        .pip([
            "install",
            "--no-index",
            "--no-deps",
            &wheel.display().to_string(),
        ])
        .ok();
}

/// What the server knows.
pub(super) fn known(editor: &mut Editor) -> Value {
    let id = editor.ask("fake/texts", json!({}));
    editor.answer_to(id)["result"].clone()
}
