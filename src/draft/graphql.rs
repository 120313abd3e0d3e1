//! GraphQL operations among the requests, and the errors in their responses.

use super::part::DraftPart;
use super::request::{Payload, Protocol, Request};
use super::varies::Varies;
use super::yaml;
use crate::spec::GraphQlDocument;
use crate::trace::Value;

/// A GraphQL operation that a spec can send.
pub(super) struct GraphQlRequest<'r> {
    /// `query Order`; `None` for an operation without a name.
    pub(super) title: Option<String>,
    query: &'r str,
    operation: Option<&'r str>,
    /// `variables` and `extensions`.
    maps: Vec<(&'r str, &'r Value)>,
}

impl<'r> GraphQlRequest<'r> {
    /// The operation, if the request is a POST with the JSON of one.
    pub(super) fn of(request: &'r Request) -> Option<Self> {
        let (Protocol::Http(method), Payload::Json(Value::Map(body))) =
            (&request.protocol, &request.payload)
        else {
            return None;
        };
        if method != "POST" {
            return None;
        }
        let (mut query, mut operation, mut maps) = (None, None, Vec::new());
        for (name, value) in body {
            match (name.as_str(), value) {
                ("query", Value::String(text)) => query = Some(text.trim()),
                ("operationName", Value::String(name)) => operation = Some(name.as_str()),
                ("operationName" | "variables" | "extensions", Value::Null) => {}
                ("variables" | "extensions", Value::Map(_)) => maps.push((name.as_str(), value)),
                // Another format with a `query`.
                _ => return None,
            }
        }
        let query = query?;
        let document = GraphQlDocument::parse(query).ok()?;
        let chosen = match operation {
            Some(_) => document
                .operations
                .iter()
                .find(|one| one.name.as_deref() == operation)?,
            None => document.operations.first()?,
        };
        // The trigger has no streams.
        (chosen.kind != "subscription").then(|| Self {
            title: chosen.name.is_some().then(|| chosen.title()),
            query,
            operation,
            maps,
        })
    }

    /// The lines of the trigger after its URL, with credentials replaced by `hide`.
    pub(super) fn lines(&self, hide: &impl Fn(&str) -> String) -> String {
        let mut lines = format!("  query:{}\n", yaml::lines(&hide(self.query), 4));
        if let Some(name) = self.operation {
            lines.push_str(&format!("  operation: {}\n", yaml::block(name)));
        }
        for (key, value) in &self.maps {
            let json = yaml::json(&yaml::with_texts(value, hide), 4);
            lines.push_str(&format!("  {key}:{json}\n"));
        }
        lines
    }
}

/// The expectation for the errors, which are removed from the bodies. No errors is implied.
pub(super) fn errors(bodies: &mut [Value], varies: &Varies) -> Option<DraftPart> {
    let errors: Vec<Vec<Value>> = bodies.iter_mut().map(take_errors).collect();
    if errors.iter().all(Vec::is_empty) {
        return None;
    }
    let written = errors.iter().map(|each| written(each, varies));
    let mut written: Vec<Option<String>> = written.collect();
    written.dedup();
    let text = match written.as_slice() {
        [Some(same)] => format!("  graphql_errors:\n{same}"),
        _ => {
            let count = yaml::count(errors.iter().map(Vec::len));
            format!("  graphql_errors: {count}   # their messages vary\n")
        }
    };
    Some(DraftPart::fixed(text))
}

fn take_errors(body: &mut Value) -> Vec<Value> {
    let Value::Map(members) = body else {
        return Vec::new();
    };
    let at = members.iter().position(|(name, _)| name == "errors");
    match at.map(|at| members.remove(at)) {
        Some((_, Value::Array(errors))) => errors,
        _ => Vec::new(),
    }
}

/// The errors as a list; `None` if a message is specific to an execution.
fn written(errors: &[Value], varies: &Varies) -> Option<String> {
    let lines = errors.iter().map(|error| {
        let message = error.get("message")?.as_str()?;
        let code = error.get("extensions").and_then(|all| all.get("code"));
        let code = match code.and_then(Value::as_str) {
            Some(code) => format!(", code: {}", yaml::flow_name(code)),
            None => String::new(),
        };
        let is_stable = !varies.value(&Value::from(message));
        is_stable.then(|| format!("    - {{ message: {}{code} }}\n", yaml::flow_name(message)))
    });
    lines.collect()
}
