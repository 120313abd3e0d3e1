//! What machine this is, and how fast: durations that were measured on another one prove nothing.
//!
//! Here are only facts; whether two of them are alike is decided by
//! [`Fingerprint`](crate::budget::baseline::Fingerprint).

use std::hint::black_box;
use std::str::Utf8Error;
use std::time::{Duration, Instant};

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// This machine, as far as durations depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The model of the processor; where that is not told, its architecture.
    pub cpu: String,
    /// How many cores this process may use.
    pub cores: u32,
    /// The memory that this process may use, in MiB.
    pub memory_mib: u64,
    /// The operating system and its version.
    pub os: String,
    /// How much of a fixed piece of work it does in 200 ms.
    pub probe: u64,
}

/// The probe looks so often and takes the best: other work of the machine interrupts some looks,
/// and hardly all of them.
const LOOKS: u32 = 200;

/// How long it looks each time.
const LOOK: Duration = Duration::from_millis(1);

/// The bytes of a round; they fit into the cache of any core.
const TEXT_SIZE: usize = 64 << 10;

/// A round is work of the standard library, which is compiled in one way whether spanspec is built
/// for release or not; the compiler must not see which, or it makes a copy of its own.
const ROUND: fn(&[u8]) -> Result<&str, Utf8Error> = std::str::from_utf8;

impl Machine {
    /// Finds out. Takes 200 ms of one core, so it is no work for a thread that others wait for,
    /// nor for a time when something is measured.
    #[must_use]
    pub fn examine() -> Self {
        let known = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        // Where the system is not a known one, there are fewer facts.
        let system = System::new_with_specifics(known).ok();
        let system = system.as_ref();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            cpu: cpu(system),
            cores: u32::try_from(cores).unwrap_or(u32::MAX),
            memory_mib: system.map_or(0, memory) >> 20,
            os: os(),
            probe: probe(),
        }
    }
}

fn cpu(system: Option<&System>) -> String {
    let first = system.and_then(|system| system.cpus().first());
    match first.map_or("", |cpu| cpu.brand().trim()) {
        "" => System::cpu_arch(),
        brand => brand.to_owned(),
    }
}

/// A container may have less than the machine.
fn memory(system: &System) -> u64 {
    let limit = system.cgroup_limits().map(|limits| limits.total_memory);
    let all = system.total_memory();
    limit.filter(|limit| *limit > 0).unwrap_or(all).min(all)
}

fn os() -> String {
    System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.to_owned())
}

/// Rounds in 200 ms.
fn probe() -> u64 {
    let text = "ä".repeat(TEXT_SIZE / 2).into_bytes();
    let best = (0..LOOKS).map(|_| rounds(&text)).fold(0.0, f64::max);
    (best * f64::from(LOOKS)).round() as u64
}

/// Rounds in a look.
fn rounds(text: &[u8]) -> f64 {
    let round = black_box(ROUND);
    let begin = Instant::now();
    let mut rounds = 0.0;
    loop {
        let _ = black_box(round(black_box(text)));
        rounds += 1.0;
        let took = begin.elapsed();
        if took >= LOOK {
            return rounds * LOOK.as_secs_f64() / took.as_secs_f64();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_is_found_out() {
        let machine = Machine::examine();
        assert!(
            !machine.cpu.is_empty() && !machine.os.is_empty(),
            "{machine:?}"
        );
        assert!(machine.cores >= 1 && machine.memory_mib > 0, "{machine:?}");
        // A round is 64 KiB; the slowest machine checks some MB a second.
        assert!(machine.probe > 10, "{machine:?}");
    }
}
