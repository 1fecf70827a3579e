//! What pip itself sees of how it was started: arguments, paths, limits, signals, descriptors, environment.

use super::seen::Seen;
use super::stand_in::{self, MIRROR};
use super::twins::Remembered::Once;
use super::twins::Twins;
use crate::sandbox::Python;

/// Ways to start pip, and what they are started in.
const LINES: &[&str] = &[
    "BIN/pip install x",
    "BIN/pip3 install 'two words' '' $'\\xff' -- -x",
    ".venv/bin/pip install x",
    "cd .venv && bin/../bin/pip install x",
    "PATH=BIN:$PATH; pip install x",
    "PATH=.venv/bin:$PATH; pip install x",
    "ln -sfn BIN/pip linked && ./linked install x",
    "(exec -a foreign BIN/pip install x)",
    "(exec -a '' BIN/pip install x)",
    "env -i BIN/pip install x",
    "env -i A=1 BIN/python -m pip install x",
    "BIN/python -m pip install 'two words' ''",
    "(exec -a foreign BIN/python -m pip install x)",
    "BIN/python3 -mpip install x",
    "BIN/python -I -m pip install x",
    "BIN/python -E -s -m pip install x",
    "BIN/python -Ium pip install x",
    "BIN/python -X utf8 -Xa=b -W error -Wonce -m pip install x",
    "BIN/python -OO -B -bb -v -m pip install x 2>/dev/null",
    "BIN/python SITE/pip install x",
    "BIN/python SITE/pip/__main__.py install x",
    "BIN/python BIN/pip install x",
    "cd .venv/bin && ./python pip install x",
    "PYTHONPATH=/a:/b PYTHONUNBUFFERED=1 PYTHONWARNINGS=error BIN/pip install x",
    "PYTHONPATH=/a PYTHONSAFEPATH=1 BIN/pip install x",
    "PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1 BIN/python -m pip install x",
    "LC_ALL=C BIN/pip install x",
    "PYTHONIOENCODING=latin-1 PYTHONUTF8=0 BIN/pip install x",
    "umask 0077; BIN/pip install x",
    "ulimit -S -n 100; ulimit -c 0; ulimit -t 1000; ulimit -s 4096; BIN/pip install x",
    "ulimit -H -n 100; ulimit -f 100000; BIN/python -m pip install x",
    "nice -n 7 BIN/pip install x",
    "nice -n 7 BIN/python -m pip install x",
    "cd / && BIN/pip install x",
    "mkdir -p gone && cd gone && rmdir ../gone && BIN/pip install x",
    "trap '' INT QUIT; BIN/pip install x",
    "trap '' HUP TERM USR1 PIPE XFSZ; BIN/pip install x",
    "trap '' CHLD WINCH ALRM CONT TSTP TTOU; BIN/pip install x",
    "trap '' PIPE XFSZ INT; BIN/python -m pip install x",
    "exec 5< caller.txt 9> nine.txt; BIN/pip install x",
    "exec 5< caller.txt 63<&0; BIN/python -m pip install x",
    "BIN/pip install x <<< 'some input'",
    "printf 'a\\0b\\n' | BIN/pip install x",
    "BIN/python -m pip install x < caller.txt",
    "BIN/pip install x <&-",
    "BIN/pip install x 2>&-",
    "BIN/python -m pip install x <&- 2>&-",
    "BIN/pip install x 2>&1 | cat",
    "(BIN/pip install x & wait $!)",
    "BIN/pip list",
];

#[test]
fn pip_sees_what_it_would_see_without_us() {
    compare(&Python::main());
}

#[test]
fn the_oldest_pip_sees_that_too() {
    if let Some(python) = Python::find(8) {
        compare(&python);
    }
}

fn compare(python: &Python) {
    let mut twins = Twins::prepared(python, |sandbox| stand_in::put(sandbox, MIRROR));
    twins.write("caller.txt", "the caller's\n");
    for line in LINES {
        let remembered = if line.ends_with("list") {
            super::twins::Remembered::Never
        } else {
            Once
        };
        twins.play_where(line, remembered, without_guard);
    }
    twins.assert_equal();
}

/// Takes out the one variable that we add.
fn without_guard(seen: &mut Seen) {
    let text = String::from_utf8_lossy(&seen.stdout);
    let lines = text.split_inclusive('\n');
    seen.stdout = lines
        .filter(|line| *line != "env AIM_PIP_GUARD: 1\n")
        .collect::<String>()
        .into_bytes();
}
