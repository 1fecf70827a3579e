//! A pip as its own test suite has it: a line in a `.pth` file leads to its source, there are no scripts, a
//! sitecustomize reads the folders of packages once more, warnings are errors, and the environment is a copy of one
//! made elsewhere.

use std::fs;

use super::twins::Remembered::{self, Never, Once};
use super::twins::Twins;
use crate::sandbox::{Python, Sandbox};

/// Reads site-packages again, and with it our line: as pip's suite does to put the user's packages first.
const SITECUSTOMIZE: &str =
    "import site\nfor folder in site.getsitepackages():\n    site.addsitedir(folder)\n";

const CALLS: &[(&str, Remembered)] = &[
    ("cp -a .venv copy && rm -r .venv && mv copy .venv", Never),
    ("ls BIN | grep pip", Never),
    ("BIN/python -m pip", Never),
    ("BIN/python -m pip --version", Never),
    ("BIN/python -m pip list --format=freeze", Never),
    ("BIN/python -m pip freeze --all", Never),
    ("BIN/python -m pip show -f pip", Never),
    ("BIN/python -m pip check", Never),
    ("BIN/python -m pip config debug", Never),
    ("BIN/python -m pip debug | head -n 5", Never),
    ("BIN/python -m pip help install", Never),
    (
        "PIP_AUTO_COMPLETE=1 COMP_WORDS='pip instal' COMP_CWORD=1 BIN/python -m pip",
        Never,
    ),
    (
        "PIP_AUTO_COMPLETE=1 COMP_WORDS='pip install --ta' COMP_CWORD=2 BIN/python -m pip",
        Never,
    ),
    (
        "PIP_AUTO_COMPLETE=1 COMP_WORDS='pip uninstall gr' COMP_CWORD=2 BIN/python -m pip",
        Never,
    ),
    ("BIN/python -m pip install greeting==1.0", Once),
    (
        "PIP_AUTO_COMPLETE=1 COMP_WORDS='pip uninstall gr' COMP_CWORD=2 BIN/python -m pip",
        Never,
    ),
    (
        "BIN/python -W error -X warn_default_encoding -m pip install -U greeting",
        Once,
    ),
    (
        "PYTHONWARNINGS=error PYTHONWARNDEFAULTENCODING=1 BIN/python -m pip uninstall -y greeting",
        Once,
    ),
    (
        "BIN/python -m pip install -vvv --no-color greeting nothing-there 2>&1 | tail -n 4",
        Once,
    ),
    ("BIN/python -m pip install --user greeting", Never),
    (
        "PYTHONUSERBASE=$PWD/user BIN/python -m pip install --user greeting",
        Never,
    ),
    ("BIN/python -m pip install -t there greeting", Never),
    ("BIN/python -m pip install --root root greeting", Never),
    (
        "BIN/python -m pip install greeting | true; echo ${PIPESTATUS[*]}",
        Once,
    ),
    (
        "BIN/python -m pip list | true; echo ${PIPESTATUS[*]}",
        Never,
    ),
    ("BIN/python -m pip --proxy nobody@nowhere list", Never),
    (
        "BIN/python -m pip --python BIN/python install -q other",
        Once,
    ),
    (
        "BIN/python -m pip --python no-such-python install other",
        Never,
    ),
    ("BIN/python -m pip install -q ./project", Once),
    ("BIN/python -m pip install -q -e ./project", Once),
    ("BIN/python -m pip install ./failing", Once),
    ("BIN/python -m pip uninstall -y built other", Once),
    (
        "BIN/python ../source/pip/__pip-runner__.py install -q other",
        Never,
    ),
    ("BIN/python ../source/pip install -q greeting", Never),
    ("BIN/python -m pip uninstall -y pip", Once),
];

#[test]
fn an_editable_pip_without_scripts() {
    let mut twins = Twins::prepared(&Python::main(), make_editable);
    super::calls::furnish(&twins);
    for (line, remembered) in CALLS {
        twins.play(line, *remembered);
    }
    twins.assert_equal();
}

/// Moves pip out of the environment, and has a line lead to it.
fn make_editable(sandbox: &Sandbox) {
    let (site, source) = (sandbox.site_packages(), sandbox.root().join("source"));
    fs::create_dir_all(&source).expect("a folder");
    fs::rename(site.join("pip"), source.join("pip")).expect("moved");
    fs::write(
        site.join("__editable__.pip.pth"),
        format!("{}\n", source.display()),
    )
    .expect("a line");
    fs::write(site.join("sitecustomize.py"), SITECUSTOMIZE).expect("a module");
    let info = fs::read_dir(&site)
        .expect("readable")
        .map(|entry| entry.expect("readable").path())
        .find(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("pip-"))
        })
        .expect("its metadata");
    // A new file: the one that is there is shared with every other environment of the tests.
    fs::remove_file(info.join("RECORD")).expect("removed");
    fs::write(info.join("RECORD"), "__editable__.pip.pth,,\n").expect("its files");
    fs::write(
        info.join("direct_url.json"),
        format!(
            r#"{{"url": "file://{}", "dir_info": {{"editable": true}}}}"#,
            source.display()
        ),
    )
    .expect("its origin");
    for script in fs::read_dir(sandbox.venv().join("bin")).expect("readable") {
        let script = script.expect("readable");
        if script.file_name().to_string_lossy().starts_with("pip") {
            fs::remove_file(script.path()).expect("removed");
        }
    }
}
