//! Explanations of given traces, for tests of the texts.

use super::diagnosis;
use super::first_hop::FirstHop;
use super::sent_context::SentContext;
use crate::check::{Judged, Subject, WindowEvidence};
use crate::result::Trouble;
use crate::source::SourceDiagnostics;
use crate::spec::Trigger;
use crate::trace::{Peers, Response, Trace, TraceId};
use crate::trigger::TraceContext;

/// A request and the traces that arrived after it.
pub struct ArrivedTraces<'a> {
    /// What was sent.
    pub trigger: &'a Trigger,
    /// The response to it.
    pub response: &'a Response,
    /// The id of its trace.
    pub trace_id: TraceId,
    /// Its trace; `None` if no span of it arrived.
    pub trace: Option<&'a Trace>,
    /// The other traces.
    pub others: Vec<Trace>,
}

impl ArrivedTraces<'_> {
    /// The evidence of `propagation`.
    #[must_use]
    pub fn window(&self) -> WindowEvidence {
        let sent = SentContext::of(self.trigger, &TraceContext::of(self.trigger));
        WindowEvidence {
            others: Some(self.others.clone()),
            has_all: true,
            peers: Peers::default(),
            first_hop: self.first_hop(&sent, &self.trigger.called()).restarted(),
        }
    }

    /// The reason why no span arrived, and the notes on a failed spec.
    #[must_use]
    pub fn explain(&self, checks: &[Judged]) -> (Option<Trouble>, Vec<String>) {
        let Some(trace) = self.trace else {
            let sent = SentContext::of(self.trigger, &TraceContext::of(self.trigger));
            let called = self.trigger.called();
            return (self.first_hop(&sent, &called).trouble(None), Vec::new());
        };
        let diagnostics = SourceDiagnostics {
            unrelated: self.others.clone(),
            ..SourceDiagnostics::default()
        };
        let mut failures = checks.iter().filter_map(|one| one.outcome.failure());
        let names_calls = failures.any(|failure| failure.subject == Subject::Propagation);
        let is_sampled = self.trigger.is_sampled();
        let notes = diagnosis::remarks(&diagnostics, trace, (true, is_sampled), names_calls);
        (None, notes)
    }

    fn first_hop<'h>(
        &'h self,
        sent: &'h SentContext,
        called: &'h crate::spec::Called,
    ) -> FirstHop<'h> {
        FirstHop {
            called,
            sent: Some(sent),
            trace: Some(self.trace_id),
            response: Some(self.response),
            others: &self.others,
        }
    }
}
