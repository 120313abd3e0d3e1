//! Masks secrets in reports and events.
//!
//! Each function names all fields, so that a new field does not compile until it is masked or is
//! known to hold no text from outside. How a secret is found is left to `secret`.

mod load;

use std::sync::Arc;

use super::{
    Attempt, EarlierTrace, Report, RunEvent, SpecReport, StepReport, Telemetry, Trouble, Verdict,
};
use crate::check::{
    Candidate, Difference, Failure, Judged, Outcome, Rejection, Subject, Unjudged, Witness,
};
use crate::secret::{MASK, Secrets, is_credential_header, parts_of_credential};
use crate::spec::{Spec, Trigger};
use crate::trace::{
    Attributes, CommandResponse, Event, HttpResponse, Link, Resource, Response, Scope, Span,
    Status, Trace, Undecoded, Value,
};

/// Minimum length of a secret credential. Shorter values are placeholders.
const SHORTEST_CREDENTIAL: usize = 4;

/// Values that are not credentials, even in a header for credentials.
const HARMLESS: [&str; 4] = ["true", "false", "null", "none"];

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
        } = step;
        name.iter_mut().for_each(|name| self.mask(name));
        self.mask(trigger);
        trace.iter_mut().for_each(|trace| self.mask_trace(trace));
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
            cause: _,
        } = failure;
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
            S::Response(_) | S::Command(_) | S::Trace(_) | S::ResponseTime | S::Failures => {}
            S::Header(text) | S::Json(text) | S::Service(text) => self.mask(text),
            S::Selected(text) | S::Capture(text) => self.mask(text),
            S::Edge { from, to } => self.mask_each([from, to]),
            S::Sequence { earlier, later } => {
                self.mask_each([earlier, later]);
            }
            S::Span { part, name } => self.mask_each([part, name]),
            S::Budget {
                quantile: _,
                subject,
            } => self.mask(subject),
        }
    }

    fn mask_response(&self, response: &mut Response) {
        match response {
            Response::Http(http) => self.mask_http(http),
            Response::Command(CommandResponse {
                exit_code: _,
                signal: _,
                stdout,
                stdout_dropped: _,
                stderr,
                stderr_dropped: _,
                time: _,
            }) => self.mask_each([stdout, stderr]),
            Response::None => {}
        }
    }

    fn mask_http(&self, http: &mut HttpResponse) {
        let HttpResponse {
            status: _,
            headers,
            body,
            undecoded,
            is_open: _,
            time: _,
        } = http;
        if let Some(Undecoded::Encoding(name) | Undecoded::Charset(name)) = undecoded {
            self.mask(name);
        }
        for (name, value) in headers {
            if is_credential_header(name) {
                *value = MASK.to_owned();
            }
            self.mask(name);
            self.mask(value);
        }
        *body = self.bytes(std::mem::take(body));
    }

    /// Copies the trace only if there are secrets, since it may be large.
    fn mask_trace(&self, trace: &mut Arc<Trace>) {
        if !self.is_empty() {
            *trace = Arc::new(self.trace(trace));
        }
    }

    fn trace(&self, trace: &Trace) -> Trace {
        let linked = trace.linked().iter();
        let linked = linked.map(|linked| self.trace(linked)).collect();
        let spans = trace.spans().iter().map(|span| self.span(span));
        Trace::assemble(trace.id(), trace.origin(), spans)
            .with_linked(linked)
            .with_losses(trace.losses().clone())
            .with_holes(
                trace
                    .holes()
                    .iter()
                    .map(|hole| hole.with_texts(|text| self.text(text))),
            )
    }

    fn span(&self, span: &Span) -> Span {
        let mut masked = span.clone();
        let Span {
            trace_id: _,
            span_id: _,
            parent_id: _,
            name,
            kind: _,
            start: _,
            end: _,
            status,
            attributes,
            events,
            links,
            dropped_events: _,
            dropped_links: _,
            resource,
            scope,
            trace_state,
        } = &mut masked;
        self.mask(name);
        let Status { code: _, message } = status;
        self.mask(message);
        self.mask_attributes(attributes);
        for Event {
            name,
            time: _,
            attributes,
        } in events
        {
            self.mask(name);
            self.mask_attributes(attributes);
        }
        for Link {
            trace_id: _,
            span_id: _,
            trace_state,
            attributes,
        } in links
        {
            self.mask(trace_state);
            self.mask_attributes(attributes);
        }
        self.mask_resource(resource);
        self.mask_scope(scope);
        self.mask(trace_state);
        masked
    }

    /// Spans share their resource and scope. Copies them only if they contain a secret.
    fn mask_resource(&self, resource: &mut Arc<Resource>) {
        let mut masked = Resource::clone(resource);
        let Resource { attributes } = &mut masked;
        self.mask_attributes(attributes);
        if masked != **resource {
            *resource = Arc::new(masked);
        }
    }

    fn mask_scope(&self, scope: &mut Arc<Scope>) {
        let mut masked = Scope::clone(scope);
        let Scope {
            name,
            version,
            attributes,
        } = &mut masked;
        self.mask_each([name, version]);
        self.mask_attributes(attributes);
        if masked != **scope {
            *scope = Arc::new(masked);
        }
    }

    fn mask_attributes(&self, attributes: &mut Attributes) {
        let masked = attributes.iter().map(|(key, value)| {
            let value = self.value(value);
            (self.text(key), value)
        });
        let dropped = attributes.dropped();
        *attributes = masked.collect::<Attributes>().with_dropped(dropped);
    }

    fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.value(item)).collect())
            }
            Value::Map(entries) => {
                let entries = entries.iter();
                let masked = entries.map(|(key, value)| (self.text(key), self.value(value)));
                Value::Map(masked.collect())
            }
            Value::Bytes(bytes) => Value::Bytes(self.bytes(bytes.clone())),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::Number(_) => {
                let text = value.to_text();
                match self.text(&text) == text {
                    true => value.clone(),
                    false => Value::from(MASK),
                }
            }
        }
    }
}

/// Masks the secret variables of a spec in a text.
pub(crate) fn masked(text: &str, spec: &Spec) -> String {
    Secrets::new(spec.scope().secrets()).text(text)
}

/// The values of a trigger's credentials.
pub(crate) fn credentials_of(trigger: &Trigger) -> Vec<String> {
    let headers = trigger.headers().iter();
    let values = headers
        .filter(|(name, _)| is_credential_header(name.as_str()))
        .filter_map(|(_, value)| value.to_str().ok());
    let mut all: Vec<String> = values.flat_map(parts_of_credential).collect();
    all.extend(trigger.url().map_or_else(Vec::new, password_of));
    all.retain(|value| is_credential(value));
    all.extend(trigger.key_password().map(str::to_owned));
    all
}

/// The values of the cookies that a response sets.
pub(crate) fn cookies_of(response: &Response) -> Vec<String> {
    let Some(http) = response.http() else {
        return Vec::new();
    };
    let values = http.header("set-cookie").filter_map(|cookie| {
        let (_, value) = cookie.split(';').next()?.split_once('=')?;
        Some(value.trim().to_owned())
    });
    values.filter(|value| is_credential(value)).collect()
}

/// The password of a URL, as the URL spells it and as it is.
fn password_of(url: &url::Url) -> Vec<String> {
    let Some(password) = url.password() else {
        return Vec::new();
    };
    // Of percent-encoded text, what `=` follows is a value.
    let pair = format!("p={}", password.replace('+', "%2B"));
    let decoded = url::form_urlencoded::parse(pair.as_bytes()).next();
    let decoded = decoded.map(|(_, value)| value.into_owned());
    decoded.into_iter().chain([password.to_owned()]).collect()
}

fn is_credential(value: &str) -> bool {
    value.len() >= SHORTEST_CREDENTIAL && !HARMLESS.contains(&value)
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

    #[test]
    fn a_number_that_is_a_secret_is_masked_in_attributes_too() {
        let secrets = Secrets::new(["4242".to_owned()]);
        assert_eq!(secrets.value(&Value::Int(4242)), Value::from(MASK));
        assert_eq!(secrets.value(&Value::Int(7)), Value::Int(7));
    }
}
