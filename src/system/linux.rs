//! Linux.

use std::io::Read as _;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use libc::siginfo_t;
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::process::{
    DumpableBehavior, Pid, Signal, getpid, getppid, kill_process, set_dumpable_behavior,
    set_parent_process_death_signal,
};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer};

use super::{CallingProcess, FIRST_OF_OTHERS, ServiceManager};

/// The longest path of a socket, in bytes (unix(7): 108 with the NUL at its end).
pub(crate) const LONGEST_SOCKET_PATH: usize = 107;

/// Whether a process can open what another has open, as `/proc/<pid>/fd/<number>`.
pub(crate) const SHARES_DESCRIPTORS: bool = true;

/// How the master of a terminal is opened.
pub(crate) const MASTER_FLAGS: OpenptFlags = OpenptFlags::RDWR
    .union(OpenptFlags::NOCTTY)
    .union(OpenptFlags::CLOEXEC);

/// Folders in which pip looks for its settings beside those of every Unix: the machine's, and one below the home
/// folder.
pub(crate) const MORE_PIP_SETTINGS: Option<[&str; 2]> = None;

/// A name of each process's own program, also after another file has taken its usual one.
pub(crate) const OWN_PROGRAM: Option<&str> = Some("/proc/self/exe");

/// What starts a person's services here.
pub(crate) const SERVICE_MANAGER: ServiceManager = ServiceManager::Systemd;

/// Opens the file behind `fd` once more, for writing without waiting. Not possible for a file of another user, say, or
/// without `/proc`.
pub(crate) fn open_again(fd: BorrowedFd<'_>) -> Option<OwnedFd> {
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).ok()
}

/// Opens the folder at `path` below another one, where no link and no way up is on the way (openat2(2)). Not possible
/// on a kernel before 5.6, and where a filter of system calls does not know it.
pub(crate) fn open_below(folder: BorrowedFd<'_>, path: &Path) -> Option<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let how = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    rustix::fs::openat2(folder, path, flags, Mode::empty(), how).ok()
}

/// Opens the slave of `master` by asking the master, which works also where no matching `/dev/pts` is mounted.
pub(crate) fn open_slave(master: &OwnedFd) -> Option<OwnedFd> {
    ioctl_tiocgptpeer(master, MASTER_FLAGS).ok()
}

/// Whether a process sent this signal by `kill` or the like (sigaction(2)): the codes of processes are 0 (`SI_USER`)
/// and below, those of the kernel above (`SI_KERNEL` is 0x80).
pub(crate) fn is_sent_by_process(info: &siginfo_t) -> bool {
    info.si_code <= 0
}

/// Keeps crash collectors away from this process: they are started whatever the limit for core files says (core(5)).
pub(crate) fn forbid_dump() {
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Has the program that `command` starts killed when the thread that starts it ends (prctl(2), `PR_SET_PDEATHSIG`). One
/// that is started in the place of this process is left as it is.
#[expect(unsafe_code, reason = "std cannot set this between fork and exec")]
pub(crate) fn end_with_parent(command: &mut Command) {
    let parent = getpid();
    // SAFETY: between fork and exec only system calls are made; nothing is allocated, and no lock is taken.
    unsafe {
        command.pre_exec(move || {
            if getpid() != parent {
                set_parent_process_death_signal(Some(Signal::KILL))?;
                if getppid() != Some(parent) {
                    kill_process(getpid(), Signal::KILL)?; // it was gone before, and nobody is told of that any more
                }
            }
            Ok(())
        });
    }
}

/// Has every descriptor but the standard ones closed when another program takes the place of this one. Only makes
/// system calls.
#[expect(unsafe_code, reason = "rustix leaves this call to its callers, too")]
pub(crate) fn close_others_on_exec() {
    // SAFETY: takes numbers alone, and closes nothing in this process.
    let done = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            FIRST_OF_OTHERS,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    // Linux before 5.11
    if done != 0 {
        super::each_close_on_exec();
    }
}

/// A file that has no name and goes with its last descriptor.
pub(crate) fn unnamed_file() -> std::io::Result<std::fs::File> {
    let file = rustix::fs::memfd_create("aim-backend", rustix::fs::MemfdFlags::CLOEXEC)?;
    Ok(file.into())
}

/// Every other process.
pub(crate) fn processes() -> impl Iterator<Item = Pid> {
    let own = getpid();
    let found = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    found
        .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
        .filter(move |pid| *pid != own)
}

/// The variables that the process `pid` was started with, as the system keeps them: `NAME=value`, each with a NUL at
/// its end. Empty where they cannot be told.
pub(crate) fn environ_of(pid: Pid) -> Vec<u8> {
    std::fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).unwrap_or_default()
}

/// The process that has the file behind `found` locked for itself alone by flock(2), without a try to lock it
/// (`proc_locks(5)`).
pub(crate) fn who_locks(found: &std::fs::Metadata) -> Option<u64> {
    let (major, minor) = (
        rustix::fs::major(found.dev()),
        rustix::fs::minor(found.dev()),
    );
    let file = format!("{major:02x}:{minor:02x}:{}", found.ino());
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        match fields.as_slice() {
            [_, "FLOCK", _, "WRITE", pid, locked, ..] if *locked == file => pid.parse().ok(),
            _ => None,
        }
    })
}

/// The words that the process `pid` was called with, each with a NUL at its end. Empty where they cannot be told.
pub(crate) fn command_line_of(pid: u32) -> Vec<u8> {
    std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()
}

/// The session of the process `pid`, by its number; none for one that has ended, 0 for one of the kernel's
/// (`proc_pid_stat(5)`).
pub(crate) fn session_of(pid: u64) -> Option<u64> {
    Stat::of(pid).map(|stat| stat.session)
}

/// When the process `pid` began, in ticks since the machine did; none for one that has ended (`proc_pid_stat(5)`).
pub(crate) fn beginning_of(pid: u64) -> Option<u64> {
    let stat = Stat::of(pid)?;
    (!matches!(stat.state, 'Z' | 'X')).then_some(stat.began)
}

/// The process `pid`, as far as it can be told who it is (`proc_pid_stat(5)`, `proc_pid_cmdline(5)`).
pub(crate) fn calling_process(pid: u64) -> Option<CallingProcess> {
    /// More than anybody's name and script take.
    const LONGEST: u64 = 4096;
    let mut line = Vec::new();
    let file = std::fs::File::open(format!("/proc/{pid}/cmdline")).ok()?;
    file.take(LONGEST).read_to_end(&mut line).ok()?;
    let words = line.split(|byte| *byte == 0);
    let words = words.map(|word| String::from_utf8_lossy(word).into_owned());
    let stat = Stat::of(pid)?;
    Some(CallingProcess {
        parent: stat.parent,
        session: stat.session,
        name: stat.name,
        words: words.filter(|word| !word.is_empty()).collect(),
    })
}

/// What the system says of a process (`proc_pid_stat(5)`), times in ticks.
struct Stat {
    name: String,
    state: char,
    parent: u64,
    session: u64,
    processor_time: u64,
    began: u64,
}

impl Stat {
    fn of(pid: u64) -> Option<Self> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in parentheses, may hold anything.
        let (before, rest) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
        Some(Self {
            name: before.split_once(" (")?.1.to_owned(),
            state: fields.first()?.chars().next()?,
            parent: number(1)?,
            session: number(3)?,
            processor_time: number(11)? + number(12)?,
            began: number(19)?,
        })
    }
}

/// What a process and those below it have done so far. Where two of these are equal, none of them used processor time,
/// read or wrote in between, and none came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Work {
    /// Each process by its number, with its beginning, its processor time and its bytes.
    processes: Vec<(u64, u64, u64, u64)>,
}

/// The work of the process `pid` and of those that it and they started, those in `without` left out with all below
/// them. None for a process that has ended.
pub(crate) fn work_of(pid: u32, without: &[u32]) -> Option<Work> {
    beginning_of(pid.into())?;
    let root = u64::from(pid);
    let is_left_out = |pid: u64| pid != root && without.iter().any(|&out| u64::from(out) == pid);
    let mut processes: Vec<_> = below(root, is_left_out)
        .into_iter()
        .map(|(pid, stat)| (pid, stat.began, stat.processor_time, bytes_of(pid)))
        .collect();
    processes.sort_unstable();
    Some(Work { processes })
}

/// The process `root` and all that it and they have started, those that `is_left_out` left out with all below them.
fn below(root: u64, is_left_out: impl Fn(u64) -> bool) -> Vec<(u64, Stat)> {
    let mut all: Vec<(u64, Stat)> = processes()
        .filter_map(|pid| u64::try_from(pid.as_raw_nonzero().get()).ok())
        .filter_map(|pid| Some((pid, Stat::of(pid)?)))
        .collect();
    let mut tree = vec![root];
    let mut at = 0;
    while let Some(&parent) = tree.get(at) {
        let children = all.iter().filter(|(_, stat)| stat.parent == parent);
        tree.extend(
            children
                .map(|&(pid, _)| pid)
                .filter(|&pid| !is_left_out(pid)),
        );
        at += 1;
    }
    all.retain(|(pid, _)| tree.contains(pid));
    all
}

/// How many bytes the process `pid` read and wrote (`proc_pid_io(5)`). Of another user's nobody is told; it is 0 then.
fn bytes_of(pid: u64) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
    let numbers = text.lines().filter_map(|line| line.split_once(": "));
    numbers
        .filter_map(|(_, number)| number.parse::<u64>().ok())
        .fold(0, u64::wrapping_add)
}

/// The user on the other side of `socket` (unix(7), `SO_PEERCRED`).
pub(crate) fn peer_of(socket: BorrowedFd<'_>) -> Option<u32> {
    let peer = rustix::net::sockopt::socket_peercred(socket).ok()?;
    Some(peer.uid.as_raw())
}

/// The number of the namespace that process ids are of (`pid_namespaces(7)`); 0 when it cannot be told.
pub(crate) fn pid_namespace() -> u64 {
    std::fs::metadata("/proc/self/ns/pid").map_or(0, |found| found.ino())
}

/// Holds a process by a descriptor, so that its number cannot come to mean another one (`pidfd_open(2)`).
pub(crate) fn hold(pid: Pid) -> Option<HeldProcess> {
    let flags = rustix::process::PidfdFlags::empty();
    rustix::process::pidfd_open(pid, flags)
        .ok()
        .map(HeldProcess)
}

/// A process that is held by a descriptor.
#[derive(Debug)]
pub(crate) struct HeldProcess(OwnedFd);

impl HeldProcess {
    pub(crate) fn kill(&self) {
        let _ = rustix::process::pidfd_send_signal(&self.0, Signal::KILL);
    }

    /// Readable once it has ended.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Waits until it has ended, which its descriptor tells by being readable, or `limit` is over.
    pub(crate) fn wait(&self, limit: std::time::Duration) {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        let limit = Timespec::try_from(limit).ok();
        let _ = poll(&mut [PollFd::new(&self.0, PollFlags::IN)], limit.as_ref());
    }
}

/// The file system that `path` is on, if it is one that other machines or processes can change unseen (statfs(2),
/// `linux/magic.h`).
pub(crate) fn remote_file_system(path: &Path) -> Option<&'static str> {
    #[expect(
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "a number of 32 bits in a wider type"
    )]
    let kind = rustix::fs::statfs(path).ok()?.f_type as u32;
    Some(match kind {
        0x0000_6969 => "nfs",
        0x0000_517b | 0xff53_4d42 | 0xfe53_4d42 => "smb",
        0x0102_1997 => "9p",
        0x6573_5546 => "fuse",
        0x00c3_6400 => "ceph",
        0x5346_414f | 0x6b41_4653 => "afs",
        0x7375_7245 => "coda",
        0x0bd0_0bd0 => "lustre",
        0x786f_4256 => "vboxsf",
        0xbacb_acbc => "vmhgfs",
        _ => return None,
    })
}

/// Has those that connect from now on come to socket `index` of all that listen at the address of `socket` with
/// `SO_REUSEPORT`, in the order in which they began to (socket(7), `SO_ATTACH_REUSEPORT_CBPF`: a program of one
/// instruction, which gives that number). Whether that can be had.
#[expect(unsafe_code, reason = "rustix has no such option")]
pub(crate) fn steer(socket: BorrowedFd<'_>, index: u32) -> bool {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "an instruction is a byte in 16 bits"
    )]
    let mut give = libc::sock_filter {
        code: (libc::BPF_RET | libc::BPF_K) as u16,
        jt: 0,
        jf: 0,
        k: index,
    };
    let program = libc::sock_fprog {
        len: 1,
        filter: &raw mut give,
    };
    #[expect(clippy::cast_possible_truncation, reason = "a few bytes")]
    let length = size_of_val(&program) as libc::socklen_t;
    // SAFETY: the kernel reads `length` bytes of `program`, and the one instruction that it leads to; both live.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_REUSEPORT_CBPF,
            (&raw const program).cast(),
            length,
        )
    };
    done == 0
}

/// Whether the process `pid`, or one below it, waits by epoll(7) for something to happen at `file`
/// (`proc_pid_fdinfo(5)`). Who waits otherwise is not seen.
pub(crate) fn is_watched_below(pid: u32, file: BorrowedFd<'_>) -> bool {
    let Ok(found) = rustix::fs::fstat(file) else {
        return false;
    };
    let watched = format!("ino:{:x} ", found.st_ino);
    let is_watched_by = |pid: u64| {
        let entries = std::fs::read_dir(format!("/proc/{pid}/fdinfo"));
        entries.into_iter().flatten().flatten().any(|entry| {
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            let mut targets = text.lines().filter(|line| line.starts_with("tfd:"));
            targets.any(|line| format!("{line} ").contains(&watched))
        })
    };
    let root = u64::from(pid);
    is_watched_by(root)
        || below(root, |_| false)
            .into_iter()
            .any(|(pid, _)| is_watched_by(pid))
}

/// How many folders a person's programs may watch together (inotify(7)); none where that cannot be told.
pub(crate) fn most_watches() -> Option<usize> {
    let most = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").ok()?;
    most.trim().parse().ok()
}

/// Lets a pipe hold a megabyte, if it is one and the person has not too many of them (pipe(7)): long messages then go
/// in fewer steps.
pub(crate) fn widen(pipe: BorrowedFd<'_>) {
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, 1 << 20);
}

/// Tells when an entry of a folder is written anew, another one is put in its place, or the folder itself goes
/// (inotify(7)).
#[derive(Debug)]
pub(crate) struct FolderWatch {
    told: OwnedFd,
    /// By device and inode.
    folder: (u64, u64),
}

impl FolderWatch {
    /// Watches `folder`; none where the system allows no more of this, or the folder is not there.
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};

        let watch = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
        let of_entries = WatchFlags::MOVED_TO | WatchFlags::CLOSE_WRITE;
        let of_itself = WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
        add_watch(&watch, folder, of_entries | of_itself | WatchFlags::ONLYDIR).ok()?;
        Some(Self {
            told: watch,
            folder: identity(folder)?,
        })
    }

    /// Whether `folder` is still the one that is watched.
    pub(crate) fn is_at(&self, folder: &Path) -> bool {
        identity(folder) == Some(self.folder)
    }

    /// Readable once something was written.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.told.as_fd()
    }

    /// Forgets what was told so far.
    pub(crate) fn settle(&self) {
        let mut told = [0_u8; 4096];
        while matches!(rustix::io::read(&self.told, &mut told), Ok(read) if read > 0) {}
    }
}

fn identity(folder: &Path) -> Option<(u64, u64)> {
    let found = folder.metadata().ok()?;
    Some((found.dev(), found.ino()))
}
