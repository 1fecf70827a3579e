//! The few calls that neither std nor rustix offers: what this process was born with, and what its child must get.
//!
//! Rust's runtime changes two things before `main`: it opens `/dev/null` on closed standard descriptors, and it
//! ignores SIGPIPE. Both would be seen by a child, so the truth is recorded before the runtime starts.
//!
//! **Invariant:** all `unsafe` of this room is here.

use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use libc::c_int;
use rustix::fd::BorrowedFd;
use rustix::io::{Errno, FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::process::{Resource, Rlimit, getrlimit, ioctl_tiocsctty, setrlimit, setsid};

use crate::system;

/// The last signal of any system: Linux has 64, macOS 31.
const LAST_SIGNAL: c_int = 64;

/// Which of the descriptors 0, 1 and 2 were closed when this process started.
static CLOSED: [AtomicBool; 3] = [const { AtomicBool::new(false) }; 3];

/// Whether SIGPIPE was ignored when this process started.
static SIGPIPE_IGNORED: AtomicBool = AtomicBool::new(false);

/// Whether SIGCHLD was ignored when this process started.
static SIGCHLD_IGNORED: AtomicBool = AtomicBool::new(false);

// SAFETY: the section holds pointers to functions that the loader calls before `main`, which is what this is; the
// function only makes system calls and stores atomics, so it needs nothing of Rust's runtime.
#[expect(
    unsafe_code,
    reason = "the only place that comes before Rust's runtime"
)]
#[used]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
#[cfg_attr(
    target_vendor = "apple",
    unsafe(link_section = "__DATA,__mod_init_func")
)]
static RECORD_START: extern "C" fn() = record_start;

extern "C" fn record_start() {
    for (fd, closed) in standard().into_iter().zip(&CLOSED) {
        closed.store(fcntl_getfd(fd) == Err(Errno::BADF), Ordering::Relaxed);
    }
    SIGPIPE_IGNORED.store(is_ignored(libc::SIGPIPE), Ordering::Relaxed);
    SIGCHLD_IGNORED.store(is_ignored(libc::SIGCHLD), Ordering::Relaxed);
}

/// Whether descriptor 0, 1 or 2 was closed when this process started (since then it is `/dev/null`).
pub(super) fn was_closed(descriptor: usize) -> bool {
    CLOSED[descriptor].load(Ordering::Relaxed)
}

/// Makes the program that `command` starts find what this process found at its own start.
///
/// Descriptors that were closed are closed when it starts; signals that std or this room would reset to their
/// default are ignored again if they were. Everything else passes through by itself.
pub(super) fn pass_on(command: &mut Command) {
    for (fd, closed) in standard().into_iter().zip(&CLOSED) {
        if closed.load(Ordering::Relaxed) {
            // Our own /dev/null stays open, so that no file of ours can take the number.
            let _ = fcntl_setfd(fd, FdFlags::CLOEXEC);
        }
    }
    let sigpipe = SIGPIPE_IGNORED.load(Ordering::Relaxed);
    let sigchld = SIGCHLD_IGNORED.load(Ordering::Relaxed);
    if sigpipe || sigchld {
        ignore_in_child(command, sigpipe, sigchld);
    }
}

/// Makes the program that `command` starts find `limit` as its soft limit of descriptors.
#[expect(unsafe_code, reason = "std cannot set this between fork and exec")]
pub fn limit_descriptors(command: &mut Command, limit: u64) {
    // SAFETY: between fork and exec only system calls are made; nothing is allocated, and no lock is taken.
    unsafe {
        command.pre_exec(move || {
            let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
            let current = Some(limit);
            Ok(setrlimit(Resource::Nofile, Rlimit { current, maximum })?)
        });
    }
}

/// Makes the program that `command` starts lead a session of its own, with the terminal on its standard input as the
/// controlling one, and find the default action for every signal, none of them blocked (pty(7), `setsid(2)`,
/// `TIOCSCTTY` in `ioctl_tty(2)`): under `nohup … &`, say, SIGINT is ignored, and a shell cannot change that any more.
#[expect(unsafe_code, reason = "std cannot do this between fork and exec")]
pub fn lead_session(command: &mut Command) {
    // SAFETY: between fork and exec only system calls are made; nothing is allocated, and no lock is taken.
    unsafe {
        command.pre_exec(move || {
            setsid()?;
            ioctl_tiocsctty(rustix::stdio::stdin())?;
            forget_signals();
            Ok(())
        });
    }
}

/// Makes the program that `command` starts outlive whoever starts it: in a session of its own that has no terminal,
/// with the default action for every signal, and with no other descriptors than its standard ones (daemon(7)).
#[expect(unsafe_code, reason = "std cannot do this between fork and exec")]
pub fn detach(command: &mut Command) {
    // SAFETY: between fork and exec only system calls are made; nothing is allocated, and no lock is taken.
    unsafe {
        command.pre_exec(|| {
            setsid()?;
            forget_signals();
            // Std closes its own by itself; those that the caller was given are meant for nobody else.
            system::close_others_on_exec();
            Ok(())
        });
    }
}

/// Has `descriptor` be number `number`, in the place of what has that number now.
#[expect(unsafe_code, reason = "std and rustix take no number for a descriptor")]
pub(super) fn renumber(descriptor: OwnedFd, number: RawFd) -> io::Result<OwnedFd> {
    if descriptor.as_raw_fd() == number {
        return Ok(descriptor);
    }
    // SAFETY: takes numbers alone. Nobody here owns that number, as the caller says: what it names was inherited.
    let renumbered = unsafe { libc::dup2(descriptor.as_raw_fd(), number) };
    if renumbered < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was opened just now, and nobody else has it.
    let renumbered = unsafe { OwnedFd::from_raw_fd(renumbered) };
    fcntl_setfd(&renumbered, FdFlags::CLOEXEC)?;
    Ok(renumbered)
}

/// A program with all it is given, as `execve(2)` takes it.
pub(super) struct Image {
    pub(super) program: CString,
    pub(super) words: Vec<CString>,
    /// `NAME=value` each.
    pub(super) variables: Vec<CString>,
    /// A variable that is to have the number of the process, which nobody knows before it is there: `NAME=`.
    pub(super) own_number: &'static str,
    /// The descriptors that it keeps, each with the other number that it is to have.
    pub(super) open: Vec<(RawFd, RawFd)>,
}

/// Makes `command` start `image` in the place of the program that it names.
#[expect(unsafe_code, reason = "std tells a child nothing of its own number")]
pub(super) fn become_image(command: &mut Command, image: Image) {
    /// More digits than the number of any process has.
    const DIGITS: usize = 20;
    let Image {
        program,
        words,
        mut variables,
        own_number,
        open,
    } = image;
    let mut own = own_number.as_bytes().to_vec();
    let digits = own.len();
    own.resize(digits + DIGITS + 1, 0);
    variables.push(CString::default());
    let place = variables.len() - 1;
    let words = ListOfStrings::of(words);
    let mut variables = ListOfStrings::of(variables);
    // SAFETY: between fork and exec only system calls are made; nothing is allocated, and no lock is taken. Both lists
    // end with a null pointer, and what they lead to lives as long as the closure, which owns it.
    unsafe {
        command.pre_exec(move || {
            for (descriptor, number) in &open {
                if libc::dup2(*descriptor, *number) < 0 {
                    return Err(io::Error::last_os_error());
                }
            }
            let number = std::process::id();
            let mut unit = number.checked_ilog10().map_or(1, |most| 10_u32.pow(most));
            for digit in &mut own[digits..digits + DIGITS] {
                *digit = b'0' + (number / unit % 10) as u8;
                unit /= 10;
                if unit == 0 {
                    break;
                }
            }
            variables.lead(place, own.as_ptr());
            libc::execve(program.as_ptr(), words.as_ptr(), variables.as_ptr());
            Err(io::Error::last_os_error())
        });
    }
}

/// Strings, and the list of pointers to them that `execve(2)` takes.
struct ListOfStrings {
    _strings: Vec<CString>,
    pointers: Vec<*const libc::c_char>,
}

// SAFETY: the pointers lead to what the value itself owns and nobody writes to.
#[expect(unsafe_code, reason = "a list of pointers is what the system takes")]
unsafe impl Send for ListOfStrings {}
// SAFETY: as above.
#[expect(unsafe_code, reason = "a list of pointers is what the system takes")]
unsafe impl Sync for ListOfStrings {}

impl ListOfStrings {
    fn of(strings: Vec<CString>) -> Self {
        let pointers = strings.iter().map(|string| string.as_ptr());
        Self {
            pointers: pointers.chain([ptr::null()]).collect(),
            _strings: strings,
        }
    }

    fn as_ptr(&self) -> *const *const libc::c_char {
        self.pointers.as_ptr()
    }

    /// Has the entry at `place` lead to `string`, which ends with a NUL and outlives the list.
    fn lead(&mut self, place: usize, string: *const u8) {
        self.pointers[place] = string.cast();
    }
}

/// Gives every signal its default action and blocks none.
///
/// # Safety
/// For between fork and exec alone: it takes the handlers of the whole process.
#[expect(unsafe_code, reason = "std cannot do this between fork and exec")]
unsafe fn forget_signals() {
    let mut none = MaybeUninit::<libc::sigset_t>::uninit();
    let default = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: only system calls are made. An all-zero action is the default one; a signal whose action cannot be
    // changed is left as it is.
    unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        for signal in 1..=LAST_SIGNAL {
            libc::sigaction(signal, default.as_ptr(), ptr::null_mut());
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut());
    }
}

/// Whether `signal` is ignored by this process now.
#[expect(
    unsafe_code,
    reason = "std and rustix cannot ask for a signal's action"
)]
pub fn is_ignored(signal: c_int) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null new action only asks; the old one is written to memory of the right type, which is valid when
    // all zero too.
    let action = unsafe {
        libc::sigaction(signal, ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}

/// Takes the default action of `signal`, which this process catches: it stops, unless its process group is orphaned,
/// which nobody could continue. Returns when this process is continued.
#[expect(unsafe_code, reason = "std and rustix cannot change a signal's action")]
pub(super) fn stop(signal: c_int) {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: all zero is a valid action, the default one with no flags and an empty mask; the one it takes the place
    // of is put back before anything else is done, unchanged. `raise` may be called at any time.
    unsafe {
        let default = action.assume_init();
        if libc::sigaction(signal, &raw const default, action.as_mut_ptr()) == 0 {
            libc::raise(signal);
            libc::sigaction(signal, action.as_ptr(), ptr::null_mut());
        }
    }
}

/// Lets `signal` reach this thread even if the caller had blocked it.
#[expect(unsafe_code, reason = "std and rustix cannot change the signal mask")]
pub(super) fn unblock(signal: c_int) {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset initializes the set before anything reads it; the old mask is not asked for.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, set.as_ptr(), ptr::null_mut());
    }
}

/// Ignores signals between fork and exec. Costs a real fork, so it is used only where the caller ignored them.
#[expect(
    unsafe_code,
    reason = "std resets SIGPIPE in the child, and a handled SIGCHLD becomes the default"
)]
fn ignore_in_child(command: &mut Command, sigpipe: bool, sigchld: bool) {
    // SAFETY: the closure only calls signal(2), which may be called between fork and exec.
    unsafe {
        command.pre_exec(move || {
            if sigpipe {
                libc::signal(libc::SIGPIPE, libc::SIG_IGN);
            }
            if sigchld {
                libc::signal(libc::SIGCHLD, libc::SIG_IGN);
            }
            Ok(())
        });
    }
}

fn standard() -> [BorrowedFd<'static>; 3] {
    [
        rustix::stdio::stdin(),
        rustix::stdio::stdout(),
        rustix::stdio::stderr(),
    ]
}
