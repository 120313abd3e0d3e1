//! Drafts a spec from one or several executions of a request.
//!
//! The draft expects values that are the same in all executions. Values that differ, or that look
//! specific to a day or machine, are left out with a comment. Pure: the caller sends requests and
//! writes files. Each draft is checked against the recorded executions, so that they always pass
//! it.

mod entry;
mod extend;
mod graphql;
mod logs;
mod part;
mod proof;
mod request;
mod response;
mod spans;
#[cfg(test)]
mod tests;
mod varies;
pub(crate) mod yaml;

use std::path::Path;
use std::sync::Arc;

pub(crate) use entry::{AttributeForm, JsonLeaf, Sketches};
pub(crate) use extend::{slots, with_expectations, with_probes};
pub use part::Execution;
pub use request::{Payload, Protocol, Request};

use crate::schema::SPEC_URL;
use crate::spec::{Context, SpecErrors};
use crate::trace::{Response, SpanKind, Trace};
use part::DraftPart;
use varies::Varies;

/// The text of a spec for this request that all recorded executions pass.
///
/// `folder` is that of the spec, and `context` the context for reading it. It does not need values of
/// credentials.
///
/// # Errors
/// If the request is not valid in a spec.
pub fn draft(
    request: &Request,
    seen: &[Execution],
    (folder, context): (&Path, &Context),
) -> Result<String, SpecErrors> {
    let varies = Varies::new(request, seen);
    let mut parts = vec![DraftPart::fixed(head(&how(seen), request))];
    parts.extend(response::parts(request, seen, &varies));
    parts.extend(of_trace(seen, &varies));
    proof::hold(parts, request, seen, (folder, context))
}

/// The text of a spec for this request that a saved trace passes. `status` is the status code of the
/// response, if the trace has it.
///
/// # Errors
/// If the request is not valid in a spec.
pub(crate) fn draft_of_saved(
    request: &Request,
    trace: Arc<Trace>,
    status: Option<u16>,
    context: &Context,
) -> Result<String, SpecErrors> {
    let seen = [Execution {
        response: Response::None,
        trace,
    }];
    let varies = Varies::new(request, &seen);
    let made = format!(
        "# A draft by `spanspec import otlp` from the trace {}: values that vary could only be guessed.",
        seen[0].trace.id()
    );
    let status = status.map_or_else(|| "100..599".to_owned(), |code| code.to_string());
    let mut parts = vec![DraftPart::fixed(head(&made, request))];
    parts.push(DraftPart::fixed(format!("  status: {status}\n")));
    parts.extend(of_trace(&seen, &varies));
    proof::hold(parts, request, &seen, (Path::new("."), context))
}

/// The expectations for the trace.
fn of_trace(seen: &[Execution], varies: &Varies) -> Vec<DraftPart> {
    let mut parts = whole(seen);
    parts.extend(spans::parts(seen, varies));
    parts.extend(logs::parts(seen, varies));
    parts.extend(budget_of_calls(seen));
    parts
}

/// A comment about the origin of a recorded draft.
fn how(seen: &[Execution]) -> String {
    let how = match seen.len() {
        1 => "the request was sent once, so that values that vary could only be guessed".to_owned(),
        2 => "the request was sent twice; values that differed were left out".to_owned(),
        times => format!("the request was sent {times} times; values that differed were left out"),
    };
    format!("# A draft by `spanspec record`: {how}.")
}

fn head(made: &str, request: &Request) -> String {
    let credentials: String = request
        .credentials()
        .iter()
        .map(|one| {
            format!(
                "# {}: {}, not saved here; set it with --var or in the environment.\n",
                one.variable, one.what
            )
        })
        .collect();
    format!(
        "# yaml-language-server: $schema={SPEC_URL}
{made}
# Ids, times, addresses, ports, threads, user agents and versions were left out, too.
{credentials}name: {}
{}expect:
",
        yaml::block(&yaml::escaped(&request.title())),
        request.written(),
    )
}

/// Expectations for the trace as a whole.
fn whole(seen: &[Execution]) -> Vec<DraftPart> {
    let errors = yaml::count(seen.iter().map(|one| one.trace.errors().count()));
    let mut in_all = seen[0].trace.services();
    for one in &seen[1..] {
        in_all = &in_all & &one.trace.services();
    }
    let services: Vec<String> = in_all
        .into_iter()
        // An empty name is an error in `services`.
        .filter(|name| !name.trim().is_empty())
        .map(|name| yaml::flow(&yaml::escaped(name)))
        .collect();
    let mut parts = vec![DraftPart::fixed(format!("  errors: {errors}\n"))];
    if !services.is_empty() {
        parts.push(DraftPart::fixed(format!(
            "  services: [{}]\n",
            services.join(", ")
        )));
    }
    parts
}

/// A budget of calls and queries as a comment, because a spec with a budget repeats its request.
fn budget_of_calls(seen: &[Execution]) -> Option<DraftPart> {
    let calls = |trace: &Trace| {
        let spans = trace.spans().iter();
        spans.filter(|span| span.kind == SpanKind::Client).count()
    };
    let most = seen.iter().map(|one| calls(&one.trace)).max()?;
    (most > 0).then(|| {
        DraftPart::fixed(format!(
            "# A budget of the calls and queries per request, which also compares them with a baseline:
# repeat: {{ times: 100 }}
# budgets:
#   - find: {{ kind: client }}
#     measure: count
#     p95: <= {most}
"
        ))
    })
}
