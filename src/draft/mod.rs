//! Drafts a spec from what a request did, once or several times.
//!
//! What is the same each time is expected; what differs, or would differ on another day or
//! machine, is left out, and comments say so. Everything here is pure: firing and writing files is
//! left to whoever asks. A draft is held against what it was made from, so that it never asks
//! more than was seen.

mod proof;
mod request;
mod response;
mod spans;
#[cfg(test)]
mod tests;
mod varies;
mod yaml;

use std::sync::Arc;

pub use request::{Payload, Request};

use crate::schema::SPEC_URL;
use crate::spec::{Context, SpecErrors};
use crate::trace::{HttpResponse, Trace};
use varies::Varies;

/// What came of firing the request once.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The answer.
    pub response: HttpResponse,
    /// The trace, complete.
    pub trace: Arc<Trace>,
}

/// The text of a spec for this request, which everything seen passes.
///
/// `context` is what the spec will be read with. Values of credentials need not be in it.
///
/// # Errors
/// If the request itself cannot be read as part of a spec.
pub fn draft(request: &Request, seen: &[Seen], context: &Context) -> Result<String, SpecErrors> {
    let varies = Varies::new(request);
    let mut parts = vec![Part::fixed(head(request, seen))];
    parts.extend(response::parts(seen, &varies));
    parts.extend(whole(seen));
    parts.extend(spans::parts(seen, &varies));
    proof::hold(parts, request, seen, context)
}

/// Some lines of a draft; those that turn out not to hold are taken away.
#[derive(Clone, Debug)]
struct Part {
    text: String,
    /// Under which key it stands: that line is written before the first of them.
    under: Option<&'static str>,
}

impl Part {
    fn fixed(text: String) -> Self {
        Self { text, under: None }
    }

    fn under(key: &'static str, text: String) -> Self {
        Self {
            text,
            under: Some(key),
        }
    }
}

fn head(request: &Request, seen: &[Seen]) -> String {
    let how = match seen.len() {
        1 => "the request was fired once, so what differs each time is only guessed".to_owned(),
        2 => "the request was fired twice, and what differed was left out".to_owned(),
        times => format!("the request was fired {times} times, and what differed was left out"),
    };
    let credentials: String = request
        .credentials()
        .iter()
        .map(|one| {
            format!(
                "# {}: {}, which is not written down; set it with --var or in the environment.\n",
                one.variable, one.what
            )
        })
        .collect();
    format!(
        "# yaml-language-server: $schema={SPEC_URL}
# A draft by `spanspec record`: {how}.
# Ids, times, addresses, ports, threads and versions were left out, too.
{credentials}name: {}
{}expect:
",
        yaml::block(&yaml::escaped(&request.title())),
        request.written(),
    )
}

/// What holds of the whole trace.
fn whole(seen: &[Seen]) -> Vec<Part> {
    let errors = yaml::count(seen.iter().map(|one| one.trace.errors().count()));
    let mut in_all = seen[0].trace.services();
    for one in &seen[1..] {
        in_all = &in_all & &one.trace.services();
    }
    let services: Vec<String> = in_all.into_iter().map(yaml::flow).collect();
    let mut parts = vec![Part::fixed(format!("  errors: {errors}\n"))];
    if !services.is_empty() {
        parts.push(Part::fixed(format!(
            "  services: [{}]\n",
            services.join(", ")
        )));
    }
    parts
}
