//! The evidence of `propagation`: what else arrived at the time of a trace.

use super::context::StepContext;
use super::first_hop::FirstHop;
use crate::check::WindowEvidence;
use crate::spec::Expect;
use crate::trace::{HopEnd, Response, Trace, hops};

impl StepContext<'_> {
    /// What else arrived since the trigger, if a check is about propagation.
    pub(super) async fn window(
        &self,
        expect: &Expect,
        response: &Response,
        trace: &Trace,
    ) -> Option<WindowEvidence> {
        if !expect.is_about_propagation() {
            return None;
        }
        let mut window = WindowEvidence {
            others: None,
            has_all: true,
            peers: self.run.peers(trace),
            first_hop: None,
        };
        // A backend shows one trace only.
        if self.run.source.backend().is_some() {
            return Some(window);
        }
        let mut hops = hops(trace, &[], &window.peers).into_iter();
        let is_open = hops.any(|hop| !matches!(hop.end, HopEnd::Continued));
        if !is_open && trace.has_entry() && !expect.permits_restart() {
            window.others = Some(Vec::new());
            return Some(window);
        }
        let diagnostics = self.run.source.diagnostics(self.fired).await;
        window.has_all = !diagnostics.has_discarded;
        let mut others = diagnostics.unrelated;
        others.extend(trace.linked().iter().cloned());
        window.first_hop = FirstHop {
            called: &self.called,
            sent: self.sent.as_deref(),
            trace: Some(trace.id()),
            response: Some(response),
            others: &others,
        }
        .restarted();
        window.others = Some(others);
        Some(window)
    }
}
