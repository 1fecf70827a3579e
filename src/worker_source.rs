//! The Python source that runs nodes, part of each program that does: the daemon, for its workers, and `aim-worker`,
//! for `run --here`.

/// The script that is a worker.
#[cfg(feature = "backend")]
pub const WORKER: &str = "aim_worker.py";
/// The script that runs one node in the person's terminal.
pub const HERE: &str = "aim_worker_here.py";

/// The scripts, and the modules that they import from beside them.
pub const FILES: [(&str, &str); 14] = [
    ("aim_worker.py", include_str!("../worker/aim_worker.py")),
    (
        "aim_worker_end.py",
        include_str!("../worker/aim_worker_end.py"),
    ),
    (
        "aim_worker_fresh.py",
        include_str!("../worker/aim_worker_fresh.py"),
    ),
    (
        "aim_worker_here.py",
        include_str!("../worker/aim_worker_here.py"),
    ),
    (
        "aim_worker_interrupt.py",
        include_str!("../worker/aim_worker_interrupt.py"),
    ),
    (
        "aim_worker_memory.py",
        include_str!("../worker/aim_worker_memory.py"),
    ),
    (
        "aim_worker_nodes.py",
        include_str!("../worker/aim_worker_nodes.py"),
    ),
    (
        "aim_worker_objects.py",
        include_str!("../worker/aim_worker_objects.py"),
    ),
    (
        "aim_worker_own.py",
        include_str!("../worker/aim_worker_own.py"),
    ),
    (
        "aim_worker_path.py",
        include_str!("../worker/aim_worker_path.py"),
    ),
    (
        "aim_worker_process.py",
        include_str!("../worker/aim_worker_process.py"),
    ),
    (
        "aim_worker_requests.py",
        include_str!("../worker/aim_worker_requests.py"),
    ),
    (
        "aim_worker_show.py",
        include_str!("../worker/aim_worker_show.py"),
    ),
    (
        "aim_worker_text.py",
        include_str!("../worker/aim_worker_text.py"),
    ),
];
