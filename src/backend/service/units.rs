//! The text of the files by which a service manager knows the daemon.

use std::borrow::Cow;
use std::path::Path;

use crate::env_vars;
use crate::system::ServiceManager;

/// By which a file of ours is known: one that somebody else wrote is left alone.
pub(super) const MARK: &str = "Written by `aim-backend service install`";

/// What the files say.
#[derive(Debug)]
pub(super) struct Ground<'h> {
    /// The daemon's program.
    pub(super) program: &'h Path,
    /// The socket that the person named.
    pub(super) socket: Option<&'h Path>,
    /// Where the daemon finds programs, as the person does.
    pub(super) path: Option<&'h str>,
    /// What the daemon says, where the manager keeps no log.
    pub(super) log: &'h Path,
}

impl Ground<'_> {
    /// The variables that the daemon is given.
    fn variables(&self) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
        let socket = self.socket.map(Path::to_string_lossy);
        let path = self.path.map(Cow::from);
        let variables = [(env_vars::SOCKET, socket), ("PATH", path)];
        variables
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
    }
}

/// A file.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) name: &'static str,
    pub(super) text: String,
}

/// Name of the socket at systemd.
pub(super) const SOCKET: &str = "aim-backend.socket";
/// Name of the daemon at systemd.
pub(super) const SERVICE: &str = "aim-backend.service";
/// Name of the daemon's file at launchd.
pub(super) const AGENT: &str = "aim-backend.plist";

/// The names of the files of `manager`.
pub(super) fn names(manager: ServiceManager) -> &'static [&'static str] {
    match manager {
        ServiceManager::Systemd => &[SOCKET, SERVICE],
        ServiceManager::Launchd => &[AGENT],
    }
}

/// The files of `manager`.
pub(super) fn units(manager: ServiceManager, ground: &Ground<'_>) -> Vec<Unit> {
    match manager {
        ServiceManager::Systemd => vec![
            Unit {
                name: SOCKET,
                text: socket(ground),
            },
            Unit {
                name: SERVICE,
                text: service(ground),
            },
        ],
        ServiceManager::Launchd => vec![Unit {
            name: AGENT,
            text: agent(ground),
        }],
    }
}

/// systemd.socket(5): the socket is there from login on, and the first call starts the daemon.
fn socket(ground: &Ground<'_>) -> String {
    let place = ground.socket.map_or_else(
        || "%t/aim/backend.sock".to_owned(),
        |named| literal(&named.to_string_lossy()),
    );
    format!(
        "# {MARK}; `aim-backend service remove` takes it back.\n\
         [Unit]\n\
         Description=Socket of aim-backend, the daemon of aim-toolkit\n\
         \n\
         [Socket]\n\
         ListenStream={place}\n\
         SocketMode=0600\n\
         DirectoryMode=0700\n\
         \n\
         [Install]\n\
         WantedBy=sockets.target\n"
    )
}

/// systemd.service(5): ends when it is not used, is begun anew when it fails or hangs.
fn service(ground: &Ground<'_>) -> String {
    let variables: Vec<String> = ground
        .variables()
        .map(|(name, value)| {
            let variable = quoted(&format!("{name}={value}"));
            format!("Environment={variable}\n")
        })
        .collect();
    let variables = variables.concat();
    let program = quoted(&ground.program.to_string_lossy()).replace('$', "$$");
    format!(
        "# {MARK}; `aim-backend service remove` takes it back.\n\
         [Unit]\n\
         Description=aim-backend, the daemon of aim-toolkit\n\
         Requires={SOCKET}\n\
         After={SOCKET}\n\
         \n\
         [Service]\n\
         Type=notify\n\
         ExecStart={program} serve --on-demand\n\
         {variables}\
         Restart=on-failure\n\
         WatchdogSec=60\n\
         KillMode=mixed\n\
         TimeoutStopSec=20\n"
    )
}

/// launchd.plist(5). launchd hands a socket on by a call of its own, so that the daemon runs from login on.
fn agent(ground: &Ground<'_>) -> String {
    let program = escaped(&ground.program.to_string_lossy());
    let log = escaped(&ground.log.to_string_lossy());
    let variables: Vec<String> = ground
        .variables()
        .map(|(name, value)| {
            let value = escaped(&value);
            format!("    <key>{name}</key>\n    <string>{value}</string>\n")
        })
        .collect();
    let variables = variables.concat();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <!-- {MARK}; `aim-backend service remove` takes it back. -->\n\
         <plist version=\"1.0\">\n\
         <dict>\n  \
           <key>Label</key>\n  <string>aim-backend</string>\n  \
           <key>ProgramArguments</key>\n  <array>\n    \
             <string>{program}</string>\n    <string>serve</string>\n  </array>\n  \
           <key>EnvironmentVariables</key>\n  <dict>\n{variables}  </dict>\n  \
           <key>RunAtLoad</key>\n  <true/>\n  \
           <key>KeepAlive</key>\n  <dict>\n    \
             <key>SuccessfulExit</key>\n    <false/>\n  </dict>\n  \
           <key>StandardErrorPath</key>\n  <string>{log}</string>\n\
         </dict>\n\
         </plist>\n"
    )
}

/// Text in which nothing is a specifier (systemd.unit(5)).
fn literal(text: &str) -> String {
    text.replace('%', "%%")
}

/// One word (systemd.syntax(7)).
fn quoted(text: &str) -> String {
    let text = literal(text).replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('\n', "\\n"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn text(manager: ServiceManager, program: &Path, socket: Option<&Path>) -> Vec<Unit> {
        let ground = Ground {
            program,
            socket,
            path: Some("/a b:/c%d:/e\"f\\g"),
            log: Path::new("/s/backend.log"),
        };
        units(manager, &ground)
    }

    #[test]
    fn what_is_special_in_a_unit_stands_for_itself() {
        let odd = Path::new("/p/a b%c$d/aim-backend");
        let units = text(ServiceManager::Systemd, odd, Some(Path::new("/r/50%.sock")));
        let (socket, service) = (&units[0].text, &units[1].text);
        assert!(socket.contains("\nListenStream=/r/50%%.sock\n"), "{socket}");
        for line in [
            "ExecStart=\"/p/a b%%c$$d/aim-backend\" serve --on-demand",
            "Environment=\"AIM_SOCKET=/r/50%%.sock\"",
            r#"Environment="PATH=/a b:/c%%d:/e\"f\\g""#,
            "Type=notify",
            "WatchdogSec=60",
        ] {
            assert!(
                service.lines().any(|found| found == line),
                "{line}: {service}"
            );
        }
        let usual = text(ServiceManager::Systemd, odd, None);
        assert!(
            usual[0]
                .text
                .contains("\nListenStream=%t/aim/backend.sock\n")
        );
        assert!(!usual[1].text.contains("AIM_SOCKET"));
    }

    #[test]
    fn systemd_takes_the_units_as_they_are() {
        if which::which("systemd-analyze").is_err() {
            #[expect(clippy::print_stdout, reason = "a skipped test says why")]
            {
                println!("skipped: no systemd-analyze on PATH");
            }
            return;
        }
        let dir = tempfile::tempdir().expect("temporary folder");
        // Programs are looked for, too.
        for unit in text(ServiceManager::Systemd, Path::new("/bin/true"), None) {
            std::fs::write(dir.path().join(unit.name), unit.text).expect("write");
        }
        let checked = Command::new("systemd-analyze")
            .args(["verify", "--user", "--man=no"])
            .args([dir.path().join(SOCKET), dir.path().join(SERVICE)])
            .env("XDG_RUNTIME_DIR", dir.path())
            .output()
            .expect("runs");
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(
            checked.status.success() && !said.contains("aim-backend"),
            "{said}"
        );
    }

    #[test]
    fn the_agent_is_xml_whatever_the_paths_are() {
        let program = Path::new("/p/<a>&b/aim-backend");
        let units = text(ServiceManager::Launchd, program, Some(Path::new("/s")));
        let text = &units[0].text;
        assert!(
            text.contains("<string>/p/&lt;a&gt;&amp;b/aim-backend</string>"),
            "{text}"
        );
        let opened = text.matches("<string>").count();
        assert_eq!(opened, text.matches("</string>").count());
        assert_eq!(opened, 6, "{text}");
        assert!(text.contains(MARK));
    }
}
