//! Conditions on fields that the source of a trace loses.

use std::borrow::Cow;

use regex::Regex;
use regex_syntax::hir::{
    Capture, Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Repetition,
};

use super::truth::{Count, Truth};
use crate::spec::{Ask, Limits, Matcher, Pattern, Relative, SpanCondition};
use crate::trace::{Attributes, Field, Losses, Nanos, Value};

/// Prefixes of attribute keys that the semantic conventions define for resources.
const OF_RESOURCES: &[&str] = &[
    "app.",
    "aws.ecs.",
    "aws.eks.",
    "aws.log.",
    "browser.",
    "cicd.",
    "cloud.",
    "cloudfoundry.",
    "container.",
    "deployment.",
    "device.",
    "faas.instance",
    "faas.max_memory",
    "faas.name",
    "faas.version",
    "gcp.apphub.",
    "gcp.cloud_run.",
    "gcp.gce.",
    "heroku.",
    "host.",
    "k8s.",
    "oci.",
    "openshift.",
    "os.",
    "process.",
    "service.",
    "telemetry.",
    "user_agent.",
    "vcs.",
    "webengine.",
];

/// Attribute keys, or prefixes that end with `.`, whose values span formats older than OTLP keep in fields or tags
/// of their own.
const REWRITTEN: &[&str] = &[
    "error",
    "net.host.ip",
    "net.host.port",
    "net.peer.ip",
    "net.peer.port",
    "net.sock.",
    "network.local.",
    "network.peer.",
    "otel.",
    "otlp.",
    "peer.",
    "service.peer.name",
    "span.kind",
    "w3c.tracestate",
];

/// Keys, or prefixes that end with `.`, of the tags in which Jaeger's model keeps fields of OTLP.
const TAG_FIELDS: &[&str] = &[
    "error",
    "internal.span.format",
    "otel.",
    "span.kind",
    "w3c.tracestate",
];

/// An earlier name under which the Collector adds the value of `COPIED` for Zipkin.
const COPY: &str = "http.status_code";
const COPIED: &str = "http.response.status_code";

/// The first lost field that one of the conditions needs.
pub(super) fn lost(conditions: &[SpanCondition], losses: &Losses) -> Option<Field> {
    conditions
        .iter()
        .find_map(|condition| lost_of(&condition.ask, losses))
}

/// The lost field that a condition needs, also in the pattern of another span.
pub(super) fn lost_of(ask: &Ask, losses: &Losses) -> Option<Field> {
    let within = |pattern: &Pattern| match pattern {
        Pattern::Selector(selector) => lost(&selector.conditions, losses),
        // The other entry has its own judgement.
        Pattern::Entry { .. } => None,
    };
    let if_lost = |field: Field| losses.contains(field).then_some(field);
    let of_types = |attributes: &[(String, Matcher)]| {
        let mut matchers = attributes.iter().map(|(_, matcher)| matcher);
        matchers
            .any(Matcher::needs_type)
            .then_some(Field::AttributeTypes)
            .and_then(if_lost)
    };
    let own = ask.field().and_then(if_lost);
    own.or_else(|| match ask {
        Ask::Relation(relation) => {
            let follows_links = relation.place == Relative::LinkedTo;
            let linking = follows_links.then_some(Field::LinkingTraces);
            let of_tree = match relation.place {
                Relative::Below | Relative::Above | Relative::ChildOf | Relative::ParentOf => {
                    Some(Field::Parents)
                }
                Relative::After | Relative::Before | Relative::LinkedTo => None,
            };
            linking
                .and_then(if_lost)
                .or_else(|| of_tree.and_then(if_lost))
                .or_else(|| within(&relation.other))
        }
        Ask::Link(link) => of_types(&link.attributes).or_else(|| within(link.to.as_ref()?)),
        Ask::Event(event) => of_types(&event.attributes),
        Ask::Resource(..) => if_lost(Field::AttributeOrigin),
        Ask::Attribute(key, _) => {
            let rewritten = is_among(key, REWRITTEN).then_some(Field::RewrittenAttributes);
            let tag = is_among(key, TAG_FIELDS).then_some(Field::TagFields);
            rewritten
                .and_then(if_lost)
                .or_else(|| tag.and_then(if_lost))
        }
        // It is the time without that of the children.
        Ask::SelfTime(_) => if_lost(Field::Parents),
        Ask::Name(matcher) | Ask::Service(matcher) => {
            if_lost(Field::NameCase).filter(|_| in_lower_case(matcher).is_none())
        }
        _ => None,
    })
}

/// The loss because of which an attribute can be one that was not sent so.
pub(super) fn doubtful(ask: &Ask, losses: &Losses) -> Option<Field> {
    let (Ask::Attribute(key, matcher) | Ask::Resource(key, matcher)) = ask else {
        return None;
    };
    let of_key = match key.as_str() {
        _ if matches!(ask, Ask::Resource(..)) => None,
        COPY => Some(Field::RewrittenAttributes),
        key => is_among(key, OF_RESOURCES).then_some(Field::AttributeOrigin),
    };
    let of_value = reads_structure(matcher).then_some(Field::Structures);
    let fields = of_key.into_iter().chain(of_value);
    fields.into_iter().find(|&field| losses.contains(field))
}

/// Returns `true` if an attribute is in doubt because this is lost.
pub(super) fn is_doubtful(field: Field, key: &str, attributes: &Attributes) -> bool {
    match field {
        Field::Structures => is_structure(attributes.get(key)),
        _ => attributes.get(key).is_some() && (key != COPY || attributes.get(COPIED).is_some()),
    }
}

/// Returns `true` if one of these attributes is in doubt because arrays and maps are lost.
pub(super) fn has_structure(
    wanted: &[(String, Matcher)],
    attributes: &Attributes,
    losses: &Losses,
) -> bool {
    losses.contains(Field::Structures)
        && wanted
            .iter()
            .any(|(key, matcher)| reads_structure(matcher) && is_structure(attributes.get(key)))
}

/// Returns `true` if the answer of a matcher differs between an array or a map and its JSON.
fn reads_structure(matcher: &Matcher) -> bool {
    match matcher {
        Matcher::Exists | Matcher::Absent | Matcher::Json(_) => false,
        Matcher::Not(inner) => reads_structure(inner),
        Matcher::OneOf(several) | Matcher::Every(several) => several.iter().any(reads_structure),
        _ => true,
    }
}

/// Returns `true` for a string that can be the JSON of an array or a map.
fn is_structure(value: Option<&Value>) -> bool {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    text.starts_with(['[', '{']) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn is_among(key: &str, all: &[&str]) -> bool {
    all.iter().any(|one| match one.ends_with('.') {
        true => key.starts_with(one),
        false => key == *one,
    })
}

/// The answer of limits to a duration, which can be rounded to microseconds.
pub(super) fn within(nanos: Nanos, limits: &Limits<Nanos>, losses: &Losses) -> Truth {
    const ROUNDED: Nanos = 1_000;
    if !losses.contains(Field::Nanoseconds) {
        return Truth::of(limits.contains(nanos));
    }
    let (least, most) = (nanos.saturating_sub(ROUNDED), nanos.saturating_add(ROUNDED));
    Count {
        least,
        seen: nanos,
        most,
    }
    .within(limits)
}

/// A name for a comparison without letter case.
pub(super) fn lower_case(name: &str) -> Cow<'_, str> {
    match name.chars().any(char::is_uppercase) {
        true => Cow::Owned(name.to_lowercase()),
        false => Cow::Borrowed(name),
    }
}

/// A matcher of names in lower case. It matches if the given one matches the name in some letter case, so its
/// negation holds in every case. `None` if there is no such matcher.
pub(super) fn in_lower_case(matcher: &Matcher) -> Option<Matcher> {
    let each = |all: &[Matcher]| all.iter().map(in_lower_case).collect::<Option<Vec<_>>>();
    let text = |value: &Value| match value {
        Value::String(text) => Value::String(text.to_lowercase()),
        other => other.clone(),
    };
    Some(match matcher {
        Matcher::Equal(value) => Matcher::Equal(text(value)),
        Matcher::Contains(value) => Matcher::Contains(text(value)),
        Matcher::Includes(value) => Matcher::Includes(text(value)),
        Matcher::StartsWith(part) => Matcher::StartsWith(part.to_lowercase()),
        Matcher::EndsWith(part) => Matcher::EndsWith(part.to_lowercase()),
        Matcher::Regex(regex) => Matcher::Regex(in_any_case(regex)?),
        Matcher::Not(inner) => Matcher::Not(Box::new(in_lower_case(inner)?)),
        Matcher::OneOf(any) => Matcher::OneOf(each(any)?),
        Matcher::Every(all) => Matcher::Every(each(all)?),
        Matcher::Json(_) | Matcher::Time(..) | Matcher::Compare(..) | Matcher::Between(..) => {
            return None;
        }
        // They read no letters.
        Matcher::Exists
        | Matcher::Absent
        | Matcher::Length(_)
        | Matcher::Type(_)
        | Matcher::Number(_)
        | Matcher::Any(_)
        | Matcher::All(_)
        | Matcher::SameItems(_) => matcher.clone(),
    })
}

/// The expression that matches all letter cases of its matches. `(?i)` is another one: `(?i)[^a-z]` does not
/// match `A`, which `[^a-z]` matches.
fn in_any_case(regex: &Regex) -> Option<Regex> {
    let parsed = regex_syntax::parse(regex.as_str()).ok()?;
    Regex::new(&folded(&parsed)?.to_string()).ok()
}

fn folded(hir: &Hir) -> Option<Hir> {
    let each = |all: &[Hir]| all.iter().map(folded).collect::<Option<Vec<_>>>();
    Some(match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => hir.clone(),
        HirKind::Literal(literal) => {
            let text = str::from_utf8(&literal.0).ok()?;
            let of = |char| folded_class(ClassUnicode::new([ClassUnicodeRange::new(char, char)]));
            Hir::concat(text.chars().map(of).collect())
        }
        HirKind::Class(Class::Unicode(class)) => folded_class(class.clone()),
        HirKind::Class(Class::Bytes(class)) => folded_class(class.to_unicode_class()?),
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            sub: Box::new(folded(&repetition.sub)?),
            ..repetition.clone()
        }),
        HirKind::Capture(capture) => Hir::capture(Capture {
            sub: Box::new(folded(&capture.sub)?),
            ..capture.clone()
        }),
        HirKind::Concat(all) => Hir::concat(each(all)?),
        HirKind::Alternation(all) => Hir::alternation(each(all)?),
    })
}

fn folded_class(mut class: ClassUnicode) -> Hir {
    class.case_fold_simple();
    Hir::class(Class::Unicode(class))
}

#[cfg(test)]
mod tests;
