//! The environment of a run.

use crate::budget::baseline::{Fingerprint, LoadModel};
use crate::spec::{Arrivals, Pace, Spec};
use crate::step::Options;

/// Facts that influence the durations of a run, apart from the system under test. Runs that share
/// their state examine the machine once.
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

fn load(pace: &Pace) -> LoadModel {
    match pace {
        Pace::Search { .. } => LoadModel::Search,
        Pace::Closed { concurrency, .. } => LoadModel::Concurrency(*concurrency),
        Pace::Open { rate, arrivals, .. } => LoadModel::Rate(match arrivals {
            Arrivals::Poisson => rate.written.clone(),
            Arrivals::Constant => format!("{} constant", rate.written),
        }),
    }
}

/// The version of spanspec without the patch number. Only minor versions change how durations are
/// measured, so baselines stay valid in patch releases.
fn series() -> String {
    let [major, minor] = [
        env!("CARGO_PKG_VERSION_MAJOR"),
        env!("CARGO_PKG_VERSION_MINOR"),
    ];
    format!("{major}.{minor}")
}
