//! Masks secrets in reports and events.
//!
//! Each function names all fields, so that a new field does not compile until it is masked or is
//! known to hold no text from outside. How a secret is found is left to `secret`.

mod load;
mod seen;

use std::sync::Arc;

use super::{
    Attempt, EarlierTrace, Report, RunEvent, SpecReport, StepReport, Telemetry, Trouble, Verdict,
};
use crate::check::{
    Candidate, Difference, Failure, Judged, Outcome, Rejection, Subject, Unjudged, Witness,
};
use crate::secret::Secrets;
use crate::spec::Spec;

impl Secrets {
    /// Masks a report. The report contains the secrets, so that reporters can also mask their text.
    #[must_use]
    pub fn report(&self, mut report: Report) -> Report {
        let Report {
            started: _,
            duration: _,
            specs,
            trouble,
            notices,
            telemetry,
            interrupted: _,
            without_specs: _,
            fail_flaky: _,
            secrets,
        } = &mut report;
        specs.iter_mut().for_each(|spec| self.mask_spec(spec));
        trouble.iter_mut().for_each(|one| self.mask_trouble(one));
        self.mask_all(notices);
        self.mask_telemetry(telemetry);
        secrets.clone_from(self);
        report
    }

    /// Calls `on_event` with the masked event.
    pub fn event(&self, event: &RunEvent<'_>, on_event: impl FnOnce(&RunEvent<'_>)) {
        use RunEvent as E;
        match *event {
            E::Output { service, line } => on_event(&E::Output {
                service: &self.text(service),
                line: &self.text(line),
            }),
            E::Building { service } => on_event(&E::Building {
                service: &self.text(service),
            }),
            E::Starting { service } => on_event(&E::Starting {
                service: &self.text(service),
            }),
            E::Ready { service, after } => on_event(&E::Ready {
                service: &self.text(service),
                after,
            }),
            E::Started { name } => on_event(&E::Started {
                name: &self.text(name),
            }),
            E::Progress {
                name,
                done,
                of,
                rate,
                p50,
                failed,
                run,
                pause,
            } => on_event(&E::Progress {
                name: &self.text(name),
                done,
                of,
                rate,
                p50,
                failed,
                run,
                pause: pause.map(|why| self.text(why)).as_deref(),
            }),
            E::Finished(report) => {
                let mut report = report.clone();
                self.mask_spec(&mut report);
                on_event(&E::Finished(&report));
            }
            E::Overturned(report) => {
                let mut report = report.clone();
                self.mask_spec(&mut report);
                on_event(&E::Overturned(&report));
            }
            E::Selected { .. } | E::Stopping => on_event(event),
        }
    }

    /// Masks the report of a spec.
    pub(crate) fn spec(&self, mut report: SpecReport) -> SpecReport {
        self.mask_spec(&mut report);
        report
    }

    fn mask_spec(&self, report: &mut SpecReport) {
        let SpecReport {
            name,
            at,
            tags,
            verdict,
            attempts,
            duration: _,
        } = report;
        self.mask(name);
        self.mask_location(at);
        self.mask_all(tags);
        self.mask_verdict(verdict);
        for attempt in attempts {
            let Attempt {
                verdict,
                started: _,
                duration: _,
                steps,
            } = attempt;
            self.mask_verdict(verdict);
            steps.iter_mut().for_each(|step| self.mask_step(step));
        }
    }

    fn mask_verdict(&self, verdict: &mut Verdict) {
        match verdict {
            Verdict::Skipped(why) | Verdict::NotRun(why) => self.mask(why),
            Verdict::Passed | Verdict::Failed | Verdict::Errored => {}
        }
    }

    fn mask_telemetry(&self, telemetry: &mut Telemetry) {
        let Telemetry {
            listened: _,
            spans: _,
            log_records: _,
            metric_points: _,
            refused,
            refused_count: _,
            late_spans: _,
        } = telemetry;
        self.mask_all(refused);
    }

    /// Masks the report of a step.
    pub(crate) fn step(&self, mut step: StepReport) -> StepReport {
        self.mask_step(&mut step);
        step
    }

    fn mask_step(&self, step: &mut StepReport) {
        let StepReport {
            phase: _,
            name,
            trigger,
            trace_id: _,
            trace,
            exemplars,
            response,
            tries: _,
            checks,
            trouble,
            notices,
            was_closed: _,
            timing: _,
            saved_trace: _,
            earlier,
            load,
            kept: _,
        } = step;
        name.iter_mut().for_each(|name| self.mask(name));
        self.mask(trigger);
        trace.iter_mut().for_each(|trace| self.mask_trace(trace));
        exemplars.iter_mut().for_each(|one| self.mask_exemplar(one));
        response.iter_mut().for_each(|one| self.mask_response(one));
        checks.iter_mut().for_each(|one| self.mask_judged(one));
        trouble.iter_mut().for_each(|one| self.mask_trouble(one));
        self.mask_all(notices);
        if let Some(EarlierTrace {
            trace,
            path: _,
            started: _,
        }) = earlier
        {
            self.mask_trace(trace);
        }
        load.iter_mut()
            .for_each(|load| self.mask_load(Arc::make_mut(load)));
    }

    /// Masks a trouble.
    #[must_use]
    pub fn trouble(&self, mut trouble: Trouble) -> Trouble {
        self.mask_trouble(&mut trouble);
        trouble
    }

    fn mask_trouble(&self, trouble: &mut Trouble) {
        let Trouble {
            what,
            at,
            details,
            help,
        } = trouble;
        self.mask(what);
        at.iter_mut().for_each(|at| self.mask_location(at));
        self.mask_all(details);
        self.mask_all(help);
    }

    fn mask_each<const N: usize>(&self, texts: [&mut String; N]) {
        texts.into_iter().for_each(|text| self.mask(text));
    }

    fn mask_all(&self, texts: &mut [String]) {
        texts.iter_mut().for_each(|text| self.mask(text));
    }

    fn mask_judged(&self, judged: &mut Judged) {
        let Judged {
            check: _,
            what,
            at,
            outcome,
        } = judged;
        self.mask(what);
        self.mask_location(at);
        match outcome {
            Outcome::Fail(failure) | Outcome::Unjudged(Unjudged::Contradicted(failure)) => {
                self.mask_failure(failure);
            }
            Outcome::Unjudged(why) => *why = why.clone().with_texts(|text| self.text(text)),
            Outcome::Pass => {}
        }
    }

    fn mask_failure(&self, failure: &mut Failure) {
        let Failure {
            subject,
            at,
            expected,
            found,
            witnesses,
            more_witnesses: _,
            nearest,
            differences,
            hints,
            missing: _,
            shape,
            cause: _,
        } = failure;
        if let Some(shape) = shape {
            shape.change(|text| self.text(text));
        }
        self.mask_subject(subject);
        self.mask_location(at);
        self.mask(expected);
        self.mask(found);
        witnesses.iter_mut().for_each(|one| self.mask_witness(one));
        nearest.iter_mut().for_each(|one| self.mask_candidate(one));
        for difference in differences {
            let Difference {
                path,
                expected,
                found,
            } = difference;
            self.mask_each([path, expected, found]);
        }
        self.mask_all(hints);
    }

    fn mask_witness(&self, witness: &mut Witness) {
        let Witness {
            trace_id: _,
            span_id: _,
            service,
            name,
            mark,
        } = witness;
        self.mask_each([service, name, mark]);
    }

    fn mask_candidate(&self, candidate: &mut Candidate) {
        let Candidate {
            span_id: _,
            service,
            name,
            rejected,
        } = candidate;
        self.mask_each([service, name]);
        for rejection in rejected {
            let Rejection {
                key,
                expected,
                found,
                form: _,
            } = rejection;
            self.mask_each([key, expected, found]);
        }
    }

    fn mask_subject(&self, subject: &mut Subject) {
        use Subject as S;
        match subject {
            S::Response(_) | S::Command(_) | S::Trace(_) | S::Propagation => {}
            S::ResponseTime | S::Failures | S::Lint(_) | S::EachTrace => {}
            S::Signal { service, signal: _ } => self.mask(service),
            S::Reference(edge) => self.mask_each([&mut edge.from, &mut edge.to]),
            S::Header(text) | S::Json(text) | S::Service(text) => self.mask(text),
            S::Selected(text) | S::SelectedLogs(text) | S::SelectedSeries(text) => self.mask(text),
            S::Message(text) | S::Metadata(text) | S::Trailer(text) => self.mask(text),
            S::Capture(text) | S::KeptShare(text) | S::Case(text) => self.mask(text),
            S::Correlation(service) => service.iter_mut().for_each(|name| self.mask(name)),
            S::Edge { from, to } => self.mask_each([from, to]),
            S::Aggregate { of: _, key, find } => self.mask_each([key, find]),
            S::Sequence { earlier, later } => {
                self.mask_each([earlier, later]);
            }
            S::Span { part, name } | S::Record { part, name } | S::Series { part, name } => {
                self.mask_each([part, name]);
            }
            S::Budget {
                quantile: _,
                subject,
            } => self.mask(subject),
        }
    }
}

/// Masks the secret variables of a spec in a text.
pub(crate) fn masked(text: &str, spec: &Spec) -> String {
    Secrets::new(spec.scope().secrets()).text(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Location, Place};

    fn masked_location(text: &str, secret: &str, marked: &str) -> Location {
        let start = text.find(marked).unwrap();
        let place = Place {
            start,
            end: start + marked.len(),
        };
        let mut at = crate::spec::Source::new("a.yaml", text).at(place);
        Secrets::new([secret.to_owned()]).mask_location(&mut at);
        at
    }

    #[test]
    fn a_place_in_a_spec_file_shows_neither_a_secret_nor_its_length() {
        let at = masked_location("token: hunter2 # x", "hunter2", "hunter2");
        assert_eq!((at.text(), at.column()), ("[masked]", 8));
        let at = masked_location("token: hunter2 # x", "hunter2", "x");
        assert_eq!((at.text(), at.column()), ("x", 19));
        let text = "key: |\n  first one\n  second one\nnext: x\n";
        let at = masked_location(text, "first one\nsecond one", "x");
        assert_eq!((at.text(), at.line()), ("x", 4));
    }

    #[test]
    fn what_a_failed_check_looked_at_shows_no_secret() {
        let text = || "call hunter2".to_owned();
        let quantile = crate::spec::Quantile::P50;
        let subjects = [
            Subject::Header(text()),
            Subject::Json(text()),
            Subject::Message(text()),
            Subject::Metadata(text()),
            Subject::Trailer(text()),
            Subject::Service(text()),
            Subject::Edge {
                from: text(),
                to: text(),
            },
            Subject::Sequence {
                earlier: text(),
                later: text(),
            },
            Subject::Selected(text()),
            Subject::Aggregate {
                of: "sum",
                key: text(),
                find: text(),
            },
            Subject::Span {
                part: text(),
                name: text(),
            },
            Subject::Capture(text()),
            Subject::Budget {
                quantile,
                subject: text(),
            },
        ];
        let secrets = Secrets::new(["hunter2".to_owned()]);
        for subject in subjects {
            let at = crate::spec::Source::new("a.yaml", "").at(crate::spec::Place::default());
            let mut masked = Failure::new(subject, at, "", "");
            secrets.mask_failure(&mut masked);
            let said = format!("{:?}", masked.subject);
            assert!(!said.contains("hunter2"), "{said}");
            assert!(said.contains("call [masked]"), "{said}");
        }
    }
}
