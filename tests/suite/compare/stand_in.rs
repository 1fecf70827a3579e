//! Pips that show or do what a real one cannot be made to at will.
//!
//! Python, pip's scripts, hook and shim are real; only the package `pip` is another.

use crate::sandbox::Sandbox;

/// Puts a package `pip` in place of the real one, whose `main` is `body`.
pub(super) fn put(sandbox: &Sandbox, body: &str) {
    let package = sandbox.site_packages().join("pip");
    std::fs::remove_dir_all(&package).expect("removed"); // never in place: the files are hard links
    std::fs::create_dir_all(package.join("_internal/cli")).expect("folders");
    let main = format!("def main(args=None):\n{}\n", indented(body));
    for (name, text) in [
        ("__init__.py", "__version__ = '99'\n"),
        (
            "__main__.py",
            "import sys\nfrom pip._internal.cli.main import main\nsys.exit(main())\n",
        ),
        ("_internal/__init__.py", ""),
        ("_internal/cli/__init__.py", ""),
        ("_internal/cli/main.py", &main),
    ] {
        std::fs::write(package.join(name), text).expect("written");
    }
}

fn indented(body: &str) -> String {
    let lines = body.trim_matches('\n').lines();
    lines.fold(String::new(), |text, line| text + "    " + line + "\n")
}

/// Prints all that a process can know of how it was started.
pub(super) const MIRROR: &str = r#"
import os, resource, signal, stat, sys
import __main__
def say(name, value):
    print("%s: %s" % (name, value), flush=True)
say("argv", sys.argv)
say("orig_argv", getattr(sys, "orig_argv", None))
say("path", sys.path)
say("executable", sys.executable)
say("main", [getattr(__main__, "__file__", None), __main__.__name__, __main__.__spec__ is None])
say("flags", sys.flags)
say("warnings", sys.warnoptions)
say("x", sys._xoptions)
say("cwd", os.getcwd())
umask = os.umask(0)
os.umask(umask)
say("umask", umask)
say("nice", os.nice(0))
say("limits", [(n, resource.getrlimit(getattr(resource, n))) for n in sorted(dir(resource)) if n.startswith("RLIMIT_")])
fds = {}
for fd in range(100):
    try:
        fds[fd] = oct(stat.S_IFMT(os.fstat(fd).st_mode)), os.get_inheritable(fd), os.isatty(fd)
    except OSError:
        pass
say("descriptors", fds)
say("one file", 1 in fds and 2 in fds and os.path.sameopenfile(1, 2))
with open("/proc/self/status") as file:
    say("signals", [line.split() for line in file if line.startswith(("SigIgn", "SigBlk", "SigCgt"))])
say("encodings", [sys.getfilesystemencoding(), sys.stdout and (sys.stdout.encoding, sys.stdout.line_buffering)])
say("stdin", sys.stdin and repr(sys.stdin.read()))
for name in sorted(os.environ):
    say("env " + name, os.environ[name])
sys.exit(7)
"#;
