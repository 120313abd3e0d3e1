//! Comparison of environments.

use super::*;

#[test]
fn differing_facts_are_listed() {
    let there = fingerprint();
    let here = Fingerprint {
        cpu: "Xeon".to_owned(),
        load: LoadModel::Rate("50/s".to_owned()),
        memory_mib: 16_100,
        probe: 20_000,
        received_by: ReceivedBy::AnotherProcess,
        ..fingerprint()
    };
    let said: Vec<String> = (there.differences(&here, Mismatch::Refused).iter())
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        said,
        [
            "CPU was AMD EPYC 7763, is Xeon",
            "speed was 41000 rounds in 200 ms, is 20000 rounds in 200 ms",
            "load was 4 at a time, is 50/s",
            "receiver was the run itself, is another process",
        ]
    );
    assert!(there.differences(&here, Mismatch::Allowed).is_empty());
    assert!(there.differences(&there, Mismatch::Refused).is_empty());
}

#[test]
fn facts_of_machines_with_the_same_name_are_not_compared() {
    let named = |name: &str, cpu: &str| Fingerprint {
        machine: Some(name.to_owned()),
        cpu: cpu.to_owned(),
        ..fingerprint()
    };
    let facts = |there: &Fingerprint, here: &Fingerprint| -> Vec<Fact> {
        let differs = there.differences(here, Mismatch::Refused);
        differs.iter().map(|one| one.fact).collect()
    };
    assert_eq!(facts(&named("ci", "a"), &named("ci", "b")), []);
    assert_eq!(
        facts(&named("ci", "a"), &named("lab", "a")),
        [Fact::Machine, Fact::Cpu][..1]
    );
    let changed = Fingerprint {
        spec_hash: "other".to_owned(),
        ..named("ci", "b")
    };
    assert_eq!(facts(&named("ci", "a"), &changed), [Fact::Spec]);
}
