use super::*;

#[test]
fn notable_facts_are_described() {
    let described = |other_processes, steal, pressure, name: Option<&str>| {
        let of = Disturbance {
            other_processes,
            steal,
            pressure,
            mhz: None,
            busiest: name.map(str::to_owned),
        };
        of.to_string()
    };
    assert_eq!(described(0.04, 0.04, Some(0.09), Some("rustc")), "");
    assert_eq!(
        described(0.456, 0.0, None, Some("rustc")),
        "other processes used 46 % of a core (most of it `rustc`)"
    );
    assert_eq!(
        described(1.0, 1.25, Some(0.5), None),
        "other processes used 1 core, the hypervisor gave 1.2 cores to others, tasks waited for a core 50 % of the time"
    );
}

#[cfg(target_os = "linux")]
mod linux_tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::PathBuf;

    use super::super::linux::{ProcessFacts, ProcessStat, ProcessTree, steal, waited};

    #[test]
    fn the_files_of_the_system_are_read() {
        let stat = "42 (a) b (c) S 7 42 40 0 -1 4194304 9 0 0 0 150 50 11 12 20 0 1 0 8812 1";
        let expected = ProcessStat {
            name: "a) b (c".to_owned(),
            parent: 7,
            session: 40,
            ticks: 200,
            started: 8_812,
        };
        assert_eq!(ProcessStat::parse(stat), Some(expected));
        assert_eq!(ProcessStat::parse("42 (sh"), None);
        assert_eq!(steal("cpu  8 1 2 5 7 0 25 1045 0 0\ncpu0 1"), Some(1_045));
        let pressure = "some avg10=98.78 avg60=98.95 avg300=96.98 total=80514\nfull total=0\n";
        assert_eq!(waited(pressure), Some(80_514));
    }

    /// Processes with their parent, session and program.
    struct Processes {
        all: BTreeMap<u32, ProcessStat>,
        sockets: BTreeSet<u32>,
        programs: BTreeMap<u32, &'static str>,
        hidden: BTreeSet<u32>,
        contained: BTreeSet<u32>,
    }

    impl ProcessFacts for Processes {
        fn has_socket(&self, pid: u32) -> Option<bool> {
            (!self.hidden.contains(&pid)).then(|| self.sockets.contains(&pid))
        }

        fn program(&self, pid: u32) -> Option<PathBuf> {
            self.programs.get(&pid).map(PathBuf::from)
        }

        fn is_in_container_of(&self, pid: u32, other: u32) -> bool {
            self.contained.contains(&pid) == self.contained.contains(&other)
        }
    }

    /// A terminal (10) and its shell (11), which started spanspec (12), a compiler (20) and a service
    /// (30) with a worker (31).
    fn processes() -> Processes {
        let all = [
            (10, 1, 10, "terminal"),
            (11, 10, 11, "sh"),
            (12, 11, 11, "spanspec"),
            (13, 12, 13, "started"),
            (20, 11, 11, "make"),
            (21, 20, 11, "rustc"),
            (30, 11, 11, "service"),
            (31, 30, 11, "convert"),
            (32, 30, 32, "service"),
            (40, 10, 40, "sh"),
            (41, 40, 40, "gzip"),
            (50, 2, 0, "kworker"),
            (60, 1, 60, "orphan"),
            (70, 1, 70, "cron"),
            (71, 70, 71, "sh"),
            (72, 71, 71, "gzip"),
        ];
        let stat = |parent, session, name: &str| ProcessStat {
            name: name.to_owned(),
            parent,
            session,
            ticks: 0,
            started: 0,
        };
        Processes {
            all: all
                .iter()
                .map(|(pid, parent, session, name)| (*pid, stat(*parent, *session, name)))
                .collect(),
            sockets: BTreeSet::from([10, 12, 30]),
            programs: all.iter().map(|(pid, .., name)| (*pid, *name)).collect(),
            hidden: BTreeSet::new(),
            contained: BTreeSet::new(),
        }
    }

    fn unrelated(of: &Processes) -> Vec<u32> {
        let tree = ProcessTree {
            own: 12,
            all: &of.all,
        };
        let all = of.all.keys().copied();
        all.filter(|pid| tree.is_unrelated(*pid, of)).collect()
    }

    #[test]
    fn a_service_its_workers_orphans_and_what_this_process_started_are_not_unrelated() {
        assert_eq!(unrelated(&processes()), [40, 41, 71, 72]);
    }

    #[test]
    fn what_is_unknown_is_not_unrelated() {
        let mut of = processes();
        of.hidden.insert(72);
        of.contained.insert(41);
        of.programs.remove(&71);
        assert_eq!(unrelated(&of), [40]);
    }
}
