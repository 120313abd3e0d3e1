//! Masks secrets in the results of a `repeat`.

use crate::budget::baseline::FactDifference;
use crate::budget::{Compared, JudgedClaim};
use crate::machine::Disturbance;
use crate::result::{Before, Exemplar, FailedTrace, Failing, KeptShare, Load, Measured, Versions};
use crate::secret::Secrets;

impl Secrets {
    /// Names, versions and texts may contain secrets; durations and counts do not.
    pub(super) fn mask_load(&self, load: &mut Load) {
        let Load {
            pace: _,
            warmup: _,
            requests: _,
            failed: _,
            errored: _,
            allowed: _,
            duration: _,
            response_times: _,
            punctual_times: _,
            stopped,
            behind: _,
            held_back: _,
            machine,
            failing,
            failure_share: _,
            kept_share,
            other_failed,
            earlier: _,
            is_strict: _,
            measured,
            notices,
        } = load;
        stopped.iter_mut().for_each(|why| self.mask(why));
        if let Some(Disturbance {
            mhz: _,
            other_processes: _,
            pressure: _,
            steal: _,
            busiest: Some(name),
        }) = machine
        {
            self.mask(name);
        }
        failing.iter_mut().for_each(|one| self.mask_failing(one));
        if let Some(KeptShare {
            processor,
            at,
            expected: _,
            kept: _,
            unknown: _,
            traces: _,
        }) = kept_share
        {
            self.mask(processor);
            self.mask_location(at);
        }
        for FailedTrace {
            trace,
            failed,
            saved: _,
        } in other_failed
        {
            self.mask_trace(trace);
            self.mask_all(failed);
        }
        measured.iter_mut().for_each(|one| self.mask_measured(one));
        self.mask_all(notices);
    }

    fn mask_failing(&self, failing: &mut Failing) {
        let Failing {
            check: _,
            what,
            at,
            requests: _,
        } = failing;
        self.mask(what);
        at.iter_mut().for_each(|at| self.mask_location(at));
    }

    fn mask_measured(&self, measured: &mut Measured) {
        let Measured {
            subject,
            at,
            quantiles: _,
            samples: _,
            missing: _,
            punctual: _,
            version,
            versions,
            measure: _,
            is_found: _,
            expects_none: _,
            largest,
            before,
            judged,
        } = measured;
        self.mask(subject);
        self.mask_location(at);
        version.iter_mut().for_each(|version| self.mask(version));
        self.mask_versions(versions);
        if let Some(Exemplar {
            trace_id: _,
            value: _,
            trace,
            saved: _,
        }) = largest
        {
            self.mask_trace(trace);
        }
        if let Some(Before {
            samples: _,
            version,
            path: _,
        }) = before
        {
            version.iter_mut().for_each(|version| self.mask(version));
        }
        judged.iter_mut().for_each(|one| self.mask_claim(one));
    }

    fn mask_versions(&self, versions: &mut Versions) {
        *versions = versions.map(|version| self.text(version));
    }

    fn mask_claim(&self, judged: &mut JudgedClaim) {
        let JudgedClaim {
            subject,
            quantile: _,
            unit: _,
            verdict: _,
            alpha: _,
            candidate: _,
            compared,
            doubt: _,
            missing: _,
            earlier: _,
        } = judged;
        self.mask(subject);
        let differs = match compared {
            Compared::Limit(_) => return,
            Compared::Baseline {
                before: _,
                tau: _,
                raised: _,
                differs,
            } => differs,
        };
        for difference in differs {
            let FactDifference {
                fact: _,
                baseline,
                here,
            } = difference;
            self.mask_each([baseline, here]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::budget::baseline::Fact;
    use crate::budget::{Alpha, ClaimVerdict, Quantile, Samples};
    use crate::number::Unit;
    use crate::spec::{Pace, Place, Source};
    use crate::trace::{Origin, Trace, TraceId};

    #[test]
    fn no_text_of_many_requests_shows_a_secret() {
        let at = Source::new("a.yaml", "find: hunter2").at(Place { start: 6, end: 13 });
        let text = || "a hunter2".to_owned();
        let version = || Some(text());
        let judged = JudgedClaim {
            subject: text(),
            quantile: Quantile::P50,
            unit: Unit::Micros,
            verdict: ClaimVerdict::NotProven,
            alpha: Alpha::FIVE_PERCENT,
            candidate: None,
            compared: Compared::Baseline {
                before: None,
                tau: 1.2,
                raised: 1.2,
                differs: vec![FactDifference {
                    fact: Fact::Machine,
                    baseline: text(),
                    here: text(),
                }],
            },
            doubt: None,
            missing: 0,
            earlier: Vec::new(),
        };
        let trace = Trace::assemble(TraceId::random(), Origin::Foreign, []);
        let mut masked = Load {
            pace: Pace::Closed {
                times: 1,
                concurrency: 1,
            },
            warmup: 0,
            requests: 1,
            failed: 1,
            errored: 0,
            allowed: 0,
            duration: Duration::ZERO,
            response_times: Samples::default(),
            punctual_times: None,
            stopped: Some(text()),
            behind: Duration::ZERO,
            held_back: None,
            machine: Some(Disturbance {
                busiest: Some(text()),
                ..Disturbance::default()
            }),
            failure_share: None,
            kept_share: None,
            other_failed: Vec::new(),
            failing: vec![Failing {
                check: None,
                what: text(),
                at: Some(at.clone()),
                requests: 1,
            }],
            earlier: Vec::new(),
            is_strict: false,
            measured: vec![Measured {
                missing: 0,
                subject: text(),
                at,
                samples: Samples::default(),
                quantiles: Vec::new(),
                punctual: None,
                version: version(),
                versions: [("a hunter2", 1)].into_iter().collect(),
                measure: "duration",
                is_found: true,
                expects_none: false,
                largest: Some(Exemplar {
                    trace_id: trace.id(),
                    value: 1.0,
                    trace: Arc::new(trace),
                    saved: None,
                }),
                before: Some(Before {
                    samples: Samples::default(),
                    version: version(),
                    path: Some("a.yaml.json".into()),
                }),
                judged: vec![judged],
            }],
            notices: vec![text()],
        };
        Secrets::new(["hunter2".to_owned()]).mask_load(&mut masked);
        // Reports print the file name and the place of a location, not its text.
        assert!(!format!("{masked:?}").contains("hunter2"), "{masked:?}");
        let texts = [
            &masked.failing[0].at.clone().unwrap(),
            &masked.measured[0].at,
        ];
        assert_eq!(texts.map(|at| at.text()), ["[masked]", "[masked]"]);
    }
}
