//! The environment in each shell, however its person has set it up, and what is theirs as it was.

use super::*;

/// What the person's own files do before the terminal is theirs: another pip in front, and more.
const RC: &str =
    "export PATH=\"$HOME/other:$PATH\"\nalias pip=$HOME/other/pip3\nset -u\nMINE=yes\n";

/// Whether the environment is active after the person's own files, and what they did is there.
fn check_environment(shell: &str, files: &[(&str, &str)]) {
    let Some((world, project)) = world_with(shell) else {
        return;
    };
    let home = world.path("home");
    for name in ["pip", "pip3", "python"] {
        program(&home.join("other").join(name), "echo another\\'s");
    }
    for (name, text) in files {
        let path = home.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::fs::write(path, text).expect("write");
    }
    let mut page = Page::come(&world, project.root(), "");
    let what = format!("{shell} {files:?}");
    assert_eq!(page.output("pip"), "the environment's", "{what}");
    assert_eq!(page.output("python"), "the environment's", "{what}");
    assert_eq!(page.output("echo $MINE"), "yes", "{what}");
    assert_eq!(
        page.output("echo $VIRTUAL_ENV"),
        project.venv().root().display().to_string(),
        "{what}"
    );
    assert!(
        !page.text().contains("_AIM") && !page.text().contains("unbound"),
        "{what}: {}",
        page.text()
    );
    page.shown.clear();
    page.type_in("\r");
    page.until(".venv");
}

#[test]
fn the_environment_is_active_after_the_persons_own_files() {
    check_environment("bash", &[(".bashrc", RC)]);
    // Made anew at each prompt, put off until the first one, and taken over by a framework.
    let late = "PROMPT_COMMAND='PATH=$HOME/other:$PATH; PROMPT_COMMAND=; PS1=\"> \"'\nMINE=yes\n";
    check_environment("bash", &[(".bashrc", late)]);
    check_environment(
        "bash",
        &[(
            ".bashrc",
            "PROMPT_COMMAND=(true 'PS1=\"$(date +%s) > \"')\nMINE=yes\n",
        )],
    );
    check_environment(
        "fish",
        &[(
            ".config/fish/config.fish",
            "set -gx PATH $HOME/other $PATH\nalias pip=$HOME/other/pip3\nset -g MINE yes\n",
        )],
    );
}

#[test]
fn every_way_of_setting_zsh_up_is_left_as_it_is() {
    check_environment("zsh", &[(".zshrc", RC)]);
    check_environment(
        "zsh",
        &[
            (".zshenv", "export ZDOTDIR=$HOME/.config/zsh\n"),
            (".config/zsh/.zshrc", RC),
        ],
    );
    check_environment(
        "zsh",
        &[
            (".zshrc", "source ${ZDOTDIR:-$HOME}/.more\n"),
            (".more", RC),
        ],
    );
    check_environment(
        "zsh",
        &[(
            ".zshrc",
            "precmd_functions=()\nprecmd() { PS1='> ' }\nMINE=yes\n",
        )],
    );
    let framework = "precmd() { PS1=\"$(date +%s) > \"; PATH=$HOME/other:$PATH; unfunction precmd }\nMINE=yes\n";
    check_environment("zsh", &[(".zshrc", framework)]);
}

#[test]
fn the_environments_own_way_out_leads_out() {
    for shell in ["bash", "zsh", "fish", "dash"] {
        let Some((world, _)) = world_with(shell) else {
            continue;
        };
        let Some(project) = world.living_project("real") else {
            return;
        };
        let mut page = Page::come(&world, project.root(), "");
        let bin = project.venv().bin().display().to_string();
        let path = page.output("echo $PATH");
        assert!(
            path.starts_with(&bin) && path.matches(&bin).count() == 1,
            "{shell}: {path}"
        );
        if shell == "fish" {
            // Reads its keys after it has put its prompt out.
            page.until(".venv");
        }
        page.type_in("deactivate\r");
        let path = page.output("echo $PATH");
        assert!(!path.contains(&bin), "{shell}: {path}");
    }
}

#[test]
fn frameworks_that_begin_in_zdotdir_find_what_is_theirs() {
    // What each of them begins with, as its own documentation has it.
    let own = "MINE=yes\nexport PATH=\"$HOME/other:$PATH\"\n";
    for (rc, theirs) in [
        (
            "ZIM_HOME=${ZDOTDIR:-$HOME}/.zim\nsource $ZIM_HOME/init.zsh\n",
            ".zim/init.zsh",
        ),
        (
            "source \"${ZDOTDIR:-$HOME}/.zprezto/init.zsh\"\n",
            ".zprezto/init.zsh",
        ),
        (
            "plugins=${ZDOTDIR:-$HOME}/.zsh_plugins\nsource $plugins.zsh\n",
            ".zsh_plugins.zsh",
        ),
        (
            "autoload -Uz add-zsh-hook\nprompt_mine() { PS1=\"%~ > \" }\n\
             add-zsh-hook precmd prompt_mine\nsource $HOME/.zshrc.local\n",
            ".zshrc.local",
        ),
    ] {
        check_environment("zsh", &[(".zshrc", rc), (theirs, own)]);
    }
    // One that keeps zsh from its own files and reads them itself (zsh4humans).
    let begin =
        ": ${ZDOTDIR:=~}\nsetopt no_global_rcs no_rcs\nsource $ZDOTDIR/begin.zsh\nsetopt rcs\n";
    check_environment(
        "zsh",
        &[
            (".zshenv", begin),
            ("begin.zsh", "BEGUN=1\n"),
            (".zshrc", own),
        ],
    );
}

#[test]
fn a_shell_that_an_rc_file_changes_to_has_the_environment_too() {
    if which::which("zsh").is_ok() {
        check_environment("bash", &[(".bashrc", "exec zsh\n"), (".zshrc", RC)]);
    }
}

#[test]
fn what_is_the_persons_is_as_it_was() {
    for (shell, file, text) in [
        ("bash", ".bashrc", "HISTFILE=$HOME/tmp/history\nMINE=yes\n"),
        (
            "zsh",
            ".zshrc",
            "HISTFILE=$HOME/tmp/history\nHISTSIZE=100\nSAVEHIST=100\nMINE=yes\n",
        ),
    ] {
        let Some((world, project)) = world_with(shell) else {
            continue;
        };
        let home = world.path("home");
        std::fs::create_dir(home.join("tmp")).expect("folder");
        std::fs::write(home.join(file), text).expect("write");
        let before = std::fs::read(home.join(file)).expect("read");
        let mut page = Page::come(&world, project.root(), "");
        let history = home.join("tmp/history");
        assert_eq!(page.output("echo $HISTFILE"), history.display().to_string());
        // What they type is remembered, and nothing of ours.
        page.type_in("echo remem\"\"bered\r");
        page.until("remembered");
        page.type_in("exit\r");
        page.farewell();
        let kept = std::fs::read_to_string(&history).expect("a history");
        assert!(
            kept.contains("remem") && !kept.contains("_aim"),
            "{shell}: {kept}"
        );
        assert_eq!(std::fs::read(home.join(file)).expect("read"), before);
        let mut names: Vec<_> = std::fs::read_dir(&home)
            .expect("a home")
            .map(|entry| entry.expect("readable").file_name())
            .collect();
        names.retain(|name| name != "tmp" && name != file && name != ".cache" && name != ".local");
        assert!(names.is_empty(), "{shell} was left with {names:?}");
    }
}

#[test]
fn a_home_that_cannot_be_written_is_enough() {
    use std::os::unix::fs::PermissionsExt as _;
    for shell in ["bash", "zsh", "fish"] {
        let Some((world, project)) = world_with(shell) else {
            continue;
        };
        let home = world.path("home");
        let may = |mode| {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&home, mode).expect("mode");
        };
        may(0o555);
        let mut page = Page::come(&world, project.root(), "");
        assert_eq!(page.output("pip"), "the environment's", "{shell}");
        drop(page);
        may(0o755);
    }
}

#[test]
fn a_shell_within_has_the_environment() {
    let Some((world, project)) = world_with("bash") else {
        return;
    };
    let mut page = Page::come(&world, project.root(), "");
    page.type_in("bash\r");
    assert_eq!(page.output("pip"), "the environment's");
    assert_eq!(page.output("echo $SHLVL"), "2");
    page.type_in("exit\r");
    assert_eq!(page.output("echo $SHLVL"), "1");
}

#[test]
fn a_shell_that_the_system_does_not_list_is_the_persons_still() {
    let Ok(bash) = which::which("bash") else {
        return;
    };
    let dir = tempfile::tempdir().expect("temporary folder");
    let own = dir.path().join("bash");
    std::os::unix::fs::symlink(bash, &own).expect("link");
    let Some((world, project)) = world_with(own.to_str().expect("text")) else {
        return;
    };
    let mut page = Page::come(&world, project.root(), "");
    assert_eq!(page.output("echo $SHELL"), own.display().to_string());
    assert_eq!(page.output("pip"), "the environment's");
}

#[test]
fn a_session_tells_how_the_environment_was_when_it_began() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    crate::backend::tests::generation(&project, 7);
    let _page = Page::come(&world, project.root(), "");
    crate::backend::tests::generation(&project, 8);
    assert_eq!(list(&world)[0]["generation"], 7);
}
