//! Comparisons of Tracetest as matchers. Tracetest compares texts, whatever the type of the value.

use super::expression::Comparator;
use super::operand::Operand;
use crate::draft::yaml;
use crate::import::matcher::{equal, keyed, not, syntax};
use crate::import::{Map, Written};
use crate::spec::member;
use crate::trace::{GrpcCode, Value};

/// The values that a matcher is applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An attribute.
    Attribute,
    /// A value in JSON.
    Json,
    /// The list of values that a path finds.
    List,
    /// A name, a header, a body: always a text.
    Text,
    /// A number of characters or elements.
    Length,
    /// A duration.
    Duration,
    /// The kind of a span, in lower case.
    RoleOfSpan,
    /// `STATUS_CODE_ERROR` and others.
    SpanStatus,
    /// The type of a span.
    SpanType,
    /// The status of an HTTP response.
    HttpStatus,
    /// The status of a gRPC response, a number.
    GrpcStatus,
    /// The name of the type of an attribute or a value in JSON.
    TypeName,
    /// The text of all events of a span. Only names of events have an equivalent.
    Events,
}

/// The matcher for a comparison, or the reason why there is none.
pub(super) fn matcher(
    comparator: Comparator,
    operand: &Operand,
    kind: Kind,
) -> Result<Written, String> {
    match kind {
        Kind::Attribute | Kind::Json => value(comparator, operand, kind),
        Kind::List => list(comparator, operand),
        Kind::Text => text(comparator, operand),
        Kind::Length => number(comparator, operand),
        Kind::HttpStatus => number(comparator, operand),
        Kind::GrpcStatus => match operand {
            Operand::Number(code) | Operand::Literal(code)
                if matches!(comparator, Comparator::Equals | Comparator::Differs) =>
            {
                word(comparator, grpc_status(code).unwrap_or(code))
            }
            _ => number(comparator, operand),
        },
        Kind::Duration => duration(comparator, operand),
        Kind::RoleOfSpan => match literal(operand)? {
            "unespecified" => word(comparator, "unspecified"),
            kind @ ("client" | "server" | "internal" | "producer" | "consumer") => {
                word(comparator, kind)
            }
            other => Err(format!("the kind `{other}`, which no span has")),
        },
        Kind::SpanStatus => match literal(operand)? {
            "STATUS_CODE_ERROR" => word(comparator, "error"),
            "STATUS_CODE_OK" => word(comparator, "ok"),
            "STATUS_CODE_UNSET" => word(comparator, "unset"),
            other => Err(format!("the status `{other}`, which no span has")),
        },
        Kind::SpanType => match literal(operand)? {
            "database" => word(comparator, "db"),
            kind @ ("http" | "rpc" | "messaging" | "faas") => word(comparator, kind),
            "general" if comparator == Comparator::Equals => Ok(not(general())),
            "general" if comparator == Comparator::Differs => Ok(general()),
            other => Err(format!("the type `{other}`")),
        },
        Kind::TypeName => type_name(comparator, literal(operand)?),
        Kind::Events => events(comparator, operand),
    }
}

/// The types of spans that Tracetest does not call `general`.
fn general() -> Written {
    let types = ["http", "rpc", "db", "messaging", "faas"];
    types.map(syntax).to_vec().into()
}

fn literal(operand: &Operand) -> Result<&str, String> {
    match operand {
        Operand::Literal(text) | Operand::Number(text) => Ok(text),
        Operand::Template(_) => Err("a comparison with a variable".to_owned()),
        Operand::Duration(_) => Err("a comparison with a duration".to_owned()),
    }
}

fn word(comparator: Comparator, word: &str) -> Result<Written, String> {
    match comparator {
        Comparator::Equals => Ok(syntax(word)),
        Comparator::Differs => Ok(not(syntax(word))),
        _ => Err("a comparison with a word other than `=` and `!=`".to_owned()),
    }
}

/// A value of any type.
fn value(comparator: Comparator, operand: &Operand, kind: Kind) -> Result<Written, String> {
    use Comparator::*;
    let is_json = kind == Kind::Json;
    match (comparator, operand) {
        (Equals, Operand::Literal(text)) if text.is_empty() && is_json => {
            Ok(vec![exactly(""), syntax("absent")].into())
        }
        (Equals, _) => Ok(same(operand, kind)),
        (Differs, Operand::Literal(text)) if text.is_empty() => {
            Ok(not(vec![exactly(""), syntax("null")].into()))
        }
        (Differs, _) => Ok(not(same(operand, kind))),
        (Contains, Operand::Literal(text)) if text.is_empty() => Ok(syntax("exists")),
        (Contains, Operand::Literal(text)) if object(text).is_some() => {
            let parts = object(text).unwrap_or(Value::Null);
            Ok(keyed("json", parts_of(&parts)))
        }
        (Contains, _) => Ok(keyed("contains", words(operand)?)),
        (NotContains, _) => Ok(not(keyed("contains", not_empty(operand)?))),
        (StartsWith, _) => Ok(keyed("starts_with", not_empty(operand)?)),
        (EndsWith, _) => Ok(keyed("ends_with", not_empty(operand)?)),
        (Less | LessOrEqual | Greater | GreaterOrEqual, _) => {
            Ok(keyed("number", bound(comparator, operand)?))
        }
    }
}

/// An equal value of any type that Tracetest shows as this text.
fn same(operand: &Operand, kind: Kind) -> Written {
    match operand {
        Operand::Template(template) => Written::equal(template),
        Operand::Duration(nanoseconds) => either(&nanoseconds.to_string()),
        Operand::Number(text) => either(text),
        Operand::Literal(text) if kind == Kind::Json => match structure(text) {
            Some(value) => keyed("equals", Written::json(&value)),
            None => either(text),
        },
        Operand::Literal(text) => either(text),
    }
}

/// The value as a number or a boolean, or as a text.
fn either(text: &str) -> Written {
    let is_number = Value::number(text).is_some_and(|number| number.to_string() == text);
    match is_number || matches!(text, "true" | "false") {
        true => vec![syntax(text), exactly(text)].into(),
        false => exactly(text),
    }
}

/// A matcher for exactly this text.
pub(super) fn exactly(text: &str) -> Written {
    let escaped = yaml::escaped(text);
    if text.contains('\n') {
        return keyed("equals", escaped);
    }
    match text {
        // Without `equals`, an empty text has a special meaning in some places.
        "" => Written::Text(escaped),
        _ => Written::equal(&escaped),
    }
}

fn words(operand: &Operand) -> Result<Written, String> {
    match operand {
        Operand::Literal(text) | Operand::Number(text) => Ok(Written::literal(text)),
        Operand::Template(template) => Ok(Written::Text(template.clone())),
        Operand::Duration(_) => Err("a part of a text that is a duration".to_owned()),
    }
}

fn not_empty(operand: &Operand) -> Result<Written, String> {
    match operand {
        Operand::Literal(text) if text.is_empty() => {
            Err("an empty text, which is in every text".to_owned())
        }
        operand => words(operand),
    }
}

fn text(comparator: Comparator, operand: &Operand) -> Result<Written, String> {
    use Comparator::*;
    let equals = || match operand {
        Operand::Literal(text) | Operand::Number(text) => exactly(text),
        Operand::Template(template) => Written::equal(template),
        Operand::Duration(nanoseconds) => exactly(&nanoseconds.to_string()),
    };
    match comparator {
        Equals => Ok(equals()),
        Differs => Ok(not(equals())),
        Contains if matches!(operand, Operand::Literal(text) if text.is_empty()) => {
            Ok(syntax("exists"))
        }
        Contains => Ok(keyed("contains", words(operand)?)),
        NotContains => Ok(not(keyed("contains", not_empty(operand)?))),
        StartsWith => Ok(keyed("starts_with", not_empty(operand)?)),
        EndsWith => Ok(keyed("ends_with", not_empty(operand)?)),
        Less | LessOrEqual | Greater | GreaterOrEqual => {
            Ok(keyed("number", bound(comparator, operand)?))
        }
    }
}

/// A list of values. Tracetest treats one value as if there were no list.
fn list(comparator: Comparator, operand: &Operand) -> Result<Written, String> {
    use Comparator::*;
    let one = |matcher: Written| {
        let mut map = Map::flow("length", syntax("1"));
        map.put("all", matcher);
        map.into()
    };
    match (comparator, operand) {
        (Equals, Operand::Literal(text)) if matches!(structure(text), Some(Value::Array(_))) => {
            Ok(same(operand, Kind::Json))
        }
        (Equals, Operand::Literal(text)) if text.is_empty() => Ok(keyed("length", syntax("0"))),
        (Equals, _) => Ok(one(value(Equals, operand, Kind::Json)?)),
        (Contains, _) => Ok(keyed("any", value(Equals, operand, Kind::Json)?)),
        (Differs | NotContains, _) => Ok(keyed("all", value(comparator, operand, Kind::Json)?)),
        (_, _) => Ok(one(value(comparator, operand, Kind::Json)?)),
    }
}

/// A count, or the status of an HTTP response.
pub(super) fn number(comparator: Comparator, operand: &Operand) -> Result<Written, String> {
    use Comparator::*;
    let whole = |text: &String| text.parse::<u64>().ok().map(|number| number.to_string());
    let number = match operand {
        Operand::Literal(text) | Operand::Number(text) => whole(text),
        Operand::Template(template) => Some(template.clone()),
        Operand::Duration(_) => None,
    };
    let Some(number) = number else {
        return Err("a comparison with something that is not a whole number".to_owned());
    };
    match comparator {
        Equals => Ok(syntax(number)),
        Differs => Ok(not(syntax(number))),
        Less => Ok(syntax(format!("< {number}"))),
        LessOrEqual => Ok(syntax(format!("<= {number}"))),
        Greater => Ok(syntax(format!("> {number}"))),
        GreaterOrEqual => Ok(syntax(format!(">= {number}"))),
        Contains | NotContains | StartsWith | EndsWith => {
            Err("a number as a part of a text".to_owned())
        }
    }
}

fn sign(comparator: Comparator) -> &'static str {
    match comparator {
        Comparator::Less => "<",
        Comparator::LessOrEqual => "<=",
        Comparator::Greater => ">",
        _ => ">=",
    }
}

fn bound(comparator: Comparator, operand: &Operand) -> Result<Written, String> {
    let sign = sign(comparator);
    match operand {
        Operand::Number(text) | Operand::Literal(text) if Value::number(text).is_some() => {
            Ok(syntax(format!("{sign} {text}")))
        }
        Operand::Template(template) => Ok(syntax(format!("{sign} {template}"))),
        Operand::Duration(nanoseconds) => Ok(syntax(format!("{sign} {nanoseconds}"))),
        _ => Err("a comparison of texts by size, which Tracetest never passes".to_owned()),
    }
}

fn duration(comparator: Comparator, operand: &Operand) -> Result<Written, String> {
    use Comparator::*;
    let nanoseconds = match operand {
        Operand::Duration(nanoseconds) => *nanoseconds,
        Operand::Literal(text) | Operand::Number(text) => match text.parse::<f64>() {
            Ok(number) => number,
            Err(_) => match crate::spec::parse_duration(text) {
                Ok(duration) => duration.as_nanos() as f64,
                Err(_) => return Err(format!("`{text}` is not a duration")),
            },
        },
        Operand::Template(template) => {
            return match comparator {
                Less | LessOrEqual | Greater | GreaterOrEqual => {
                    Ok(syntax(format!("{} {template}", sign(comparator))))
                }
                _ => Err("a duration that equals a variable".to_owned()),
            };
        }
    };
    match comparator {
        Less | LessOrEqual | Greater | GreaterOrEqual => Ok(syntax(format!(
            "{} {}",
            sign(comparator),
            duration_text(nanoseconds)
        ))),
        Equals => Ok(rounded_to(nanoseconds)),
        Differs => Ok(not(rounded_to(nanoseconds))),
        Contains | NotContains | StartsWith | EndsWith => {
            Err("a duration as a part of a text".to_owned())
        }
    }
}

/// The durations that Tracetest rounds to this one: to whole ns, µs and ms, and to tenths of s, min
/// and h.
fn rounded_to(nanoseconds: f64) -> Written {
    let half = match nanoseconds {
        n if n < 1e3 => 0.5,
        n if n < 1e6 => 0.5e3,
        n if n < 1e9 => 0.5e6,
        n if n < 60e9 => 0.05e9,
        n if n < 3600e9 => 0.05 * 60e9,
        _ => 0.05 * 3600e9,
    };
    let least = (nanoseconds - half).max(0.0).ceil();
    let most = (nanoseconds + half).floor();
    syntax(format!("{}..{}", duration_text(least), duration_text(most)))
}

/// A duration with the largest unit in which it is whole.
pub(super) fn duration_text(nanoseconds: f64) -> String {
    let nanoseconds = nanoseconds.round().max(0.0) as u128;
    let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
    units
        .iter()
        .find(|(scale, _)| nanoseconds.is_multiple_of(*scale))
        .map_or_else(
            || format!("{nanoseconds}ns"),
            |(scale, unit)| format!("{}{unit}", nanoseconds / scale),
        )
}

fn type_name(comparator: Comparator, name: &str) -> Result<Written, String> {
    let of_type = |name: &str| keyed("type", syntax(name));
    let digits = || syntax(r"=~ ^[0-9]+(\.[0-9]+)?$");
    let json = |inner: &str| keyed("json", Map::flow("$", of_type(inner)));
    let matcher: Written = match name {
        "number" => vec![keyed("gte", syntax("0")), digits()].into(),
        "string" => of_type("string"),
        "json" => json("map"),
        "array" => json("array"),
        "duration" => syntax(r"=~ ^[0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h)$"),
        "nil" => syntax("absent"),
        other => return Err(format!("the type `{other}`")),
    };
    match comparator {
        Comparator::Equals => Ok(matcher),
        _ => Err("a type that must differ".to_owned()),
    }
}

fn events(comparator: Comparator, operand: &Operand) -> Result<Written, String> {
    let mut event = Map::flow("name", keyed("contains", not_empty(operand)?));
    match comparator {
        Comparator::Contains => {}
        Comparator::NotContains => event.put("count", syntax("0")),
        _ => return Err("`span.events`: use `events` next to `find`".to_owned()),
    }
    Ok(vec![event.into()].into())
}

/// An array or object in JSON.
fn structure(text: &str) -> Option<Value> {
    let value = Value::from_json(text.as_bytes()).ok()?;
    matches!(value, Value::Array(_) | Value::Map(_))
        .then(|| yaml::with_texts(&value, &yaml::escaped))
}

/// A JSON object with at least one member.
pub(super) fn object(text: &str) -> Option<Value> {
    structure(text).filter(|value| matches!(value, Value::Map(entries) if !entries.is_empty()))
}

/// A matcher for each value in an object, by its path: more may be there.
pub(super) fn parts_of(value: &Value) -> Map {
    let mut map = Map::new();
    add_parts(&mut map, "$", value);
    map
}

fn add_parts(map: &mut Map, path: &str, value: &Value) {
    match value {
        Value::Map(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                add_parts(map, &member(path, key), value);
            }
        }
        Value::Map(_) => map.put(path, keyed("type", syntax("map"))),
        other => map.put(path, equal(other)),
    }
}

/// The name of a gRPC status.
fn grpc_status(code: &str) -> Option<&'static str> {
    GrpcCode(code.parse().ok()?).name()
}
