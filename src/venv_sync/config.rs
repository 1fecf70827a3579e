//! `aim-venv-sync config`: every setting, its value, and where that came from.

use serde_json::{Value, json};

use super::cli::ConfigArgs;
use super::ground;
use crate::console::table::{Cell, Table, pairs};
use crate::console::{CommonArgs, Console, style, width};
use crate::error::{Error, Exit, Result};
use crate::host::Host;
use crate::project::{Config, Origin, Project, ProjectLayout, SettingRow, UserLayout, meant_by};
use crate::terminal::printable;
use crate::words::t;

/// Prints the settings in force for the project or, where there is none, for the person; with `--explain` all that
/// there is to know of them.
///
/// # Errors
/// Wrong usage, when no setting has the name that was typed.
pub(super) fn config(
    host: &Host,
    common: &CommonArgs,
    args: &ConfigArgs,
    console: &mut Console,
) -> Result<Exit> {
    let project = match &common.project {
        Some(_) => Some(ground::project(host, common)?),
        None => Project::of_host(host),
    };
    let layout = project.as_ref().map(Project::layout);
    let config = Config::load(host, layout.as_ref());
    match &args.explain {
        Some(name) => {
            let mut rows = config.rows();
            if let Some(name) = name {
                rows.retain(|row| row.name == name);
                if rows.is_empty() {
                    return Err(no_such(name));
                }
            }
            if console.is_json() {
                console.json(&explained(&rows))?;
            } else {
                let texts: Vec<String> = rows.iter().map(explanation).collect();
                console.text(texts.join("\n"))?;
                let files = [
                    layout.as_ref().map(ProjectLayout::settings),
                    UserLayout::of(host).map(|user| user.settings()),
                ];
                let files: Vec<String> = files
                    .iter()
                    .flatten()
                    .map(|file| printable(&file.to_string_lossy()))
                    .collect();
                console.hint(t!("venv_sync.config.hint_files", files = files.join(", ")));
            }
        }
        None if console.is_json() => console.json(&as_json(&config))?,
        None => {
            console.text(as_table(&config).to_text(console.width()))?;
            for row in config.rows() {
                console.detail(format_args!("{}: {}", row.name, row.meaning));
            }
        }
    }
    for problem in &config.problems {
        console.warn(problem);
    }
    Ok(Exit::Done)
}

fn no_such(name: &str) -> Error {
    let error = Error::usage(t!("venv_sync.config.no_such", name = name));
    let error = match meant_by(name) {
        Some(meant) => error.hint(t!("console.complaint.did_you_mean", this = meant)),
        None => error,
    };
    error.hint(t!("venv_sync.config.hint_all"))
}

/// One setting, in full.
fn explanation(row: &SettingRow<'_>) -> String {
    let plain = |text: &str| vec![Cell::from(text)];
    let mut facts = vec![
        (t!("venv_sync.config.values"), plain(&row.expects)),
        (t!("venv_sync.config.built_in"), plain(&row.default)),
    ];
    if let Some(variable) = row.variable {
        facts.push((t!("venv_sync.config.variable"), plain(variable)));
    }
    let now = Cell::from(&row.in_file).and(style::FAINT, format!("  ({})", origin(row.origin)));
    facts.push((t!("venv_sync.config.now"), vec![now]));
    facts.push((t!("venv_sync.config.in_file"), plain(&row.line())));
    let name = style::paint(style::NAME, row.name);
    let room = width::of_data().unwrap_or(usize::MAX);
    let meaning = width::wrapped(&row.meaning, room).join("\n");
    format!("{name}\n{meaning}\n{}\n", pairs(&facts).join("\n"))
}

fn explained(rows: &[SettingRow<'_>]) -> Value {
    rows.iter()
        .map(|row| {
            let facts = json!({
                "meaning": row.meaning,
                "values": row.expects,
                "default": row.default,
                "variable": row.variable,
                "value": row.value,
                "origin": row.origin.to_string(),
                "line": row.line(),
            });
            (row.name.to_owned(), facts)
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn origin(origin: &Origin) -> String {
    match origin {
        Origin::BuiltIn => t!("venv_sync.config.built_in").to_string(),
        other => other.to_string(),
    }
}

fn as_json(config: &Config) -> Value {
    let settings: serde_json::Map<String, Value> = config
        .rows()
        .into_iter()
        .map(|row| {
            let shown = json!({ "value": row.value, "origin": row.origin.to_string() });
            (row.name.to_owned(), shown)
        })
        .collect();
    let problems: Vec<String> = config.problems.iter().map(ToString::to_string).collect();
    json!({ "settings": settings, "problems": problems })
}

fn as_table(config: &Config) -> Table {
    let headings = [
        t!("venv_sync.config.setting"),
        t!("venv_sync.config.value"),
        t!("venv_sync.config.origin"),
    ];
    let mut table = Table::new(headings).gives_way([2]);
    for row in config.rows() {
        let shade = match row.origin {
            Origin::BuiltIn => style::FAINT,
            _ => style::PLAIN,
        };
        table.push([
            Cell::styled(style::NAME, row.name),
            Cell::from(row.text()),
            Cell::styled(shade, origin(row.origin)),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_has_its_value_and_origin() {
        let host = Host::fake(["x"])
            .with_var("AIM_RETENTION_RUNS", "7")
            .with_var("AIM_ENABLED", "no")
            .with_var("XDG_CONFIG_HOME", "/nowhere");
        let shown = as_json(&Config::load(&host, None));
        assert_eq!(shown["settings"]["retention.runs"]["value"], 7);
        let origin = &shown["settings"]["retention.runs"]["origin"];
        assert_eq!(origin, "$AIM_RETENTION_RUNS");
        assert_eq!(shown["settings"]["enabled"]["value"], false);
        assert_eq!(shown["settings"]["lock.timeout"]["origin"], "default");
        assert_eq!(shown["problems"], json!([]));
    }

    #[test]
    fn verbose_says_what_each_setting_means() {
        let common = CommonArgs {
            verbose: true,
            ..CommonArgs::default()
        };
        let host = Host::fake(["x"]).with_var("XDG_CONFIG_HOME", "/nowhere");
        let (mut console, out, err) = crate::console::testing::console(&common);
        config(&host, &common, &ConfigArgs::default(), &mut console).expect("printed");
        let printed = err.text();
        let meanings: Vec<_> = printed.lines().collect();
        assert_eq!(meanings.len(), Config::default().rows().len(), "{printed}");
        assert!(
            meanings
                .iter()
                .all(|line| out.text().contains(line.split(':').next().expect("a name")))
        );
    }

    #[test]
    fn a_setting_is_explained_in_full_or_the_nearest_is_named() {
        let host = Host::fake(["x"])
            .with_var("AIM_RETENTION_RUNS", "7")
            .with_var("XDG_CONFIG_HOME", "/nowhere");
        let explain = |name: Option<&str>, is_json| {
            let common = CommonArgs {
                json: is_json,
                ..CommonArgs::default()
            };
            let args = ConfigArgs {
                explain: Some(name.map(str::to_owned)),
            };
            let (mut console, out, _) = crate::console::testing::console(&common);
            config(&host, &common, &args, &mut console)
                .map(|_| anstream::adapter::strip_str(&out.text()).to_string())
        };
        assert_eq!(
            explain(Some("retention.runs"), false).expect("printed"),
            "retention.runs\nruns kept in a project's history\n\
             can be     a whole number\ndefault    200\nvariable   AIM_RETENTION_RUNS\n\
             now        7  ($AIM_RETENTION_RUNS)\nin a file  retention.runs = 7\n"
        );
        let all = explain(None, false).expect("printed");
        for row in Config::default().rows() {
            assert!(
                all.contains(&format!("{}\n{}", row.name, row.meaning)),
                "{all}"
            );
        }
        let json: Value =
            serde_json::from_str(&explain(Some("guide"), true).expect("printed")).expect("JSON");
        assert_eq!(json["guide"]["line"], "guide = true");
        let error = explain(Some("retention.run"), false).expect_err("no such setting");
        assert_eq!(error.exit(), Exit::Usage);
        assert_eq!(error.hints()[0], "did you mean `retention.runs`?");
    }
}
