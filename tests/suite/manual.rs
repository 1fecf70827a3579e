//! Manual pages: one for each program and one for each of its commands, made from the grammar and the tables of exit
//! statuses, variables and settings; that of `aim-pip`, which has no grammar, from the words here.

use std::ops::RangeInclusive;

use aim_toolkit::testing::{Config, EnvVar, Exit, OTHERS, OURS};
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

/// Exit statuses that no other program has.
const OF_THE_SHIM: RangeInclusive<u8> = 126..=127;

/// What it is, to who has found it in a list of processes.
const SHIM: [&str; 4] = [
    "It stands in front of pip and remembers what pip changes. Nobody needs to type its name: where the hook is in an \
     environment (aim-venv-sync init puts it there), pip, pip3, pip3.X and python -m pip lead here by themselves, and \
     pip runs as ever: the same output to the byte, the same terminal, the same signals, the same exit status.",
    "Commands that only read (list, show, freeze, …) go straight on to pip. A command that may change the environment \
     waits for another one that is at work there, and runs; then its log and its record are written, the number of the \
     environment's generation is raised if something changed, and the daemon is told, if one runs. aim-logs shows the \
     record and takes it back.",
    "It has no option of its own: every argument is pip's. Called by its own name, with nothing, --help or --version, \
     it says what it is and whose pip is behind it. A failure of its own never keeps pip from running, and is at most \
     one line on standard error after pip has ended.",
    "Switched off: AIM_PIP_BYPASS=1 for one call, enabled = false in the settings for a project or for all, \
     aim-venv-sync remove for an environment.",
];

/// Files that it has beside those of all programs.
const FILES_OF_THE_SHIM: [(&str, &str); 1] = [(
    "VENV/lib/python3.X/site-packages/00_aim_pip.pth",
    "The hook, by which an environment's pip leads here.",
)];

/// Variables that it reads, beside those of settings.
const VARIABLES_OF_THE_SHIM: [&str; 6] = [
    "AIM_PIP_BYPASS",
    "AIM_PIP_GUARD",
    "AIM_SOCKET",
    "AIM_LANG",
    "XDG_RUNTIME_DIR",
    "LC_ALL, LC_MESSAGES, LANG",
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
        let beside = others.chain(["aim-pip".to_owned()]);
        add(&mut pages, program, name, &beside.collect::<Vec<_>>());
    }
    pages.push(shim(&names));
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
        .filter(|(status, _)| !OF_THE_SHIM.contains(status));
    section(&mut rest, "EXIT STATUS", statuses.map(row));
    section(&mut rest, "FILES", FILES.map(owned));
    let variables = OURS.iter().chain(OTHERS).map(variable);
    section(&mut rest, "ENVIRONMENT", variables.chain(settings()));
    let examples = examples(explained.as_deref().unwrap_or_default());
    if !examples.is_empty() {
        section(&mut rest, "EXAMPLES", examples);
    }
    see_also(&mut rest, related);
    rest.to_writer(&mut text).expect("rendered");
    (format!("{name}.1"), String::from_utf8(text).expect("utf-8"))
}

/// What is typed and what it means, of the examples of a help text, whose meanings may stand below.
fn examples(text: &str) -> Vec<(String, String)> {
    let mut examples: Vec<(String, String)> = Vec::new();
    for line in text.lines().skip(1) {
        if let (Some(more), Some((_, meaning))) = (line.strip_prefix("      "), examples.last_mut())
        {
            let gap = if meaning.is_empty() { "" } else { " " };
            meaning.push_str(gap);
            meaning.push_str(more);
        } else {
            let (typed, meaning) = line.trim().split_once("  ").unwrap_or((line.trim(), ""));
            examples.push((typed.to_owned(), meaning.trim().to_owned()));
        }
    }
    examples
}

/// The page of `aim-pip`, whose options are pip's own.
fn shim(related: &[String]) -> (String, String) {
    let version = format!("aim-toolkit {}", env!("CARGO_PKG_VERSION"));
    let mut page = Roff::new();
    page.control("TH", ["aim-pip", "1", "", &version]);
    let paragraph = |page: &mut Roff, text: &str| {
        page.control("PP", []).text([roman(text)]);
    };
    page.control("SH", ["NAME"]).text([roman(
        "aim-pip - pip, whose changes of an environment are remembered",
    )]);
    page.control("SH", ["SYNOPSIS"])
        .text([bold("pip"), roman(" ARGUMENTS…")])
        .control("br", [])
        .text([bold("python -m pip"), roman(" ARGUMENTS…")])
        .control("br", [])
        .text([bold("aim-pip"), roman(" [--help | --version]")]);
    page.control("SH", ["DESCRIPTION"]);
    for text in SHIM {
        paragraph(&mut page, text);
    }
    let statuses = Exit::MEANINGS
        .iter()
        .filter(|(status, _)| OF_THE_SHIM.contains(status));
    let own = [(
        "any other",
        "pip's own; where a signal ended pip, it ends aim-pip, too.",
    )];
    section(
        &mut page,
        "EXIT STATUS",
        own.map(owned).into_iter().chain(statuses.map(row)),
    );
    let files = FILES.into_iter().chain(FILES_OF_THE_SHIM);
    section(&mut page, "FILES", files.map(owned));
    let read = |name: &str| VARIABLES_OF_THE_SHIM.contains(&name);
    let variables = OURS.iter().chain(OTHERS).filter(|var| read(var.name));
    section(
        &mut page,
        "ENVIRONMENT",
        variables.map(variable).chain(settings()),
    );
    let examples = [
        (
            "pip install requests",
            "pip, as always; `aim-logs` shows what it changed",
        ),
        (
            "AIM_PIP_BYPASS=1 pip install requests",
            "pip alone, for one call: nothing is remembered",
        ),
        (
            "aim-pip --help",
            "whose pip is behind it here, and whether its changes are remembered",
        ),
    ];
    section(&mut page, "EXAMPLES", examples.map(owned));
    see_also(&mut page, related);
    let mut text = Vec::new();
    page.to_writer(&mut text).expect("rendered");
    (
        "aim-pip.1".to_owned(),
        String::from_utf8(text).expect("utf-8"),
    )
}

fn owned((term, meaning): (&str, &str)) -> (String, String) {
    (term.to_owned(), meaning.to_owned())
}

fn row((status, meaning): &(u8, &str)) -> (String, String) {
    (status.to_string(), (*meaning).to_owned())
}

fn variable(var: &EnvVar) -> (String, String) {
    owned((var.name, var.purpose))
}

/// The variables of settings.
fn settings() -> Vec<(String, String)> {
    let config = Config::default();
    let rows = config.rows();
    let variables = rows.iter().filter_map(|row| {
        let purpose = format!("Over the setting {}: {}.", row.name, row.meaning);
        Some((row.variable?.to_owned(), purpose))
    });
    variables.collect()
}

fn see_also(page: &mut Roff, related: &[String]) {
    let related: Vec<String> = related.iter().map(|page| format!("{page}(1)")).collect();
    page.control("SH", ["SEE ALSO"])
        .text([roman(related.join(", "))]);
}

fn section(page: &mut Roff, heading: &str, rows: impl IntoIterator<Item = (String, String)>) {
    page.control("SH", [heading]);
    for (term, meaning) in rows {
        page.control("TP", [])
            .text([bold(term)])
            .text([roman(meaning.replace('`', ""))]);
    }
}
