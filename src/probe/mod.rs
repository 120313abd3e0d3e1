//! Sends the requests of conformance cases, and observes what becomes of their trace contexts.
//!
//! A control comes first: without an observer that sees a plain `traceparent` continued, no case can be judged.
//! `conformance` has the cases and the verdicts.

mod echo;
mod request;
mod spans;

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};

use self::echo::Echo;
use self::request::RequestWriter;
use self::spans::SpanWatch;
use crate::conformance::{
    self, Answer, Case, Ids, Observation, Observers, SeenSpan, cases, judge, unobservable,
};
use crate::source::TraceSource;
use crate::spec::Conformance;
use crate::trace::{CaseResult, ConformanceResponse};
use crate::trigger::{RawAnswer, TraceContext, raw_exchange};

/// Number of requests in flight.
const CONCURRENT: usize = 8;

/// Default timeout of a request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The member of `tracestate` that the control carries.
const STATE: &str = "spanspec-control=1";

/// The circumstances of a run of the cases.
pub(crate) struct Circumstances<'a> {
    /// The source of the spans.
    pub(crate) source: &'a dyn TraceSource,
    /// Upper limit of the time from the end of a span to its arrival.
    pub(crate) flush: Duration,
    /// Until this moment, the service may still be starting.
    pub(crate) starting_until: Option<Instant>,
}

/// A reason why no case can be judged, and help.
struct Blind {
    why: String,
    help: String,
}

impl Blind {
    fn new(why: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            help: help.into(),
        }
    }
}

/// Runs the cases of a spec. The trace of the context is that of the control.
pub(crate) async fn probe(
    suite: &Conformance,
    context: &TraceContext,
    circumstances: &Circumstances<'_>,
) -> ConformanceResponse {
    let started = Instant::now();
    let mut notes = Vec::new();
    let selected = select(suite, &mut notes);
    let judged = match Prober::start(suite, context, circumstances).await {
        Ok(prober) => {
            notes.extend(prober.notes());
            prober.run(&selected).await
        }
        Err(blind) => {
            let unseen = |case| {
                let ids = Ids::random();
                unobservable(case, suite.selection.level, &ids, &blind.why, &blind.help)
            };
            selected.iter().map(unseen).collect()
        }
    };
    let time = started.elapsed();
    let allowed = |case: CaseResult| CaseResult {
        is_allowed: suite.allow.iter().any(|name| name == case.name),
        ..case
    };
    ConformanceResponse {
        level: suite.selection.level,
        is_strict: suite.is_strict,
        cases: judged.into_iter().map(allowed).collect(),
        notes,
        time,
    }
}

/// The cases that the observers can show at all.
fn select(suite: &Conformance, notes: &mut Vec<String>) -> Vec<Case> {
    let all = cases(&suite.selection);
    if suite.has_echo() {
        return all;
    }
    let (left_out, selected): (Vec<Case>, Vec<Case>) =
        all.into_iter().partition(|case| case.rule.needs_echo());
    let names: Vec<&str> = left_out.iter().map(|case| case.name).collect();
    notes.push(format!(
        "without an echo, {} cases were left out: {}",
        names.len(),
        names.join(", ")
    ));
    selected
}

/// Sends requests to one service.
struct Prober<'a> {
    writer: RequestWriter<'a>,
    suite: &'a Conformance,
    circumstances: &'a Circumstances<'a>,
    echo: Option<Echo>,
    can: Observers,
}

/// A request that was sent.
struct Sent<'a> {
    case: &'a Case,
    ids: Ids,
    watch: SpanWatch,
    answer: Answer,
}

impl<'a> Prober<'a> {
    /// Starts the echo, and sends the control, which finds out what the observers see.
    async fn start(
        suite: &'a Conformance,
        context: &TraceContext,
        circumstances: &'a Circumstances<'a>,
    ) -> Result<Self, Blind> {
        let echo = match suite.has_echo() {
            true => Some(Echo::start().await.map_err(|error| {
                Blind::new(
                    format!("cannot start the echo on 127.0.0.1: {error}"),
                    "permit this process to listen on loopback",
                )
            })?),
            false => None,
        };
        let mut prober = Self {
            writer: RequestWriter::new(suite),
            suite,
            circumstances,
            echo,
            can: Observers::default(),
        };
        prober.can = prober.control(context).await?;
        Ok(prober)
    }

    /// Sends a plain `traceparent`, which must be continued.
    async fn control(&self, context: &TraceContext) -> Result<Observers, Blind> {
        let mut ids = Ids::random();
        ids.traces[0] = context.trace_id;
        ids.parents[0] = context.parent_id;
        let since = Instant::now();
        let mut watch = SpanWatch::new(self.circumstances.source, &ids.traces[..1]);
        let lines = [
            format!("traceparent: {}", context.traceparent()),
            format!("tracestate: {STATE}"),
        ];
        let answer = self.exchange_when_started(&lines, &ids).await;
        refuse_unusable(&answer)?;
        let deadline = Instant::now() + self.circumstances.flush;
        let is_seen = watch.until_spans(deadline).await;
        let echoed = self.echoed(&ids);
        if self.echo.is_some() && echoed.is_empty() {
            return Err(Blind::new(
                "the service did not call the echo for the control, a plain `traceparent`",
                format!(
                    "let the path of `echo` call the URL in the header `{}`, or write {{echo}} where it belongs in the URL",
                    self.suite.echo_header
                ),
            ));
        }
        let is_continued = |call: &conformance::EchoCall| {
            let sent = call.values("traceparent");
            sent.iter()
                .any(|value| value.contains(&context.trace_id.to_string()))
        };
        if echoed.iter().any(is_continued) || is_seen {
            return Ok(Observers {
                spans: is_seen,
                urls: watch.has_text(&ids.nonce),
                states: watch.has_state(STATE),
                echo: !echoed.is_empty(),
            });
        }
        Err(self
            .not_continued(&ids, since, &answer, !echoed.is_empty())
            .await)
    }

    async fn not_continued(
        &self,
        ids: &Ids,
        since: Instant,
        answer: &RawAnswer,
        is_echoed: bool,
    ) -> Blind {
        let elsewhere = spans::elsewhere(self.circumstances.source, since, &[&ids.nonce]).await;
        let what = "the control, a plain `traceparent`, was not continued";
        match elsewhere.into_iter().flatten().next() {
            Some((_, span)) => Blind::new(
                format!(
                    "{what}: `{}` of {} began trace {}",
                    span.name, span.service, span.trace_id
                ),
                "let the service extract `traceparent`: `OTEL_PROPAGATORS=tracecontext,baggage`",
            ),
            None if is_echoed => Blind::new(
                format!("{what}: the service called the echo without the trace id that was sent"),
                "let the service extract `traceparent`, and its client inject it: `OTEL_PROPAGATORS=tracecontext,baggage`",
            ),
            None => Blind::new(
                format!(
                    "no observer saw the control, a plain `traceparent`: {}, and no span of its trace arrived within {}",
                    answer_of(answer.clone()).describe(),
                    crate::number::duration(self.circumstances.flush)
                ),
                "let the service export its spans to spanspec, or add an echo; `spanspec run` with a spec of this request gives the reason",
            ),
        }
    }

    /// Sends a request again while the service may be starting.
    async fn exchange_when_started(&self, lines: &[String], ids: &Ids) -> RawAnswer {
        loop {
            let answer = self.exchange(lines, ids).await;
            let is_refused = matches!(&answer, RawAnswer::Unconnected(why) if why.is_refused);
            let until = self.circumstances.starting_until;
            if !is_refused || until.is_none_or(|until| Instant::now() >= until) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn exchange(&self, lines: &[String], ids: &Ids) -> RawAnswer {
        let echo = self.echo.as_ref().map(|echo| echo.url(&ids.nonce));
        let request = self.writer.request(lines, ids, echo.as_deref());
        let limit = self.suite.timeout.unwrap_or(TIMEOUT);
        raw_exchange(&self.suite.url, &self.suite.tls, &request, limit).await
    }

    fn echoed(&self, ids: &Ids) -> Vec<conformance::EchoCall> {
        let echo = self.echo.as_ref();
        echo.map_or_else(Vec::new, |echo| echo.calls(&ids.nonce))
    }

    fn notes(&self) -> Vec<String> {
        let observers = match (self.can.spans, self.can.echo) {
            (true, true) => return Vec::new(),
            (true, false) => "the exported spans only",
            (false, _) => "the echo only: no span of the control arrived",
        };
        vec![format!("observed by {observers}")]
    }

    /// Sends all cases, waits for their spans, and judges them.
    async fn run(&self, selected: &[Case]) -> Vec<CaseResult> {
        let since = Instant::now();
        let requests = selected.iter().map(|case| self.send(case));
        let mut sent: Vec<Sent<'_>> = stream::iter(requests).buffered(CONCURRENT).collect().await;
        if self.can.spans {
            // A hop may continue a trace that another one restarted, so that the first span decides nothing.
            tokio::time::sleep(self.circumstances.flush).await;
        }
        let nonces: Vec<&str> = sent.iter().map(|one| one.ids.nonce.as_str()).collect();
        let elsewhere = match self.can.urls {
            true => spans::elsewhere(self.circumstances.source, since, &nonces).await,
            false => vec![Vec::new(); nonces.len()],
        };
        let pairs = sent.iter_mut().zip(elsewhere);
        let level = self.suite.selection.level;
        pairs
            .map(|(one, others)| {
                let mut spans: Vec<SeenSpan> = one.watch.seen();
                spans.extend(others.into_iter().map(|(_, span)| span));
                let observation = Observation {
                    answer: one.answer.clone(),
                    echo: self.echoed(&one.ids),
                    spans,
                };
                judge(one.case, level, &one.ids, &observation, self.can)
            })
            .collect()
    }

    async fn send<'c>(&self, case: &'c Case) -> Sent<'c> {
        let ids = Ids::random();
        let watch = SpanWatch::new(self.circumstances.source, &ids.traces[..case.contexts()]);
        let lines = conformance::header_lines(&case.headers, &ids);
        let answer = answer_of(self.exchange(&lines, &ids).await);
        Sent {
            case,
            ids,
            watch,
            answer,
        }
    }
}

fn answer_of(answer: RawAnswer) -> Answer {
    match answer {
        RawAnswer::Status(status) => Answer::Status(status),
        RawAnswer::Closed => Answer::Closed,
        RawAnswer::TimedOut => Answer::TimedOut,
        RawAnswer::NotHttp(bytes) => Answer::NotHttp(bytes),
        RawAnswer::Unconnected(unconnected) => Answer::Failed(unconnected.why),
    }
}

/// The control must have a response that is no error.
fn refuse_unusable(answer: &RawAnswer) -> Result<(), Blind> {
    let help = match answer {
        RawAnswer::Status(..500) => return Ok(()),
        RawAnswer::Status(_) => {
            "name a URL, and perhaps `headers`, that the service answers without an error"
        }
        RawAnswer::Closed | RawAnswer::TimedOut => {
            "let the service answer this request, or raise `timeout`"
        }
        RawAnswer::NotHttp(_) => {
            "name a port with HTTP/1.1: HTTP/2 cannot carry these header lines"
        }
        RawAnswer::Unconnected(unconnected) => &unconnected.help,
    };
    let what = answer_of(answer.clone()).describe();
    Err(Blind::new(
        format!("the control, a plain `traceparent`, failed: {what}"),
        help,
    ))
}
