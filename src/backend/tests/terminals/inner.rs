//! Shells within a session's shell: login shells, as those of tmux are. The system's files make their PATH anew, and
//! the person's own ones put another pip in front. Where the guide is in those (`aim-venv-sync shell`), the
//! environment is in front before the first prompt.

use super::*;

/// A world whose person has the guide in `rc`, and another pip in front whenever a shell begins.
fn with_guide(shell: &str, rc: &str, more: &[(&str, &str)]) -> Option<(World, Project)> {
    let (world, project) = world_with(shell)?;
    let home = world.path("home");
    program(&home.join("other/pip"), "echo another\\'s");
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("shims/shell/guide.{shell}"));
    let front = match shell {
        "fish" => "set -gx PATH $HOME/other $PATH",
        _ => "export PATH=\"$HOME/other:$PATH\"",
    };
    let own = format!("{front}\nsource '{}'\n", guide.display());
    for (name, text) in more.iter().copied().chain([(rc, own.as_str())]) {
        let path = home.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::fs::write(path, text).expect("write");
    }
    Some((world, project))
}

/// The person's own file of a login shell, as Debian gives it to them.
const PROFILE: &str = "[ -z \"$BASH\" ] || . ~/.bashrc\n";

/// Makes PATH anew, as Debian's /etc/profile does for bash.
const ANEW: &str = "export PATH=/usr/local/bin:/usr/bin:/bin\n";

/// Whether the environment's pip is in front in what `command` begins, once, and comes out of it again.
fn check_within(world: &World, page: &mut Page, project: &Project, command: &str) {
    let outside = list(world)[0]["command"].clone();
    page.type_in(&format!("{command}\r"));
    assert_eq!(page.output("pip"), "the environment's", "{command}");
    let bin = project.venv().bin().display().to_string();
    let path = page.output("printenv PATH");
    assert!(
        path.starts_with(&bin) && path.matches(&bin).count() == 1,
        "{command}: {path}"
    );
    // Whoever changes PATH by hand is left alone.
    page.type_in("export PATH=\"$HOME/other:$PATH\"\r");
    page.type_in("true\r");
    assert_eq!(page.output("pip"), "another's", "{command}");
    page.type_in("exit\r");
    wait_until("it is left", || list(world)[0]["command"] == outside);
    assert_eq!(page.output("pip"), "the environment's", "after {command}");
}

#[test]
fn a_login_shell_within_has_the_environment_in_front() {
    let anew = format!("{ANEW}{PROFILE}");
    for (shell, rc, more) in [
        ("bash", ".bashrc", [(".bash_profile", anew.as_str())]),
        ("zsh", ".zshrc", [(".zprofile", ANEW)]),
        (
            "fish",
            ".config/fish/config.fish",
            [(
                ".config/fish/conf.d/anew.fish",
                "set -gx PATH /usr/local/bin /usr/bin /bin",
            )],
        ),
    ] {
        let Some((world, project)) = with_guide(shell, rc, &more) else {
            continue;
        };
        let mut page = Page::come(&world, project.root(), "");
        assert_eq!(page.output("pip"), "the environment's", "{shell}");
        check_within(&world, &mut page, &project, &format!("{shell} -l"));
        check_within(&world, &mut page, &project, shell);
    }
}

/// A tmux of its own, which is gone with the test.
struct Tmux(std::path::PathBuf);

impl Drop for Tmux {
    fn drop(&mut self) {
        let mut kill = std::process::Command::new("tmux");
        kill.arg("-S").arg(&self.0).arg("kill-server");
        let _ = kill.stderr(std::process::Stdio::null()).status();
    }
}

#[test]
fn what_runs_in_tmux_has_the_environment_in_front() {
    if which::which("tmux").is_err() {
        #[expect(clippy::print_stdout, reason = "a skipped test says why")]
        {
            println!("skipped: no tmux on PATH");
        }
        return;
    }
    let Some((world, project)) = with_guide("bash", ".bashrc", &[(".profile", PROFILE)]) else {
        return;
    };
    let tmux = Tmux(world.path("home/t"));
    let mut page = Page::come(&world, project.root(), "");
    let command = format!("tmux -S {} -f /dev/null", tmux.0.display());
    check_within(&world, &mut page, &project, &command);
}
