//! Where `aim-pip` is, for those who put the hook in place.

use std::path::PathBuf;

use crate::host::Host;

/// The `aim-pip` beside the running command, else the one on PATH; absolute.
///
/// The command's name as it was called comes before the file that runs: where a package manager links
/// `bin/aim-pip` to a folder that its next version renames, the hook must name the link.
pub fn aim_pip_path(host: &Host) -> Option<PathBuf> {
    let search = host.var_os("PATH");
    let found = |name: &std::ffi::OsStr| which::which_in(name, search, host.cwd()?).ok();
    let called = host.args().first().and_then(|name| found(name));
    [called, host.exe().map(PathBuf::from)]
        .into_iter()
        .flatten()
        .map(|command| host.absolute(command).with_file_name("aim-pip"))
        .find(|beside| beside.is_file())
        .or_else(|| found("aim-pip".as_ref()).map(|path| host.absolute(path)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    fn executable(path: &Path) {
        std::fs::create_dir_all(path.parent().expect("folder")).expect("folders");
        std::fs::write(path, "").expect("write");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("mode");
    }

    #[test]
    fn a_link_to_the_command_keeps_its_name() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let (cellar, bin) = (dir.path().join("cellar/1.0"), dir.path().join("bin"));
        std::fs::create_dir_all(&bin).expect("bin");
        for name in ["aim-pip", "aim-venv-sync"] {
            executable(&cellar.join(name));
            symlink(cellar.join(name), bin.join(name)).expect("link");
        }
        let host = Host::fake(["aim-venv-sync"])
            .with_cwd("/")
            .with_exe(cellar.join("aim-venv-sync"))
            .with_var("PATH", &bin);
        assert_eq!(aim_pip_path(&host), Some(bin.join("aim-pip")));
        let host = Host::fake([bin.join("aim-venv-sync")]).with_cwd("/");
        assert_eq!(aim_pip_path(&host), Some(bin.join("aim-pip")));
        let host = Host::fake(["foreign-name"])
            .with_cwd("/")
            .with_exe(cellar.join("aim-venv-sync"));
        assert_eq!(aim_pip_path(&host), Some(cellar.join("aim-pip")));
    }
}
