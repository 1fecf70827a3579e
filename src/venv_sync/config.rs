//! `aim-venv-sync config`: every setting, its value, and where that came from.

use serde_json::{Value, json};

use super::ground;
use crate::console::table::{Cell, Table};
use crate::console::{CommonArgs, Console, style};
use crate::error::{Exit, Result};
use crate::host::Host;
use crate::project::{Config, Origin, Project};
use crate::words::t;

/// Prints the settings in force for the project or, where there is none, for the person.
pub(super) fn config(host: &Host, common: &CommonArgs, console: &mut Console) -> Result<Exit> {
    let project = match &common.project {
        Some(_) => Some(ground::project(host, common)?),
        None => Project::of_host(host),
    };
    let layout = project.as_ref().map(Project::layout);
    let config = Config::load(host, layout.as_ref());
    if console.is_json() {
        console.json(&as_json(&config))?;
    } else {
        console.text(as_table(&config).to_text(console.width()))?;
    }
    for row in config.rows() {
        console.detail(format_args!("{}: {}", row.name, row.meaning));
    }
    for problem in &config.problems {
        console.warn(problem);
    }
    Ok(Exit::Done)
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
    json!({ "settings": settings, "problems": config.problems })
}

fn as_table(config: &Config) -> Table {
    let headings = [
        t!("venv_sync.config.setting"),
        t!("venv_sync.config.value"),
        t!("venv_sync.config.origin"),
    ];
    let mut table = Table::new(headings).gives_way([2]);
    for row in config.rows() {
        let (shade, origin) = match row.origin {
            Origin::BuiltIn => (style::FAINT, t!("venv_sync.config.built_in").to_string()),
            other => (style::PLAIN, other.to_string()),
        };
        table.push([
            Cell::styled(style::NAME, row.name),
            Cell::from(row.text()),
            Cell::styled(shade, origin),
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
        config(&host, &common, &mut console).expect("printed");
        let printed = err.text();
        let meanings: Vec<_> = printed.lines().collect();
        assert_eq!(meanings.len(), Config::default().rows().len(), "{printed}");
        assert!(
            meanings
                .iter()
                .all(|line| out.text().contains(line.split(':').next().expect("a name")))
        );
    }
}
