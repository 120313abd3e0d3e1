//! Ends the children of this process after it was killed.
//!
//! A process may be killed or abort, and libtest exits without running destructors. A small shell
//! continues to run then: it reads the numbers of process groups from a pipe that only this process
//! holds open. When the pipe is closed, it ends these groups and every process with a mark of this
//! process (`strays`). On Windows, job objects do the same.

use std::io::Write;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::strays;

/// Ignores the signals of the terminal. Processes get five seconds between SIGTERM and SIGKILL. The
/// shell polls, since a process can only wait for its children. Processes outside of the groups are
/// found if the system has environments as files (Linux).
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

/// The shell and the pipe to it; `None` if it could not be started.
static HELPER: OnceLock<Option<Helper>> = OnceLock::new();

struct Helper {
    id: u32,
    pipe: Mutex<ChildStdin>,
}

/// Adds a group, which is ended when this process ends for any reason.
pub(super) fn note(leader: u32) {
    write(HELPER.get_or_init(start).as_ref(), '+', leader);
}

/// Removes a group, since the system may reuse its number.
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
    // Signals to the group of this process, such as Ctrl-C, must not end it.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    // Without a shell, destructors still end the groups.
    let mut shell = command.spawn().ok()?;
    Some(Helper {
        id: shell.id(),
        pipe: Mutex::new(shell.stdin.take()?),
    })
}

fn write(helper: Option<&Helper>, sign: char, leader: u32) {
    if let Some(helper) = helper {
        let mut pipe = helper.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        // The shell may have been killed.
        let _ = writeln!(pipe, "{sign} {leader}");
    }
}
