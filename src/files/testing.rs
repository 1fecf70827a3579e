//! What tests of several rooms ask of a folder.

use std::path::Path;

/// Puts a file at `path`, in the place of one that may be there, of which the system says `EIO` when it is read: as of
/// any other failure of the moment, nobody knows then what is in it.
#[cfg(all(test, target_os = "linux"))]
pub(crate) fn unreadable_now(path: &Path) {
    let _ = std::fs::remove_file(path);
    // Nothing is mapped at address 0 (proc_pid_mem(5)).
    std::os::unix::fs::symlink("/proc/self/mem", path).expect("link");
    let read = std::fs::read(path).expect_err("unreadable");
    assert!(super::momentary::is_momentary(&read), "{read}");
}

/// The names in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("list");
    let mut names: Vec<String> = entries
        .map(|entry| {
            let name = entry.expect("entry").file_name();
            name.to_string_lossy().into_owned()
        })
        .collect();
    names.sort();
    names
}
