//! While pip runs: what pip builds runs as the person, and may put a link in the place of anything of ours.

use super::outside::Outside;
use crate::sandbox::{Ran, Sandbox};

/// A build backend that first does something else.
const BACKEND: &str = r#"
import os, shutil, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    place, target = os.environ["SWAP_PLACE"], os.environ["SWAP_TARGET"]
    if os.path.isdir(place) and not os.path.islink(place):
        os.rename(place, place + ".moved")
    elif os.path.lexists(place):
        os.remove(place)
    os.symlink(target, place)
    name = "built-1.0-py3-none-any.whl"
    info = "built-1.0.dist-info/"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("built.py", "")
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: built\nVersion: 1.0\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(info + "RECORD", "")
    return name
"#;

/// Installs what puts a link to `target` at `place`, both below the sandbox's folder.
fn install(sandbox: &Sandbox, place: &str, target: &str) -> Ran {
    sandbox.write("built/backend.py", BACKEND);
    sandbox.write(
        "built/pyproject.toml",
        "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n",
    );
    let mut command = sandbox.command(sandbox.bin("pip"));
    command
        .args(["install", "--force-reinstall", "./built"])
        .env("SWAP_PLACE", sandbox.project().join(place))
        .env("SWAP_TARGET", sandbox.root().join(target));
    Ran::of(&mut command)
        .ok()
        .says("Successfully installed built-1.0")
}

#[test]
fn a_link_that_comes_while_pip_runs_leads_nowhere() {
    for place in [
        ".pip-logs/runs.jsonl",
        ".pip-logs/.lock",
        "env_meta.json",
        ".venv/.aim/lock",
        ".venv/.aim/unfinished",
        ".venv/.aim/snapshot.json",
        ".venv/.aim/version",
        ".venv/.aim",
    ] {
        let sandbox = Sandbox::ready();
        let outside = Outside::of(&sandbox);
        for target in ["outside/notes.txt", "outside/folder"] {
            let ran = install(&sandbox, place, target);
            assert!(ran.stderr().lines().count() <= 1, "{place}: {ran:?}");
            outside.is_untouched(&format!("a link to {target} at {place}"));
        }
    }
}

#[test]
fn a_folder_of_logs_that_becomes_a_link_gets_no_record_and_the_run_is_entered_later() {
    let sandbox = Sandbox::ready();
    let outside = Outside::of(&sandbox);
    let before = sandbox.generation();
    let ran = install(&sandbox, ".pip-logs", "outside/folder");
    outside.is_untouched("pip");
    let line = ran.stderr();
    assert_eq!(line.lines().count(), 1, "{ran:?}");
    let logs = sandbox.project().join(".pip-logs");
    assert!(line.contains(&logs.display().to_string()), "{line}");
    assert!(line.trim_end().ends_with("aim-venv-sync allow"), "{line}");
    sandbox
        .run("aim-venv-sync", ["sync"])
        .exits(1)
        .warns("aim-venv-sync allow");
    outside.is_untouched("sync");
    std::fs::remove_file(&logs).expect("removed");
    std::fs::rename(sandbox.project().join(".pip-logs.moved"), &logs).expect("moved back");
    sandbox.run("aim-venv-sync", ["sync"]).ok();
    let record = sandbox.last_record();
    assert_eq!(
        (&record["action"], &record["exit_code"]),
        (&"install".into(), &0.into())
    );
    assert_eq!(sandbox.generation(), before + 1);
    outside.is_untouched("the second sync");
}
