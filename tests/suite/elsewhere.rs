//! What an environment imports from elsewhere: folders that its path files name, the person's and the system's packages
//! where it lets them in. What Python and pip say is there is what is recorded, and nobody's history is made up.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::sandbox::{Ran, Sandbox};

/// A project whose environment lets others' packages in.
fn open_to_others() -> Sandbox {
    let sandbox = Sandbox::new().with_venv();
    let cfg = sandbox.venv().join("pyvenv.cfg");
    let text = std::fs::read_to_string(&cfg).expect("read");
    let changed = text.replace(
        "include-system-site-packages = false",
        "include-system-site-packages = true",
    );
    assert_ne!(text, changed, "as venv writes it");
    std::fs::write(&cfg, changed).expect("write");
    sandbox.with_init()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("utf-8")
}

/// What Python itself and `pip list` find, and what is recorded: names and versions, all three the same.
fn check_agreement(sandbox: &Sandbox) {
    let code = "import importlib.metadata as m, json, re; all = {}\n\
        for one in m.distributions():\n    \
        name = re.sub('[-_.]+', '-', one.metadata['Name']).lower()\n    all.setdefault(name, one.version)\n\
        print(json.dumps(sorted(all.items())))";
    let python = sandbox.run(sandbox.bin("python"), ["-c", code]).ok().json();
    let pairs = |list: &Value| -> Vec<(String, String)> {
        let member = |one: &Value, name: &str| one[name].as_str().expect("text").to_owned();
        let list = list.as_array().expect("a list").iter();
        let mut all: Vec<_> = list
            .map(|one| {
                let name = member(one, "name").to_lowercase().replace(['_', '.'], "-");
                (name, member(one, "version"))
            })
            .collect();
        all.sort();
        all
    };
    let listed = pairs(&sandbox.pip(["list", "--format", "json"]).ok().json());
    let found: Vec<(String, String)> = serde_json::from_value(python).expect("pairs");
    assert_eq!(listed, found, "pip and Python");
    let recorded = pairs(&sandbox.env_meta()["packages"]);
    assert_eq!(recorded, found, "the record and Python");
}

/// Takes `greeting` away from what the person has for all environments, as a pip of another one does.
fn uninstall_for_all(sandbox: &Sandbox) {
    let minor = sandbox.python().minor();
    let home = sandbox.root().join("home/.local");
    let site = home.join(format!("lib/python{minor}/site-packages"));
    for entry in std::fs::read_dir(&site).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            std::fs::remove_dir_all(path).expect("removed");
        } else {
            std::fs::remove_file(path).expect("removed");
        }
    }
}

fn names(record: &Value, list: &str) -> Vec<String> {
    let changes = record[list].as_array().expect("a list").iter();
    changes
        .map(|change| change["name"].as_str().expect("a name").to_owned())
        .collect()
}

/// Asserts that one more run is there, which led to the next generation and did this.
fn check_run(sandbox: &Sandbox, before: u64, action: &str, list: &str, expected: &[&str]) -> u64 {
    let record = sandbox.last_record();
    assert_eq!(record["action"], action, "{record}");
    assert_eq!(names(&record, list), expected, "{record}");
    let changes = ["added", "removed", "changed"];
    let count: usize = changes.map(|list| names(&record, list).len()).iter().sum();
    assert_eq!(count, expected.len(), "nothing else: {record}");
    assert_eq!(sandbox.generation(), before + 1, "{record}");
    before + 1
}

fn is_in_step(sandbox: &Sandbox) -> bool {
    let ran = sandbox.run("aim-venv-sync", ["sync", "--check"]);
    let status = ran.output.status.code();
    assert!(matches!(status, Some(0 | 1)), "{ran:?}");
    status == Some(0)
}

#[test]
fn what_a_person_installs_for_all_environments_counts_where_it_shows_through() {
    let sandbox = open_to_others();
    check_agreement(&sandbox);
    let generation = sandbox.generation();
    let wheel = sandbox.wheel("greeting", "1.0");
    sandbox.pip(["install", "--user", text(&wheel)]).ok();
    let generation = check_run(&sandbox, generation, "install", "added", &["greeting"]);
    check_agreement(&sandbox);
    assert!(is_in_step(&sandbox));

    // Of the same name in the environment: that one is imported, and the other one stays.
    let newer = sandbox.wheel("greeting", "2.0");
    sandbox
        .pip(["install", "--no-user", "-I", text(&newer)])
        .ok();
    let generation = check_run(&sandbox, generation, "install", "added", &["greeting"]);
    check_agreement(&sandbox);
    sandbox.pip(["uninstall", "-y", "greeting"]).ok();
    let generation = check_run(&sandbox, generation, "uninstall", "removed", &["greeting"]);
    check_agreement(&sandbox);

    // In another environment of the person. Here it is another tool's change, and stays out of this project's own runs.
    uninstall_for_all(&sandbox);
    assert!(!is_in_step(&sandbox));
    let more = sandbox.wheel_of("more", "1.0", &[("more.py", "")]);
    sandbox.pip(["install", text(&more)]).ok();
    let runs = sandbox.records();
    let by_others = &runs[runs.len() - 2];
    assert_eq!(by_others["action"], "sync");
    assert_eq!(names(by_others, "removed"), ["greeting"]);
    check_run(&sandbox, generation + 1, "install", "added", &["more"]);
    check_agreement(&sandbox);
}

#[test]
fn folders_that_one_looks_at_and_another_does_not_are_no_change() {
    let sandbox = open_to_others();
    let wheel = sandbox.wheel("greeting", "1.0");
    sandbox.pip(["install", "--user", text(&wheel)]).ok();
    let (generation, runs) = (sandbox.generation(), sandbox.records().len());
    // Another person, or a service without a home.
    for home in [Some("other"), None] {
        let mut sync = sandbox.command("aim-venv-sync");
        match home {
            Some(home) => sync.env("HOME", sandbox.root().join(home)),
            None => sync.env_remove("HOME"),
        };
        Ran::of(sync.args(["sync"])).ok();
        assert!(is_in_step(&sandbox));
    }
    assert_eq!(
        (sandbox.generation(), sandbox.records().len()),
        (generation, runs)
    );

    // The environment lets nobody in any more: its `pyvenv.cfg` tells of that, and nothing was removed.
    let cfg = sandbox.venv().join("pyvenv.cfg");
    let open = std::fs::read_to_string(&cfg).expect("read");
    std::fs::write(&cfg, open.replace("= true", "= false")).expect("write");
    assert!(!is_in_step(&sandbox));
    sandbox.run("aim-venv-sync", ["sync"]).ok();
    let record = sandbox.last_record();
    assert_eq!(record["startup"][0]["name"], "pyvenv.cfg", "{record}");
    check_run(&sandbox, generation, "sync", "removed", &[]);
    check_agreement(&sandbox);
}

#[test]
fn what_is_installed_elsewhere_counts_where_it_is_imported_from() {
    let sandbox = Sandbox::ready();
    let beside = sandbox.root().join("beside");
    let site = PathBuf::from(format!(
        "lib/python{}/site-packages",
        sandbox.python().minor()
    ));
    let prefix = sandbox.root().join("prefix");
    let root = sandbox.root().join("root");
    let within = root
        .join(sandbox.venv().strip_prefix("/").expect("absolute"))
        .join(&site);
    let wheel = |name: &str| sandbox.wheel_of(name, "1.0", &[(&format!("{name}.py"), "")]);
    let install = |option: &str, place: &Path, name: &str| {
        let wheel = wheel(name);
        sandbox
            .pip(["install", option, text(place), text(&wheel)])
            .ok();
    };
    let (generation, runs) = (sandbox.generation(), sandbox.records().len());
    install("--target", &beside, "one");
    install("--prefix", &prefix, "two");
    install("--root", &root, "three");
    assert_eq!(
        sandbox.generation(),
        generation,
        "nothing imports from there"
    );
    assert_eq!(sandbox.records().len(), runs);

    let lines: String = [&beside, &prefix.join(&site), &within]
        .map(|place| format!("{}\n", place.display()))
        .concat();
    std::fs::write(sandbox.site_packages().join("elsewhere.pth"), lines).expect("write");
    sandbox.run("aim-venv-sync", ["sync"]).ok();
    let mut now = check_run(
        &sandbox,
        generation,
        "sync",
        "added",
        &["one", "three", "two"],
    );
    check_agreement(&sandbox);
    for (option, place, name) in [
        ("--target", &beside, "four"),
        ("--prefix", &prefix, "five"),
        ("--root", &root, "six"),
    ] {
        install(option, place, name);
        now = check_run(&sandbox, now, "install", "added", &[name]);
    }
    check_agreement(&sandbox);
    assert!(is_in_step(&sandbox));
}

#[test]
fn a_worker_is_on_what_its_environment_imports_from_elsewhere() {
    let sandbox = open_to_others();
    let _daemon = sandbox.daemon();
    let source = "import os\ntry: import greeting; said = greeting.greet('you')\n\
        except ImportError: said = 'nothing'\ndef main(): return said\n";
    sandbox.write("node.py", source);
    let node = || sandbox.run("aim-worker", ["run", "node.py"]).ok();
    node().says("nothing");
    for version in ["1.0", "2.0"] {
        let wheel = sandbox.wheel("greeting", version);
        sandbox.pip(["install", "--user", text(&wheel)]).ok();
        node().says(version);
    }
    let generation = sandbox.generation();
    uninstall_for_all(&sandbox);
    node().says("nothing");
    // pip leaves the older one beside the newer: it is outside of the environment.
    let both = ["greeting", "greeting"];
    check_run(&sandbox, generation, "sync", "removed", &both);
}

#[test]
fn an_editable_library_beside_the_project_is_known_and_loaded_again() {
    let sandbox = Sandbox::ready();
    let Some(backend) = crate::sandbox::stored_wheel("setuptools-") else {
        return;
    };
    sandbox.pip(["install", text(&backend)]).ok();
    let library = sandbox.root().join("library");
    let module = library.join("src/lib_beside/__init__.py");
    std::fs::create_dir_all(module.parent().expect("a folder")).expect("folders");
    std::fs::write(&module, "X = 'first'\n").expect("write");
    let project = "[project]\nname = \"lib-beside\"\nversion = \"1.0\"\n\
        [build-system]\nrequires = []\nbuild-backend = \"setuptools.build_meta\"\n";
    std::fs::write(library.join("pyproject.toml"), project).expect("write");
    let modes: [&[&str]; 2] = [&[], &["--config-settings", "editable_mode=compat"]];
    for (number, mode) in modes.iter().enumerate() {
        let mut args = vec!["install", "--no-build-isolation", "-e", text(&library)];
        args.extend(*mode);
        sandbox.pip(&args).ok();
        let packages = sandbox.env_meta()["packages"].clone();
        let known = packages.as_array().expect("a list").iter();
        let known = known
            .filter(|one| one["name"] == "lib-beside")
            .collect::<Vec<_>>();
        assert_eq!(known[0]["editable_project_location"], text(&library));
        check_agreement(&sandbox);

        let _daemon = sandbox.daemon();
        let source = "import os, lib_beside\ndef main(): return [lib_beside.X, os.getpid()]\n";
        sandbox.write("node.py", source);
        let node = || {
            let reply = sandbox
                .run("aim-worker", ["run", "--json", "node.py"])
                .ok()
                .json();
            let output = reply["output"].clone();
            (
                output[0].as_str().expect("text").to_owned(),
                output[1].clone(),
            )
        };
        let first = node();
        std::fs::write(&module, format!("X = 'edited {number}'\n")).expect("write");
        let edited = node();
        assert_eq!(edited.0, format!("edited {number}"));
        assert_eq!(edited.1, first.1, "the same process loads it again");
        assert!(
            is_in_step(&sandbox),
            "its files are the person's, not the environment's"
        );
        sandbox.pip(["uninstall", "-y", "lib-beside"]).ok();
    }
}
