//! What an environment with a memory costs, and what going back does.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::measure::{median, row, run, turns};
use crate::sandbox::{Sandbox, stored_wheel};

/// Files of the large distribution, and characters of each: 70 MB.
const FILES: usize = 1_400;
const SIZE: usize = 50_000;
const ROUNDS: usize = 7;

pub(crate) fn rows() {
    let ours = Sandbox::ready();
    let plain = Sandbox::new().with_venv();
    let wheels = ["1.0", "2.0"].map(|version| large(&ours, version));
    undo(&ours, &plain, &wheels);
    keep(&wheels[0]);
    check();
}

/// The undo of an upgrade, and what people do without: the old version by a local wheel.
fn undo(ours: &Sandbox, plain: &Sandbox, [old, new]: &[PathBuf; 2]) {
    install(ours, old);
    let (mut undone, mut by_pip, mut by_uv) = (Vec::new(), Vec::new(), Vec::new());
    let tools = Sandbox::new().with_venv();
    let uv = stored_wheel("uv-").map(|wheel| {
        install(&tools, &wheel);
        tools.bin("uv")
    });
    for _ in 0..ROUNDS {
        install(ours, new);
        undone.push(run(ours.command("aim-logs").args(["undo", "-y"])));
        install(plain, new);
        by_pip.push(install(plain, old));
        if let Some(uv) = &uv {
            install(plain, new);
            let mut again = plain.command(uv);
            again
                .args(["pip", "install", "-q", "--offline", "--no-deps", "--python"])
                .arg(plain.venv())
                .arg(old);
            by_uv.push(run(&mut again));
        }
    }
    let undone = median(undone);
    let bound = "at most 0.1, and 300 ms";
    row(
        "undo of an upgrade of 70 MB / pip install --force-reinstall",
        median(by_pip),
        undone,
        bound,
    );
    if by_uv.is_empty() {
        println!("uv is not here (`make wheels`)");
    } else {
        row(
            "the same / uv pip install",
            median(by_uv),
            undone,
            "at most 0.5",
        );
    }
}

/// An installation whose files are kept, and one whose files are not.
fn keep(wheel: &Path) {
    let (kept, plain) = (Sandbox::ready(), Sandbox::ready());
    plain.write(".aim.toml", "[archive]\ngenerations = 0\n");
    let (without, with) = turns(ROUNDS, || install(&plain, wheel), || install(&kept, wheel));
    row(
        "pip install of 70 MB, its files kept / not kept",
        without,
        with,
        "at most 1.05",
    );
}

/// `aim-venv-sync --check` as a whole process, and the program that only says its version.
fn check() {
    let sandbox = Sandbox::ready();
    for number in 0..300 {
        let info = format!("distribution_{number}-1.{number}.dist-info");
        let info = sandbox.site_packages().join(info);
        std::fs::create_dir_all(&info).expect("folder");
        let metadata =
            format!("Metadata-Version: 2.1\nName: distribution-{number}\nVersion: 1.{number}\n");
        let record = format!("distribution_{number}-1.{number}.dist-info/INSTALLER,,\n");
        for (name, text) in [
            ("METADATA", metadata),
            ("RECORD", record),
            ("INSTALLER", "pip\n".into()),
        ] {
            std::fs::write(info.join(name), text).expect("written");
        }
    }
    run(sandbox.command("aim-venv-sync").arg("sync"));
    let (bare, ours) = turns(
        60,
        || run(sandbox.command("aim-venv-sync").arg("--version")),
        || run(sandbox.command("aim-venv-sync").arg("--check")),
    );
    row(
        "aim-venv-sync --check of 300 distributions / --version",
        bare,
        ours,
        "at most 5 ms",
    );
}

/// Installs `wheel`, also where it is installed.
fn install(sandbox: &Sandbox, wheel: &Path) -> Duration {
    let mut pip = sandbox.command(sandbox.bin("pip"));
    let options = ["-q", "--no-index", "--no-deps", "--force-reinstall"];
    run(pip.arg("install").args(options).arg(wheel))
}

/// A wheel of many files, which tell the version.
fn large(sandbox: &Sandbox, version: &str) -> PathBuf {
    let name = format!("large-{version}-py3-none-any.whl");
    let path = sandbox.root().join("wheels").join(name);
    let mut python = sandbox.command(sandbox.python().path());
    python
        .args(["-c", MAKE, version, &FILES.to_string(), &SIZE.to_string()])
        .arg(&path);
    run(&mut python);
    path
}

const MAKE: &str = r#"
import base64, hashlib, sys, zipfile
version, files, size, path = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
info, record = "large-%s.dist-info/" % version, ""
with zipfile.ZipFile(path, "w") as wheel:
    def write(name, text):
        global record
        wheel.writestr(name, text)
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += "%s,sha256=%s,%d\n" % (name, digest, len(text))
    for number in range(files):
        line = "%s %d\n" % (version, number)
        write("large/part_%d/data.txt" % number, line * (size // len(line)))
    write(info + "METADATA", "Metadata-Version: 2.1\nName: large\nVersion: %s\n" % version)
    write(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(info + "RECORD", record + info + "RECORD,,\n")
"#;
