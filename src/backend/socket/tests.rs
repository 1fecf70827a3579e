use std::os::unix::net::UnixStream;

use super::*;
use crate::project::socket_lock;

fn at(socket: &Path) -> Host {
    Host::fake(["aim-backend"]).with_var(env_vars::SOCKET, socket)
}

fn refused(host: &Host) -> String {
    ServedSocket::take(host).expect_err("refused").to_string()
}

fn mode(path: &Path) -> u32 {
    path.metadata().expect("there").mode() & 0o7777
}

#[test]
fn one_daemon_a_socket_and_nothing_left_behind() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let socket = dir.path().join("deep/er/s");
    let host = at(&socket);
    let place = ServedSocket::take(&host).expect("free");
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(socket.parent().expect("a folder")), 0o700);
    let second = ServedSocket::take(&host).expect_err("taken");
    assert!(
        second.to_string().contains(&std::process::id().to_string()),
        "{second}"
    );
    assert!(second.hints()[0].contains("aim-backend stop"));
    assert!(socket.exists(), "the second did no harm");
    drop(place);
    let left = std::fs::read_dir(socket.parent().expect("a folder")).expect("list");
    assert_eq!(left.count(), 0);
}

#[test]
fn a_stale_socket_is_replaced() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let socket = dir.path().join("s");
    drop(UnixListener::bind(&socket).expect("bind"));
    std::fs::write(socket_lock(&socket), "99999999\n").expect("a dead daemon's lock");
    let _place = ServedSocket::take(&at(&socket)).expect("replaced");
    assert!(UnixStream::connect(&socket).is_ok());
}

#[test]
fn a_place_that_goes_is_made_again() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let folder = dir.path().join("deep");
    let socket = folder.join("s");
    let host = at(&socket);
    let mut place = ServedSocket::take(&host).expect("free");
    assert!(!place.is_lost());
    // The socket alone, the lock alone, the whole folder.
    for gone in [&socket, &socket_lock(&socket), &folder] {
        if gone.is_dir() {
            std::fs::remove_dir_all(gone).expect("removed");
        } else {
            std::fs::remove_file(gone).expect("removed");
        }
        assert!(place.is_lost(), "{}", gone.display());
        let _again = place.make_again().expect("made again");
        assert!(!place.is_lost() && UnixStream::connect(&socket).is_ok());
        assert_eq!(mode(&socket), 0o600);
        ServedSocket::take(&host).expect_err("still one daemon a place");
    }
    drop(place);
    assert_eq!(std::fs::read_dir(&folder).expect("list").count(), 0);
}

#[test]
fn what_another_daemon_has_by_now_is_left_to_it() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let socket = dir.path().join("deep/s");
    let host = at(&socket);
    let mut first = ServedSocket::take(&host).expect("free");
    std::fs::remove_dir_all(dir.path().join("deep")).expect("removed");
    let second = ServedSocket::take(&host).expect("free again");
    assert!(first.is_lost() && !second.is_lost());
    first.make_again().expect_err("another daemon's");
    drop(first);
    assert!(!second.is_lost(), "nothing of the second's was removed");
    assert!(UnixStream::connect(&socket).is_ok());
}

#[test]
fn a_socket_of_another_program_in_its_place_is_left_to_it() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let socket = dir.path().join("s");
    let mut place = ServedSocket::take(&at(&socket)).expect("free");
    std::fs::remove_file(&socket).expect("removed");
    let other = UnixListener::bind(&socket).expect("bind");
    assert!(place.is_lost());
    place.make_again().expect_err("another program's");
    drop(place);
    assert!(socket.exists() && !socket_lock(&socket).exists());
    drop(other);
}

#[test]
fn where_there_can_be_no_place_the_next_is_taken() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let (runtime, temporary) = (dir.path().join("run"), dir.path().join("tmp"));
    for folder in [&runtime, &temporary] {
        std::fs::create_dir(folder).expect("folder");
    }
    // Whatever `/run/user` has here is not used up by a test.
    let host = Host::fake(["aim-backend"])
        .with_var("XDG_RUNTIME_DIR", &runtime)
        .with_var("TMPDIR", &temporary);
    let mut place = ServedSocket::take(&host).expect("free");
    assert!(place.path().starts_with(&runtime));
    place.paths.retain(|path| path.starts_with(dir.path()));
    std::fs::remove_dir_all(&runtime).expect("logged out");
    let _again = place.make_again().expect("at the next");
    assert!(!place.is_lost() && place.path().starts_with(&temporary));
    std::fs::remove_dir_all(&temporary).expect("removed");
    place.make_again().expect_err("nowhere");
}

#[test]
fn what_is_not_a_stale_socket_is_left_alone() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let file = dir.path().join("file");
    std::fs::write(&file, "precious").expect("write");
    refused(&at(&file));
    assert_eq!(std::fs::read_to_string(&file).expect("read"), "precious");
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&file, &link).expect("link");
    refused(&at(&link));
    let served = dir.path().join("served");
    let _other = UnixListener::bind(&served).expect("bind");
    refused(&at(&served));
    assert!(served.exists());
}

#[test]
fn a_lock_that_is_a_link_is_not_followed() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let socket = dir.path().join("s");
    let precious = dir.path().join("precious");
    std::fs::write(&precious, "precious").expect("write");
    std::os::unix::fs::symlink(&precious, socket_lock(&socket)).expect("link");
    refused(&at(&socket));
    assert_eq!(
        std::fs::read_to_string(&precious).expect("read"),
        "precious"
    );
}

#[test]
fn a_path_too_long_for_a_socket_is_named() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let error = ServedSocket::take(&at(&dir.path().join("x".repeat(120)))).expect_err("too long");
    assert!(error.hints()[0].contains("AIM_SOCKET"), "{error:?}");
}

#[test]
fn a_chosen_folder_must_not_be_open_to_all() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let open = dir.path().join("open");
    std::fs::create_dir(&open).expect("folder");
    let set = |mode| {
        std::fs::set_permissions(&open, PermissionsExt::from_mode(mode)).expect("mode");
    };
    set(0o777);
    refused(&at(&open.join("s")));
    set(0o1777);
    ServedSocket::take(&at(&open.join("s"))).expect("sticky: others cannot swap files");
    assert_eq!(mode(&open), 0o1777, "a chosen folder is left as it is");
}

#[test]
fn the_default_folder_is_real_and_closed() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let host = Host::fake(["aim-backend"]).with_var("XDG_RUNTIME_DIR", dir.path());
    let folder = dir.path().join("aim");
    let elsewhere = dir.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("folder");
    std::os::unix::fs::symlink(&elsewhere, &folder).expect("link");
    refused(&host);
    std::fs::remove_file(&folder).expect("remove");
    std::fs::create_dir(&folder).expect("folder");
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).expect("mode");
    ServedSocket::take(&host).expect("closed, then taken");
    assert_eq!(mode(&folder), 0o700);
}
