//! Where and how this run measures.

use crate::budget::baseline::{Fingerprint, Load};
use crate::spec::{Arrivals, Pace, Spec};
use crate::step::Options;

/// What the durations of a run with these options depend on, apart from the system under test. What
/// machine this is is found out once for all runs that share something.
pub async fn fingerprint(options: &Options, spec: &Spec, pace: &Pace) -> Fingerprint {
    let machine = options.shared.machine().await;
    Fingerprint {
        cores: machine.cores,
        cpu: machine.cpu,
        load: load(pace),
        machine: options.budgets.machine.clone(),
        memory_mib: machine.memory_mib,
        os: machine.os,
        probe: machine.probe,
        received_by: options.budgets.received_by,
        spanspec: series(),
        spec_hash: spec.fired_hash(),
    }
}

fn load(pace: &Pace) -> Load {
    match pace {
        Pace::Closed { concurrency, .. } => Load::Concurrency(*concurrency),
        Pace::Open { rate, arrivals, .. } => Load::Rate(match arrivals {
            Arrivals::Poisson => rate.written.clone(),
            Arrivals::Constant => format!("{} constant", rate.written),
        }),
    }
}

/// Our version without the patch: how requests are sent and measured changes in minor versions
/// only, so that a patch leaves baselines as they are.
fn series() -> String {
    let [major, minor] = [
        env!("CARGO_PKG_VERSION_MAJOR"),
        env!("CARGO_PKG_VERSION_MINOR"),
    ];
    format!("{major}.{minor}")
}
