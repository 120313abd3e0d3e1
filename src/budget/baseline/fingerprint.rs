//! Where and how a baseline was measured, and what of that is different here.
//!
//! Finding out is the caller's work; here are only the facts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What durations depend on, apart from the system under test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    /// How many cores there are.
    pub cores: u32,
    /// The model of the processor.
    pub cpu: String,
    /// How the requests were sent.
    pub load: Load,
    /// The name that `--machine` gave; facts of machines with the same name are not compared.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub machine: Option<String>,
    /// The memory in MiB.
    pub memory_mib: u64,
    /// The operating system and its version.
    pub os: String,
    /// How much of a fixed piece of work the machine did in 200 ms.
    pub probe: u64,
    /// Who received the spans.
    #[serde(skip_serializing_if = "ReceivedBy::is_itself", default)]
    pub received_by: ReceivedBy,
    /// The version of spanspec.
    pub spanspec: String,
    /// A hash of what was fired.
    pub spec_hash: String,
}

/// How requests are sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// So many at a time, each after an answer.
    Concurrency(u32),
    /// So many in a time, whatever the answers: `50/s`.
    Rate(String),
}

/// Who receives spans: asking another process for each trace takes time that requests do not get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceivedBy {
    /// The process that sent the requests.
    #[default]
    Itself,
    /// Another one, such as `spanspec exec`.
    AnotherProcess,
}

impl ReceivedBy {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde gives a reference to what decides whether a field is left out"
    )]
    fn is_itself(&self) -> bool {
        *self == Self::Itself
    }
}

/// Whether a baseline from elsewhere may be compared with: `--allow-env-mismatch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// Nothing is proven then.
    Refused,
    /// The author vouches for it.
    Allowed,
}

/// A part of a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The name that `--machine` gave.
    Machine,
    /// The model of the processor.
    Cpu,
    /// How many cores there are.
    Cores,
    /// The memory.
    Memory,
    /// The operating system.
    Os,
    /// How fast the machine is.
    Probe,
    /// The version of spanspec.
    Spanspec,
    /// What was fired.
    Spec,
    /// How the requests were sent.
    Load,
    /// Who received the spans.
    Receiver,
}

/// A fact that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which.
    pub fact: Fact,
    /// How it was when the baseline was measured.
    pub baseline: String,
    /// How it is here.
    pub here: String,
}

/// The kernel keeps some memory for itself, not always the same.
const MEMORY_MARGIN: f64 = 0.05;

/// On a virtual machine whose neighbours are busy the probe was seen to differ by 72 % within
/// minutes. More than twice as fast is another machine, whatever it calls itself.
const PROBE_MARGIN: f64 = 1.0;

impl Fingerprint {
    /// What of this baseline's fingerprint is different here. Nothing if that is allowed; nothing
    /// of the machine if both have the same name.
    #[must_use]
    pub fn differences(&self, here: &Self, mismatch: Mismatch) -> Vec<Difference> {
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

    fn differences_of_machine(&self, here: &Self) -> impl Iterator<Item = Difference> {
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

fn text(fact: Fact, baseline: &str, here: &str) -> Option<Difference> {
    (baseline != here).then(|| Difference {
        fact,
        baseline: baseline.to_owned(),
        here: here.to_owned(),
    })
}

/// Different if the greater one is greater by more than the margin.
fn number(fact: Fact, both: [u64; 2], margin: f64, unit: &str) -> Option<Difference> {
    let [baseline, here] = both;
    let (less, more) = (baseline.min(here), baseline.max(here));
    (more as f64 > less as f64 * (1.0 + margin)).then(|| Difference {
        fact,
        baseline: format!("{baseline}{unit}"),
        here: format!("{here}{unit}"),
    })
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Concurrency(requests) => write!(f, "{requests} at a time"),
            Self::Rate(rate) => f.write_str(rate),
        }
    }
}

impl fmt::Display for ReceivedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Itself => "its own",
            Self::AnotherProcess => "that of another process",
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
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was {}, is {}", self.fact, self.baseline, self.here)
    }
}
