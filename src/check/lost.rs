//! Conditions on fields that the source of a trace loses.

use std::borrow::Cow;

use regex::Regex;
use regex_syntax::hir::{
    Capture, Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Repetition,
};

use super::matching::{MatchInput, answer, meets, would_match};
use super::present::value_of;
use super::truth::{Count, Truth};
use crate::spec::{
    Ask, AttributeKey, Condition, Limits, Matcher, Pattern, Relative, Selector, SpanCondition,
};
use crate::trace::{Attributes, Field, Losses, Nanos, Span, Value};

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

/// Attribute keys, or prefixes that end with `.`, whose values some backends keep under keys of their own.
const MOVED: &[&str] = &[
    "aws.",
    "client.",
    "cloud.",
    "code.",
    "db.",
    "enduser.",
    "env",
    "error",
    "error.",
    "exception.",
    "faas.",
    "http.",
    "messaging.",
    "net.",
    "network.",
    "operation.name",
    "otel.",
    "peer.",
    "resource.name",
    "rpc.",
    "server.",
    "service.",
    "span.kind",
    "span.type",
    "url.",
    "user.",
    "user_agent.",
    "version",
];

/// An earlier name under which the Collector adds the value of `COPIED` for Zipkin.
const COPY: &str = "http.status_code";
const COPIED: &str = "http.response.status_code";

/// The first lost field that a selector needs.
pub(super) fn lost_in(selector: &Selector, losses: &Losses) -> Option<Field> {
    lost_candidates(selector, losses).or_else(|| lost_in_find(selector, losses))
}

/// The loss because of which there can be spans that a selector selects and that are not known.
pub(super) fn lost_candidates(selector: &Selector, losses: &Losses) -> Option<Field> {
    let mut fields = [Field::Links, Field::LinkingTraces].into_iter();
    let lost = fields.find(|&field| losses.contains(field));
    lost.filter(|_| selector.follows_links())
}

/// The first lost field that a selector needs of known spans.
pub(super) fn lost_in_find(selector: &Selector, losses: &Losses) -> Option<Field> {
    let of_order = selector.take.and(Some(Field::Starts));
    let of_order = of_order.filter(|&field| losses.contains(field));
    of_order.or_else(|| lost(&selector.conditions, losses))
}

/// The first lost field that one of the conditions needs.
fn lost(conditions: &[SpanCondition], losses: &Losses) -> Option<Field> {
    conditions
        .iter()
        .find_map(|condition| lost_of(&condition.ask, losses))
}

/// The lost field that a condition on the whole trace needs.
pub(super) fn lost_of_trace(ask: &Condition, losses: &Losses) -> Option<Field> {
    let needed: &[Field] = match ask {
        Condition::Edge(..) => &[Field::Parents, Field::Services],
        Condition::Continued(_) => &[Field::Parents, Field::Kind, Field::Services],
        Condition::Errors(_) => &[Field::Status],
        Condition::TraceDuration(_) | Condition::Order(_) => &[Field::Starts],
        _ => &[],
    };
    needed.iter().copied().find(|&field| losses.contains(field))
}

/// The loss because of which a call may not name its callee.
pub(super) fn lost_attributes(losses: &Losses) -> Option<Field> {
    let needed = [
        Field::Attributes,
        Field::RewrittenAttributes,
        Field::MovedAttributes,
    ];
    needed.into_iter().find(|&field| losses.contains(field))
}

/// Returns `true` if the service of a span is that of an ancestor, because it does not tell its own.
pub(super) fn is_guessed(span: &Span, losses: &Losses) -> bool {
    losses.contains(Field::Services) && span.resource.attributes.dropped() > 0
}

/// The lost field that a condition needs, also in the pattern of another span.
pub(super) fn lost_of(ask: &Ask, losses: &Losses) -> Option<Field> {
    let within = |pattern: &Pattern| match pattern {
        Pattern::Selector(selector) => lost_in(selector, losses),
        // The other entry has its own judgement.
        Pattern::Entry { .. } | Pattern::Trigger => None,
    };
    let if_lost = |field: Field| losses.contains(field).then_some(field);
    let of_exact_type = |matcher: &Matcher| {
        let exact = matcher.needs_exact_type().then_some(Field::ExactTypes);
        exact.and_then(if_lost)
    };
    let of_exact_types = |attributes: &[(AttributeKey, Matcher)]| {
        let mut matchers = attributes.iter().map(|(_, matcher)| matcher);
        matchers.find_map(of_exact_type)
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
                Relative::After | Relative::Before => Some(Field::Starts),
                Relative::LinkedTo => None,
                // Parents and links lead to causes alike, and a lost link makes the answer uncertain.
                Relative::CausedBy => None,
            };
            linking
                .and_then(if_lost)
                .or_else(|| of_tree.and_then(if_lost))
                .or_else(|| within(&relation.other))
        }
        Ask::Link(link) => of_exact_types(&link.attributes).or_else(|| within(link.to.as_ref()?)),
        Ask::Event(event) => of_exact_types(&event.attributes),
        Ask::Resource(_, matcher) => {
            if_lost(Field::AttributeOrigin).or_else(|| of_exact_type(matcher))
        }
        Ask::Attribute(key, matcher) => {
            let any_among = |all: &[&str]| key.names().any(|name| is_among(name, all));
            let rewritten = any_among(REWRITTEN).then_some(Field::RewrittenAttributes);
            let tag = any_among(TAG_FIELDS).then_some(Field::TagFields);
            rewritten
                .and_then(if_lost)
                .or_else(|| tag.and_then(if_lost))
                .or_else(|| of_exact_type(matcher))
        }
        // It is the time without that of the children.
        Ask::SelfTime(_) => if_lost(Field::Parents).or_else(|| if_lost(Field::Starts)),
        Ask::Name(matcher) | Ask::Service(matcher) => {
            if_lost(Field::NameCase).filter(|_| in_lower_case(matcher).is_none())
        }
        _ => None,
    })
}

/// The loss because of which an attribute that a span has can be one that was not sent with it.
pub(super) fn doubtful(key: &str, losses: &Losses) -> Option<Field> {
    let field = match key {
        COPY => Field::RewrittenAttributes,
        _ if is_among(key, OF_RESOURCES) => Field::AttributeOrigin,
        _ => return None,
    };
    losses.contains(field).then_some(field)
}

/// Returns `true` if a span has this doubtful attribute.
pub(super) fn is_doubtful(key: &str, attributes: &Attributes) -> bool {
    attributes.get(key).is_some() && (key != COPY || attributes.get(COPIED).is_some())
}

/// Returns `true` if a span may have been sent with an attribute that it does not have here.
pub(super) fn is_moved(key: &AttributeKey, attributes: &Attributes, losses: &Losses) -> bool {
    losses.contains(Field::MovedAttributes)
        && key.names().any(|name| is_name_moved(name, attributes))
}

fn is_name_moved(key: &str, attributes: &Attributes) -> bool {
    // In keys, one backend replaces all but letters and digits.
    let plain = |key: &str| key.replace(|char: char| !char.is_alphanumeric(), "_");
    let is_renamed = || {
        let wanted = plain(key);
        attributes.iter().any(|(key, _)| plain(key) == wanted)
    };
    attributes.get(key).is_none() && (is_among(key, MOVED) || is_renamed())
}

/// The loss because of which a string can be the text of a value of another type, which has another answer.
pub(super) fn mistyped(
    attributes: &Attributes,
    key: &AttributeKey,
    matcher: &Matcher,
    losses: &Losses,
) -> Option<Field> {
    let is_met = meets(matcher, value_of(attributes, key));
    lost_type(attributes, key, losses, |sent| {
        meets(matcher, Some(sent)) != is_met
    })
}

/// The loss because of which a string can be the text of a value of another type, about which the matcher of a
/// selector is in doubt.
pub(super) fn mistyped_in_doubt(
    attributes: &Attributes,
    key: &AttributeKey,
    matcher: &Matcher,
    losses: &Losses,
) -> Option<Field> {
    lost_type(attributes, key, losses, |sent| {
        let sent = MatchInput::Value(sent);
        answer(matcher, sent).misfit().is_some() && would_match(matcher, sent)
    })
}

/// The loss because of which a value can have been sent as another one with this property.
fn lost_type(
    attributes: &Attributes,
    key: &AttributeKey,
    losses: &Losses,
    matters: impl Fn(&Value) -> bool,
) -> Option<Field> {
    let of_all = losses.contains(Field::AttributeTypes);
    if !of_all && !losses.contains(Field::Structures) {
        return None;
    }
    let others = match value_of(attributes, key)? {
        Value::String(text) => sent_as(text),
        // In JSON, a double without a fraction has the text of an integer.
        #[expect(clippy::cast_precision_loss, reason = "the double has this text")]
        Value::Int(int) if of_all => vec![Value::Double(*int as f64)],
        _ => return None,
    };
    let is_structure = |sent: &Value| matches!(sent, Value::Array(_) | Value::Map(_));
    match others.iter().find(|sent| matters(sent))? {
        _ if of_all => Some(Field::AttributeTypes),
        sent => is_structure(sent).then_some(Field::Structures),
    }
}

/// The values of other types that are written as this text. Bytes are not among them: each word can be
/// base64, and almost no attribute has bytes.
fn sent_as(text: &str) -> Vec<Value> {
    match Value::from_json(text.as_bytes()) {
        #[expect(clippy::cast_precision_loss, reason = "the double has this text")]
        Ok(Value::Int(int)) => vec![Value::Int(int), Value::Double(int as f64)],
        Ok(Value::String(_) | Value::Null) | Err(_) => Vec::new(),
        Ok(value) => vec![value],
    }
}

fn is_among(key: &str, all: &[&str]) -> bool {
    all.iter().any(|one| match one.ends_with('.') {
        true => key.starts_with(one),
        false => key == *one,
    })
}

/// The maximum error of the difference of two times.
pub(super) fn rounding(losses: &Losses) -> Nanos {
    match losses.contains(Field::Nanoseconds) {
        // Start and duration are rounded to microseconds each.
        true => 2_000,
        false => 0,
    }
}

/// The answer of limits to a duration with this maximum error.
pub(super) fn within(nanos: Nanos, limits: &Limits<Nanos>, error: Nanos) -> Truth {
    if error == 0 {
        return Truth::of(limits.contains(nanos));
    }
    let possible = Count {
        least: nanos.saturating_sub(error),
        seen: nanos,
        most: nanos.saturating_add(error),
    };
    possible.within(limits)
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
