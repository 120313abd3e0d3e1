//! CPU time that a measurement lost to others: unrelated processes and other virtual machines.
//!
//! Only a process that cannot belong to the system under test is unrelated, because a slow version
//! must not excuse itself with its own CPU time. It is outside the process tree and the session of
//! this process, and neither it nor a parent in its session or of its program has a socket: services,
//! databases and their workers have one. Kernel threads, containers, and processes of other users,
//! whose sockets are unknown, do not count either, and neither do orphans or processes that end during
//! the measurement.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::number::cores;

/// Less than this part of a core is not worth a note.
const NOTABLE: f64 = 0.05;

/// The disturbance of a measurement, on average over its duration; only the frequency is that at its end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disturbance {
    /// Mean frequency of the cores in MHz at the end, if the system has it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mhz: Option<u32>,
    /// Cores used by unrelated processes.
    pub other_processes: f64,
    /// Share of the time in which a task waited for a core, if the system measures it. The system under
    /// test causes it, too.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pressure: Option<f64>,
    /// Cores that the hypervisor gave to other virtual machines.
    pub steal: f64,
    /// The name of the unrelated process with the most CPU time.
    #[serde(skip)]
    pub busiest: Option<String>,
}

impl Disturbance {
    /// Cores used by others.
    #[must_use]
    pub fn cores(&self) -> f64 {
        self.other_processes + self.steal
    }
}

/// ``other processes used 46 % of a core (most of it `rustc`), tasks waited for a core 12 % of the time``;
/// empty if nothing is notable.
impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut facts = Vec::new();
        if self.other_processes >= NOTABLE {
            let name = self.busiest.as_ref();
            let name = name.map_or_else(String::new, |name| format!(" (most of it `{name}`)"));
            facts.push(format!(
                "other processes used {}{name}",
                cores(self.other_processes)
            ));
        }
        if self.steal >= NOTABLE {
            facts.push(format!(
                "the hypervisor gave {} to others",
                cores(self.steal)
            ));
        }
        if let Some(share) = self.pressure.filter(|share| *share >= 2.0 * NOTABLE) {
            let percent = 100.0 * share;
            facts.push(format!(
                "tasks waited for a core {percent:.0} % of the time"
            ));
        }
        f.write_str(&facts.join(", "))
    }
}

/// Measures the disturbance from its start to its end.
#[derive(Debug)]
pub(crate) struct DisturbanceMeter {
    #[cfg(target_os = "linux")]
    begin: linux::Counters,
}

impl DisturbanceMeter {
    /// Reads `/proc`, which takes some milliseconds. Returns `None` where the system does not have it.
    #[cfg_attr(not(target_os = "linux"), expect(clippy::unnecessary_wraps))]
    pub(crate) fn start() -> Option<Self> {
        #[cfg(target_os = "linux")]
        return linux::Counters::take().map(|begin| Self { begin });
        #[cfg(not(target_os = "linux"))]
        None
    }

    /// Returns `None` if the measurement was too short.
    pub(crate) fn end(self) -> Option<Disturbance> {
        #[cfg(target_os = "linux")]
        return linux::Counters::take()?.since(&self.begin);
        #[cfg(not(target_os = "linux"))]
        None
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;
    use std::path::PathBuf;
    use std::time::{Duration, Instant};

    use super::Disturbance;

    /// The unit of CPU times in `/proc`: 10 ms.
    const TICKS_PER_SECOND: f64 = 100.0;

    /// In a shorter time, single ticks would be a large share.
    const SHORTEST: Duration = Duration::from_millis(100);

    /// A process that uses less of a core is not examined.
    const LEAST_SHARE: f64 = 0.01;

    /// The counters of the system at one moment.
    #[derive(Debug)]
    pub(super) struct Counters {
        at: Instant,
        steal: u64,
        /// The time in which a task waited, in microseconds.
        waited: Option<u64>,
        processes: BTreeMap<u32, ProcessStat>,
    }

    /// A process in `/proc/<pid>/stat`.
    #[derive(Clone, Debug, PartialEq)]
    pub(super) struct ProcessStat {
        pub(super) name: String,
        pub(super) parent: u32,
        pub(super) session: u32,
        /// User and system time in ticks, without that of children.
        pub(super) ticks: u64,
        pub(super) started: u64,
    }

    impl Counters {
        pub(super) fn take() -> Option<Self> {
            let at = Instant::now();
            let processes = fs::read_dir("/proc").ok()?.filter_map(|entry| {
                let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
                let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
                Some((pid, ProcessStat::parse(&String::from_utf8_lossy(&stat))?))
            });
            Some(Self {
                at,
                processes: processes.collect(),
                steal: steal(&fs::read_to_string("/proc/stat").ok()?)?,
                waited: fs::read_to_string("/proc/pressure/cpu")
                    .ok()
                    .and_then(|text| waited(&text)),
            })
        }

        pub(super) fn since(&self, begin: &Self) -> Option<Disturbance> {
            let took = self.at - begin.at;
            if took < SHORTEST {
                return None;
            }
            let seconds = took.as_secs_f64();
            let cores = |ticks: u64| rounded(ticks as f64 / TICKS_PER_SECOND / seconds);
            let least = (LEAST_SHARE * seconds * TICKS_PER_SECOND).ceil() as u64;
            let tree = ProcessTree {
                own: std::process::id(),
                all: &self.processes,
            };
            let used = |pid: &u32, now: &ProcessStat| {
                let then = begin.processes.get(pid);
                let then = then.filter(|then| then.started == now.started);
                now.ticks.saturating_sub(then.map_or(0, |then| then.ticks))
            };
            let mut other = 0;
            let mut busiest: Option<(u64, &str)> = None;
            for (pid, process) in &self.processes {
                let ticks = used(pid, process);
                if ticks >= least.max(1) && tree.is_unrelated(*pid, &Examined) {
                    other += ticks;
                    busiest = busiest.max(Some((ticks, &process.name)));
                }
            }
            let micros = took.as_micros() as f64;
            Some(Disturbance {
                mhz: mhz(),
                other_processes: cores(other),
                pressure: self
                    .waited
                    .zip(begin.waited)
                    .map(|(now, then)| rounded(now.saturating_sub(then) as f64 / micros)),
                steal: cores(self.steal.saturating_sub(begin.steal)),
                busiest: busiest.map(|(_, name)| name.to_owned()),
            })
        }
    }

    impl ProcessStat {
        pub(super) fn parse(stat: &str) -> Option<Self> {
            // The name may contain spaces and brackets.
            let (before, after) = stat.rsplit_once(')')?;
            let fields: Vec<&str> = after.split_whitespace().collect();
            let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
            Some(Self {
                name: before.split_once('(')?.1.to_owned(),
                parent: u32::try_from(number(1)?).ok()?,
                session: u32::try_from(number(3)?).ok()?,
                ticks: number(11)? + number(12)?,
                started: number(19)?,
            })
        }
    }

    /// Facts about a process that are expensive to read.
    pub(super) trait ProcessFacts {
        /// `None` if they cannot be read.
        fn has_socket(&self, pid: u32) -> Option<bool>;
        /// The executable file.
        fn program(&self, pid: u32) -> Option<PathBuf>;
        /// Returns `true` if both processes see the same files, as they do outside containers.
        fn is_in_container_of(&self, pid: u32, other: u32) -> bool;
    }

    /// The facts in `/proc`.
    struct Examined;

    impl ProcessFacts for Examined {
        fn has_socket(&self, pid: u32) -> Option<bool> {
            for file in fs::read_dir(format!("/proc/{pid}/fd")).ok()? {
                let target = fs::read_link(file.ok()?.path());
                if target.is_ok_and(|target| target.to_string_lossy().starts_with("socket:")) {
                    return Some(true);
                }
            }
            Some(false)
        }

        fn program(&self, pid: u32) -> Option<PathBuf> {
            fs::read_link(format!("/proc/{pid}/exe")).ok()
        }

        fn is_in_container_of(&self, pid: u32, other: u32) -> bool {
            let files = |pid| fs::read_link(format!("/proc/{pid}/ns/mnt")).ok();
            files(pid).is_some_and(|of| files(other) == Some(of))
        }
    }

    /// The kind of the parent of a process.
    enum Starter {
        /// Another process of the same session or program.
        Program,
        /// A session manager, shell or terminal: another session, and another program.
        System,
        Unknown,
    }

    /// The processes, of which `own` is this one.
    pub(super) struct ProcessTree<'a> {
        pub(super) own: u32,
        pub(super) all: &'a BTreeMap<u32, ProcessStat>,
    }

    impl ProcessTree<'_> {
        /// Returns `true` if a process cannot belong to the system under test.
        pub(super) fn is_unrelated(&self, pid: u32, facts: &impl ProcessFacts) -> bool {
            let own_line: BTreeSet<u32> = self.line(self.own).collect();
            let line: Vec<u32> = self.line(pid).collect();
            let is_kernel = |pid: &u32| *pid == 2;
            if own_line.contains(&pid) || line.contains(&self.own) || line.iter().any(is_kernel) {
                return false;
            }
            if !facts.is_in_container_of(pid, self.own) {
                return false;
            }
            let mut line = line.into_iter().peekable();
            while let Some(one) = line.next() {
                if facts.has_socket(one) != Some(false) {
                    return false;
                }
                // An orphan may have been started by anything, also by the system under test.
                let Some(parent) = line.peek() else {
                    return false;
                };
                // Parents of this process start everything. What they started in the session of this
                // process may be the system under test, as under `spanspec exec` or in a script.
                if own_line.contains(parent) {
                    return self.session(one) != self.session(self.own);
                }
                match self.starter(one, *parent, facts) {
                    Starter::System => return true,
                    Starter::Program => {}
                    Starter::Unknown => return false,
                }
            }
            false
        }

        /// A process and its parents, up to the first process of the system.
        fn line(&self, pid: u32) -> impl Iterator<Item = u32> {
            let parent = |pid: &u32| {
                let parent = self.all.get(pid)?.parent;
                (parent > 1).then_some(parent)
            };
            // A process may have ended and its id been used again since.
            std::iter::successors(Some(pid), parent).take(self.all.len() + 1)
        }

        fn session(&self, pid: u32) -> Option<u32> {
            self.all.get(&pid).map(|process| process.session)
        }

        fn starter(&self, pid: u32, parent: u32, facts: &impl ProcessFacts) -> Starter {
            if self.session(pid) == self.session(parent) {
                return Starter::Program;
            }
            match facts.program(pid).zip(facts.program(parent)) {
                Some((one, other)) if one == other => Starter::Program,
                Some(_) => Starter::System,
                None => Starter::Unknown,
            }
        }
    }

    /// The ticks in the first line of `/proc/stat`.
    pub(super) fn steal(stat: &str) -> Option<u64> {
        let mut fields = stat
            .lines()
            .next()?
            .strip_prefix("cpu ")?
            .split_whitespace();
        fields.nth(7)?.parse().ok()
    }

    /// The total in the first line of `/proc/pressure/cpu`.
    pub(super) fn waited(pressure: &str) -> Option<u64> {
        let line = pressure.lines().next()?.strip_prefix("some ")?;
        line.rsplit_once("total=")?.1.parse().ok()
    }

    fn mhz() -> Option<u32> {
        let folders = fs::read_dir("/sys/devices/system/cpu").ok()?.flatten();
        let files = folders.map(|folder| folder.path().join("cpufreq/scaling_cur_freq"));
        let all: Vec<u64> = files
            .filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok())
            .collect();
        let sum: u64 = all.iter().sum();
        u32::try_from(sum.checked_div(all.len() as u64)? / 1_000).ok()
    }

    fn rounded(of: f64) -> f64 {
        (100.0 * of).round() / 100.0
    }
}

#[cfg(test)]
#[path = "disturbance_tests.rs"]
mod tests;
