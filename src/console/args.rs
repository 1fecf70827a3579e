//! The options that every command has, and help texts in the person's language.

use std::borrow::Cow;
use std::path::PathBuf;

use clap::builder::Styles;
use clap::{Arg, ArgAction, Args, Command, CommandFactory, ValueEnum};
use clap_complete::PathCompleter;

use super::candidate::{projects, values_or};
use super::style::{NAME, paint};
use super::width::{columns, of_data, wrapped};
use crate::words::t;

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Options of every command (design, section 11). Put it into a clap type with `#[command(flatten)]`.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = t!("console.help.common").into_owned())]
pub struct CommonArgs {
    /// The project, by folder or by the daemon's id.
    #[arg(
        long,
        global = true,
        value_name = t!("console.help.project_value").into_owned(),
        help = t!("console.help.project").into_owned(),
        add = values_or(projects, PathCompleter::dir())
    )]
    pub project: Option<String>,

    /// The environment, by folder.
    #[arg(
        long,
        global = true,
        conflicts_with = "project",
        value_name = t!("console.help.env_value").into_owned(),
        help = t!("console.help.env").into_owned()
    )]
    pub env: Option<PathBuf>,

    /// Data as JSON.
    #[arg(long, global = true, help = t!("console.help.json").into_owned())]
    pub json: bool,

    /// Only data and errors.
    #[arg(long, short, global = true, help = t!("console.help.quiet").into_owned())]
    pub quiet: bool,

    /// More detail.
    #[arg(long, short, global = true, conflicts_with = "quiet", help = t!("console.help.verbose").into_owned())]
    pub verbose: bool,

    /// When to use colour.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        hide_default_value = true,
        value_name = "auto|always|never",
        help = t!("console.help.color").into_owned()
    )]
    pub color: ColorWhen,
}

/// The grammar of a command: the clap type's, with every heading and built-in option in the chosen language.
/// Completions and manual pages are made from the same value.
pub fn grammar<P: CommandFactory>() -> Command {
    let mut command = localized(P::command());
    // clap adds the `help` sub-command only when it builds; its sentence is English until it is replaced.
    command.build();
    explained(command)
}

/// `command` with our sentence for each `help` in it.
fn explained(command: Command) -> Command {
    command.mut_subcommands(|sub| match sub.get_name() {
        "help" => sub.about(t!("console.help.help_command").into_owned()),
        _ => explained(sub),
    })
}

/// Columns of a help text where nobody says how many there are, and at most: as clap has it.
const HELP_WIDTH: usize = 100;

/// Examples for the end of a help text: what to type, and what it does.
pub fn examples(rows: &[(&str, Cow<'_, str>)]) -> String {
    let widest = rows
        .iter()
        .map(|(line, _)| columns(line))
        .max()
        .unwrap_or(0);
    let width = of_data().unwrap_or(HELP_WIDTH).min(HELP_WIDTH);
    let fits = |meaning: &str| 2 + widest + 2 + columns(meaning) <= width;
    let stands_beside = rows.iter().all(|(_, meaning)| fits(meaning));
    let heading = heading(&t!("console.help.examples"));
    rows.iter().fold(heading, |text, (line, meaning)| {
        let shown = paint(NAME, line);
        if stands_beside {
            let room = " ".repeat(widest - columns(line));
            return format!("{text}\n  {shown}{room}  {meaning}");
        }
        let meaning = wrapped(meaning, width.saturating_sub(6)).join("\n      ");
        format!("{text}\n  {shown}\n      {meaning}")
    })
}

/// A heading as clap prints its own.
fn heading(words: &str) -> String {
    paint(*Styles::styled().get_header(), format!("{words}:"))
}

/// Where help and version stand among the common options.
const LAST: usize = 900;

fn localized(command: Command) -> Command {
    let has_version = command.get_version().is_some();
    let command = command
        .help_template(format!(
            "{{before-help}}{{about-with-newline}}\n{} {{usage}}\n\n{{all-args}}{{after-help}}",
            heading(&t!("console.help.usage"))
        ))
        .subcommand_help_heading(t!("console.help.commands").into_owned())
        .subcommand_value_name(t!("console.help.command_value").into_owned())
        .mut_args(|arg| {
            // They stand in the help's own sentence, in the person's language.
            let is_hidden = arg.get_action().takes_values();
            let arg = arg.hide_possible_values(is_hidden);
            if arg.get_help_heading().is_some() {
                arg
            } else if arg.is_positional() {
                arg.help_heading(t!("console.help.arguments").into_owned())
            } else {
                arg.help_heading(t!("console.help.options").into_owned())
            }
        })
        .disable_help_flag(true)
        .arg(
            Arg::new("help")
                .long("help")
                .short('h')
                .action(ArgAction::Help)
                .display_order(LAST)
                .help(t!("console.help.help").into_owned())
                .help_heading(t!("console.help.common").into_owned()),
        );
    let command = if has_version {
        command.disable_version_flag(true).arg(
            Arg::new("version")
                .long("version")
                .short('V')
                .action(ArgAction::Version)
                .display_order(LAST + 1)
                .help(t!("console.help.version").into_owned())
                .help_heading(t!("console.help.common").into_owned()),
        )
    } else {
        command
    };
    command.mut_subcommands(localized)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::words::{self, Language};

    #[derive(Debug, Parser)]
    #[command(name = "sample", version = "1.2.3", about = "A sample")]
    struct Sample {
        #[command(flatten)]
        common: CommonArgs,
        #[command(subcommand)]
        command: Option<Sub>,
    }

    #[derive(Debug, clap::Subcommand)]
    enum Sub {
        /// Does.
        Do { what: Option<String> },
    }

    fn help(args: &[&str]) -> String {
        grammar::<Sample>()
            .try_get_matches_from(args)
            .expect_err("help ends the program")
            .to_string()
    }

    #[test]
    fn the_grammar_is_sound() {
        grammar::<Sample>().debug_assert();
    }

    #[test]
    fn help_is_in_one_language() {
        let english = help(&["sample", "--help"]);
        for words in [
            "Usage: sample",
            "Commands:",
            "Common options:",
            "--help",
            "-V",
        ] {
            assert!(english.contains(words), "{words} in {english}");
        }
        words::choose(Language::Korean);
        let korean = help(&["sample", "do", "--help"]);
        for word in ["Usage", "Options", "Print", "Arguments", "COMMAND"] {
            assert!(!korean.contains(word), "{word} in {korean}");
        }
        let korean = help(&["sample", "--help"]);
        for word in ["Usage", "Options", "Print", "Commands", "COMMAND"] {
            assert!(!korean.contains(word), "{word} in {korean}");
        }
    }

    #[test]
    fn pages_made_from_the_grammar_have_no_escape_sequences() {
        #[derive(Debug, Parser)]
        #[command(name = "sample", version, after_help = examples(&[("sample", "samples".into())]))]
        struct Explained;

        let mut page = Vec::new();
        let mut command = grammar::<Explained>();
        clap_mangen::Man::new(command.clone())
            .render(&mut page)
            .expect("rendered");
        clap_complete::generate(clap_complete::Shell::Zsh, &mut command, "sample", &mut page);
        let page = String::from_utf8(page).expect("text");
        assert!(page.contains("samples") && !page.contains('\x1b'), "{page}");
    }

    #[test]
    fn common_options_stand_before_or_after_the_sub_command() {
        for args in [["sample", "--json", "do"], ["sample", "do", "--json"]] {
            let matches = grammar::<Sample>()
                .try_get_matches_from(args)
                .expect("parses");
            let sample =
                <Sample as clap::FromArgMatches>::from_arg_matches(&matches).expect("typed");
            assert!(sample.common.json, "{args:?}");
            assert!(matches!(sample.command, Some(Sub::Do { what: None })));
        }
    }
}
