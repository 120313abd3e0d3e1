//! Receives traces for some time.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use super::super::super::exit::{Exit, fail, note};
use super::super::super::session::{Interruptions, block_on, fail_with};
use super::input::Input;
use crate::number::{counted, duration};
use crate::result::Trouble;
use crate::service::TelemetryTarget;
use crate::session::{receiver, telemetry, unbound};
use crate::source::{Receiver, Store};
use crate::trace::{Hole, LogsWithoutTrace, Nanos, Sender, Trace, unix_nanos};
use crate::workspace::Workspace;

/// Maximum size of the exports that are kept: 64 MiB, about 120,000 spans.
const CAPACITY: usize = 64 << 20;

/// The assumed delay of exporters: SDKs export every 5 s by default, and an export takes time.
const FLUSH: Duration = Duration::from_millis(5_500);

/// Everything that arrived, and the time in which it was received, by the clock of this machine.
struct Window {
    traces: Vec<Trace>,
    from: Nanos,
    until: Nanos,
    /// Number of spans that arrived and are not kept.
    discarded: u64,
    logs: LogsWithoutTrace,
}

/// Receives traces for this time, or until Ctrl-C. The reason that there is none has been printed.
pub(super) fn observe(
    window: Duration,
    listen: &[SocketAddr],
    workspace: &Workspace,
) -> Result<Input, Exit> {
    let mut received = None;
    let exit = block_on(async {
        match receive(window, listen, workspace).await {
            Ok(window) => received = Some(window),
            Err(trouble) => return fail_with(&[trouble]),
        }
        Exit::Passed
    });
    let received = received.ok_or(exit)?;
    if received.traces.is_empty() {
        let text = format!(
            "error: no span arrived in {}\nhelp: let the services export to the address above, and send requests to them in this time",
            duration(Duration::from_nanos(received.until - received.from))
        );
        return Err(fail(Exit::Nothing, &text));
    }
    Ok(received.input())
}

async fn receive(
    window: Duration,
    listen: &[SocketAddr],
    workspace: &Workspace,
) -> Result<Window, Trouble> {
    let mut interruptions = Interruptions::listen()
        .map_err(|error| Trouble::new(&format!("cannot listen for Ctrl-C: {error}")))?;
    let store = Store::remembering(CAPACITY);
    let (began, from) = (Instant::now(), unix_nanos(SystemTime::now()));
    let builder = receiver(workspace, listen).store(store.clone());
    let receiver = builder.start().await.map_err(|error| unbound(&error))?;
    announce(&receiver, &telemetry(workspace, &receiver), window);
    let is_whole = tokio::select! {
        () = tokio::time::sleep(window) => true,
        _ = interruptions.next() => false,
    };
    let until = unix_nanos(SystemTime::now());
    if is_whole {
        let flush = workspace.project.defaults.wait.flush.unwrap_or(FLUSH);
        // Spans that ended in this time are still in their exporters.
        tokio::select! {
            () = tokio::time::sleep(flush) => {}
            _ = interruptions.next() => {}
        }
    }
    let traces = store.unrelated(began);
    let kept: u64 = traces.iter().map(|trace| trace.len() as u64).sum();
    let has_discarded = store.has_discarded(began);
    let received = store.stats().spans;
    let logs = store.logs_without_trace(None);
    receiver.stop().await;
    Ok(Window {
        traces,
        from,
        until,
        discarded: match has_discarded {
            true => received.saturating_sub(kept).max(1),
            false => 0,
        },
        logs,
    })
}

fn announce(receiver: &Receiver, telemetry: &TelemetryTarget, window: Duration) {
    let addresses: Vec<String> = receiver
        .addresses()
        .iter()
        .map(ToString::to_string)
        .collect();
    let certificate = telemetry.certificate.iter();
    let certificate = certificate.map(|file| {
        let file = shell_words::quote(file);
        format!(" OTEL_EXPORTER_OTLP_CERTIFICATE={file}")
    });
    note(&format!(
        "listening on {} for OTLP, over gRPC and HTTP, for {}; Ctrl-C ends it earlier\nwhere the services run: export OTEL_EXPORTER_OTLP_ENDPOINT={}{}",
        addresses.join(", "),
        duration(window),
        telemetry.endpoint,
        certificate.collect::<String>()
    ));
}

impl Window {
    /// Traces that began before, or ended after this time, may miss spans.
    fn input(self) -> Input {
        let (from, until) = (self.from, self.until);
        let is_within = |trace: &&Trace| {
            let mut spans = trace.spans().iter();
            spans.all(|span| span.start >= from && span.end <= until)
        };
        let cut = self.traces.iter().filter(|trace| !is_within(trace));
        let cut: HashSet<_> = cut.map(Trace::id).collect();
        if !cut.is_empty() {
            note(&format!(
                "note: {} began before this time or ended after it: spans that are missing there are no findings",
                counted(cut.len(), "trace")
            ));
        }
        let hole = (self.discarded > 0).then(|| discarded(self.discarded));
        let logs = self.logs;
        let has_logs =
            !logs.records.is_empty() || !logs.stray.is_empty() || !logs.in_span.is_empty();
        Input {
            traces: self
                .traces
                .into_iter()
                .map(|trace| trace.with_own_caller().with_holes(hole.clone()))
                .collect(),
            cut,
            logs_without_trace: has_logs.then_some(logs),
        }
    }
}

/// The hole of each trace if not all spans are kept.
fn discarded(spans: u64) -> Hole {
    let left_out = counted(spans, "span");
    note(&format!(
        "note: {left_out} of those that arrived are not examined: more than {} MiB of exports arrived",
        CAPACITY >> 20
    ));
    Hole {
        reason: format!(
            "{left_out} are not examined, because more than {} MiB arrived",
            CAPACITY >> 20
        ),
        sender: Sender::default(),
        remedy: "observe for a shorter time, or let fewer services export here".to_owned(),
    }
}
