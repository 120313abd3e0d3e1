//! The environment of a measurement, and differences between two environments.
//!
//! Collecting the facts is left to the caller.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Facts that influence durations, apart from the system under test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    /// The number of cores.
    pub cores: u32,
    /// The model of the processor.
    pub cpu: String,
    /// The load that was generated.
    pub load: LoadModel,
    /// The value of `--machine`. Facts about machines with the same name are not compared.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub machine: Option<String>,
    /// The memory in MiB.
    pub memory_mib: u64,
    /// The operating system and its version.
    pub os: String,
    /// Number of rounds of a fixed computation in 200 ms.
    pub probe: u64,
    /// The process that received the spans.
    #[serde(skip_serializing_if = "ReceivedBy::is_itself", default)]
    pub received_by: ReceivedBy,
    /// The version of spanspec.
    pub spanspec: String,
    /// A hash of the trigger.
    pub spec_hash: String,
}

/// The load that a run generates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadModel {
    /// A closed loop with this number of concurrent requests.
    Concurrency(u32),
    /// An open loop with this rate: `50/s`.
    Rate(String),
    /// None: the traces were found in a backend.
    Search,
}

/// The process that receives spans. Fetching each trace from another process takes CPU time from the
/// load generator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceivedBy {
    /// The process that sent the requests.
    #[default]
    Itself,
    /// Another process, such as `spanspec exec`.
    AnotherProcess,
}

impl ReceivedBy {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "`skip_serializing_if` passes a reference"
    )]
    fn is_itself(&self) -> bool {
        *self == Self::Itself
    }
}

/// Handling of a baseline from another environment: `--allow-env-mismatch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// Claims are NOT PROVEN.
    Refused,
    /// Differences are ignored.
    Allowed,
}

/// A part of a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The value of `--machine`.
    Machine,
    /// The model of the processor.
    Cpu,
    /// The number of cores.
    Cores,
    /// The memory.
    Memory,
    /// The operating system.
    Os,
    /// The speed of the machine.
    Probe,
    /// The version of spanspec.
    Spanspec,
    /// The trigger of the spec.
    Spec,
    /// The load that was generated.
    Load,
    /// The process that received the spans.
    Receiver,
}

impl Fact {
    /// Returns `true` if it selects the work of the system, rather than the time that this takes.
    pub(crate) fn is_about_workload(self) -> bool {
        matches!(self, Self::Spec | Self::Load)
    }
}

/// A fact that differs from the baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactDifference {
    /// The fact.
    pub fact: Fact,
    /// Its value in the baseline.
    pub baseline: String,
    /// Its value in this run.
    pub here: String,
}

/// The memory that the kernel reserves varies.
const MEMORY_MARGIN: f64 = 0.05;

/// On a virtual machine with busy neighbours the probe varied by 72 % within minutes. A factor of
/// two or more indicates another machine.
const PROBE_MARGIN: f64 = 1.0;

impl Fingerprint {
    /// The differences to another environment; none if they are allowed. Facts about the machine are
    /// skipped if both machines have the same name.
    #[must_use]
    pub fn differences(&self, here: &Self, mismatch: Mismatch) -> Vec<FactDifference> {
        if mismatch == Mismatch::Allowed {
            return Vec::new();
        }
        let mut differs = Vec::new();
        let is_named = self.machine.is_some() && self.machine == here.machine;
        if !is_named {
            differs.extend(self.differences_of_machine(here));
        }
        differs.extend(text(Fact::Spanspec, &self.spanspec, &here.spanspec));
        differs.extend(text(Fact::Spec, &self.spec_hash, &here.spec_hash));
        differs.extend(text(
            Fact::Load,
            &self.load.to_string(),
            &here.load.to_string(),
        ));
        differs.extend(text(
            Fact::Receiver,
            &self.received_by.to_string(),
            &here.received_by.to_string(),
        ));
        differs
    }

    fn differences_of_machine(&self, here: &Self) -> impl Iterator<Item = FactDifference> {
        let name = |of: &Self| of.machine.clone();
        let names = match (name(self), name(here)) {
            (Some(then), Some(now)) => text(Fact::Machine, &then, &now),
            _ => None,
        };
        [
            names,
            text(Fact::Cpu, &self.cpu, &here.cpu),
            text(
                Fact::Cores,
                &self.cores.to_string(),
                &here.cores.to_string(),
            ),
            number(
                Fact::Memory,
                [self.memory_mib, here.memory_mib],
                MEMORY_MARGIN,
                " MiB",
            ),
            text(Fact::Os, &self.os, &here.os),
            number(
                Fact::Probe,
                [self.probe, here.probe],
                PROBE_MARGIN,
                " rounds in 200 ms",
            ),
        ]
        .into_iter()
        .flatten()
    }
}

fn text(fact: Fact, baseline: &str, here: &str) -> Option<FactDifference> {
    (baseline != here).then(|| FactDifference {
        fact,
        baseline: baseline.to_owned(),
        here: here.to_owned(),
    })
}

/// Compares two numbers: the larger may exceed the smaller by `margin`, a share of the smaller.
fn number(fact: Fact, both: [u64; 2], margin: f64, unit: &str) -> Option<FactDifference> {
    let [baseline, here] = both;
    let (less, more) = (baseline.min(here), baseline.max(here));
    (more as f64 > less as f64 * (1.0 + margin)).then(|| FactDifference {
        fact,
        baseline: format!("{baseline}{unit}"),
        here: format!("{here}{unit}"),
    })
}

impl fmt::Display for LoadModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Concurrency(requests) => write!(f, "{requests} at a time"),
            Self::Rate(rate) => f.write_str(rate),
            Self::Search => f.write_str("a search"),
        }
    }
}

impl fmt::Display for ReceivedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Itself => "the run itself",
            Self::AnotherProcess => "another process",
        })
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Machine => "machine",
            Self::Cpu => "CPU",
            Self::Cores => "cores",
            Self::Memory => "memory",
            Self::Os => "OS",
            Self::Probe => "speed",
            Self::Spanspec => "spanspec",
            Self::Spec => "spec",
            Self::Load => "load",
            Self::Receiver => "receiver",
        })
    }
}

/// `CPU was AMD EPYC 7763, is Intel Xeon 8370C`.
impl fmt::Display for FactDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was {}, is {}", self.fact, self.baseline, self.here)
    }
}
