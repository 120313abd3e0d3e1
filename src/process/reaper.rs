//! Ends the children of a process that cannot do it itself, because it is no more.
//!
//! A runner may be killed, a panic may abort it, and libtest ends its process without notice. So a
//! small shell outlives us: it reads the numbers of process groups from a pipe that only we hold
//! open, and when the pipe closes, it ends those groups and every process that has our mark
//! (`strays`). On Windows job objects do the same.

use std::io::Write;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::strays;

/// Signals that a terminal sends are not for it. Processes get five seconds between SIGTERM and
/// SIGKILL; no process can wait for others than its children, so the shell looks. Processes outside
/// the groups are found where the system shows environments as files (Linux).
const SCRIPT: &str = r#"
trap '' INT TERM HUP
groups=
while read -r sign id; do
    case $sign in
        +) groups="$groups $id" ;;
        -) left=; for one in $groups; do [ "$one" = "$id" ] || left="$left $one"; done; groups=$left ;;
    esac
done
marked() { grep -lsF "$1" /proc/[0-9]*/environ | while IFS=/ read -r _ _ id _; do echo "$id"; done; }
for one in $groups; do kill -s TERM -- "-$one"; done
for one in $(marked "$1"); do kill -s TERM "$one"; done
looks=0
while [ $looks -lt 50 ]; do
    left=; for one in $groups; do kill -s 0 -- "-$one" && left="$left $one"; done; groups=$left
    [ -n "$groups$(marked "$1")" ] || break
    sleep 0.1
    looks=$((looks + 1))
done
for one in $groups; do kill -s KILL -- "-$one"; done
for one in $(marked "$1"); do kill -s KILL "$one"; done
"#;

/// The shell and the pipe to it, where one could be started.
static HELPER: OnceLock<Option<Helper>> = OnceLock::new();

struct Helper {
    id: u32,
    pipe: Mutex<ChildStdin>,
}

/// A group has been started. From the first one on, groups end with this process at the latest,
/// however it ends.
pub(super) fn note(leader: u32) {
    write(HELPER.get_or_init(start).as_ref(), '+', leader);
}

/// A group is gone, and the system may give its number to another.
pub(super) fn forget(leader: u32) {
    write(HELPER.get().and_then(Option::as_ref), '-', leader);
}

/// The process id of the shell, if one runs.
pub(super) fn helper() -> Option<u32> {
    Some(HELPER.get()?.as_ref()?.id)
}

fn start() -> Option<Helper> {
    let mut command = Command::new("/bin/sh");
    let mark = format!("{}={}", strays::VARIABLE, strays::own());
    command
        .args(["-c", SCRIPT, "sh", &mark])
        .env_remove(strays::VARIABLE)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // A signal to our group, such as Ctrl-C, is not for it.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    // Without a shell, our own means have to do.
    let mut shell = command.spawn().ok()?;
    Some(Helper {
        id: shell.id(),
        pipe: Mutex::new(shell.stdin.take()?),
    })
}

fn write(helper: Option<&Helper>, sign: char, leader: u32) {
    if let Some(helper) = helper {
        let mut pipe = helper.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        // Where the shell was killed, our own means have to do.
        let _ = writeln!(pipe, "{sign} {leader}");
    }
}
