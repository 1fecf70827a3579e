//! Things that were there before a run: links, FIFOs, sockets, devices, folders in every place of ours.

use std::os::unix::fs::symlink;

use super::outside::{Kind, Outside};
use crate::sandbox::Sandbox;

/// The folders of ours. What is in one of them is out of reach while it is something else.
const FOLDERS: [&str; 2] = [".pip-logs", ".venv/.aim"];
/// What is in them, and beside them.
const INSIDE: [&str; 9] = [
    ".aim.toml",
    ".pip-logs/.lock",
    ".pip-logs/runs.jsonl",
    ".venv/.aim/daemon",
    ".venv/.aim/lock",
    ".venv/.aim/snapshot.json",
    ".venv/.aim/unfinished",
    ".venv/.aim/version",
    "env_meta.json",
];
/// Where a note of a run, a script that an earlier version kept, and a log may be.
const DEEPER: [&str; 3] = [
    ".pip-logs/20251004083028_install_success.log",
    ".venv/.aim/launchers/pip",
    ".venv/.aim/unfinished/01a2104f-e3b4-7049-abe7-2fbdf1262dc4.json",
];

/// Puts a thing of this kind in every place of ours, some at a time, and does everything that reads or writes there.
fn try_to_come_in(kind: Kind) {
    for places in [&FOLDERS[..1], &FOLDERS[1..], &INSIDE, &DEEPER] {
        let sandbox = Sandbox::ready();
        sandbox.pip_works();
        let outside = Outside::of(&sandbox);
        for place in places {
            let path = sandbox.project().join(place);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            outside.put(kind, &path);
        }
        let what = |did: &str| format!("{did} with {kind:?} at {places:?}");
        let ran = sandbox.pip_works();
        outside.is_untouched(&what("pip"));
        let is_link = matches!(kind, Kind::LinkToFolder);
        if is_link && places.contains(&".pip-logs") {
            assert!(
                ran.stderr().contains(".pip-logs is a link to")
                    && ran.stderr().trim_end().ends_with("aim-venv-sync allow"),
                "{ran:?}"
            );
        }
        for (program, args) in [
            ("aim-venv-sync", &["doctor"][..]),
            ("aim-venv-sync", &["sync"]),
            ("aim-venv-sync", &["init"]),
            ("aim-logs", &["show"]),
            ("aim-logs", &["prune", "--runs", "1"]),
            ("aim-venv-sync", &["remove"]),
        ] {
            let ran = sandbox.run(program, args);
            let status = ran.output.status.code();
            assert!(matches!(status, Some(0 | 1 | 4)), "{ran:?}");
            outside.is_untouched(&what(&format!("{program} {args:?}")));
        }
    }
}

#[test]
fn by_a_link_to_a_file() {
    try_to_come_in(Kind::LinkToFile);
}

#[test]
fn by_a_link_to_nothing() {
    try_to_come_in(Kind::LinkToNothing);
}

#[test]
fn by_a_link_to_a_folder() {
    try_to_come_in(Kind::LinkToFolder);
}

#[test]
fn by_a_link_to_an_endless_device() {
    try_to_come_in(Kind::LinkToZeros);
}

#[test]
fn by_a_hard_link() {
    try_to_come_in(Kind::HardLink);
}

#[test]
fn by_a_fifo() {
    try_to_come_in(Kind::Fifo);
}

#[test]
fn by_a_socket() {
    try_to_come_in(Kind::Socket);
}

#[test]
fn by_a_folder_in_the_place_of_a_file() {
    try_to_come_in(Kind::Folder);
}

#[test]
fn by_a_link_in_the_place_of_the_hook() {
    for kind in [
        Kind::LinkToFile,
        Kind::LinkToNothing,
        Kind::LinkToFolder,
        Kind::HardLink,
        Kind::Folder,
    ] {
        for places in [
            &["_aim_pip_hook"][..],
            &[
                "00_aim_pip.pth",
                "00_aim_pip.start",
                "_aim_pip_hook/__init__.py",
                "_aim_pip_hook/inside.py",
                "_aim_pip_hook/__pycache__",
            ],
        ] {
            let sandbox = Sandbox::ready();
            let outside = Outside::of(&sandbox);
            for place in places {
                outside.put(kind, &sandbox.site_packages().join(place));
            }
            for verb in ["sync", "init", "doctor", "remove"] {
                sandbox.run("aim-venv-sync", [verb]);
                outside.is_untouched(&format!("{verb} with {kind:?} at {places:?}"));
            }
        }
    }
}

#[test]
fn by_a_link_on_the_way_to_the_hook() {
    for way in ["lib", "lib/python{}", "lib/python{}/site-packages"] {
        let sandbox = Sandbox::new().with_venv();
        let outside = Outside::of(&sandbox);
        let way = sandbox
            .venv()
            .join(way.replace("{}", &sandbox.python().minor()));
        let elsewhere = sandbox.root().join("elsewhere");
        std::fs::rename(&way, &elsewhere).expect("moved");
        symlink(&elsewhere, &way).expect("link");
        let names = |folder: &std::path::Path| -> Vec<_> {
            let names = walkdir::WalkDir::new(folder).into_iter();
            let mut names: Vec<_> = names
                .map(|entry| entry.expect("readable").into_path())
                .filter(|path| {
                    !path
                        .components()
                        .any(|part| part.as_os_str() == "__pycache__")
                })
                .collect();
            names.sort();
            names
        };
        let before = names(&elsewhere);
        sandbox
            .run("aim-venv-sync", ["init"])
            .exits(1)
            .warns("a link is not followed here");
        sandbox.run("aim-venv-sync", ["sync"]);
        sandbox.run("aim-venv-sync", ["remove"]);
        assert_eq!(names(&elsewhere), before, "{}", way.display());
        outside.is_untouched("init");
    }
}

/// What distributions bring is read, but never waited for and never without end.
#[test]
fn by_what_an_installed_distribution_brings() {
    for kind in [Kind::LinkToZeros, Kind::Fifo, Kind::Socket, Kind::Folder] {
        let sandbox = Sandbox::ready();
        sandbox.pip_works();
        let outside = Outside::of(&sandbox);
        for (folder, files) in [
            ("one-1.0.dist-info", &["RECORD", "METADATA"][..]),
            ("two-1.0.dist-info", &["INSTALLER", "direct_url.json"]),
            ("three.egg-info", &["PKG-INFO"]),
            (".", &["four.egg-link", "five.egg-info", "six.pth.off"]),
        ] {
            let folder = sandbox.site_packages().join(folder);
            std::fs::create_dir_all(&folder).expect("folder");
            if folder.ends_with("two-1.0.dist-info") {
                std::fs::write(folder.join("RECORD"), "").expect("write");
                let about = "Metadata-Version: 2.1\nName: two\nVersion: 1.0\n";
                std::fs::write(folder.join("METADATA"), about).expect("write");
            }
            for file in files {
                outside.put(kind, &folder.join(file));
            }
        }
        // Whether an editable installation is looked for.
        std::fs::write(sandbox.site_packages().join("__editable__.x.pth"), "").expect("write");
        let ran = sandbox.run("aim-venv-sync", ["sync"]).ok();
        assert!(ran.stdout().contains("two"), "{kind:?}: {ran:?}");
        sandbox.run("aim-venv-sync", ["status"]).ok();
    }
}

#[test]
fn by_a_log_path_in_a_record() {
    let sandbox = Sandbox::ready();
    sandbox.pip_works();
    let outside = Outside::of(&sandbox);
    let record = sandbox.last_record();
    let log = record["log_path"].as_str().expect("a log").to_owned();
    let id = record["id"].as_str().expect("an id");
    let text = std::fs::read_to_string(sandbox.project().join(&log)).expect("a log");
    let runs = sandbox.project().join(".pip-logs/runs.jsonl");
    let records = std::fs::read_to_string(&runs).expect("records");
    std::fs::create_dir(sandbox.project().join(".pip-logs/deep")).expect("folder");
    std::fs::write(sandbox.project().join(".pip-logs/deep/a.log"), &text).expect("write");
    symlink(
        sandbox.root().join("outside/notes.txt"),
        sandbox.project().join(".pip-logs/a.log"),
    )
    .expect("link");
    for bad in [
        "../../outside/notes.txt",
        ".pip-logs/../../../outside/notes.txt",
        "/etc/passwd",
        ".pip-logs/deep/a.log",
        ".pip-logs/a.log",
        "a.log",
        "env_meta.json",
    ] {
        std::fs::write(&runs, records.replace(&log, bad)).expect("write");
        for args in [&["show", id][..], &["show", id, "--stdout"]] {
            let ran = sandbox.run("aim-logs", args);
            assert!(!ran.stdout().contains("my notes"), "{bad}: {ran:?}");
            assert!(!ran.stdout().contains("root:"), "{bad}: {ran:?}");
        }
        let ran = sandbox.run("aim-logs", ["show", id, "--path"]);
        assert_eq!(ran.output.status.code(), Some(4), "{bad}: {ran:?}");
        sandbox.run("aim-logs", ["prune", "--runs", "1"]);
        outside.is_untouched(bad);
    }
}
