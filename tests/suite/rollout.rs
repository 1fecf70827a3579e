//! A roll-out: switched off and on by a person, in one project or in all; how it went, in numbers.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::sandbox::{Ran, Sandbox};

fn own_file(sandbox: &Sandbox) -> std::path::PathBuf {
    let shown = sandbox.run("aim-venv-sync", ["disable", "--json"]).json();
    let file = shown["file"].as_str().expect("a path").to_owned();
    sandbox.run("aim-venv-sync", ["enable"]).ok();
    file.into()
}

fn install(sandbox: &Sandbox, version: &str) -> Ran {
    sandbox.wheel("greeting", version);
    let wanted = format!("greeting=={version}");
    sandbox.pip(["install", "--no-index", &wanted]).ok()
}

fn enabled(sandbox: &Sandbox) -> Value {
    let shown = sandbox.run("aim-venv-sync", ["config", "--json"]).json();
    shown["settings"]["enabled"].clone()
}

#[test]
fn a_project_is_switched_off_and_on_for_one_person() {
    let sandbox = Sandbox::ready();
    let file = own_file(&sandbox);
    let (runs, generation) = (sandbox.records().len(), sandbox.generation());
    let off = sandbox.run("aim-venv-sync", ["disable"]).ok();
    off.says("switched off in").warns("`aim-venv-sync enable`");
    let text = std::fs::read_to_string(&file).expect("the person's file");
    assert!(text.contains("enabled = false"), "{text}");
    let again = sandbox.run("aim-venv-sync", ["disable", "--json"]).json();
    assert_eq!(
        (&again["changed"], &again["enabled"]),
        (&false.into(), &false.into())
    );

    // pip is pip, and every look says why.
    install(&sandbox, "1.0");
    assert_eq!(
        (sandbox.records().len(), sandbox.generation()),
        (runs, generation)
    );
    let shown = file.to_str().expect("utf-8");
    assert_eq!(enabled(&sandbox)["origin"], shown);
    sandbox
        .run("aim-venv-sync", ["status"])
        .ok()
        .says("switched off by");
    sandbox
        .run("aim-venv-sync", ["doctor"])
        .says("switched off by")
        .says("aim-venv-sync enable");
    let list = sandbox.run("aim-venv-sync", ["list", "--json"]).json();
    assert_eq!(
        (&list[0]["enabled"], &list[0]["enabled_by"]),
        (&false.into(), &shown.into())
    );
    sandbox
        .run("aim-venv-sync", ["list"])
        .ok()
        .says("switched off");

    let on = sandbox.run("aim-venv-sync", ["enable", "--json"]).json();
    assert_eq!(
        (&on["changed"], &on["otherwise"]),
        (&true.into(), &Value::Array(Vec::new()))
    );
    let text = std::fs::read_to_string(&file).expect("the person's file");
    assert!(!text.contains("enabled ="), "{text}");
    install(&sandbox, "2.0");
    // What went on meanwhile is entered first, as a run of its own.
    assert_eq!(sandbox.last_record()["changed"][0]["name"], "greeting");
    assert!(sandbox.generation() > generation);
}

#[test]
fn a_persons_wish_is_over_the_projects_and_a_variable_over_both() {
    let sandbox = Sandbox::ready();
    let file = own_file(&sandbox);
    sandbox.write(".aim.toml", "enabled = false\ngroup = \"pilot\"\n");
    let on = sandbox.run("aim-venv-sync", ["enable"]).ok();
    on.says("switched on in");
    assert_eq!(enabled(&sandbox)["value"], true);
    let text = std::fs::read_to_string(&file).expect("the person's file");
    assert!(text.contains("enabled = true"), "{text}");
    let list = sandbox.run("aim-venv-sync", ["list", "--json"]).json();
    assert_eq!(list[0]["group"], "pilot");
    let mut command = sandbox.command("aim-venv-sync");
    let over = Ran::of(command.arg("enable").env("AIM_ENABLED", "0")).ok();
    over.warns("still switched off:").warns("$AIM_ENABLED");
    // What the project says is not touched.
    let own = std::fs::read_to_string(sandbox.project().join(".aim.toml")).expect("read");
    assert!(own.starts_with("enabled = false"), "{own}");
}

#[test]
fn all_projects_of_a_person_go_off_and_one_of_them_on_again() {
    let sandbox = Sandbox::ready();
    let file = own_file(&sandbox);
    let other = sandbox.root().join("other");
    sandbox.python().copy_venv(&other.join(".venv"));
    let other = other.to_str().expect("utf-8");
    sandbox.run("aim-venv-sync", ["init", other]).ok();
    let off = |sandbox: &Sandbox| {
        let list = sandbox.run("aim-venv-sync", ["list", "--json"]).json();
        let list = list.as_array().expect("a list").iter();
        let off = list.filter(|row| row["enabled"] == false);
        off.map(|row| Path::new(row["project"].as_str().expect("a path")).ends_with("other"))
            .collect::<Vec<_>>()
    };
    sandbox.run("aim-venv-sync", ["enable"]).ok();
    sandbox
        .run("aim-venv-sync", ["disable", "--all"])
        .ok()
        .says("every project of yours");
    assert_eq!(off(&sandbox).len(), 2);
    sandbox
        .run("aim-venv-sync", ["enable"])
        .ok()
        .says("switched on in");
    assert_eq!(off(&sandbox), [true]);
    sandbox.run("aim-venv-sync", ["disable", "--all"]).ok();
    assert_eq!(off(&sandbox).len(), 2);
    let back = sandbox
        .run("aim-venv-sync", ["enable", "--all", "--json"])
        .json();
    assert_eq!(
        (&back["all"], &back["changed"]),
        (&true.into(), &true.into())
    );
    assert_eq!(off(&sandbox).len(), 0);
    let text = std::fs::read_to_string(&file).expect("the person's file");
    assert!(!text.contains('['), "{text}");
    sandbox
        .run("aim-venv-sync", ["enable", "--all"])
        .ok()
        .says("switched off in no project");
    // A project that says so itself stays off, and is named.
    sandbox.write(".aim.toml", "enabled = false\n");
    let named = sandbox.run("aim-venv-sync", ["enable", "--all"]).ok();
    named.warns("still switched off:").warns(".aim.toml");
    // A file that somebody spoilt is not written.
    std::fs::write(&file, "[").expect("write");
    sandbox
        .run("aim-venv-sync", ["disable"])
        .exits(1)
        .warns("cannot write down in");
    assert_eq!(std::fs::read_to_string(&file).expect("read"), "[");
}

/// The report's rows by their names, once there are as many restarts in all as are waited for.
fn report(sandbox: &Sandbox, args: &[&str], restarts: u64) -> Value {
    let mut command = vec!["report", "--json"];
    command.extend(args);
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let report = sandbox.run("aim-venv-sync", &command).json();
        let total = &report["total"];
        let seen = [&total["restarts"], &total["failed_restarts"]];
        if seen.iter().filter_map(|count| count.as_u64()).sum::<u64>() >= restarts {
            return report;
        }
        assert!(Instant::now() < until, "{report:#}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_report_compares_groups_and_names_who_is_gone() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.write(".aim.toml", "group = \"a\"\n");
    sandbox.write("node.py", "def main():\n    return 1\n");
    for (name, group) in [("b", Some("b")), ("none", None), ("vanishes", Some("b"))] {
        let folder = sandbox.root().join(name);
        sandbox.python().copy_venv(&folder.join(".venv"));
        if let Some(group) = group {
            std::fs::write(folder.join(".aim.toml"), format!("group = {group:?}\n"))
                .expect("write");
        }
        let folder = folder.to_str().expect("utf-8");
        sandbox.run("aim-venv-sync", ["init", folder]).ok();
    }
    // At once: the daemon, which follows it, may be writing there.
    let folder = |name: &str| sandbox.root().join(name);
    std::fs::rename(folder("vanishes"), folder("elsewhere")).expect("moved");
    sandbox.run("aim-worker", ["run", "node.py"]).ok();
    install(&sandbox, "1.0");
    sandbox.pip(["install", "--no-index", "nowhere"]).exits(1);
    let report_of = |args: &[&str]| report(&sandbox, args, 1);
    let all = report_of(&["--all"]);
    let row = |name: &str| {
        let rows = all["rows"].as_array().expect("rows").iter();
        let mut rows = rows.filter(|row| row["name"] == name);
        rows.next()
            .unwrap_or_else(|| panic!("no {name}: {all:#}"))
            .clone()
    };
    let a = row("a");
    assert_eq!(
        (&a["runs"], &a["failed"], &a["changes"]),
        (&2.into(), &1.into(), &1.into())
    );
    assert_eq!((&a["restarts"], &a["projects"]), (&1.into(), &1.into()));
    assert!(
        a["median_ms"]["restart"].as_u64().expect("a time") < 10_000,
        "{a:#}"
    );
    assert_eq!(
        (&row("b")["projects"], &row("b")["runs"]),
        (&1.into(), &0.into())
    );
    assert_eq!(row("(none)")["projects"], 1);
    assert_eq!(all["total"]["projects"], 3);
    let gone = all["gone"].as_array().expect("a list");
    assert!(
        all["gone"][0]
            .as_str()
            .is_some_and(|path| path.ends_with("/vanishes")),
        "{gone:?}"
    );
    assert_eq!(gone.len(), 1, "{gone:?}");

    let by_project = report_of(&["--all", "--by", "project"]);
    assert_eq!(by_project["rows"].as_array().map(Vec::len), Some(3));
    let here = report_of(&[]);
    assert_eq!(here["total"]["runs"], 2);
    let later = report(&sandbox, &["--since", "1h"], 1);
    assert_eq!(later["total"]["runs"], 2);
    sandbox
        .run("aim-venv-sync", ["report", "--since", "soon"])
        .exits(2)
        .warns("not a time");
    sandbox
        .run("aim-venv-sync", ["report", "--by", "project"])
        .exits(2);
    // For people: two tables, no line wider than they are, and who is gone by name.
    let shown = sandbox.run("aim-venv-sync", ["report", "--all"]).ok();
    let text = shown.stdout();
    assert!(
        text.starts_with("GROUP") && text.contains("MEDIAN PIP"),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 60),
        "{text}"
    );
    shown.warns("vanishes");
}

#[test]
fn what_a_worker_does_has_the_name_of_the_run() {
    let sandbox = Sandbox::ready();
    let daemon = sandbox.daemon();
    sandbox.write("node.py", "def main():\n    return 1\n");
    sandbox.run("aim-worker", ["run", "node.py"]).ok();
    install(&sandbox, "1.0");
    report(&sandbox, &[], 1);
    let file = sandbox.root().join("state/aim-toolkit/workers.jsonl");
    let text = std::fs::read_to_string(&file).expect("the person's records");
    let record: Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
    assert_eq!(record["run_id"], sandbox.last_record()["id"]);
    assert_eq!(record["what"], "restarted");
    let (status, log) = daemon.terminate();
    assert_eq!(status, Some(0));
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let of_run = lines.filter(|line| line["run"] == record["run_id"]);
    let said: Vec<_> = of_run.map(|line| line["msg"].clone()).collect();
    assert_eq!(
        said,
        ["environment changed", "starting a worker", "worker ready"]
    );
}
