//! A roll-out: switched off and on by a person, in one project or in all.

use std::path::Path;

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
