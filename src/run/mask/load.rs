//! What many requests came to, without any secret.

use std::sync::Arc;

use super::Secrets;
use crate::budget::baseline::Difference;
use crate::budget::{Compared, Judged};
use crate::run::{Before, Exemplar, Failing, Load, Measured};

impl Secrets {
    /// Durations and counts are no secrets; names, versions and texts may be.
    pub(super) fn load(&self, load: &Load) -> Load {
        Load {
            stopped: load.stopped.as_ref().map(|why| self.text(why)),
            failing: load.failing.iter().map(|one| self.failing(one)).collect(),
            measured: load.measured.iter().map(|one| self.measured(one)).collect(),
            notices: self.texts(&load.notices),
            ..load.clone()
        }
    }

    fn failing(&self, failing: &Failing) -> Failing {
        Failing {
            what: self.text(&failing.what),
            at: failing.at.clone().map(|at| self.location(at)),
            requests: failing.requests,
        }
    }

    fn measured(&self, measured: &Measured) -> Measured {
        Measured {
            subject: self.text(&measured.subject),
            at: self.location(measured.at.clone()),
            samples: measured.samples.clone(),
            quantiles: measured.quantiles.clone(),
            punctual: measured.punctual.clone(),
            version: self.version(measured.version.as_ref()),
            versions: measured.versions.map(|version| self.text(version)),
            slowest: measured.slowest.as_ref().map(|one| Exemplar {
                trace: self.shared_trace(Arc::clone(&one.trace)),
                ..one.clone()
            }),
            before: measured.before.as_ref().map(|before| Before {
                version: self.version(before.version.as_ref()),
                ..before.clone()
            }),
            judged: measured
                .judged
                .iter()
                .map(|one| self.verdict(one))
                .collect(),
        }
    }

    fn version(&self, version: Option<&String>) -> Option<String> {
        version.map(|version| self.text(version))
    }

    fn verdict(&self, judged: &Judged) -> Judged {
        let mut masked = judged.clone();
        masked.subject = self.text(&judged.subject);
        if let Compared::Baseline { differs, .. } = &mut masked.compared {
            for Difference { baseline, here, .. } in differs {
                *baseline = self.text(baseline);
                *here = self.text(here);
            }
        }
        masked
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::budget::baseline::Fact;
    use crate::budget::{Alpha, Quantile, Samples, Verdict};
    use crate::spec::{Pace, Place, Source};
    use crate::trace::{Origin, Trace, TraceId};

    #[test]
    fn no_text_of_many_requests_shows_a_secret() {
        let at = Source::new("a.yaml", "find: hunter2").at(Place { start: 6, end: 13 });
        let text = || "a hunter2".to_owned();
        let version = || Some(text());
        let judged = Judged {
            subject: text(),
            quantile: Quantile::P50,
            verdict: Verdict::NotProven,
            alpha: Alpha::FIVE_PERCENT,
            candidate: None,
            compared: Compared::Baseline {
                before: None,
                tau: 1.2,
                differs: vec![Difference {
                    fact: Fact::Machine,
                    baseline: text(),
                    here: text(),
                }],
            },
            doubt: None,
        };
        let trace = Trace::assemble(TraceId::random(), Origin::Foreign, []);
        let load = Load {
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
            failing: vec![Failing {
                what: text(),
                at: Some(at.clone()),
                requests: 1,
            }],
            is_strict: false,
            measured: vec![Measured {
                subject: text(),
                at,
                samples: Samples::default(),
                quantiles: Vec::new(),
                punctual: None,
                version: version(),
                versions: [("a hunter2", 1)].into_iter().collect(),
                slowest: Some(Exemplar {
                    trace_id: trace.id(),
                    micros: 1,
                    trace: Arc::new(trace),
                    saved: None,
                }),
                before: Some(Before {
                    samples: Samples::default(),
                    version: version(),
                    path: "a.yaml.json".into(),
                }),
                judged: vec![judged],
            }],
            notices: vec![text()],
        };
        let masked = Secrets::new(["hunter2".to_owned()]).load(&load);
        // Of a location the name of the file and the place are printed, not its text.
        assert!(!format!("{masked:?}").contains("hunter2"), "{masked:?}");
        let texts = [
            &masked.failing[0].at.clone().unwrap(),
            &masked.measured[0].at,
        ];
        assert_eq!(texts.map(|at| at.text()), ["*******", "*******"]);
    }
}
