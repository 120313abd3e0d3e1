//! A call of the system under test: the trace context that goes with it, and the trace that comes
//! of it.

use std::fmt;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::late;
use crate::number::duration;
use crate::report::{Look, waterfall};
use crate::source::Receiver;
use crate::source::{Follow, Store};
use crate::spec::Wait;
use crate::step::{Flush, Unsettled, Waiting, complete};
use crate::trace::{Origin, SpanId, Trace, TraceId};
use crate::trigger::TraceContext;

/// Maximum number of services that a message about other traces names.
const MOST_NAMED: usize = 6;

/// A call that is about to be made, by whatever client: it carries
/// [`traceparent`](Self::traceparent), and then [`trace`](Self::trace) has what was done for it.
///
/// ```no_run
/// use spanspec::prelude::*;
///
/// # async fn test() -> Result<(), Box<dyn std::error::Error>> {
/// let receiver = Receiver::start()?;
/// let call = receiver.call();
/// // … publish a message, or call with a client of your own, with call.traceparent() …
/// let trace = call.tail(secs(2)).trace().await?;
/// assert_span!(trace, "process_payment");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Call {
    context: TraceContext,
    store: Store,
    follow: Mutex<Follow>,
    responded: Option<Instant>,
    wait: Wait,
    tolerates_orphans: bool,
}

/// The reason why a trace is incomplete. An error and no failure: the missing part is unknown.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Incomplete {
    /// Not one span of it arrived.
    #[error("no span of trace {trace_id} arrived within {}: {instead}", duration(*timeout))]
    NoSpans {
        /// The trace.
        trace_id: TraceId,
        /// The time waited after the response.
        timeout: Duration,
        /// The spans that arrived instead, and the remedy.
        instead: String,
    },
    /// Spans of it are known to be lost: see [`Trace::holes`].
    #[error("{reason}\n{picture}")]
    Lost {
        /// The cause, the sender of the spans, and the remedy.
        reason: String,
        /// The spans that arrived.
        trace: Box<Trace>,
        /// The same, drawn.
        picture: String,
    },
    /// Spans or log records refer to spans that never came, and what hangs below those may be missing too.
    #[error(
        "the trace is still incomplete {} after the response: {} never arrived\n{picture}`Call::tolerate_orphans` takes it as it is, and `Call::timeout` waits longer",
        duration(*timeout),
        names(missing)
    )]
    ParentsMissing {
        /// The missing spans.
        missing: Vec<SpanId>,
        /// The time waited after the response.
        timeout: Duration,
        /// The spans that arrived.
        trace: Box<Trace>,
        /// The same, drawn.
        picture: String,
    },
    /// The span of the service that was called did not arrive, or the timeout was shorter than the
    /// time that services have to export.
    #[error("{}", no_entry(trace, *timeout, picture))]
    NoEntry {
        /// The time waited after the response.
        timeout: Duration,
        /// The spans that arrived.
        trace: Box<Trace>,
        /// The same, drawn.
        picture: String,
    },
}

/// As it reads for people: this is what `?` shows in a test.
impl fmt::Debug for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Receiver {
    /// A call with a fresh trace context, whose spans come to this receiver.
    #[must_use]
    pub fn call(&self) -> Call {
        self.store().call()
    }

    /// The variables that make a child process export its spans to this receiver at once:
    /// `Command::new("shop").envs(receiver.env())`. Unless [`flush_within`](Self::flush_within)
    /// was called, traces are complete 350 ms after the response from now on.
    #[cfg(feature = "run")]
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        let endpoint = self.endpoint();
        let telemetry = crate::service::TelemetryTarget {
            endpoint,
            ..Default::default()
        };
        let variables = telemetry.defaults();
        let delay = variables
            .iter()
            .find(|(name, _)| *name == "OTEL_BSP_SCHEDULE_DELAY");
        let delay = delay.and_then(|(_, millis)| millis.parse().ok());
        if let Some(Flush::Known(bound)) =
            delay.map(|millis| Flush::of_schedule_delay(Duration::from_millis(millis)))
        {
            self.store().assume_flush(bound);
        }
        // A variable that the test process inherited must not disable the child's SDK.
        let on = [("OTEL_SDK_DISABLED", "false")];
        let variables = variables.iter().map(|(name, value)| (*name, *value));
        variables
            .chain(on)
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

impl Store {
    /// A call with a fresh trace context, whose spans come to this store.
    #[must_use]
    pub fn call(&self) -> Call {
        let context = TraceContext::random();
        let origin = Origin::Injected(context.parent_id);
        let follow = self.follow(context.trace_id, origin).fresh();
        Call {
            context,
            store: self.clone(),
            follow: Mutex::new(follow),
            responded: None,
            wait: Wait::default(),
            tolerates_orphans: false,
        }
    }
}

impl Call {
    /// The trace id, parent id and flags to send.
    #[must_use]
    pub fn context(&self) -> &TraceContext {
        &self.context
    }

    /// The value of the header `traceparent`, or of the variable `TRACEPARENT`.
    #[must_use]
    pub fn traceparent(&self) -> String {
        self.context.traceparent()
    }

    /// Sets the time within which the trace must be complete after the response; default 30 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.wait.timeout = Some(timeout);
        self
    }

    /// For how long work goes on after the response, as in a consumer of messages.
    #[must_use]
    pub fn tail(mut self, tail: Duration) -> Self {
        self.wait.tail = Some(tail);
        self
    }

    /// For how long the services may keep a span or a log record; wins over [`Store::flush_within`].
    #[must_use]
    pub fn flush_within(mut self, flush: Duration) -> Self {
        self.wait.flush = Some(flush);
        self
    }

    /// Takes a trace for complete although parents are missing: those of a mesh or a browser, that
    /// report elsewhere.
    #[must_use]
    pub fn tolerate_orphans(mut self) -> Self {
        self.tolerates_orphans = true;
        self
    }

    /// The response is there: from this moment on, services have their time to export. Without
    /// it, that is the moment when the trace is asked for.
    pub fn responded(&mut self) {
        self.responded = Some(Instant::now());
    }

    /// The trace, once it is complete.
    ///
    /// # Errors
    /// If no span arrived, or parents are missing; the text names the spans that arrived instead.
    pub async fn trace(&self) -> Result<Trace, Incomplete> {
        let flush = self.store.known_flush();
        let waiting = Waiting {
            responded: self.responded.unwrap_or_else(Instant::now),
            flush: flush.map_or(Flush::Assumed, Flush::Known),
            wait: self.wait,
            tolerates_orphans: self.tolerates_orphans,
        };
        let settled = {
            let mut follow = self.follow.lock().await;
            let settled = complete(&mut follow, waiting).await;
            if let Ok(trace) = &settled {
                late::watch(&self.store, follow.beside(), trace);
            }
            settled
        };
        settled.map_err(|unsettled| {
            late::give_up(&unsettled.trace);
            self.explain(unsettled)
        })
    }

    fn explain(&self, unsettled: Unsettled) -> Incomplete {
        let Unsettled {
            trace,
            missing,
            timeout,
        } = unsettled;
        if trace.is_empty() {
            return Incomplete::NoSpans {
                trace_id: self.context.trace_id,
                timeout,
                instead: self.instead(),
            };
        }
        let picture = picture(&trace);
        let trace = Box::new(trace);
        if let Some(hole) = trace.holes().first() {
            return Incomplete::Lost {
                reason: hole.in_full(),
                trace,
                picture,
            };
        }
        if missing.is_empty() {
            return Incomplete::NoEntry {
                timeout,
                trace,
                picture,
            };
        }
        Incomplete::ParentsMissing {
            missing: missing.into_iter().collect(),
            timeout,
            trace,
            picture,
        }
    }

    /// The reason why not even a span of another trace came, as far as it can be known.
    fn nothing_received(&self) -> String {
        let presence = self.store.presence();
        let id = self.context.trace_id;
        let origin = Origin::Injected(self.context.parent_id);
        let others = self.store.others();
        if let Some(other) = others
            .iter()
            .find(|other| !other.peek(id, origin).trace.is_empty())
        {
            let spans = other.peek(id, origin).trace.len();
            return format!(
                "another receiver of this process got {spans} of its spans; call `call()` on that one, or give the service the endpoint of this one"
            );
        }
        if presence.is_closed {
            return "the receiver was dropped before; keep it in a variable until the trace is there".to_owned();
        }
        if presence.exporters > 0 && presence.shut_down >= presence.exporters {
            return "the tracer provider was shut down before the spans ended; keep it until the trace is there".to_owned();
        }
        if presence.exporters > 0 {
            let reason = switched_off().unwrap_or_else(|| {
                "is the sampler of the provider on, and is a subscriber active in the thread that does the work?".to_owned()
            });
            return format!("the exporter in this process got no span at all; {reason}");
        }
        if others.iter().any(|other| other.stats().spans > 0) {
            return "nothing was received at all, but another receiver of this process got spans; a provider of the whole process exports to one receiver only".to_owned();
        }
        "nothing was received at all; does the service export here? start it with the variables of `Receiver::env`".to_owned()
    }

    fn instead(&self) -> String {
        let stats = self.store.stats();
        if stats.is_empty() {
            return self.nothing_received();
        }
        if let Some(refusal) = stats.refusals.back() {
            return format!(
                "an export to {} was refused: {}",
                refusal.endpoint, refusal.reason
            );
        }
        // Spans that no call of ours caused are a better hint, if there are any.
        let others = match &stats.unrelated {
            unrelated if unrelated.is_empty() => &stats.related,
            unrelated => unrelated,
        };
        let spans: u64 = others.values().sum();
        let services: Vec<&str> = others.keys().take(MOST_NAMED).map(String::as_str).collect();
        format!(
            "{spans} spans of other traces came, of {}; does the service that was called take over `traceparent`?",
            services.join(", ")
        )
    }
}

fn picture(trace: &Trace) -> String {
    let (records, rows) = (waterfall::Records::Warnings, waterfall::USUAL_ROWS);
    waterfall(trace, &[], records, &Look::plain(), rows)
}

/// An assertion that late spans contradict fails while the test still runs.
impl Drop for Call {
    fn drop(&mut self) {
        late::end_of_call(self.context.trace_id);
    }
}

/// A variable of this process that switches its spans off.
fn switched_off() -> Option<String> {
    let value = |name: &str| std::env::var(name).ok();
    let is_on = |text: &String| text.trim().eq_ignore_ascii_case("true");
    if value("OTEL_SDK_DISABLED").is_some_and(|text| is_on(&text)) {
        return Some("OTEL_SDK_DISABLED=true switches the SDK off".to_owned());
    }
    let sampler = value("OTEL_TRACES_SAMPLER").filter(|name| name.contains("always_off"));
    sampler.map(|name| format!("OTEL_TRACES_SAMPLER={name} switches sampling off"))
}

fn no_entry(trace: &Trace, timeout: Duration, picture: &str) -> String {
    let timeout = duration(timeout);
    match trace.has_entry() {
        false => format!(
            "the span of the service that was called never arrived within {timeout}; what came:\n{picture}"
        ),
        true => format!(
            "the timeout of {timeout} ended before every service had its time to export; what came:\n{picture}`Call::timeout` waits longer"
        ),
    }
}

fn names(missing: &[SpanId]) -> String {
    let ids: Vec<String> = missing.iter().take(3).map(SpanId::to_string).collect();
    match missing.len().saturating_sub(3) {
        0 => format!("span {}", ids.join(", ")),
        more => format!("span {} and {more} more", ids.join(", ")),
    }
}
