//! Manual pages: one for each program and one for each of its commands, made from the grammar and the tables of exit
//! statuses, variables and settings.

use aim_toolkit::testing::{Config, Exit, OTHERS, OURS};
use clap::Command;
use clap_mangen::Man;
use roff::{Roff, bold, roman};

/// Files that the programs read or write, as the design has them.
const FILES: [(&str, &str); 7] = [
    (
        "~/.config/aim-toolkit/config.toml",
        "Settings for all projects; the folder is the platform's folder of configuration.",
    ),
    (
        "PROJECT/.aim.toml",
        "Settings of one project, over those for all.",
    ),
    (
        "PROJECT/env_meta.json",
        "The environment's generation and its last change.",
    ),
    (
        "PROJECT/.pip-logs/",
        "The history: runs.jsonl, and a log for each run.",
    ),
    (
        "VENV/.aim/",
        "What belongs to one environment: whose it is, its lock, the daemon that serves it.",
    ),
    (
        "~/.local/state/aim-toolkit/projects.json",
        "The projects that are registered with the daemon.",
    ),
    (
        "$XDG_RUNTIME_DIR/aim/backend.sock",
        "The daemon's socket, where AIM_SOCKET names no other.",
    ),
];

/// Each page's file and text.
pub(crate) fn pages(programs: &[Command]) -> Vec<(String, String)> {
    let names: Vec<String> = programs
        .iter()
        .map(|program| program.get_name().to_owned())
        .collect();
    let mut pages = Vec::new();
    for (program, name) in programs.iter().zip(&names) {
        let others = names.iter().filter(|other| *other != name).cloned();
        add(&mut pages, program, name, &others.collect::<Vec<_>>());
    }
    pages
}

/// The page of `command`, and those of its own commands. `beside` are pages that belong with it.
fn add(pages: &mut Vec<(String, String)>, command: &Command, name: &str, beside: &[String]) {
    let below: Vec<String> = verbs(command)
        .map(|verb| format!("{name}-{}", verb.get_name()))
        .collect();
    pages.push(page(command, name, &[below.as_slice(), beside].concat()));
    for (verb, page) in verbs(command).zip(&below) {
        let others = below.iter().filter(|other| *other != page).cloned();
        let beside: Vec<String> = [name.to_owned()].into_iter().chain(others).collect();
        add(pages, verb, page, &beside);
    }
}

fn verbs(program: &Command) -> impl Iterator<Item = &Command> {
    let shown = |verb: &&Command| !verb.is_hide_set() && verb.get_name() != "help";
    program.get_subcommands().filter(shown)
}

fn page(command: &Command, name: &str, related: &[String]) -> (String, String) {
    let version = env!("CARGO_PKG_VERSION");
    let explained = command.get_after_help().map(ToString::to_string);
    let man = Man::new(command.clone())
        .title(name)
        .date("") // the date would change the page with every build
        .source(format!("aim-toolkit {version}"));
    let mut text = Vec::new();
    let parts = [
        Man::render_title,
        Man::render_name_section,
        Man::render_synopsis_section,
        Man::render_description_section,
        Man::render_options_section,
    ];
    for part in parts {
        part(&man, &mut text).expect("rendered");
    }
    if verbs(command).next().is_some() {
        man.render_subcommands_section(&mut text).expect("rendered");
    }
    let mut rest = Roff::new();
    let statuses = Exit::MEANINGS
        .iter()
        .filter(|(status, _)| !(126..=127).contains(status));
    let statuses = statuses.map(|(status, meaning)| (status.to_string(), (*meaning).to_owned()));
    section(&mut rest, "EXIT STATUS", statuses);
    section(
        &mut rest,
        "FILES",
        FILES.map(|(file, meaning)| (file.to_owned(), meaning.to_owned())),
    );
    let variables = OURS
        .iter()
        .chain(OTHERS)
        .map(|var| (var.name.to_owned(), var.purpose.to_owned()));
    let config = Config::default();
    let rows = config.rows();
    let settings = rows.iter().filter_map(|row| {
        let purpose = format!("Over the setting {}: {}.", row.name, row.meaning);
        Some((row.variable?.to_owned(), purpose))
    });
    section(&mut rest, "ENVIRONMENT", variables.chain(settings));
    let examples = explained.as_deref().unwrap_or_default().lines().skip(1);
    let examples: Vec<_> = examples
        .filter_map(|line| line.trim().split_once("  "))
        .map(|(typed, meaning)| (typed.to_owned(), meaning.trim().to_owned()))
        .collect();
    if !examples.is_empty() {
        section(&mut rest, "EXAMPLES", examples);
    }
    let related: Vec<String> = related.iter().map(|page| format!("{page}(1)")).collect();
    rest.control("SH", ["SEE ALSO"])
        .text([roman(related.join(", "))]);
    rest.to_writer(&mut text).expect("rendered");
    (format!("{name}.1"), String::from_utf8(text).expect("utf-8"))
}

fn section(page: &mut Roff, heading: &str, rows: impl IntoIterator<Item = (String, String)>) {
    page.control("SH", [heading]);
    for (term, meaning) in rows {
        page.control("TP", [])
            .text([bold(term)])
            .text([roman(meaning.replace('`', ""))]);
    }
}
