//! The shape of a trace, without ids and times.

use std::fmt;

use serde::Serialize;

use super::{Span, SpanKind, StatusCode, Trace, Value};

/// The shape of a trace, which is equal in two runs of the same work. Created by
/// [`Trace::outline`].
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Outline {
    /// Spans without a parent.
    pub roots: Vec<OutlineSpan>,
    /// The linked traces.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub linked: Vec<Outline>,
}

/// A span of an [`Outline`] with its descendants.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutlineSpan {
    /// `service.name` of its resource.
    pub service: String,
    /// Its name.
    pub name: String,
    /// `internal`, `server` …
    pub kind: &'static str,
    /// `ok`, `error`, or `None` if it is unset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'static str>,
    /// The parent never arrived.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_orphan: bool,
    /// The selected attributes, in the order of the selection.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<(String, String)>,
    /// The names of its events.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// Its children, sorted by their text, because the order of their starts can differ between
    /// runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<OutlineSpan>,
}

impl Trace {
    /// The shape of this trace, for `assert_eq!` and snapshots: services, names, kinds and
    /// statuses as a tree, without ids, times and attributes.
    ///
    /// Linked traces belong to it as far as they have arrived. A trace that is linked to this one begins
    /// at any time after it: if its work continues after the response, set [`Call::tail`](crate::Call::tail)
    /// to the longest duration of that work, so that the outline is the same in each run.
    ///
    /// ```
    /// use spanspec::{Origin, Span, SpanId, Trace, TraceId};
    ///
    /// let (id, entry) = (TraceId::random(), SpanId::random());
    /// let call = |name| Span { parent_id: Some(entry), ..Span::new(id, SpanId::random(), name) };
    /// let spans = [Span::new(id, entry, "place_order"), call("ship"), call("charge")];
    /// let trace = Trace::assemble(id, Origin::Foreign, spans);
    ///
    /// assert_eq!(
    ///     trace.outline().to_string(),
    ///     "\
    /// unknown_service › place_order (internal)
    ///   unknown_service › charge (internal)
    ///   unknown_service › ship (internal)
    /// ",
    /// );
    /// ```
    #[must_use]
    pub fn outline(&self) -> Outline {
        self.outline_with(&[])
    }

    /// The shape of this trace with the attributes of these keys.
    #[must_use]
    pub fn outline_with(&self, attributes: &[&str]) -> Outline {
        let mut linked: Vec<Outline> = self
            .linked()
            .iter()
            .map(|trace| trace.outline_with(attributes))
            .collect();
        linked.sort_by_cached_key(ToString::to_string);
        Outline {
            roots: self.below_of(attributes),
            linked,
        }
    }

    /// Built from the leaves up, so that the depth is not limited by the stack.
    fn below_of(&self, attributes: &[&str]) -> Vec<OutlineSpan> {
        let mut done: Vec<Option<OutlineSpan>> = self.spans().iter().map(|_| None).collect();
        for &span in self.top_down().iter().rev() {
            let children = self.children(span).iter();
            let children = sorted(children.filter_map(|&child| done[child].take()).collect());
            done[span] = Some(OutlineSpan {
                children,
                is_orphan: self.is_orphan(span),
                ..OutlineSpan::of(&self.spans()[span], attributes)
            });
        }
        sorted(
            self.roots()
                .iter()
                .filter_map(|&root| done[root].take())
                .collect(),
        )
    }
}

fn sorted(mut spans: Vec<OutlineSpan>) -> Vec<OutlineSpan> {
    if spans.len() > 1 {
        spans.sort_by_cached_key(ToString::to_string);
    }
    spans
}

impl OutlineSpan {
    fn of(span: &Span, attributes: &[&str]) -> Self {
        let attribute = |key: &&str| {
            let value = span.attributes.get(key)?;
            Some(((*key).to_owned(), Value::to_text(value)))
        };
        Self {
            service: span.service().to_owned(),
            name: span.name.clone(),
            kind: SpanKind::as_str(span.kind),
            status: match span.status.code {
                StatusCode::Unset => None,
                code => Some(code.as_str()),
            },
            is_orphan: false,
            attributes: attributes.iter().filter_map(attribute).collect(),
            events: span.events.iter().map(|event| event.name.clone()).collect(),
            children: Vec::new(),
        }
    }

    /// Writes the span itself on a line.
    fn line(&self) -> String {
        let mut words = vec![self.kind.to_owned()];
        words.extend(self.status.map(str::to_owned));
        if self.is_orphan {
            words.push("parent missing".to_owned());
        }
        words.extend(
            self.attributes
                .iter()
                .map(|(key, value)| format!("{key}={value}")),
        );
        words.extend(self.events.iter().map(|event| format!("event {event}")));
        format!("{} › {} ({})", self.service, self.name, words.join(", "))
    }
}

/// Writes spans with their descendants, indented by two columns for each level.
fn write(f: &mut fmt::Formatter<'_>, spans: &[OutlineSpan], depth: usize) -> fmt::Result {
    let mut open: Vec<(&OutlineSpan, usize)> = spans.iter().rev().map(|one| (one, depth)).collect();
    while let Some((span, depth)) = open.pop() {
        writeln!(f, "{:1$}{2}", "", depth * 2, span.line())?;
        open.extend(span.children.iter().rev().map(|child| (child, depth + 1)));
    }
    Ok(())
}

/// Writes a line for each span.
impl fmt::Display for OutlineSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, std::slice::from_ref(self), 0)
    }
}

/// Writes a line for each span, then the linked traces.
impl fmt::Display for Outline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, &self.roots, 0)?;
        for linked in &self.linked {
            writeln!(f, "linked:")?;
            write(f, &linked.roots, 1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Origin, SpanId, Status, TraceId};
    use super::*;

    fn child(id: TraceId, parent: SpanId, name: &str, start: u64) -> Span {
        Span {
            parent_id: Some(parent),
            start,
            ..Span::new(id, SpanId::random(), name)
        }
    }

    #[test]
    fn traces_in_which_the_same_was_done_have_equal_outlines_whatever_came_first() {
        let outline = |starts: [u64; 2]| {
            let (id, root) = (TraceId::random(), SpanId::random());
            let spans = [
                Span::new(id, root, "place_order"),
                child(id, root, "charge", starts[0]),
                child(id, root, "reserve", starts[1]),
            ];
            Trace::assemble(id, Origin::Foreign, spans).outline()
        };
        assert_eq!(outline([1, 2]), outline([2, 1]));
    }

    #[test]
    fn what_is_not_as_usual_stands_in_brackets() {
        let (id, root) = (TraceId::random(), SpanId::random());
        let mut failed = child(id, root, "charge", 1);
        failed.status = Status {
            code: StatusCode::Error,
            message: "no card".to_owned(),
        };
        failed.attributes = [("attempts", Value::Int(2))].into_iter().collect();
        let trace = Trace::assemble(id, Origin::Foreign, [failed]);
        assert_eq!(
            trace.outline_with(&["attempts", "none"]).to_string(),
            "unknown_service › charge (internal, error, parent missing, attempts=2)\n"
        );
    }

    #[test]
    fn it_is_written_as_plain_data() {
        let id = TraceId::random();
        let trace = Trace::assemble(
            id,
            Origin::Foreign,
            [Span::new(id, SpanId::random(), "work")],
        );
        assert_eq!(
            serde_json::to_string(&trace.outline()).unwrap(),
            r#"{"roots":[{"service":"unknown_service","name":"work","kind":"internal"}]}"#
        );
    }

    #[test]
    fn a_very_deep_trace_is_no_trouble() {
        let id = TraceId::random();
        let deep = |n: u64| SpanId::from_bytes((n + 1).to_be_bytes()).unwrap();
        let spans = (0..2_000_u64).map(|n| Span {
            parent_id: n.checked_sub(1).map(deep),
            ..Span::new(id, deep(n), "deep")
        });
        let outline = Trace::assemble(id, Origin::Foreign, spans).outline();
        assert_eq!(outline.to_string().lines().count(), 2_000);
    }
}
