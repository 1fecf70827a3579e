//! pip's own scripts: never changed, and seen wherever they lie; launchers of earlier versions give way to them.

use std::path::Path;

use serde_json::json;

use crate::sandbox::{Python, Ran, Sandbox, program_path, stored_wheel};

/// A call of `program` that may change the environment is remembered, as a call by that name.
fn check(sandbox: &Sandbox, program: &Path) {
    let before = sandbox.records().len();
    Ran::of(sandbox.command(program).arg("install").current_dir("/"))
        .exits(1)
        .warns("You must give at least one");
    let shown = program.display();
    assert_eq!(sandbox.records().len() - before, 1, "{shown}");
    let name = program.file_name().expect("a name").to_str();
    let record = sandbox.last_record();
    assert_eq!(record["argv"], json!([name, "install"]), "{shown}");
    assert!(record["log_path"].is_string(), "{record}");
}

/// Writes a program.
fn program(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    std::fs::write(path, text).expect("written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(path, mode).expect("mode");
}

#[test]
fn a_script_is_seen_wherever_it_lies() {
    let sandbox = Sandbox::ready();
    let pip = sandbox.bin("pip");
    let elsewhere = sandbox.root().join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("folder");
    let at = |name: &str| elsewhere.join(name);
    std::os::unix::fs::symlink(&pip, at("pip-link")).expect("link");
    std::os::unix::fs::symlink(at("pip-link"), at("pip3")).expect("link");
    std::fs::hard_link(&pip, at("mine")).expect("hard link");
    std::fs::copy(&pip, at("pip")).expect("copy");
    std::fs::copy(&pip, at("installer.py")).expect("copy");
    for name in ["pip-link", "pip3", "mine", "pip", "installer.py"] {
        check(&sandbox, &at(name));
    }
    check(&sandbox, &sandbox.bin("pip3"));
}

/// The first of the two starts of Python becomes `aim-pip` before other start-up code runs.
#[test]
fn start_up_code_runs_as_often_as_without_us() {
    let sandbox = Sandbox::ready();
    let count = sandbox.root().join("count");
    let flags = "os.O_CREAT | os.O_APPEND | os.O_WRONLY";
    let line = format!("import os; os.write(os.open({count:?}, {flags}), b'x')\n");
    for name in ["a_count.pth", "sitecustomize.py"] {
        std::fs::write(sandbox.site_packages().join(name), &line).expect("written");
    }
    let starts = |program: &str, bypass: &str| {
        let mut command = sandbox.command(sandbox.bin(program));
        if program == "python" {
            command.args(["-m", "pip"]);
        }
        command.args(["uninstall", "-y", "nothing-there"]);
        Ran::of(command.env("AIM_PIP_BYPASS", bypass)).exits(0);
        let starts = std::fs::read(&count).expect("counted").len();
        std::fs::remove_file(&count).expect("removed");
        starts
    };
    starts("pip", "0"); // The two files are a change of their own.
    for program in ["pip", "pip3", "python"] {
        let before = sandbox.records().len();
        assert_eq!(starts(program, "0"), starts(program, "1"), "{program}");
        assert_eq!(sandbox.records().len() - before, 1, "{program}");
    }
}

/// Nobody is told anything where a program has taken its own command line away.
#[test]
fn the_line_runs_in_programs_without_a_command_line() {
    let sandbox = Sandbox::ready();
    let site = sandbox.site_packages();
    for words in [
        "del sys.argv",
        "sys.argv = []",
        "sys.argv = [1]",
        "sys.argv = [b'/pip']",
    ] {
        let code = format!(
            "import site, sys; {words}; site.addsitedir({:?})",
            site.display()
        );
        let ran = Ran::of(sandbox.command("python3").args(["-c", &code]));
        assert_eq!(
            (ran.stdout(), ran.stderr()),
            (String::new(), String::new()),
            "{words}"
        );
    }
}

const DISTLIB: &str = r"import re
import sys
from pip._internal.cli.main import main
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\.pyw|\.exe)?$', '', sys.argv[0])
    sys.exit(main())
";
const UV: &str = r#"# -*- coding: utf-8 -*-
import sys
from pip._internal.cli.main import main
if __name__ == "__main__":
    if sys.argv[0].endswith("-script.pyw"):
        sys.argv[0] = sys.argv[0][:-11]
    elif sys.argv[0].endswith(".exe"):
        sys.argv[0] = sys.argv[0][:-4]
    sys.exit(main())
"#;
const CONDA: &str = r"# -*- coding: utf-8 -*-
import re
import sys

from pip._internal.cli.main import main

if __name__ == '__main__':
    sys.exit(main())
";

#[test]
fn scripts_of_every_maker_are_known() {
    let sandbox = Sandbox::ready();
    let python = sandbox.bin("python").display().to_string();
    for (at, text) in [DISTLIB, UV, CONDA].into_iter().enumerate() {
        let path = sandbox.root().join(format!("scripts/{at}/pip"));
        program(&path, &format!("#!{python}\n{text}"));
        check(&sandbox, &path);
        // What a first line cannot hold.
        let by_sh = format!("#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n{text}");
        program(&path, &by_sh);
        check(&sandbox, &path);
    }
}

#[test]
fn the_scripts_of_every_pip_are_seen() {
    for (minor, wheels) in [
        (8, &["pip-19.3.1-", "pip-20.3.4-", "pip-21.3.1-"][..]),
        (11, &["pip-23.0.1-", "pip-24.0-", "pip-25.3-", "pip-26.3-"]),
    ] {
        let Some(python) = Python::find(minor) else {
            continue;
        };
        let sandbox = Sandbox::on(python).with_venv().with_init();
        for wheel in wheels.iter().filter_map(|name| stored_wheel(name)) {
            let wheel = wheel.to_str().expect("utf-8");
            let install = ["-m", "pip", "install", "--force-reinstall", wheel];
            sandbox.run(sandbox.bin("python"), install).ok();
            check(&sandbox, &sandbox.bin("pip"));
            check(&sandbox, &sandbox.bin("pip3"));
        }
    }
}

/// AIM-Forge's is a script of `sh`, which runs the module.
#[test]
fn aim_forges_script_is_seen() {
    let sandbox = Sandbox::ready();
    let python = sandbox.bin("python");
    let text = format!(
        "#!/usr/bin/env sh\nexec \"{}\" -m pip \"$@\"\n",
        python.display()
    );
    program(&sandbox.bin("pip"), &text);
    let before = sandbox.records().len();
    sandbox.pip(["install"]).exits(1);
    assert_eq!(sandbox.records().len() - before, 1);
}

/// It calls pip with arguments of its own, and must not be taken for pip.
#[test]
fn a_program_that_calls_pip_is_no_script_of_pips() {
    let sandbox = Sandbox::ready();
    let tool = sandbox.root().join("tool");
    let python = sandbox.bin("python").display().to_string();
    let text = "import sys\nfrom pip._internal.cli.main import main\n\
                print('begun')\nsys.exit(main(['install']))\n";
    program(&tool, &format!("#!{python}\n{text}"));
    let ran = sandbox.run(&tool, ["upgrade"]).exits(1);
    assert_eq!(ran.stdout(), "begun\n", "it ran once");
    let record = sandbox.last_record();
    assert_eq!(record["argv"], json!(["pip", "install"]));
    assert!(record["log_path"].is_null(), "pip ran inside it: {record}");
}

/// What an earlier version left: launchers, and pip's scripts beside them.
fn with_launchers() -> Sandbox {
    let sandbox = Sandbox::ready();
    let kept = sandbox.venv().join(".aim/launchers");
    std::fs::create_dir(&kept).expect("folder");
    let shim = program_path("aim-pip");
    for name in ["pip", "pip3", "pip-9.9"] {
        let text = std::fs::read_to_string(sandbox.bin(name)).unwrap_or_default();
        if !text.is_empty() {
            std::fs::rename(sandbox.bin(name), kept.join(name)).expect("kept");
        }
        let code: Vec<&str> = text.lines().skip(2).collect();
        let code = code.join("\n");
        let launcher = format!(
            "#!{}\nimport sys  # aim-toolkit launcher 1\n{code}\n",
            shim.display()
        );
        program(&sandbox.bin(name), &launcher);
    }
    sandbox
}

#[test]
fn a_launcher_gives_way_when_it_is_called() {
    let sandbox = with_launchers();
    let kept = std::fs::read(sandbox.venv().join(".aim/launchers/pip")).expect("kept");
    sandbox.pip(["install"]).exits(1);
    assert_eq!(sandbox.last_record()["argv"], json!(["pip", "install"]));
    assert_eq!(std::fs::read(sandbox.bin("pip")).expect("a script"), kept);
    assert!(!sandbox.bin("pip-9.9").exists());
    assert!(!sandbox.venv().join(".aim/launchers").exists());
    sandbox.pip(["--version"]).ok().says("pip ");
}

#[test]
fn launchers_give_way_to_every_command() {
    for args in [&["init"][..], &["sync"], &["remove"]] {
        let sandbox = with_launchers();
        let kept = std::fs::read(sandbox.venv().join(".aim/launchers/pip")).expect("kept");
        sandbox.run("aim-venv-sync", ["doctor"]).says("earlier");
        sandbox.run("aim-venv-sync", args).ok();
        let now = std::fs::read(sandbox.bin("pip")).expect("a script");
        assert_eq!(now, kept, "{args:?}");
        assert!(!sandbox.bin("pip-9.9").exists());
        sandbox.pip(["--version"]).ok().says("pip ");
    }
}

/// `uv run --with` lays an environment over this one: the hook is read there, too.
#[test]
fn an_environment_laid_over_ours_is_left_alone() {
    let sandbox = Sandbox::ready();
    let over = Sandbox::new().with_venv();
    let line = format!(
        "import site; site.addsitedir({:?})\n",
        sandbox.site_packages().display().to_string()
    );
    std::fs::write(over.site_packages().join("over.pth"), line).expect("written");
    over.pip(["install"]).exits(1);
    for name in [".pip-logs", "env_meta.json", ".venv/.aim"] {
        assert!(!over.project().join(name).exists(), "{name}");
    }
}

/// The shell that an editor opens while pip only reads is a shell like any other.
#[test]
fn what_a_reading_command_starts_is_remembered() {
    let sandbox = Sandbox::ready();
    let editor = sandbox.root().join("editor");
    let pip = sandbox.bin("pip");
    program(
        &editor,
        &format!("#!/bin/sh\n{} install\ntrue\n", pip.display()),
    );
    let before = sandbox.records().len();
    let mut edit = sandbox.command(&pip);
    edit.args(["config", "--user", "edit", "--editor"])
        .arg(&editor);
    Ran::of(&mut edit).ok();
    assert_eq!(sandbox.records().len() - before, 1);
}
