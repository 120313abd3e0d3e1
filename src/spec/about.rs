//! Specs for a trace that exists, from the text of a spec or of an `expect`.

use std::path::Path;

use super::file::FileReader;
use super::keys;
use super::{Context, Place, Source, Spec};
use crate::trace::TraceRef;
use crate::yaml::{self, Entry, Kind, Node};
use crate::yaml::{ErrorList, SpecErrors};

impl Spec {
    /// Reads the spec for an existing trace: what is below `expect`, or a whole spec. Its trigger is
    /// replaced by the trace. Keys that need a request that spanspec sends are errors.
    ///
    /// # Errors
    /// All errors in the text.
    pub fn about(source: &Source, trace: TraceRef, context: &Context) -> Result<Self, SpecErrors> {
        let errors = ErrorList::new(source);
        let documents = yaml::parse(&errors);
        let file = FileReader {
            errors: &errors,
            dir: Path::new("."),
            context,
        };
        let spec = match documents.as_slice() {
            [] if !errors.is_empty() => None,
            [] => errors.note(
                Place::default(),
                "this text has no expectation",
                "empty",
                "add a check such as `errors: 0`".to_owned(),
            ),
            [root] => wrap(root, trace, &errors)
                .and_then(|root| file.document(&root))
                .and_then(|specs| specs.into_iter().next()),
            [_, second, ..] => errors.note(
                second.place,
                "a trace is checked against one spec",
                "second document",
                "send each spec separately".to_owned(),
            ),
        };
        errors.check(spec)
    }
}

/// The spec for this trace, derived from another spec or from the content of an `expect`.
fn wrap(root: &Node, trace: TraceRef, errors: &ErrorList) -> Option<Node> {
    const OF_SEVERAL: [&str; 2] = ["steps", "matrix"];
    const OF_REQUESTS: [&str; 4] = ["setup", "teardown", "repeat", "budgets"];
    const KEPT: [&str; 6] = ["name", "description", "vars", "wait", "capture", "expect"];
    let trigger = Entry::text("trace_id", &trace.to_string());
    let Kind::Map(entries) = &root.kind else {
        let expect = Entry::of("expect", root.clone());
        return Some(Node::map(root.place, vec![trigger, expect]));
    };
    let is_spec = |entry: &Entry| {
        let key = entry.key.text.as_str();
        key == "expect" || OF_SEVERAL.contains(&key) || keys::TRIGGERS.contains(key)
    };
    if !entries.iter().any(is_spec) {
        let expect = Entry::of("expect", root.clone());
        return Some(Node::map(root.place, vec![trigger, expect]));
    }
    let several = |entry: &&Entry| OF_SEVERAL.contains(&entry.key.text.as_str());
    if let Some(entry) = entries.iter().find(several) {
        return errors.note(
            entry.key.place,
            format!("a spec with `{}` has several traces", entry.key.text),
            "several traces",
            "send the content of one `expect` only".to_owned(),
        );
    }
    let needs_requests = |entry: &&Entry| OF_REQUESTS.contains(&entry.key.text.as_str());
    if let Some(entry) = entries.iter().find(needs_requests) {
        return errors.note(
            entry.key.place,
            format!("`{}` needs requests that spanspec sends", entry.key.text),
            "not available for an existing trace",
            "remove it, or use `spanspec run`".to_owned(),
        );
    }
    // Unknown keys are kept, so that they are reported.
    let kept = entries.iter().filter(|entry| {
        let key = entry.key.text.as_str();
        KEPT.contains(&key) || !keys::SPEC.contains(key)
    });
    let all = kept.cloned().chain([trigger]).collect();
    Some(Node::map(root.place, all))
}
