//! The side of a comparison that depends on spans or on the response: its place in a spec.

use super::expression::{Expr, Filter, Piece, Term};
use super::matcher::Kind;
use crate::spec::member;

/// The subject of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Subject {
    /// The number of selected spans.
    Count,
    /// Something of each selected span.
    Span(Position),
    /// Something of the response.
    Response(Position),
    /// Texts that a regular expression finds, or their number.
    Found {
        within: Box<Subject>,
        pattern: String,
        is_counted: bool,
    },
}

/// A place in `expect`, or next to `find`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Position {
    /// The keys of the maps that lead to the matcher.
    pub(super) keys: Vec<String>,
    pub(super) kind: Kind,
    pub(super) note: Option<String>,
}

/// The kinds of responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResponseKind {
    Http,
    Grpc,
    GraphQl,
    None,
}

/// Namespaces of attributes that belong to the resource.
const RESOURCE: [&str; 9] = [
    "service.",
    "telemetry.sdk.",
    "host.",
    "os.",
    "process.",
    "container.",
    "k8s.",
    "deployment.",
    "cloud.",
];

impl Subject {
    /// The subject of an expression, or `None` for a value that does not depend on spans.
    pub(super) fn of(expr: &Expr, response: ResponseKind) -> Option<Result<Self, String>> {
        let (inner, outer_filters) = match alone(expr) {
            Some(inner) => (inner, expr.filters.as_slice()),
            None => (expr, &[][..]),
        };
        let Term::Attribute(name) = &inner.first else {
            return None;
        };
        if !(expr.rest.is_empty() && inner.rest.is_empty()) {
            return Some(Err("arithmetic with attributes".to_owned()));
        }
        let mut filters = inner.filters.iter().chain(outer_filters);
        let subject = of_attribute(name, response);
        Some(subject.and_then(|subject| filters.try_fold(subject, Self::filtered)))
    }

    fn filtered(self, filter: &Filter) -> Result<Self, String> {
        let argument = filter.arguments.first().map(text);
        match (filter.name.as_str(), argument, self) {
            ("json_path", Some(Some(path)), subject) => match headers_path(&path) {
                Some(name) if subject.is_headers() => Ok(Self::Response(Position {
                    keys: vec!["headers".to_owned(), name],
                    kind: Kind::Text,
                    note: None,
                })),
                _ => subject.within(&path),
            },
            ("regex" | "regex_group", Some(Some(pattern)), subject) => Ok(Self::Found {
                within: Box::new(subject),
                pattern,
                is_counted: false,
            }),
            ("get_index", Some(Some(index)), subject) => subject.at_index(&index),
            (
                "length",
                None,
                Self::Found {
                    within, pattern, ..
                },
            ) => Ok(Self::Found {
                within,
                pattern,
                is_counted: true,
            }),
            ("length", None, subject) => subject.mapped(|position| {
                position.keys.push("length".to_owned());
                let is_long = matches!(
                    position.kind,
                    Kind::Attribute | Kind::Json | Kind::List | Kind::Text
                );
                position.kind = Kind::Length;
                is_long
            }),
            ("type", None, subject) => subject.mapped(|position| {
                let is_any = matches!(position.kind, Kind::Attribute | Kind::Json);
                position.kind = Kind::TypeName;
                is_any
            }),
            (name, ..) => Err(format!("the filter `{name}` with these arguments")),
        }
    }

    fn position(&self) -> Option<&Position> {
        match self {
            Self::Span(position) | Self::Response(position) => Some(position),
            Self::Count | Self::Found { .. } => None,
        }
    }

    fn is_headers(&self) -> bool {
        self.position()
            .is_some_and(|position| position.keys == ["headers"])
    }

    /// Applies a change, which returns `false` if there is no equivalent.
    fn mapped(self, change: impl Fn(&mut Position) -> bool) -> Result<Self, String> {
        let refusal = || Err("a filter of a value that it does not apply to".to_owned());
        match self {
            Self::Span(mut position) => match change(&mut position) {
                true => Ok(Self::Span(position)),
                false => refusal(),
            },
            Self::Response(mut position) => match change(&mut position) {
                true => Ok(Self::Response(position)),
                false => refusal(),
            },
            Self::Count | Self::Found { .. } => refusal(),
        }
    }

    /// The values at a path of JSON in this value.
    fn within(self, path: &str) -> Result<Self, String> {
        let path = json_path(path)?;
        let is_list = !is_singular(&path);
        self.mapped(|position| {
            let is_value = matches!(position.kind, Kind::Attribute | Kind::Json | Kind::Text);
            if position.keys == ["body"] || position.keys == ["json", "$"] {
                position.keys.clear();
            }
            position.keys.push("json".to_owned());
            position.keys.push(path.clone());
            position.kind = if is_list { Kind::List } else { Kind::Json };
            is_value
        })
    }

    fn at_index(self, index: &str) -> Result<Self, String> {
        let index = match index {
            "last" => "-1",
            number if number.parse::<u32>().is_ok() => number,
            number => return Err(format!("the index `{number}`")),
        };
        self.mapped(|position| match (position.kind, position.keys.last_mut()) {
            // The element of the only list in the path.
            (Kind::List, Some(path)) => {
                let element = path.replacen("[*]", &format!("[{index}]"), 1);
                let is_one = is_singular(&element);
                *path = element;
                position.kind = Kind::Json;
                is_one
            }
            // Tracetest takes a single value as a list of one.
            _ => matches!(index, "-1" | "0"),
        })
    }
}

/// The expression that is alone in a text: `"${attr:a}"`.
fn alone(expr: &Expr) -> Option<&Expr> {
    let Term::Text(pieces) = &expr.first else {
        return None;
    };
    match pieces.as_slice() {
        [Piece::Expression(inner)] => Some(inner),
        _ => None,
    }
}

fn text(term: &Term) -> Option<String> {
    match term {
        Term::Number(number) => Some(number.clone()),
        Term::Text(pieces) => match pieces.as_slice() {
            [] => Some(String::new()),
            [Piece::Literal(text)] => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

fn of_attribute(name: &str, response: ResponseKind) -> Result<Subject, String> {
    let span = |keys: &[&str], kind| {
        Ok(Subject::Span(Position {
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            kind,
            note: None,
        }))
    };
    if let Some(part) = name.strip_prefix("tracetest.response.") {
        return of_response(part, response);
    }
    match name {
        "tracetest.selected_spans.count" => Ok(Subject::Count),
        "name" | "tracetest.span.name" => span(&["name"], Kind::Text),
        "service.name" => span(&["service"], Kind::Text),
        "tracetest.span.kind" => span(&["kind"], Kind::RoleOfSpan),
        "tracetest.span.type" => span(&["type"], Kind::SpanType),
        "tracetest.span.duration" => span(&["duration"], Kind::Duration),
        "tracetest.span.status_code" => span(&["status"], Kind::SpanStatus),
        "tracetest.span.status_description" => span(&["status_message"], Kind::Text),
        "tracetest.span.start_time" | "tracetest.span.end_time" | "tracetest.span.parent_id" => {
            Err(format!("`{name}`"))
        }
        "span.events" => span(&["events"], Kind::Events),
        name if RESOURCE.iter().any(|prefix| name.starts_with(prefix)) => {
            Ok(Subject::Span(Position {
                keys: vec!["resource".to_owned(), name.to_owned()],
                kind: Kind::Attribute,
                note: Some(format!("`{name}` is read as an attribute of the resource")),
            }))
        }
        name => span(&["attributes", name], Kind::Attribute),
    }
}

fn of_response(part: &str, response: ResponseKind) -> Result<Subject, String> {
    let at = |keys: &[&str], kind| {
        Ok(Subject::Response(Position {
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            kind,
            note: None,
        }))
    };
    match (part, response) {
        (_, ResponseKind::None) => Err("the response of a trigger that has none".to_owned()),
        ("status", ResponseKind::Grpc) => at(&["status"], Kind::GrpcStatus),
        ("status", _) => at(&["status"], Kind::HttpStatus),
        ("body", ResponseKind::Grpc) => at(&["json", "$"], Kind::Json),
        ("body", _) => at(&["body"], Kind::Text),
        ("headers", ResponseKind::Http | ResponseKind::GraphQl) => at(&["headers"], Kind::Json),
        (part, _) => Err(format!("`tracetest.response.{part}`")),
    }
}

/// The name of a header in a path such as `$[?(@.key == 'Content-Type')].value`.
fn headers_path(path: &str) -> Option<String> {
    let rest = path.trim().strip_prefix("$[?(@.")?;
    let rest = rest
        .strip_prefix("key")
        .or_else(|| rest.strip_prefix("Key"))?;
    let rest = rest.trim_start().strip_prefix("==")?.trim_start();
    let quote = rest.chars().next().filter(|quote| "'\"".contains(*quote))?;
    let (name, rest) = rest[1..].split_once(quote)?;
    let rest = rest.trim_start().strip_prefix(")]")?;
    matches!(rest, ".value" | ".Value").then(|| name.to_ascii_lowercase())
}

/// A path in the notation of RFC 9535. Tracetest also accepts `.name` and `name`.
fn json_path(path: &str) -> Result<String, String> {
    let path = path.trim();
    let path = match path {
        path if path.starts_with('$') => path.to_owned(),
        path if path.starts_with(['.', '[']) => format!("${path}"),
        path => format!("$.{path}"),
    };
    let path = path.replace("[?(", "[?").replace(")]", "]");
    let path = with_quoted_members(&path);
    match crate::spec::JsonPath::parse(&path) {
        Ok(_) => Ok(path),
        Err(why) => Err(format!("the path `{path}`: {why}")),
    }
}

/// The path with members such as `.a-b`, which need quotes, in brackets.
fn with_quoted_members(path: &str) -> String {
    if path.contains(['?', '\'', '"']) {
        return path.to_owned();
    }
    let mut written = String::new();
    for (at, part) in path.split('.').enumerate() {
        let (key, rest) = part.split_at(part.find('[').unwrap_or(part.len()));
        match at {
            0 => written.push_str(part),
            _ if key.is_empty() || key == "*" => written.push_str(&format!(".{part}")),
            _ => written = format!("{}{rest}", member(&written, key)),
        }
    }
    written
}

fn is_singular(path: &str) -> bool {
    crate::spec::JsonPath::parse(path).is_ok_and(|path| path.is_singular())
}
