//! Facts about this machine that influence durations.
//!
//! The comparison of two machines is left to
//! [`Fingerprint`](crate::budget::baseline::Fingerprint).

mod disturbance;

use std::hint::black_box;
use std::str::Utf8Error;
use std::time::{Duration, Instant};

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

pub use disturbance::Disturbance;
pub(crate) use disturbance::DisturbanceMeter;

/// The machine on which a run measures durations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The model of the processor; its architecture if the model is unknown.
    pub cpu: String,
    /// The number of cores available to this process.
    pub cores: u32,
    /// The memory available to this process, in MiB.
    pub memory_mib: u64,
    /// The operating system and its version.
    pub os: String,
    /// Number of rounds of a fixed computation in 200 ms.
    pub probe: u64,
}

/// Number of measurements, of which the best counts: other processes disturb some of them.
const PROBES: u32 = 200;

/// Duration of a measurement.
const PROBE_TIME: Duration = Duration::from_millis(1);

/// Bytes per round; they fit into the cache of any core.
const TEXT_SIZE: usize = 64 << 10;

/// A round calls the precompiled standard library, which is optimised in debug builds, too. The function
/// pointer prevents inlining.
const ROUND: fn(&[u8]) -> Result<&str, Utf8Error> = std::str::from_utf8;

impl Machine {
    /// Examines this machine. Uses one core for 200 ms, so it must not run in an async task or during a
    /// measurement.
    #[must_use]
    pub fn examine() -> Self {
        let known = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        // An unsupported system gives fewer facts.
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

/// The smaller of the machine's memory and the limit of the container.
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
    let best = (0..PROBES).map(|_| rounds(&text)).fold(0.0, f64::max);
    (best * f64::from(PROBES)).round() as u64
}

/// Rounds in one measurement.
fn rounds(text: &[u8]) -> f64 {
    let round = black_box(ROUND);
    let begin = Instant::now();
    let mut rounds = 0.0;
    loop {
        let _ = black_box(round(black_box(text)));
        rounds += 1.0;
        let took = begin.elapsed();
        if took >= PROBE_TIME {
            return rounds * PROBE_TIME.as_secs_f64() / took.as_secs_f64();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_facts_are_available() {
        let machine = Machine::examine();
        assert!(
            !machine.cpu.is_empty() && !machine.os.is_empty(),
            "{machine:?}"
        );
        assert!(machine.cores >= 1 && machine.memory_mib > 0, "{machine:?}");
        // A round checks 64 KiB; the slowest machines check several MB per second.
        assert!(machine.probe > 10, "{machine:?}");
    }
}
