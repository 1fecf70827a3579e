//! The table: lines of bash with calls of real pip, each with how often it is remembered.
//!
//! A table is played in order by two environments that are equal at its start, so that its calls may build upon one
//! another. `BIN`, `SITE`, `WHEELS` and `PYTHON3` are paths, see `twins::shell`.

use super::twins::Remembered::{self, Never, Once, Times};
use super::twins::Twins;
use crate::sandbox::Python;

type Table = &'static [(&'static str, Remembered)];

/// Commands that cannot change the environment, and command lines that do not get that far.
#[rustfmt::skip]
const READING: Table = &[
    ("BIN/pip", Never),
    ("BIN/pip --version", Never),
    ("BIN/pip -V install", Never),
    ("BIN/pip3 --help", Never),
    ("BIN/pip list", Never),
    ("BIN/pip list --format json", Never),
    ("BIN/pip -q list --format=freeze", Never),
    ("BIN/pip --no-color freeze --all", Never),
    ("BIN/pip help install", Never),
    ("BIN/pip help no-such", Never),
    ("BIN/pip install --help", Never),
    ("BIN/pip install nothing -h", Never),
    ("BIN/pip uninstall -yh x", Never),
    ("BIN/pip show pip", Never),
    ("BIN/pip show nothing-there", Never),
    ("BIN/pip show -f greeting", Never),
    ("BIN/pip check", Never),
    ("BIN/pip config list", Never),
    ("BIN/pip config debug", Never),
    ("BIN/pip config get global.x", Never),
    ("BIN/pip cache dir", Never),
    ("BIN/pip cache list", Never),
    ("BIN/pip hash WHEELS/greeting-1.0-py3-none-any.whl", Never),
    ("BIN/pip completion --bash", Never),
    ("BIN/pip inspect --local | wc -l", Never),
    ("BIN/pip index versions greeting", Never),
    ("BIN/pip download -q -d got greeting", Never),
    ("BIN/pip wheel -q -w made greeting", Never),
    ("BIN/pip lis", Never),
    ("BIN/pip instal greeting", Never),
    ("BIN/pip no-such-command", Never),
    ("BIN/pip --no-such-option", Never),
    ("BIN/pip --no-such-option install x", Never),
    ("BIN/pip install --dry-run greeting", Never),
    ("BIN/pip install --dry greeting", Never),
    ("PIP_AUTO_COMPLETE=1 COMP_WORDS='pip ins' COMP_CWORD=1 BIN/pip", Never),
    ("PIP_AUTO_COMPLETE=1 COMP_WORDS='pip uninstall gr' COMP_CWORD=2 BIN/pip uninstall gr", Never),
];

/// All that installs and removes, well and badly.
#[rustfmt::skip]
const CHANGING: Table = &[
    ("BIN/pip install", Once),
    ("BIN/pip install --no-such-option", Once),
    ("BIN/pip install --p greeting", Once),
    ("BIN/pip install nothing-there", Once),
    ("BIN/pip install nothing==there==", Once),
    ("BIN/pip install ./no-such-folder", Once),
    ("BIN/pip install -r no-such-file.txt", Once),
    ("BIN/pip install --retries=x greeting", Once),
    ("BIN/pip -q install nothing-there", Once),
    ("BIN/pip uninstall -y nothing-there", Once),
    ("BIN/pip uninstall", Once),
    ("BIN/pip install greeting==1.0", Once),
    ("BIN/pip install greeting==1.0", Once),
    ("BIN/pip install --upgrade greeting", Once),
    ("BIN/pip install --force-reinstall --no-deps greeting==1.0", Once),
    ("BIN/pip -qq install -U greeting", Once),
    ("BIN/pip install --quiet --force-reinstall greeting", Once),
    ("BIN/pip uninstall -y greeting", Once),
    ("BIN/pip install WHEELS/greeting-1.0-py3-none-any.whl", Once),
    ("BIN/pip uninstall greeting <<< n", Once),
    ("echo y | BIN/pip uninstall greeting", Once),
    ("BIN/pip install -r needs.txt", Once),
    ("BIN/pip uninstall -y -r needs.txt", Once),
    ("BIN/pip install -rneeds.txt -c limits.txt", Once),
    ("BIN/pip install --requirement=needs.txt", Once),
    ("BIN/pip install --req needs.txt", Once),
    ("BIN/pip uninstall -y greeting other < /dev/null", Once),
    ("BIN/pip install -r /dev/fd/9 9< needs.txt", Once),
    ("BIN/pip uninstall -y -r <(echo greeting)", Once),
    ("BIN/pip install -r /dev/stdin < needs.txt", Once),
    ("BIN/pip uninstall --yes greeting -- other", Once),
    ("PIP_REQUIREMENT=needs.txt BIN/pip install", Once),
    ("PIP_YES=1 BIN/pip uninstall greeting other", Once),
    ("BIN/pip install --target there greeting", Never),
    ("BIN/pip install -t there2 -q greeting", Never),
    ("BIN/pip install --prefix=prefix greeting", Never),
    ("BIN/pip install --root root greeting", Never),
    ("BIN/pip install --user greeting", Never),
    ("PIP_TARGET=there3 BIN/pip install greeting", Never),
    ("PIP_DRY_RUN=1 BIN/pip install greeting", Never),
    ("PIP_PREFIX=prefix2 BIN/pip install nothing-there", Never),
    ("PIP_CONFIG_FILE=elsewhere.conf BIN/pip install greeting", Never),
    ("PIP_CONFIG_FILE=elsewhere.conf BIN/pip --isolated install --no-index --find-links WHEELS other", Never),
    ("PIP_CONFIG_FILE=dry.conf BIN/python -m pip install greeting", Never),
    ("PIP_CONFIG_FILE=other-python.conf BIN/pip install nothing-there", Never),
    ("PIP_TARGET=SITE/ BIN/pip install other", Once),
    ("BIN/pip uninstall -y other", Once),
    ("BIN/pip install --prefix=$PWD/.venv greeting", Once),
    ("BIN/pip uninstall -y greeting", Once),
    ("PIP_CONFIG_FILE=quiet.conf BIN/pip install greeting", Once),
    ("mkdir $'\\xff' && cd $'\\xff' && BIN/pip install ./no-project; rmdir ../$'\\xff'", Once),
    ("BIN/pip install --log pip.log -q other && test -s pip.log && rm pip.log", Once),
    ("BIN/pip install --report - -q --force-reinstall other | wc -l", Once),
    ("BIN/pip install --progress-bar off other -- greeting", Once),
    ("BIN/pip --isolated install --no-index --find-links WHEELS --force-reinstall other", Once),
    ("BIN/pip --python BIN/python install -q --force-reinstall other", Once),
    ("BIN/pip --python PYTHON3 list --format=json --path SITE/", Never),
    ("PIP_PYTHON=BIN/python BIN/pip uninstall -q -y other", Once),
    ("BIN/pip install -e ./no-project", Once),
    ("BIN/pip install -q ./project", Once),
    ("cat seen-by-build.txt", Never),
    ("BIN/pip install --no-build-isolation -q --force-reinstall ./project", Once),
    ("BIN/pip install -q -e ./project", Once),
    ("BIN/pip uninstall -y built", Once),
    ("BIN/pip install ./failing", Once),
    ("umask 027; BIN/pip install -q --force-reinstall greeting", Once),
    ("AIM_SOCKET=/tmp/$(printf 'x%.0s' {1..150})/s BIN/pip install -q --force-reinstall greeting", Once),
    ("XDG_RUNTIME_DIR=$PWD/$(printf 'x%.0s' {1..150}) BIN/pip install --force-reinstall greeting", Once),
    ("(BIN/pip install -q other; BIN/pip uninstall -q -y other)", Times(2)),
    ("BIN/pip uninstall -q -y pip; BIN/python -m pip --version", Once),
];

/// Every way into pip that goes through a file or `-m`.
#[rustfmt::skip]
const WAYS_IN: Table = &[
    ("BIN/pip install", Once),
    ("BIN/pip3 install", Once),
    (".venv/bin/pip install", Once),
    ("cd .venv/bin && ./pip3 install", Once),
    ("cd .venv && bin/../bin/pip install", Once),
    ("PATH=BIN:$PATH; pip install", Once),
    ("PATH=.venv/bin:$PATH; pip3 install", Once),
    ("ln -sfn BIN/pip linked && ./linked install", Once),
    ("ln -sfn .venv/bin/pip3 linked && ./linked install", Once),
    ("(exec -a foreign BIN/pip install)", Once),
    ("(exec -a '' BIN/pip install)", Once),
    ("(exec -a '' BIN/pip --version)", Never),
    ("(exec -a foreign BIN/python -m pip install)", Never), // Python itself finds no environment then
    ("(exec -a python2 BIN/python3 -m pip --version)", Never),
    ("env -i BIN/pip3 install", Once),
    ("env -i BIN/pip --version", Never),
    ("env -i BIN/python -m pip install", Once),
    ("BIN/python -m pip", Never),
    ("BIN/python -m pip --version", Never),
    ("BIN/python -m pip install", Once),
    ("BIN/python3 -m pip install", Once),
    (".venv/bin/python -m pip install", Once),
    ("PATH=BIN:$PATH; python -m pip install", Once),
    ("BIN/python -mpip install --no-such-option", Once),
    ("BIN/python -I -m pip install nothing-there", Once),
    ("BIN/python -Impip install", Once),
    ("BIN/python -Ium pip install", Once),
    ("BIN/python -um pip install", Once),
    ("BIN/python -E -m pip install", Once),
    ("BIN/python -s -m pip install", Once),
    ("BIN/python -B -m pip install", Once),
    ("BIN/python -X utf8 -m pip install", Once),
    ("BIN/python -Xdev -m pip --version", Never),
    ("BIN/python -W error -m pip install", Once),
    ("BIN/python -Werror -X utf8 -m pip list", Never),
    ("BIN/python -E -s -W ignore -X utf8 -m pip install nothing-there", Once),
    ("BIN/python -m pip install --help", Never),
    ("BIN/python SITE/pip install", Once),
    ("BIN/python SITE/pip/__main__.py install --no-such-option", Once),
    ("BIN/python SITE/pip/__main__.py list", Never),
    ("BIN/python BIN/pip install", Once),
    ("BIN/python BIN/pip list", Never),
    ("BIN/python -I BIN/pip3 --version", Never),
    ("BIN/python -S -I BIN/pip --version", Never),
    ("cd .venv/bin && ./python pip install", Once),
    ("cd .venv/bin && ./python -- pip install", Once),
    ("BIN/python caller.py install", Once),
    ("BIN/python caller.py list", Never),
    ("BIN/python -c \"print('-m pip install')\"", Never),
    ("BIN/python -c 'import sys; print(sys.argv)' -m pip install", Never),
    ("BIN/python -S -m pip install", Never),
    ("BIN/python -m ensurepip --version", Never),
    ("BIN/python -m venv --without-pip other && other/bin/python -c 'import sys; print(sys.prefix)' && rm -r other",
     Never),
    ("PIP_REQUIRE_VIRTUALENV=1 BIN/pip install", Once),
    ("VIRTUAL_ENV=/nowhere BIN/pip install", Once),
    ("PYTHONPATH=/nowhere BIN/pip install", Once),
    // What prints at start-up does so in a reading command once; of the others decision 0017 says it.
    ("PYTHONPATH=says BIN/pip --version", Never),
    ("PYTHONPATH=says BIN/python -m pip list", Never),
    ("PYTHONPATH=says BIN/python -c pass", Never),
    ("PYTHONPATH=writes BIN/python -m pip install && cat customized.txt", Once),
    ("cp says/sitecustomize.py SITE/ && BIN/pip --version", Never),
    ("BIN/python -m pip --version; rm SITE/sitecustomize.py", Never),
    ("HOME=/nowhere BIN/pip install", Once),
    ("env -u HOME -u TMPDIR BIN/pip install", Once),
    ("printf 'print(1)' > pip.py; BIN/python -m pip install; rm pip.py", Never),
    ("printf 'print(1)' > pip.py; BIN/python -I -m pip install; rm pip.py", Once),
    ("printf 'print(1)' > pip.py; BIN/pip install; rm pip.py", Once),
];

/// Where output goes.
#[rustfmt::skip]
const STREAMS: Table = &[
    ("BIN/pip install greeting nothing-there 2>&1", Once),
    ("BIN/pip install -v greeting 2>&1 | tail -n 3", Once),
    ("BIN/pip uninstall -y greeting nothing-there > out.txt", Once),
    ("BIN/pip install nothing-there 2> err.txt", Once),
    ("BIN/pip install -q greeting nothing-there > out.txt 2> err.txt", Once),
    ("BIN/pip install greeting nothing-there > both.txt 2>&1", Once),
    ("BIN/pip install greeting nothing-there >> both.txt 2>> both.txt", Once),
    ("BIN/pip install greeting nothing-there >&-", Once),
    ("BIN/pip install greeting nothing-there 2>&-", Once),
    ("BIN/pip install greeting nothing-there >&- 2>&-", Once),
    ("BIN/pip uninstall greeting <&-", Once),
    ("BIN/pip install greeting <&- >&- 2>&-", Once),
    ("BIN/pip uninstall -y greeting > /dev/null", Once),
    ("BIN/pip install nothing-there 2> /dev/null", Once),
    ("BIN/pip install nothing-there > /dev/full", Once),
    ("BIN/pip install greeting > /dev/full", Once),
    ("BIN/pip uninstall -y greeting > /dev/full", Once),
    ("BIN/pip install nothing-there 2> /dev/full", Once),
    ("BIN/pip install nothing-there > /dev/full 2>&1", Once),
    ("BIN/python -m pip install greeting > /dev/full", Once),
    ("BIN/pip uninstall -y greeting | true; echo ${PIPESTATUS[*]}", Once),
    ("BIN/pip install greeting | true; echo ${PIPESTATUS[*]}", Once),
    ("BIN/pip install greeting 2>&1 | true; echo ${PIPESTATUS[*]}", Once),
    ("BIN/pip install nothing-there 2>&1 > /dev/null | true; echo ${PIPESTATUS[*]}", Once),
    ("BIN/pip list | true; echo ${PIPESTATUS[*]}", Never),
    ("BIN/pip list > /dev/full", Never),
    ("BIN/pip list >&-", Never),
    ("trap '' PIPE; BIN/pip install greeting | true; echo ${PIPESTATUS[*]}", Once),
    ("BIN/pip install -q --force-reinstall greeting > >(cat) 2> >(cat >&2)", Once),
    ("exec 5> five.txt; BIN/pip install nothing-there 2>&5", Once),
    ("(BIN/pip install -q nothing-there) & wait $!", Once),
    ("BIN/pip install nothing-there 1< needs.txt; echo $?", Once),
    ("BIN/pip install nothing-there 2< needs.txt; echo $?", Once),
    ("ulimit -n 24; BIN/pip install nothing-there", Once),
    // Too few descriptors for us, enough for pip.
    ("ulimit -n 6; BIN/pip install nothing-there", Never),
    ("ulimit -n 6; BIN/python -m pip install nothing-there", Never),
];

#[test]
fn reading_commands() {
    play(twins(), READING);
}

#[test]
fn changing_commands() {
    play(twins(), CHANGING);
}

#[test]
fn ways_in() {
    play(twins(), WAYS_IN);
}

#[test]
fn streams() {
    play(twins(), STREAMS);
}

fn play(mut twins: Twins, table: Table) {
    for (line, remembered) in table {
        twins.play(line, *remembered);
    }
    twins.assert_equal();
}

/// Two worlds with what the tables name.
fn twins() -> Twins {
    let twins = Twins::on(&Python::main());
    furnish(&twins);
    twins
}

/// Puts into two worlds what the tables name.
pub(super) fn furnish(twins: &Twins) {
    twins.wheel("greeting", "1.0");
    twins.wheel("greeting", "2.0");
    twins.wheel("other", "1.0");
    twins.write("needs.txt", "greeting==1.0\nother\n");
    twins.write("limits.txt", "other<2\n");
    twins.write("quiet.conf", "[install]\nquiet = 1\n");
    twins.write("elsewhere.conf", "[install]\ntarget = there4\n");
    twins.write(
        "says/sitecustomize.py",
        "import sys; print(sys.argv[1:], file=sys.stderr)\n",
    );
    twins.write(
        "writes/sitecustomize.py",
        "import sys; print(sys.argv[1:], file=open('customized.txt', 'w'))\n",
    );
    twins.write("dry.conf", "[global]\ndry_run = true\n");
    twins.write("other-python.conf", "[global]\npython = /usr/bin/python3\n");
    twins.write(
        "caller.py",
        "import subprocess, sys\n\
        sys.exit(subprocess.call([sys.executable, '-m', 'pip'] + sys.argv[1:]))\n",
    );
    twins.write("no-project/readme.txt", "nothing to build\n");
    for (folder, extra) in [("project", ""), ("failing", "    sys.exit('no')\n")] {
        twins.write(&format!("{folder}/pyproject.toml"), PYPROJECT);
        twins.write(
            &format!("{folder}/backend.py"),
            &BACKEND.replace("    #extra\n", extra),
        );
    }
}

pub(super) const PYPROJECT: &str =
    "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n";

/// Builds a wheel by hand, and writes down the environment that a build script sees.
pub(super) const BACKEND: &str = r#"
import os, sys, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None, code="X = 1\n"):
    #extra
    # The guard is all that we may add, and what chance made is not compared.
    seen = {k: v for k, v in os.environ.items() if k != "AIM_PIP_GUARD" and "pip-build" not in v}
    with open("../seen-by-build.txt", "w") as file:
        file.write("\n".join("%s=%s" % pair for pair in sorted(seen.items())) + "\n")
    name = "built-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        def add(path, text):
            wheel.writestr(zipfile.ZipInfo(path), text)
        add("built.py", code)
        info = "built-1.0.dist-info/"
        add(info + "METADATA", "Metadata-Version: 2.1\nName: built\nVersion: 1.0\n")
        add(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        add(info + "RECORD", "")
    return name

build_editable = build_wheel
"#;
