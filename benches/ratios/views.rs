//! An earlier generation beside today's: how long its view takes to be made, and what a bisect costs beside the
//! command.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::measure::{row, run, timed, turns};
use crate::sandbox::Sandbox;

const DISTRIBUTIONS: usize = 300;
const FILES: usize = 100;
const GENERATIONS: usize = 64;
/// What the command takes that is asked.
const COMMAND: &str =
    "sleep 0.5; test $(cat $VIRTUAL_ENV/lib/python*/site-packages/probe/of) -lt 41";

pub(crate) fn rows() {
    let sandbox = Sandbox::ready();
    sandbox.write(".aim.toml", "[archive]\ngenerations = 100\n");
    let site = sandbox.site_packages();
    for number in 0..DISTRIBUTIONS {
        install(&site, &format!("many{number}"), "1.0", FILES - 2);
    }
    for number in 1..=GENERATIONS {
        let _ = std::fs::remove_dir_all(site.join(format!("probe-{}.dist-info", number - 1)));
        install(&site, "probe", &number.to_string(), 1);
        run(sandbox.command("aim-venv-sync").arg("sync"));
    }
    view(&sandbox);
    bisect(&sandbox);
}

fn view(sandbox: &Sandbox) {
    let views = sandbox.venv().join(".aim/views");
    let at = || {
        let args = ["run", "--at", "now", "--", "true"];
        run(sandbox.command("aim-venv-sync").args(args))
    };
    at();
    let (found, made) = turns(15, at, || {
        std::fs::remove_dir_all(&views).expect("removed");
        at()
    });
    row(
        "a view of 300 distributions (30,000 files) / one that is there",
        found,
        made,
        "at most 100 ms more",
    );
}

fn bisect(sandbox: &Sandbox) {
    let mut asked = Duration::ZERO;
    let took = timed(|| {
        let args = ["--json", "bisect", "--", "sh", "-c", COMMAND];
        let ran = sandbox.run("aim-logs", args).ok().json();
        assert_eq!(ran["changes"][0]["to"], "41", "{ran}");
        let steps = ran["steps"].as_array().expect("steps").iter();
        let times = steps.filter_map(|step: &Value| step["duration_ms"].as_u64());
        asked = times.map(Duration::from_millis).sum();
    });
    row(
        "a bisect of 64 generations / what the command takes",
        asked,
        took,
        "at most 1.05",
    );
}

/// Makes `name` as an installer leaves it, with so many modules.
fn install(site: &Path, name: &str, version: &str, modules: usize) {
    let info = format!("{name}-{version}.dist-info");
    std::fs::create_dir_all(site.join(&info)).expect("made");
    std::fs::create_dir_all(site.join(name)).expect("made");
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
    std::fs::write(site.join(&info).join("METADATA"), metadata).expect("written");
    let mut record = format!("{info}/METADATA,,\n{info}/RECORD,,\n");
    for number in 0..modules {
        let file = match name {
            "probe" => "of".to_owned(),
            _ => format!("m{number}.py"),
        };
        // No installer writes into a file that is there.
        let _ = std::fs::remove_file(site.join(name).join(&file));
        std::fs::write(site.join(name).join(&file), version).expect("written");
        writeln!(record, "{name}/{file},,").expect("a text");
    }
    std::fs::write(site.join(&info).join("RECORD"), record).expect("written");
}
