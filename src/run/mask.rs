//! Secrets: masked once, where a spec's report is made, so that no reporter can show one.

mod load;

use std::borrow::Cow;
use std::sync::{Arc, RwLock};

use super::{Attempt, EarlierTrace, SpecReport, StepReport, Trouble, Verdict};
use crate::check::{Failure, Judged, Outcome, Subject};
use crate::spec::{Location, Request, Spec, Trigger};
use crate::trace::{
    Attributes, CommandResponse, HttpResponse, Resource, Response, Scope, Span, Trace, Value,
};

/// What stands in a report where a secret was.
const MASK: &str = "[masked]";

/// Credentials of a request that are shorter are no secrets, but placeholders.
const SHORTEST_CREDENTIAL: usize = 4;

/// Headers whose values are credentials.
const CREDENTIALS: [&str; 6] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "x-auth-token",
];

/// Every secret known so far, longest first, so that one which holds another is masked whole.
#[derive(Debug, Default)]
pub(super) struct Secrets(RwLock<Vec<String>>);

impl Secrets {
    pub(super) fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let all = Self::default();
        all.add(secrets);
        all
    }

    /// Makes these secret from now on, also as they look in a URL and in JSON.
    pub(super) fn add(&self, secrets: impl IntoIterator<Item = String>) {
        let mut all = self
            .0
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for secret in secrets
            .into_iter()
            .filter(|secret| !secret.trim().is_empty())
        {
            let in_url: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            let in_json = serde_json::Value::from(secret.as_str()).to_string();
            let in_json = in_json[1..in_json.len() - 1].to_owned();
            all.extend([secret, in_url, in_json]);
        }
        all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        all.dedup();
    }

    /// Makes the credentials of a request secret.
    pub(super) fn add_credentials_of(&self, trigger: &Trigger) {
        self.add(credentials_of(trigger));
    }

    /// Makes the cookies that a response sets secret.
    pub(super) fn add_cookies_of(&self, response: &Response) {
        self.add(cookies_of(response));
    }

    /// A text without any secret.
    pub(super) fn text(&self, text: &str) -> String {
        let all = self
            .0
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut masked = Cow::Borrowed(text);
        for secret in all.iter() {
            if masked.contains(secret.as_str()) {
                masked = Cow::Owned(masked.replace(secret.as_str(), MASK));
            }
        }
        masked.into_owned()
    }

    fn is_empty(&self) -> bool {
        let all = self.0.read();
        all.unwrap_or_else(std::sync::PoisonError::into_inner)
            .is_empty()
    }

    fn any_in(&self, text: &str) -> bool {
        let all = self.0.read();
        all.unwrap_or_else(std::sync::PoisonError::into_inner)
            .iter()
            .any(|secret| text.contains(secret.as_str()))
    }

    /// The text of a file, where every byte must keep its place.
    fn in_place(&self, text: &str) -> String {
        let all = self
            .0
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        all.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret.as_str(), &"*".repeat(secret.len()))
        })
    }

    /// A spec's report without any secret.
    pub(super) fn spec(&self, report: SpecReport) -> SpecReport {
        SpecReport {
            name: self.text(&report.name),
            at: self.location(report.at),
            tags: report.tags,
            verdict: match report.verdict {
                Verdict::Skipped(why) => Verdict::Skipped(self.text(&why)),
                Verdict::NotRun(why) => Verdict::NotRun(self.text(&why)),
                verdict => verdict,
            },
            attempts: report
                .attempts
                .into_iter()
                .map(|attempt| self.attempt(attempt))
                .collect(),
            duration: report.duration,
        }
    }

    fn attempt(&self, attempt: Attempt) -> Attempt {
        let steps = attempt
            .steps
            .into_iter()
            .map(|step| self.step(step))
            .collect();
        Attempt { steps, ..attempt }
    }

    /// A step's report without any secret.
    pub(super) fn step(&self, step: StepReport) -> StepReport {
        StepReport {
            name: step.name.map(|name| self.text(&name)),
            trigger: self.text(&step.trigger),
            trace: step.trace.map(|trace| self.shared_trace(trace)),
            response: step.response.map(|response| self.response(response)),
            checks: step
                .checks
                .into_iter()
                .map(|judged| self.judged(judged))
                .collect(),
            trouble: step.trouble.map(|trouble| self.trouble(trouble)),
            notices: step
                .notices
                .iter()
                .map(|notice| self.text(notice))
                .collect(),
            earlier: step.earlier.map(|earlier| EarlierTrace {
                trace: self.shared_trace(earlier.trace),
                ..earlier
            }),
            load: step.load.map(|load| Arc::new(self.load(&load))),
            ..step
        }
    }

    pub(super) fn trouble(&self, trouble: Trouble) -> Trouble {
        Trouble {
            what: self.text(&trouble.what),
            at: trouble.at.map(|at| self.location(at)),
            details: self.texts(&trouble.details),
            help: self.texts(&trouble.help),
        }
    }

    fn texts(&self, texts: &[String]) -> Vec<String> {
        texts.iter().map(|text| self.text(text)).collect()
    }

    fn location(&self, at: Location) -> Location {
        if !self.any_in(at.source.text()) {
            return at;
        }
        let masked = self.in_place(at.source.text());
        at.source.with_text(masked).at(at.place)
    }

    fn judged(&self, judged: Judged) -> Judged {
        Judged {
            what: self.text(&judged.what),
            at: self.location(judged.at),
            outcome: match judged.outcome {
                Outcome::Fail(failure) => Outcome::Fail(Box::new(self.failure(*failure))),
                Outcome::Unjudged(why) => Outcome::Unjudged(why.with_texts(|text| self.text(text))),
                Outcome::Pass => Outcome::Pass,
            },
        }
    }

    fn failure(&self, mut failure: Failure) -> Failure {
        failure.at = self.location(failure.at);
        failure.subject = self.subject(failure.subject);
        let texts = [&mut failure.expected, &mut failure.found].into_iter();
        let witnesses = failure
            .witnesses
            .iter_mut()
            .flat_map(|w| [&mut w.name, &mut w.mark]);
        let nearest = failure.nearest.iter_mut().flat_map(|candidate| {
            let rejected = candidate.rejected.iter_mut();
            let rejected = rejected.flat_map(|why| [&mut why.expected, &mut why.found]);
            std::iter::once(&mut candidate.name).chain(rejected)
        });
        let differences = failure
            .differences
            .iter_mut()
            .flat_map(|difference| [&mut difference.expected, &mut difference.found]);
        let hints = failure.hints.iter_mut();
        for text in texts
            .chain(witnesses)
            .chain(nearest)
            .chain(differences)
            .chain(hints)
        {
            *text = self.text(text);
        }
        failure
    }

    /// Without a wildcard, so that a new kind with a text is thought of.
    fn subject(&self, mut subject: Subject) -> Subject {
        use Subject as S;
        let texts: Vec<&mut String> = match &mut subject {
            S::ResponseStatus | S::Body | S::ResponseTime => Vec::new(),
            S::ExitCode | S::Stdout | S::Stderr => Vec::new(),
            S::Errors | S::Orphans | S::SpanCount | S::TraceDuration | S::Failures => Vec::new(),
            S::Header(text) | S::Json(text) | S::Service(text) => vec![text],
            S::Selected(text) | S::Capture(text) => vec![text],
            S::Edge { from, to } => vec![from, to],
            S::Sequence { earlier, later } => vec![earlier, later],
            S::Span { part, name } => vec![part, name],
            S::Budget { subject, .. } => vec![subject],
        };
        for text in texts {
            *text = self.text(text);
        }
        subject
    }

    fn response(&self, response: Response) -> Response {
        match response {
            Response::Http(http) => Response::Http(self.http(http)),
            Response::Command(command) => Response::Command(CommandResponse {
                stdout: self.text(&command.stdout),
                stderr: self.text(&command.stderr),
                ..command
            }),
            Response::None => Response::None,
        }
    }

    fn http(&self, http: HttpResponse) -> HttpResponse {
        let header = |(name, value): (String, String)| {
            let is_credential = CREDENTIALS.contains(&name.as_str());
            let value = if is_credential {
                MASK.to_owned()
            } else {
                self.text(&value)
            };
            (name, value)
        };
        let body = match String::from_utf8(http.body) {
            Ok(text) => self.text(&text).into_bytes(),
            Err(binary) => binary.into_bytes(),
        };
        HttpResponse {
            headers: http.headers.into_iter().map(header).collect(),
            body,
            ..http
        }
    }

    /// A trace may be large, and mostly there is no secret to look for.
    fn shared_trace(&self, trace: Arc<Trace>) -> Arc<Trace> {
        if self.is_empty() {
            return trace;
        }
        Arc::new(self.trace(&trace))
    }

    fn trace(&self, trace: &Trace) -> Trace {
        let linked = trace
            .linked()
            .iter()
            .map(|linked| self.trace(linked))
            .collect();
        let spans = trace.spans().iter().map(|span| self.span(span));
        Trace::assemble(trace.id(), trace.origin(), spans)
            .with_linked(linked)
            .with_losses(trace.losses().clone())
    }

    fn span(&self, span: &Span) -> Span {
        let mut masked = span.clone();
        masked.name = self.text(&span.name);
        masked.status.message = self.text(&span.status.message);
        masked.attributes = self.attributes(&span.attributes);
        for event in &mut masked.events {
            event.name = self.text(&event.name);
            event.attributes = self.attributes(&event.attributes);
        }
        for link in &mut masked.links {
            link.attributes = self.attributes(&link.attributes);
        }
        masked.trace_state = self.text(&span.trace_state);
        let resource = self.attributes(&span.resource.attributes);
        if resource != span.resource.attributes {
            masked.resource = Arc::new(Resource {
                attributes: resource,
            });
        }
        let scope = self.attributes(&span.scope.attributes);
        if scope != span.scope.attributes {
            masked.scope = Arc::new(Scope {
                attributes: scope,
                ..(*span.scope).clone()
            });
        }
        masked
    }

    fn attributes(&self, attributes: &Attributes) -> Attributes {
        let entries = attributes.iter();
        let masked: Attributes = entries
            .map(|(key, value)| (key, self.value(value)))
            .collect();
        masked.with_dropped(attributes.dropped())
    }

    fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.value(item)).collect())
            }
            Value::Map(entries) => Value::Map(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), self.value(value)))
                    .collect(),
            ),
            other if self.text(&other.to_text()) != other.to_text() => Value::from(MASK),
            other => other.clone(),
        }
    }
}

/// A text of a spec that has not run, without the secrets that its variables hold.
pub(crate) fn masked(text: &str, spec: &Spec) -> String {
    Secrets::new(spec.scope().secrets()).text(text)
}

/// The values of a trigger's credentials.
pub(super) fn credentials_of(trigger: &Trigger) -> Vec<String> {
    match trigger {
        Trigger::Request(request) => credentials(request),
        Trigger::Run(_) | Trigger::TraceId(_) => Vec::new(),
    }
}

/// The values of the cookies that a response sets.
pub(super) fn cookies_of(response: &Response) -> Vec<String> {
    let Response::Http(http) = response else {
        return Vec::new();
    };
    let values = http.header("set-cookie").filter_map(|cookie| {
        let (_, value) = cookie.split(';').next()?.split_once('=')?;
        Some(value.trim().to_owned())
    });
    values.filter(|value| is_credential(value)).collect()
}

/// The values of a request's credentials: of `Bearer abc` the whole and the token.
fn credentials(request: &Request) -> Vec<String> {
    let headers = request
        .headers
        .iter()
        .filter(|(name, _)| CREDENTIALS.contains(&name.as_str()))
        .filter_map(|(_, value)| value.to_str().ok());
    let mut all: Vec<String> = headers
        .flat_map(|value| {
            let token = value
                .split_once(' ')
                .map(|(_, token)| token.trim().to_owned());
            let cookies = value
                .split(';')
                .filter_map(|pair| pair.split_once('='))
                .map(|(_, cookie)| cookie.trim().to_owned());
            let cookies: Vec<String> = cookies.collect();
            std::iter::once(value.to_owned())
                .chain(token)
                .chain(cookies)
        })
        .collect();
    all.extend(request.url.password().map(str::to_owned));
    all.retain(|value| is_credential(value));
    all
}

fn is_credential(value: &str) -> bool {
    value.len() >= SHORTEST_CREDENTIAL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_holds_another_is_masked_whole() {
        let secrets = Secrets::new(["token".to_owned(), "token-long".to_owned()]);
        assert_eq!(
            secrets.text("a token-long and a token"),
            "a [masked] and a [masked]"
        );
    }

    #[test]
    fn a_secret_is_found_in_a_url_and_in_json() {
        let secrets = Secrets::new(["a\"b c".to_owned()]);
        assert_eq!(
            secrets.text(r#"?q=a%22b+c {"x":"a\"b c"}"#),
            r#"?q=[masked] {"x":"[masked]"}"#
        );
    }

    #[test]
    fn a_spec_file_keeps_its_columns() {
        let source = crate::spec::Source::new("a.yaml", "token: hunter2 # x");
        let at = source.at(crate::spec::Place { start: 7, end: 14 });
        let masked = Secrets::new(["hunter2".to_owned()]).location(at);
        assert_eq!((masked.text(), masked.column()), ("*******", 8));
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
            let masked = secrets.failure(Failure {
                subject,
                at: crate::spec::Source::new("a.yaml", "").at(crate::spec::Place::default()),
                expected: String::new(),
                found: String::new(),
                witnesses: Vec::new(),
                more_witnesses: 0,
                nearest: Vec::new(),
                differences: Vec::new(),
                hints: Vec::new(),
            });
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
