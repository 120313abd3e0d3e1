//! SIGHUP: the terminal was closed. It ends a run as SIGTERM does.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Begins to listen; nothing where the signal is ignored, as below `nohup`, which has to stay so.
pub(super) fn listen() -> Option<Signal> {
    if is_ignored() {
        return None;
    }
    signal(SignalKind::hangup()).ok()
}

/// Resolves with the next signal. Cancel-safe.
pub(super) async fn next(hangup: &mut Option<Signal>) {
    match hangup {
        Some(hangup) => drop(hangup.recv().await),
        None => std::future::pending().await,
    }
}

/// Returns `true` if the process was started with the signal ignored. Known on Linux only.
fn is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignores_hangup(&status)
}

/// The field is a hexadecimal mask in which the lowest bit stands for signal 1.
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read_from_its_lowest_bit() {
        assert!(ignores_hangup(
            "Name:\tspanspec\nSigIgn:\t0000000000001001\n"
        ));
        assert!(!ignores_hangup("SigIgn:\t0000000000001000\n"));
        assert!(!ignores_hangup(""));
    }
}
