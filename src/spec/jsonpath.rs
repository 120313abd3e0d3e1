//! JSONPath expressions.

use std::fmt;

use jsonpath_rust::parser::model::{JpQuery, Segment, Selector};
use jsonpath_rust::parser::parse_json_path;

mod evaluate;
mod functions;

use crate::trace::Value;

/// A JSONPath query (RFC 9535), parsed when the spec is read.
#[derive(Clone, Debug)]
pub struct JsonPath {
    written: String,
    query: JpQuery,
}

/// Maximum length in bytes; the parser recurses on parentheses.
const MAX_LENGTH: usize = 1_000;
const MAX_NESTING: usize = 32;

impl JsonPath {
    /// Parses a path such as `$.order.lines[*].sku`.
    ///
    /// # Errors
    /// The syntax error, in terms of the grammar of RFC 9535.
    pub fn parse(written: &str) -> Result<Self, String> {
        if written.len() > MAX_LENGTH || nesting(written) > MAX_NESTING {
            return Err("it is too long, or nested too deep".to_owned());
        }
        if !written.starts_with('$') {
            return Err("it does not start with `$`".to_owned());
        }
        let query = parse_json_path(written).map_err(|error| first_line(&error.to_string()))?;
        functions::check(&query)?;
        Ok(Self {
            written: written.to_owned(),
            query,
        })
    }

    /// Returns `true` if it selects at most one node: keys and indices only.
    #[must_use]
    pub fn is_singular(&self) -> bool {
        self.query
            .segments
            .iter()
            .all(|segment| PathStep::of(segment).is_some())
    }

    /// All nodes that it selects.
    #[must_use]
    pub fn select(&self, document: &Value) -> Vec<Value> {
        let found = evaluate::select(&self.query, document);
        found.into_iter().cloned().collect()
    }

    /// The value for a matcher: for a singular path its node, if it exists; for any other path the
    /// list of its nodes. `None` if the document lacks the array or map at the fixed start of the
    /// path.
    #[must_use]
    pub fn value(&self, document: &Value) -> Option<Value> {
        if self.gap(document).is_some() {
            return None;
        }
        let mut nodes = self.select(document);
        if self.is_singular() {
            nodes.pop()
        } else {
            Some(Value::Array(nodes))
        }
    }

    /// The first place on the fixed start of the path (keys and indices) that is missing in the
    /// document, or that is not an array or map although the path continues.
    #[must_use]
    pub fn gap(&self, document: &Value) -> Option<Gap> {
        let mut here = document;
        let mut place = "$".to_owned();
        for step in self.query.segments.iter().map_while(PathStep::of) {
            step.append_to(&mut place);
            match step.take(here) {
                Some(next) => here = next,
                None => return Some(Gap { place, found: None }),
            }
        }
        let is_structure = matches!(here, Value::Array(_) | Value::Map(_));
        (!self.is_singular() && !is_structure).then(|| Gap {
            place,
            found: Some(here.type_name()),
        })
    }
}

/// The place in a document where a path ends early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// A path such as `$.order.lines`.
    pub place: String,
    /// The type of the value there, neither array nor map. `None` if there is no value.
    pub found: Option<&'static str>,
}

/// The reason why the path selects nothing.
impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.found {
            None => write!(f, "there is no `{}`", self.place),
            Some(kind) => write!(f, "`{}` has type {kind}, not array or map", self.place),
        }
    }
}

/// One key or index.
enum PathStep<'p> {
    Name(&'p str),
    Index(i64),
}

impl<'p> PathStep<'p> {
    fn of(segment: &'p Segment) -> Option<Self> {
        let selector = match segment {
            Segment::Selector(selector) => selector,
            Segment::Selectors(several) => match several.as_slice() {
                [only] => only,
                _ => return None,
            },
            Segment::Descendant(_) => return None,
        };
        match selector {
            Selector::Name(name) => Some(Self::Name(name)),
            Selector::Index(index) => Some(Self::Index(*index)),
            _ => None,
        }
    }

    fn take<'d>(&self, value: &'d Value) -> Option<&'d Value> {
        match self {
            Self::Name(name) => value.get(name),
            Self::Index(index) => evaluate::element(value, *index),
        }
    }

    fn append_to(&self, place: &mut String) {
        match self {
            Self::Name(name) => *place = member(place, name),
            Self::Index(index) => place.push_str(&format!("[{index}]")),
        }
    }
}

/// The path in the notation of RFC 9535: `$.order`, `$['a key']`.
pub(crate) fn member(path: &str, key: &str) -> String {
    let is_plain = key.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !key.starts_with(|c: char| c.is_numeric())
        && !key.is_empty();
    if is_plain {
        format!("{path}.{key}")
    } else {
        let escape = |character: char| match character {
            '\\' | '\'' => format!("\\{character}"),
            control if control < ' ' => format!("\\u{:04x}", u32::from(control)),
            other => other.to_string(),
        };
        let key: String = key.chars().map(escape).collect();
        format!("{path}['{key}']")
    }
}

/// As written.
impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

fn nesting(path: &str) -> usize {
    path.chars()
        .filter(|c| matches!(c, '(' | '[' | '!'))
        .count()
}

/// The last line of the parser's message, which has several lines with the path.
fn first_line(message: &str) -> String {
    let said = message
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty());
    said.unwrap_or("syntax error")
        .trim_start_matches("= ")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(path: &str) -> Option<Value> {
        let document = r#"{"lines": [{"sku": "A1"}, {"sku": "B2"}], "a b": null}"#;
        let document = Value::from_json(document.as_bytes()).unwrap();
        JsonPath::parse(path).unwrap().value(&document)
    }

    #[test]
    fn a_singular_path_gives_its_node_and_any_other_the_list() {
        assert_eq!(value("$.lines[0].sku"), Some(Value::from("A1")));
        assert_eq!(value("$['a b']"), Some(Value::Null));
        assert_eq!(value("$.lines[7]"), None);
        assert_eq!(
            value("$.lines[*].sku"),
            Some(Value::Array(vec![Value::from("A1"), Value::from("B2")]))
        );
        assert_eq!(value("$..nothing"), Some(Value::Array(Vec::new())));
    }

    #[test]
    fn a_path_whose_fixed_beginning_is_not_there_finds_nothing() {
        let none = Some(Value::Array(Vec::new()));
        assert_eq!(value("$.lines[?@.sku == 'C3']"), none);
        for path in [
            "$.items[?@.sku == 'C3']",
            "$.items[*]",
            "$.lines[2][*]",
            "$['a b'].*",
            "$.items..sku",
        ] {
            assert_eq!(value(path), None, "{path}");
        }
        let gap = |path: &str| {
            let document = Value::from_json(br#"{"a": [{"b": 1}]}"#).unwrap();
            JsonPath::parse(path)
                .unwrap()
                .gap(&document)
                .map(|gap| gap.to_string())
        };
        assert_eq!(gap("$.a[-1].c.d[*]").unwrap(), "there is no `$.a[-1].c`");
        assert_eq!(
            gap("$.a[0].b[*]").unwrap(),
            "`$.a[0].b` has type int, not array or map"
        );
        assert_eq!(gap("$.a[*].c"), None);
    }

    #[test]
    fn a_filter_that_could_never_hold_is_refused() {
        for (filter, why) in [
            ("search(@.id, 'a[')", "`a[` is no regular expression"),
            ("match(@.id, '(')", "`(` is no regular expression"),
            ("match(@.id, 5)", "`5` is no regular expression"),
            ("in(@.id, $.ids)", "there is no function `in`"),
            ("count(@.a)", "is a value: compare it"),
            ("length(@.*) == 1", "may find several values"),
            ("count(1) == 1", "expected a node"),
        ] {
            let error = JsonPath::parse(&format!("$[?{filter}]")).unwrap_err();
            assert!(error.contains(why), "{filter}: {error}");
        }
        assert!(JsonPath::parse("$[?match(@.id, $.pattern) && length(@.a[0]) == 1]").is_ok());
    }

    #[test]
    fn what_is_no_path_is_refused_with_a_reason_and_without_a_panic() {
        for path in ["order.id", "$.", "$[", "$.a[?(@.b ==]", "", "$.lines[0"] {
            assert!(!JsonPath::parse(path).unwrap_err().is_empty(), "{path}");
        }
        assert!(JsonPath::parse(&format!("$[?{}", "(".repeat(900))).is_err());
    }
}
