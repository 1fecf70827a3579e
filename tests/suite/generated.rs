//! What is made from the code and committed: completions, man pages, and the references of variables, settings,
//! codes and calls.
//!
//! `make review` (`AIM_UPDATE=1`) makes them anew; otherwise these tests compare.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use aim_toolkit::testing::{COMPLETE, Config, ErrorCode, Exit, NodeCode, OF_PYTHON, OTHERS, OURS};
use aim_toolkit::{backend, logs, lsp_cli, venv_sync, worker_cli};
use clap::Command;
use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};

use crate::{api_page, manual};

/// What packages put into `share` of where the programs lie.
const SHARE: &str = "packaging/data/share";

#[test]
fn completions_are_as_the_commands_are() {
    for (name, _) in commands() {
        let shells: [(&dyn EnvCompleter, String); 3] = [
            (&Bash, format!("bash-completion/completions/{name}.bash")),
            (&Zsh, format!("zsh/site-functions/_{name}")),
            (&Fish, format!("fish/vendor_completions.d/{name}.fish")),
        ];
        for (shell, file) in shells {
            let mut text = Vec::new();
            shell
                .write_registration(COMPLETE, name, name, name, &mut text)
                .expect("written");
            let mut text = String::from_utf8(text).expect("utf-8");
            if shell.name() == "zsh" {
                // Where zsh loads the file when the command is first completed, that call is answered, too.
                let function = format!("_clap_dynamic_completer_{}", name.replace('-', "_"));
                let _ = writeln!(
                    text,
                    "if [[ $funcstack[1] == _{name} ]]; then {function} \"$@\"; fi"
                );
            }
            compare(&Path::new(SHARE).join(file), &text);
        }
    }
}

#[test]
fn man_pages_are_as_the_commands_are() {
    let programs = commands().map(|(_, command)| command);
    let pages = manual::pages(&programs);
    for (file, text) in &pages {
        compare(&Path::new(SHARE).join("man/man1").join(file), text);
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(SHARE)
        .join("man/man1");
    let there = std::fs::read_dir(folder).expect("a folder").count();
    assert_eq!(there, pages.len(), "a page of a command that is no more");
}

#[test]
fn the_reference_of_variables_is_as_the_code_is() {
    let mut text = String::from(
        "# Environment variables\n\nMade from `src/env_vars.rs` and the table of settings by `make review`; \
         do not edit.\n\n\
         | variable | purpose |\n| --- | --- |\n",
    );
    let mut line = |name: &str, purpose: &str| {
        let _ = writeln!(text, "| `{name}` | {purpose} |");
    };
    for var in OURS {
        line(var.name, var.purpose);
    }
    for row in Config::default().rows() {
        if let Some(variable) = row.variable {
            let purpose = format!(
                "Over the [setting](settings.md) `{}`: {}.",
                row.name, row.meaning
            );
            line(variable, &purpose);
        }
    }
    for var in OTHERS.iter().chain(OF_PYTHON) {
        line(var.name, var.purpose);
    }
    compare(Path::new("docs/environment.md"), &text);
}

#[test]
fn the_reference_of_settings_is_as_the_code_is() {
    let mut text = String::from(
        "# Settings\n\nMade from the table in `src/project/config.rs` by `make review`; do not edit.\n\n\
         A setting stands in `config.toml` in the platform's configuration folder (`~/.config/aim-toolkit` on Linux), \
         for all projects, or in\na project's `.aim.toml`, which is over it. What you want of a project, whatever its \
         repository says, stands in your own `projects.toml`\nbeside `config.toml`, and is over both: `[all]` is \
         about every project, `[projects.\"/home/kim/demo\"]` about one, and over that.\n`aim-venv-sync enable` and \
         `disable` write there. A variable is over all of them. `aim-venv-sync config` says which value is in force, \
         and why.\n\n\
         `aim-venv-sync config --explain SETTING` says what stands here.\n\n\
         | setting | values | default | variable | meaning |\n| --- | --- | --- | --- | --- |\n",
    );
    let code = |text: &str| match text {
        "" => String::new(),
        text => format!("`{text}`"),
    };
    for row in Config::default().rows() {
        let (default, variable) = (code(&row.default), code(row.variable.unwrap_or_default()));
        let _ = writeln!(
            text,
            "| `{}` | {} | {default} | {variable} | {} |",
            row.name, row.expects, row.meaning
        );
    }
    compare(Path::new("docs/settings.md"), &text);
}

#[test]
fn the_reference_of_codes_is_as_the_code_is() {
    let mut text = String::from(
        "# Codes\n\nMade from `src/api/v1/codes.rs` by `make review`; do not edit. A later version may have more.\n",
    );
    text.push_str(
        "\n## Exit status of the commands\n\nMade from `src/error.rs`. `aim-pip` leaves with pip's own status.\n\n\
         | status | meaning |\n| --- | --- |\n",
    );
    for (status, meaning) in Exit::MEANINGS {
        let _ = writeln!(text, "| {status} | {meaning} |");
    }
    for (heading, codes) in [
        ("In the body of a refused call", ErrorCode::MEANINGS),
        (
            "In the reply to a node that gave no output, not by its own failure",
            NodeCode::MEANINGS,
        ),
    ] {
        let _ = writeln!(text, "\n## {heading}\n\n| code | meaning |\n| --- | --- |");
        for (code, meaning) in codes {
            let _ = writeln!(text, "| `{code}` | {meaning} |");
        }
    }
    compare(Path::new("docs/codes.md"), &text);
}

#[test]
fn the_description_of_the_calls_is_as_the_code_is() {
    let api = backend::described().expect("JSON");
    let mut text = serde_json::to_string_pretty(&api).expect("JSON");
    text.push('\n');
    compare(Path::new("openapi.json"), &text);
    compare(Path::new("docs/api.md"), &api_page::page(&api));
}

/// Every sentence for people, once, side by side, for who reads them through.
#[test]
fn the_list_of_messages_is_as_the_locales_are() {
    let [english, korean] = ["en", "ko"].map(messages);
    let mut text = String::from(
        "# Messages\n\nEvery sentence that the programs say to people. Made from `locales/` by `make review`; do not \
         edit. `%{…}` stands for a\nvalue; the words of things are those of the [glossary](glossary.md).\n",
    );
    let mut room = "";
    for ((key, english), (_, korean)) in english.iter().zip(&korean) {
        let (its_room, key) = key.split_once('.').expect("a room");
        if its_room != room {
            room = its_room;
            let _ = writeln!(
                text,
                "\n## {room}\n\n| key | English | 한국어 |\n| --- | --- | --- |"
            );
        }
        let _ = writeln!(text, "| {key} | {english} | {korean} |");
    }
    compare(Path::new("docs/messages.md"), &text);
}

/// The messages of a language by their whole keys, as cells of a table. `build/words.rs` has checked their form.
fn messages(language: &str) -> BTreeMap<String, String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("locales/{language}.yml"));
    let text = std::fs::read_to_string(file).expect("messages");
    let mut above: Vec<&str> = Vec::new();
    let mut messages = BTreeMap::new();
    for line in text.lines() {
        let Some((key, message)) = line.split_once(':') else {
            continue;
        };
        let name = key.trim_start();
        above.truncate((key.len() - name.len()) / 2);
        above.push(name);
        if let Some(message) = message
            .strip_prefix(" \"")
            .and_then(|rest| rest.strip_suffix('"'))
        {
            let cell = message
                .replace("\\n", "<br>")
                .replace("\\\"", "\"")
                .replace('|', "\\|");
            messages.insert(above.join("."), cell);
        }
    }
    messages
}

fn commands() -> [(&'static str, Command); 5] {
    [
        ("aim-venv-sync", venv_sync::command()),
        ("aim-logs", logs::command()),
        ("aim-worker", worker_cli::command()),
        ("aim-lsp", lsp_cli::command()),
        ("aim-backend", backend::command()),
    ]
}

/// Compares `made` with the committed file, or writes it under `AIM_UPDATE=1`.
/// That `made` is what is committed as `file`, or makes it so.
pub(crate) fn compare(file: &Path, made: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("AIM_UPDATE").is_some() {
        std::fs::write(&path, made).expect("written");
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let lines = || committed.lines().zip(made.lines());
    assert!(
        committed == made,
        "{} is not what the code says; `make review` makes it anew. The first line that differs: {:?}",
        file.display(),
        lines().find(|(committed, made)| committed != made)
    );
}
