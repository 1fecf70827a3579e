//! Who called: the programs above a run, the nearest first, by their names alone. What they were called with may hold
//! secrets, and is none of our business.

use crate::secrets;
use crate::system::{self, CallingProcess};

/// As many as a person wants to read.
const MOST: usize = 8;
/// Characters of a name.
const LONGEST: usize = 64;

/// What a system's own process is called, which starts everything.
const FIRST: [&str; 3] = ["init", "launchd", "systemd"];

/// The programs above this process, up to the one that opened its terminal: `make`, `bash`, `code`. None where the
/// system does not tell.
pub fn callers() -> Vec<String> {
    let parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
    let parent = parent.and_then(|pid| u64::try_from(pid).ok());
    chain(parent.unwrap_or_default(), system::calling_process)
}

fn chain(mut pid: u64, look: impl Fn(u64) -> Option<CallingProcess>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut is_above_session = false;
    while pid > 1 && names.len() < MOST {
        let Some(process) = look(pid) else { break };
        let name = name(&process);
        if FIRST.contains(&name.as_str()) {
            break;
        }
        if names.last() != Some(&name) {
            names.push(name);
        }
        // Who made the session (a terminal, an editor, sshd) is told; who started that is another story.
        if is_above_session {
            break;
        }
        is_above_session = process.session == pid;
        pid = process.parent;
    }
    names
}

/// What a person calls `process`: of an interpreter, what it runs.
fn name(process: &CallingProcess) -> String {
    let words: Vec<&str> = process.words.iter().map(String::as_str).collect();
    let (first, rest) = words.split_first().unwrap_or((&"", &[]));
    // `sshd: kim@pts/0`, as a program may call itself.
    let program = first.split(':').next().unwrap_or(first);
    let program = file_name(program).trim_start_matches('-');
    let given = process.name.as_str();
    let is_own = given.is_empty() || program.starts_with(given) || given == "MainThread";
    let name = if is_own && !program.is_empty() {
        script(program, rest).unwrap_or(program)
    } else if given.len() == NAME_OF_KERNEL {
        // It is cut: the file of a script has all of it.
        let file = rest.first().map(|word| file_name(word));
        file.filter(|file| file.starts_with(given)).unwrap_or(given)
    } else {
        given.split(':').next().unwrap_or(given)
    };
    let name: String = name.chars().take(LONGEST).collect();
    secrets::hide(&name).into_owned()
}

/// Bytes of a name that the kernel keeps (`TASK_COMM_LEN`).
const NAME_OF_KERNEL: usize = 15;

/// What the interpreter `program` runs by these words, as far as that is sure.
fn script<'a>(program: &str, words: &[&'a str]) -> Option<&'a str> {
    let kind = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let mut words = words.iter().copied();
    match kind {
        "python" | "pypy" => loop {
            let word = words.next()?;
            match word {
                "-m" => return words.next().filter(|word| is_name(word)),
                "-W" | "-X" => drop(words.next()),
                _ if word.starts_with("-m") => return word.get(2..).filter(|word| is_name(word)),
                _ if word.starts_with("-c") || word.starts_with("--") => return None,
                _ if word.starts_with('-') => {}
                _ => return told_by(word),
            }
        },
        "bash" | "dash" | "ksh" | "sh" | "zsh" => loop {
            let word = words.next()?;
            match word {
                "-o" | "+o" | "-O" | "+O" => drop(words.next()),
                _ if word.starts_with("--") => return None,
                _ if word.starts_with('-') && word.contains(['c', 's']) => return None,
                _ if word.starts_with(['-', '+']) => {}
                _ => return told_by(word),
            }
        },
        "node" | "nodejs" | "perl" | "ruby" => loop {
            let word = words.next()?;
            match word {
                _ if word.starts_with("--") && word.contains('=') => {}
                _ if word.starts_with('-') => return None,
                _ => return told_by(word),
            }
        },
        _ => None,
    }
}

/// Whether `word` can be the path of a script or the name of a module, and nothing else.
fn is_name(word: &str) -> bool {
    let is_of_name = |c: char| c.is_alphanumeric() || "/._-+ ".contains(c);
    word.chars().all(is_of_name) && secrets::hide(word) == word
}

/// The name of the script at `path`; where every program calls its script so, that of the folder. None for what can be
/// something else.
fn told_by(path: &str) -> Option<&str> {
    const ALIKE: [&str; 4] = ["__main__", "cli", "index", "main"];
    const INNER: [&str; 4] = ["bin", "dist", "lib", "src"];
    if !is_name(path) {
        return None;
    }
    let name = file_name(path);
    let stem = name.split('.').next().unwrap_or(name);
    if !ALIKE.contains(&stem) {
        return Some(name);
    }
    let mut above = path.rsplit('/').skip(1);
    let folder = above.find(|folder| !INNER.contains(folder));
    let is_told = |folder: &&str| !["", ".", ".."].contains(folder);
    folder.filter(is_told).or(Some(name))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secrets::testing::shaped;

    fn process(name: &str, line: &str) -> CallingProcess {
        CallingProcess {
            parent: 0,
            session: 0,
            name: name.to_owned(),
            words: line.split(' ').map(str::to_owned).collect(),
        }
    }

    #[test]
    fn programs_are_called_as_people_call_them() {
        fn check(given: &str, line: &str, expected: &str) {
            assert_eq!(name(&process(given, line)), expected, "{line}");
        }
        check("bash", "-bash", "bash");
        check("bash", "/usr/bin/bash -c pip", "bash");
        check("bash", "bash -eux -o pipefail ./build.sh token", "build.sh");
        check("sh", "/bin/sh -ec pip", "sh");
        check("build.sh", "/bin/bash ./build.sh --token x", "build.sh");
        check(
            "a-script-with-a",
            "/bin/sh /x/a-script-with-a-long-name.sh x",
            "a-script-with-a-long-name.sh",
        );
        check(
            "gnome-terminal-",
            "/usr/libexec/gnome-terminal-server",
            "gnome-terminal-server",
        );
        check("make", "make -C x TOKEN=y", "make");
        check("code", "/usr/share/code/code --type=utility", "code");
        check("tmux: server", "tmux new -s x", "tmux");
        check("sshd-session", "sshd-session: kim@pts/0", "sshd-session");
        check("tox", "/v/bin/python /v/bin/tox -e py", "tox");
        check(
            "python3.11",
            "/usr/bin/python3.11 -W error -m pytest -x",
            "pytest",
        );
        check("python", "python -I manage.py --key x", "manage.py");
        check("python", "python -c print(1)", "python");
        check("python", "python", "python");
        check(
            "MainThread",
            "node --max-old-space-size=99 /n/claude-code/cli.js x",
            "claude-code",
        );
        check("node", "node --require x y.js", "node");
        check("claude", "claude --resume x", "claude");
        check("kthreadd", "", "kthreadd");
    }

    #[test]
    fn the_chain_ends_above_the_session() {
        let table = [
            (9, 8, 5, "make"),
            (8, 7, 5, "bash"),
            (7, 5, 5, "bash"),
            (5, 3, 5, "zsh"),
            (3, 2, 2, "code"),
            (2, 1, 2, "gnome-shell"),
        ];
        let look = |pid: u64| {
            let found = table.iter().find(|(known, ..)| *known == pid);
            found.map(|(_, parent, session, name)| CallingProcess {
                parent: *parent,
                session: *session,
                ..process(name, name)
            })
        };
        assert_eq!(chain(9, look), ["make", "bash", "zsh", "code"]);
        assert_eq!(chain(2, look), ["gnome-shell"]);
        assert_eq!(chain(0, look), [""; 0]);
        let own = |pid| (pid == 4).then(|| process("systemd", "/lib/systemd/systemd --user"));
        assert_eq!(chain(4, own), [""; 0]);
        let endless = |pid: u64| {
            Some(CallingProcess {
                parent: pid + 1,
                ..process(&pid.to_string(), "x")
            })
        };
        assert_eq!(chain(2, endless).len(), MOST);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn somebody_called_this_test() {
        assert!(!callers().is_empty());
    }

    proptest! {
        #[test]
        fn no_argument_is_in_a_name(
            (secret, line) in shaped(),
            program in "(python3|bash|node|perl|make|sh)",
            option in prop_oneof![Just(""), Just("-m "), Just("-x "), Just("--index-url "), Just("run.py ")],
        ) {
            let line = format!("/usr/bin/{program} {option}{line}");
            let name = name(&process(&program, &line));
            prop_assert!(!name.contains(&secret), "{}", name);
        }
    }
}
