//! `aim-logs`: the history, as the programs wrote it and as AIM-Forge did.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use rexpect::session::spawn_command;

use crate::sandbox::{Ran, Sandbox};

#[test]
fn list_shows_runs_newest_first_and_can_be_narrowed() {
    let sandbox = Sandbox::ready();
    sandbox
        .pip([
            "install",
            sandbox.wheel("greeting", "1.0").to_str().expect("utf-8"),
        ])
        .ok();
    sandbox.pip(["install", "no-such-distribution"]).exits(1);
    sandbox
        .pip([
            "install",
            sandbox.wheel("farewell", "2.0").to_str().expect("utf-8"),
        ])
        .ok();

    let all = sandbox.run("aim-logs", ["list", "--json"]).ok().json();
    let all = all.as_array().expect("an array");
    assert_eq!(all[0]["added"][0]["name"], "farewell");
    let failed = sandbox
        .run("aim-logs", ["list", "--failed", "--json"])
        .ok()
        .json();
    assert_eq!(failed.as_array().expect("an array").len(), 1);
    let one = sandbox
        .run("aim-logs", ["list", "--package", "Greeting", "--json"])
        .ok()
        .json();
    assert_eq!(one.as_array().expect("an array").len(), 1, "{one}");
    let two = sandbox
        .run("aim-logs", ["list", "-n", "2", "--json"])
        .ok()
        .json();
    assert_eq!(two.as_array().expect("an array").len(), 2);
    let none = sandbox
        .run("aim-logs", ["list", "--since", "2020-01-01", "--json"])
        .ok()
        .json();
    assert_eq!(none.as_array().expect("an array").len(), all.len());
    sandbox
        .run("aim-logs", ["list", "--since", "soon"])
        .exits(2);
    let text = sandbox.run("aim-logs", ["list"]).ok().stdout();
    assert!(
        text.find("farewell").expect("newest") < text.find("greeting").expect("oldest"),
        "{text}"
    );
}

#[test]
fn a_day_is_read_without_the_word_list() {
    let sandbox = Sandbox::ready();
    let wheel = sandbox.wheel("greeting", "1.0");
    sandbox
        .pip(["install", wheel.to_str().expect("utf-8")])
        .ok();
    sandbox.pip(["install", "no-such-distribution"]).exits(1);
    sandbox.pip(["uninstall", "-y", "greeting"]).ok();
    let newest = sandbox.last_record()["number"].as_u64().expect("a number");
    let numbers = |args: &[&str]| -> Vec<u64> {
        let args = args.iter().copied().chain(["--format", "{number}"]);
        let text = sandbox.run("aim-logs", args).ok().stdout();
        text.lines()
            .map(|line| line.parse().expect("a number"))
            .collect()
    };
    assert_eq!(numbers(&["--failed"]), [newest - 1]);
    assert_eq!(numbers(&["-n", "2"]), [newest, newest - 1]);
    assert_eq!(
        numbers(&["list", "-n", "2", "--since", "yesterday"]),
        [newest, newest - 1]
    );
    for since in ["today", "1h", "2 hours ago", "monday 00:00", "2시간 전"] {
        // Around midnight, today has fewer.
        assert!(
            numbers(&["--since", since]).len() <= sandbox.records().len(),
            "{since}"
        );
    }
    assert!(numbers(&["--until", "2020-01-01"]).is_empty());

    let failed = (newest - 1).to_string();
    for run in [&*failed, &format!("#{failed}"), "last~1", "last-failed"] {
        let shown = sandbox.run("aim-logs", [run]).ok();
        let shown = shown.says("No matching distribution found for no-such-distribution");
        assert!(
            shown.stdout().starts_with(&format!("run      #{failed}  ")),
            "{}",
            shown.stdout()
        );
    }
    let listed = sandbox.run("aim-logs", ["--failed"]).ok();
    listed.says("ERROR: No matching distribution found for no-such-distribution");
    let none = sandbox.run("aim-logs", ["--package", "greting"]).ok();
    assert!(
        none.stderr().contains("did you mean greeting?"),
        "{}",
        none.stderr()
    );
    let unknown = sandbox.run("aim-logs", ["--format", "{colour}"]).exits(2);
    assert!(
        unknown.stderr().contains("number, id, action"),
        "{}",
        unknown.stderr()
    );
    sandbox.run("aim-logs", ["--failed", "follow"]).exits(2);
    let mistyped = sandbox.run("aim-logs", ["listz"]).exits(2);
    assert!(
        mistyped.stderr().contains("aim-logs list"),
        "{}",
        mistyped.stderr()
    );
}

#[test]
fn long_output_goes_to_the_persons_pager() {
    let sandbox = Sandbox::ready();
    let shown = |args: &[&str], pager: &str| {
        let mut command = sandbox.command("aim-logs");
        command
            .args(args)
            .env("AIM_PAGER", pager)
            .env("TERM", "xterm");
        let mut terminal = spawn_command(command, Some(20_000)).expect("a terminal");
        terminal.exp_eof().expect("the end")
    };
    let pager = "sed 's/^/paged: /'";
    let list = shown(&[], pager);
    assert!(list.contains("paged: ") && list.contains("init"), "{list}");
    let charset = shown(&[], "echo in $LESSCHARSET; cat >/dev/null");
    assert!(charset.contains("in utf-8"), "{charset}");
    // What is said besides comes when the pager has left the terminal.
    let none = shown(&["--package", "nothing"], "cat >/dev/null; echo paged");
    let (first, then) = (none.find("paged"), none.find("is like that"));
    assert!(first.is_some() && first < then, "{none}");
    for (args, pager) in [
        (&["--no-pager"][..], pager),
        (&["--json"], pager),
        (&[], ""),
        (&[], "cat"),
    ] {
        let list = shown(args, pager);
        assert!(
            !list.contains("paged") && list.contains("init"),
            "{args:?} {list}"
        );
    }
}

#[test]
fn the_past_is_rebuilt_from_the_runs() {
    let sandbox = Sandbox::ready();
    let install = |version: &str| {
        let wheel = sandbox.wheel("greeting", version);
        sandbox
            .pip(["install", wheel.to_str().expect("utf-8")])
            .ok();
        sandbox.last_record()["number"].to_string()
    };
    let (first, second) = (install("1.0"), install("2.0"));
    sandbox.pip(["uninstall", "-y", "greeting"]).ok();
    let said = |args: &[&str]| sandbox.run("aim-logs", args.iter().copied()).ok().stdout();
    assert!(said(&["state", "--at", &first]).contains("greeting==1.0\n"));
    assert!(said(&["state", "--at", &second]).contains("greeting==2.0\n"));
    assert!(!said(&["state"]).contains("greeting"));
    assert_eq!(said(&["diff", &first, &second]), "~greeting 1.0 → 2.0\n");
    assert_eq!(said(&["diff", &second]), "-greeting 2.0\n");
    let history = said(&["history", "Greeting"]);
    let column = |line: &str| line.contains("removed") || line.contains(".0 ");
    assert_eq!(
        history.lines().filter(|line| column(line)).count(),
        3,
        "{history}"
    );
    let pruned = |run: &str| sandbox.run("aim-logs", ["state", "--at", run]);
    sandbox.run("aim-logs", ["prune", "--runs", "1"]).ok();
    pruned(&first).exits(4);
    pruned("2020-01-01").exits(4);
    sandbox
        .run("aim-logs", ["stats", "--json"])
        .ok()
        .says("\"runs\": 1");
}

#[test]
fn a_number_is_never_given_twice() {
    let sandbox = Sandbox::ready();
    let install = |version: &str| {
        let wheel = sandbox.wheel("greeting", version);
        sandbox
            .pip(["install", wheel.to_str().expect("utf-8")])
            .ok();
        sandbox.last_record()["number"].as_u64().expect("a number")
    };
    let first = install("1.0");
    let without = |mut record: serde_json::Value| {
        record.as_object_mut().expect("an object").remove("number");
        format!("{record}\n")
    };
    let text: String = sandbox.records().into_iter().map(without).collect();
    std::fs::write(sandbox.project().join(".pip-logs/runs.jsonl"), text)
        .expect("as an earlier version wrote it");
    std::fs::remove_file(sandbox.project().join("env_meta.json")).expect("removed");
    let number = |run: &str| {
        let value = sandbox.run("aim-logs", ["show", run, "--json"]).ok().json();
        value["number"].as_u64().expect("a number")
    };
    assert_eq!(number("last"), first, "by its place");
    sandbox.run("aim-logs", ["prune", "--runs", "1"]).ok();
    assert_eq!(number("last"), first, "written down when the file was");
    assert_eq!(install("1.1"), first + 1);
    std::fs::remove_dir_all(sandbox.project().join(".pip-logs")).expect("removed");
    assert_eq!(install("1.2"), first + 2);
}

#[test]
fn show_takes_last_an_id_and_a_prefix() {
    let sandbox = Sandbox::ready();
    sandbox
        .pip([
            "install",
            sandbox.wheel("greeting", "1.0").to_str().expect("utf-8"),
        ])
        .ok();
    let id = sandbox.last_record()["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    for run in ["last", &id, &id[..id.len() - 4]] {
        sandbox
            .run("aim-logs", ["show", run])
            .ok()
            .says("Successfully installed greeting-1.0");
    }
    let path = sandbox
        .run("aim-logs", ["show", "last", "--path"])
        .ok()
        .stdout();
    assert!(std::path::Path::new(path.trim_end()).is_file(), "{path}");
    sandbox.run("aim-logs", ["show", "ffffffff"]).exits(4);
}

#[test]
fn logs_that_aim_forge_wrote_are_read() {
    let sandbox = Sandbox::ready();
    let text = "action: install\npackages: requests, numpy\nstatus: success\n\
        timestamp: 2025-10-04T08:30:28.123456+00:00\n\n[stdout]\nInstalled 2 packages\n\n[stderr]\nwarning: old\n";
    sandbox.write(".pip-logs/20251004083028_install_success.log", text);
    let listed = sandbox.run("aim-logs", ["list", "--json"]).ok().json();
    let oldest = listed
        .as_array()
        .expect("an array")
        .last()
        .expect("a run")
        .clone();
    assert_eq!(oldest["action"], "install", "{oldest}");
    sandbox.run("aim-logs", ["list"]).ok().says("requests");
}

#[test]
fn a_torn_record_is_skipped_and_mended() {
    let sandbox = Sandbox::ready();
    sandbox
        .pip([
            "install",
            sandbox.wheel("greeting", "1.0").to_str().expect("utf-8"),
        ])
        .ok();
    let runs = sandbox.project().join(".pip-logs/runs.jsonl");
    let mut text = std::fs::read_to_string(&runs).expect("records");
    let whole = text.lines().count();
    text.push_str("{\"schema\":1,\"id\":\"0192");
    std::fs::write(&runs, text).expect("written");
    let listed = sandbox.run("aim-logs", ["list", "--json"]).ok().json();
    assert_eq!(listed.as_array().expect("an array").len(), whole);
    sandbox.pip(["uninstall", "-y", "greeting"]).ok();
    let text = std::fs::read_to_string(&runs).expect("records");
    let good = text
        .lines()
        .filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok())
        .count();
    assert_eq!(good, whole + 1, "{text}");
}

#[test]
fn prune_keeps_what_it_is_told_to_keep() {
    let sandbox = Sandbox::ready();
    for version in ["1.0", "1.1", "1.2"] {
        sandbox
            .pip([
                "install",
                sandbox.wheel("greeting", version).to_str().expect("utf-8"),
            ])
            .ok();
    }
    std::fs::write(
        sandbox.project().join(".aim.toml"),
        "[retention]\nruns = 1\n",
    )
    .expect("written");
    sandbox.run("aim-logs", ["prune"]).ok();
    assert_eq!(sandbox.records().len(), 1);
    let logs = std::fs::read_dir(sandbox.project().join(".pip-logs"))
        .expect("a folder")
        .filter(|entry| {
            entry
                .as_ref()
                .expect("readable")
                .path()
                .extension()
                .is_some_and(|e| e == "log")
        })
        .count();
    assert_eq!(logs, 1);
}

#[test]
fn follow_shows_a_run_as_it_comes() {
    let sandbox = Sandbox::ready();
    let mut follow = sandbox
        .command("aim-logs")
        .args(["follow", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("aim-logs follow starts");
    let mut lines = BufReader::new(follow.stdout.take().expect("piped")).lines();
    sandbox
        .pip([
            "install",
            sandbox.wheel("greeting", "1.0").to_str().expect("utf-8"),
        ])
        .ok();
    let seen = lines
        .by_ref()
        .map_while(Result::ok)
        .find(|line| line.contains("\"greeting\""));
    follow.kill().expect("killed");
    follow.wait().expect("waited for");
    assert!(seen.is_some());
}

#[test]
fn why_a_package_is_there() {
    let sandbox = Sandbox::ready();
    sandbox.wheel("alpha", "1.0");
    sandbox.wheel("beta", "1.5");
    sandbox.pip(["install", "--no-index", "alpha", "beta"]).ok();
    let info = sandbox.site_packages().join("alpha-1.0.dist-info/METADATA");
    let text = std::fs::read_to_string(&info).expect("read");
    let text = text.replacen('\n', "\nRequires-Dist: Beta>=1,<2\n", 1);
    std::fs::write(&info, text).expect("write");
    let why = sandbox.run("aim-logs", ["why", "BETA"]).ok();
    let lines = why.stdout();
    let lines: Vec<&str> = lines.lines().map(str::trim).collect();
    assert_eq!(
        lines,
        [
            "beta 1.5",
            "required by  alpha 1.0 (beta>=1,<2)",
            "brought by   #2, just now: install alpha beta",
        ]
    );
    let json = sandbox
        .run("aim-logs", ["why", "beta", "--json"])
        .ok()
        .json();
    assert_eq!(json["required_by"][0]["name"], "alpha");
    assert_eq!(
        (&json["number"], &json["asked_for"]),
        (&2.into(), &true.into())
    );
    let mut korean = sandbox.command("aim-logs");
    Ran::of(korean.args(["why", "alpha"]).env("AIM_LANG", "ko"))
        .ok()
        .says("필요로 하는 것  없음");
    sandbox
        .run("aim-logs", ["why", "alfa"])
        .exits(4)
        .warns("did you mean alpha?");
    sandbox.pip(["uninstall", "-y", "beta"]).ok();
    sandbox
        .run("aim-logs", ["why", "beta"])
        .exits(4)
        .warns("just now: uninstall beta");
}

#[test]
fn a_diff_knows_lists_and_other_environments() {
    let sandbox = Sandbox::ready();
    for (name, version) in [("greeting", "1.0"), ("farewell", "2.0")] {
        sandbox.wheel(name, version);
    }
    sandbox.pip(["install", "greeting", "farewell"]).ok();
    sandbox.write(
        "requirements.txt",
        "greeting>=2\nfarewell\nmissing==1\n./what\n",
    );
    let diff = |args: &[&str]| sandbox.run("aim-logs", ["diff"].iter().chain(args));
    let list = diff(&["requirements.txt"]).ok().warns("./what");
    let text = list.stdout();
    assert!(text.contains("~greeting >=2 → 1.0\n-missing 1\n"), "{text}");
    assert!(!text.contains("farewell"), "{text}");
    sandbox.run("aim-logs", ["export", "-o", "all.txt"]).ok();
    let same = diff(&["./all.txt"]).ok().stdout();
    assert_eq!(same, "");

    let other = sandbox.root().join("projects/other");
    sandbox.python().copy_venv(&other.join(".venv"));
    let text = diff(&["../other"]).ok().stdout();
    assert!(text.contains("+farewell 2.0\n+greeting 1.0\n"), "{text}");
    let back = diff(&["now", other.to_str().expect("utf-8"), "--json"])
        .ok()
        .json();
    assert_eq!(back["removed"][1]["name"], "greeting", "{back}");
    diff(&["nowhere/at.txt"]).exits(4).warns("nowhere/at.txt");
    diff(&["nothing-like-it"]).exits(4);
}

#[test]
fn a_run_knows_which_programs_called_it() {
    let sandbox = Sandbox::ready();
    sandbox.wheel("greeting", "1.0");
    let script = "#!/bin/sh\n.venv/bin/pip install -q greeting || exit\ntrue\n";
    sandbox.write("again.sh", script);
    let run = |args: &[&str]| sandbox.run("sh", args).ok();
    run(&["./again.sh", "--password", "hunter2"]);
    let record = sandbox.last_record();
    let callers = record["callers"].as_array().expect("callers");
    assert_eq!(callers[0], "again.sh", "{record}");
    assert!(!record.to_string().contains("hunter2"), "{record}");
    sandbox
        .run("aim-logs", ["show", "last"])
        .ok()
        .says(" from again.sh ← suite");
    let listed = |by: &str| {
        let args = ["list", "--by", by, "--json"];
        let runs = sandbox.run("aim-logs", args).ok().json();
        runs.as_array().expect("runs").len()
    };
    assert_eq!((listed("again.sh"), listed("zsh")), (1, 0));
}

#[test]
fn what_is_pruned_is_said_before_and_frees_what_was_kept_for_undo() {
    let sandbox = Sandbox::ready();
    for version in ["1.0", "2.0", "3.0"] {
        sandbox.wheel("greeting", version);
        let wanted = format!("greeting=={version}");
        sandbox.pip(["install", &wanted]).ok();
    }
    let json = |args: &[&str]| sandbox.run("aim-logs", args).ok().json();
    let archive = || json(&["stats", "--json"])["archive"].clone();
    let before = archive();
    let would = json(&["prune", "--keep", "1", "--dry-run", "--json"]);
    assert_eq!(would["runs"], 3, "{would}");
    // The last run began at the second install's generation.
    assert_eq!(would["generations"], 2, "{would}");
    assert!(would["archived_bytes"].as_u64() > Some(0), "{would}");
    assert_eq!(archive(), before, "only said");
    sandbox
        .run("aim-logs", ["prune", "--keep", "1", "--dry-run"])
        .ok()
        .says("would remove runs: 3")
        .says("that is kept for undo (generations: 2)");

    let mut pruned = json(&["prune", "--keep", "1", "--json"]);
    pruned["dry_run"] = true.into();
    assert_eq!(pruned, would);
    let freed = before["removed_bytes"].as_u64().expect("bytes")
        - archive()["removed_bytes"].as_u64().expect("bytes");
    assert_eq!(would["archived_bytes"], freed);
    // What is told of still can be taken back.
    sandbox.run("aim-logs", ["undo", "-y"]).ok();
    let shown = sandbox.pip(["show", "greeting"]).ok();
    assert!(shown.stdout().contains("Version: 2.0"), "{shown:?}");

    sandbox
        .run("aim-logs", ["prune", "--older-than", "soon"])
        .exits(2);
    let old = json(&["prune", "--older-than", "1d", "--dry-run", "--json"]);
    assert_eq!(old["runs"], 0, "{old}");
    let all = json(&["prune", "--older-than", "0s", "--dry-run", "--json"]);
    assert_eq!(all["runs"], 1, "the newest stays: {all}");
}

#[test]
fn logs_are_their_owners_alone_where_the_project_is() {
    use std::os::unix::fs::PermissionsExt as _;
    for (mode, expected) in [(0o700, 0o600), (0o755, 0o644)] {
        let sandbox = Sandbox::new().with_venv();
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(sandbox.project(), permissions).expect("mode");
        let sandbox = sandbox.with_init();
        sandbox.wheel("greeting", "1.0");
        sandbox.pip(["install", "greeting"]).ok();
        let logs = std::fs::read_dir(sandbox.project().join(".pip-logs")).expect("logs");
        let mut found = Vec::new();
        for entry in logs {
            let entry = entry.expect("an entry");
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') {
                let mode = entry.metadata().expect("there").permissions().mode();
                found.push((mode & 0o777, name));
            }
        }
        assert!(found.len() >= 2, "records and a log: {found:?}");
        let is_so = |one: &(u32, String)| one.0 == expected;
        assert!(found.iter().all(is_so), "{expected:o}: {found:?}");
    }
}
