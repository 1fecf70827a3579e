//! No secret that pip is given, or prints, is in anything that is kept.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use crate::sandbox::Sandbox;

const SECRET: &str = "hunter2SECRETword";

/// Every file below the sandbox that has the secret in it, pip's own left out.
fn leaks(sandbox: &Sandbox) -> Vec<String> {
    let places = [
        sandbox.project().join(".pip-logs"),
        sandbox.project().join("env_meta.json"),
        sandbox.venv().join(".aim"),
        sandbox.root().join("state"),
        sandbox.root().join("config"),
        sandbox.root().join("run"),
    ];
    let files = places.iter().flat_map(walkdir::WalkDir::new);
    let files = files
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file());
    files
        .filter(|entry| has(entry.path(), SECRET))
        .map(|entry| entry.path().display().to_string())
        .collect()
}

fn has(path: &Path, text: &str) -> bool {
    let bytes = std::fs::read(path).expect("a file of the sandbox");
    memchr::memmem::find(&bytes, text.as_bytes()).is_some()
}

/// An index that sends everybody on to a place with a token in its query, and answers there that nothing is found;
/// gives its address. It ends with the test's process.
fn redirecting_index() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = String::new();
            let mut reader = BufReader::new(stream.try_clone().expect("the same stream"));
            while reader.read_line(&mut head).is_ok_and(|length| length > 2) {}
            let is_sent_on = head
                .lines()
                .next()
                .is_some_and(|line| line.contains("token="));
            let status = if is_sent_on {
                "404 Not Found\r\n".to_owned()
            } else {
                format!("302 Found\r\nlocation: /there/?token={SECRET}&v=1\r\n")
            };
            let answer = format!("HTTP/1.1 {status}content-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

#[test]
fn a_redirect_and_a_terminal_keep_nothing_either() {
    let sandbox = Sandbox::ready();
    let index = redirecting_index();
    let url = format!("http://kim:{SECRET}@{index}/six-1.0-py3-none-any.whl");
    let quick = ["--retries=0", "--timeout=5", "--disable-pip-version-check"];
    let printed = pip(
        &sandbox,
        &[["install", "-vvv", &url].as_slice(), &quick].concat(),
    );
    assert!(
        printed.contains(SECRET),
        "the token of the redirect is told: {printed}"
    );
    assert_eq!(leaks(&sandbox), [""; 0], "printed:\n{printed}");
    // `--debug` prints the variables of a traceback in frames, on which long words are folded.
    let link = format!(
        "--find-links=http://kim:{SECRET}@127.0.0.1:9/{}/",
        "x".repeat(90)
    );
    let printed = pip(
        &sandbox,
        &[
            ["install", "--debug", &link, "nothing-at-all"].as_slice(),
            &quick,
        ]
        .concat(),
    );
    assert!(printed.contains("Traceback"), "{printed}");
    assert_eq!(leaks(&sandbox), [""; 0], "printed:\n{printed}");
    for command in ["list", "show"] {
        for args in [&[command][..], &[command, "--json"]] {
            let output = sandbox.run("aim-logs", args).ok().output;
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(
                !text.contains(SECRET) && text.contains("install"),
                "{args:?} {text}"
            );
        }
    }
}

#[test]
fn a_complaint_about_a_command_line_repeats_no_secret() {
    let sandbox = Sandbox::ready();
    let url = format!("https://kim:{SECRET}@host/");
    for program in ["aim-logs", "aim-venv-sync", "aim-worker"] {
        let output = sandbox.run(program, [&url]).exits(2).output;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("https://kim:****@host/"), "{said}");
        assert!(!said.contains(SECRET), "{said}");
    }
}

/// Runs pip, which fails or not, and says what it printed.
fn pip(sandbox: &Sandbox, args: &[&str]) -> String {
    let output = sandbox.pip(args).output;
    let printed = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&printed).into_owned()
}

#[test]
fn no_shape_of_a_secret_is_kept() {
    let sandbox = Sandbox::ready();
    let nowhere = "127.0.0.1:9";
    let requirements = sandbox.write(
        "requirements.txt",
        &format!("six @ http://{SECRET}@{nowhere}/six-1.0-py3-none-any.whl\n"),
    );
    let requirements = requirements.to_str().expect("UTF-8");
    let quick = ["--retries=0", "--timeout=1", "--disable-pip-version-check"];
    let calls: &[&[&str]] = &[
        &[
            "install",
            &format!("six @ http://u:{SECRET}@{nowhere}/six-1.0-py3-none-any.whl"),
        ],
        &[
            "install",
            "-vvv",
            "--index-url",
            &format!("http://u:{SECRET}@{nowhere}/simple"),
            "six",
        ],
        &[
            "install",
            &format!("-ihttp://{SECRET}:@{nowhere}/simple"),
            "six",
        ],
        &[
            "install",
            &format!("http://{nowhere}/six-1.0-py3-none-any.whl?token={SECRET}"),
        ],
        &["install", "-r", requirements],
        &[
            "install",
            "--no-index",
            "--config-settings",
            &format!("key={SECRET}"),
            "nothing-at-all",
        ],
        &[
            "install",
            "--no-index",
            "--proxy",
            &format!("u:{SECRET}@{nowhere}"),
            "nothing-at-all",
        ],
        &[
            "install",
            "--no-index",
            "--client-cert",
            &format!("/nowhere/{SECRET}"),
            "nothing-at-all",
        ],
    ];
    for call in calls {
        let printed = pip(&sandbox, &[call, quick.as_slice()].concat());
        assert!(!printed.is_empty(), "{call:?} said nothing");
        assert_eq!(leaks(&sandbox), [""; 0], "{call:?} printed:\n{printed}");
    }
    // What pip prints is pip's: the query of a link is in it, and so it was there to be hidden.
    let printed = pip(&sandbox, &[calls[3], quick.as_slice()].concat());
    assert!(printed.contains(SECRET), "{printed}");
    let shown = sandbox.run("aim-logs", ["show", "last"]).ok();
    let shown = String::from_utf8_lossy(&shown.output.stdout).into_owned();
    assert!(
        shown.contains("token=****") && !shown.contains(SECRET),
        "{shown}"
    );
}
