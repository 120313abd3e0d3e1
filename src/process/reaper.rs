//! Ends the children of a process that cannot do it itself, because it is no more.
//!
//! A test runner may be killed, and libtest ends its process without a word to anybody. So a small
//! shell outlives us: it reads the numbers of process groups from a pipe that only we hold open,
//! and when the pipe closes, because we stopped, crashed or were killed, it ends those groups. On
//! Windows job objects do the same.

use std::io::Write;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Signals that a terminal sends are not for it. A group gets five seconds between SIGTERM and
/// SIGKILL; nobody can wait for processes that are not his children, so it looks.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
groups=
while read -r sign id; do
    case $sign in
        +) groups="$groups $id" ;;
        -) left=; for one in $groups; do [ "$one" = "$id" ] || left="$left $one"; done; groups=$left ;;
    esac
done
for one in $groups; do kill -s TERM -- "-$one"; done
looks=0
while [ -n "$groups" ] && [ $looks -lt 50 ]; do
    left=; for one in $groups; do kill -s 0 -- "-$one" && left="$left $one"; done; groups=$left
    [ -z "$groups" ] || sleep 0.1
    looks=$((looks + 1))
done
for one in $groups; do kill -s KILL -- "-$one"; done
"#;

/// Nothing until somebody asks for it; then the pipe, if a shell could be started.
static PIPE: OnceLock<Option<Mutex<ChildStdin>>> = OnceLock::new();

/// From now on, groups that are started end with this process at the latest, however it ends.
pub(crate) fn start() {
    PIPE.get_or_init(|| {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // What is sent to our group, such as Ctrl-C, is not for it.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        // Without a shell, our own means have to do.
        command.spawn().ok()?.stdin.take().map(Mutex::new)
    });
}

/// A group has been started.
pub(super) fn note(leader: u32) {
    tell('+', leader);
}

/// A group is gone, and its number may be another's soon.
pub(super) fn forget(leader: u32) {
    tell('-', leader);
}

fn tell(sign: char, leader: u32) {
    if let Some(Some(pipe)) = PIPE.get() {
        let mut pipe = pipe.lock().unwrap_or_else(PoisonError::into_inner);
        // Where the shell was killed, nobody is left to be told.
        let _ = writeln!(pipe, "{sign} {leader}");
    }
}
