//! A path into a JSON document.

use std::fmt;

use jsonpath_rust::parser::model::{JpQuery, Segment, Selector};
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;

use crate::trace::Value;

/// An RFC 9535 query, understood when the spec is read.
#[derive(Clone, Debug)]
pub struct JsonPath {
    written: String,
    query: JpQuery,
}

/// Longer than any path that a person writes; the parser recurses on parentheses.
const MAX_LENGTH: usize = 1_000;
const MAX_NESTING: usize = 32;

impl JsonPath {
    /// Reads a path such as `$.order.lines[*].sku`.
    ///
    /// # Errors
    /// What is wrong with it, in the words of RFC 9535's grammar.
    pub fn parse(written: &str) -> Result<Self, String> {
        if written.len() > MAX_LENGTH || nesting(written) > MAX_NESTING {
            return Err("it is too long, or nested too deep".to_owned());
        }
        if !written.starts_with('$') {
            return Err("it does not start with `$`".to_owned());
        }
        let query = parse_json_path(written).map_err(|error| first_line(&error.to_string()))?;
        Ok(Self {
            written: written.to_owned(),
            query,
        })
    }

    /// Whether it names at most one node: keys and indices only.
    #[must_use]
    pub fn is_singular(&self) -> bool {
        self.query.segments.iter().all(|segment| match segment {
            Segment::Selector(Selector::Name(_) | Selector::Index(_)) => true,
            Segment::Selectors(several) => {
                matches!(several.as_slice(), [Selector::Name(_) | Selector::Index(_)])
            }
            Segment::Selector(_) | Segment::Descendant(_) => false,
        })
    }

    /// All nodes that it selects.
    #[must_use]
    pub fn select(&self, document: &serde_json::Value) -> Vec<Value> {
        js_path_process(&self.query, document).map_or_else(
            |_| Vec::new(),
            |found| {
                found
                    .into_iter()
                    .map(|node| Value::from(node.val().clone()))
                    .collect()
            },
        )
    }

    /// The value that a matcher looks at: of a singular path its node, if there is one; of any
    /// other path the list of its nodes.
    #[must_use]
    pub fn value(&self, document: &serde_json::Value) -> Option<Value> {
        let mut nodes = self.select(document);
        if self.is_singular() {
            nodes.pop()
        } else {
            Some(Value::Array(nodes))
        }
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

/// The parser's message draws the path over several lines; its last line says what is wrong.
fn first_line(message: &str) -> String {
    let said = message
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty());
    said.unwrap_or("it is no JSONPath")
        .trim_start_matches("= ")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(path: &str) -> Option<Value> {
        let document = serde_json::json!({"lines": [{"sku": "A1"}, {"sku": "B2"}], "a b": null});
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
    fn what_is_no_path_is_refused_with_a_reason_and_without_a_panic() {
        for path in ["order.id", "$.", "$[", "$.a[?(@.b ==]", "", "$.lines[0"] {
            assert!(!JsonPath::parse(path).unwrap_err().is_empty(), "{path}");
        }
        assert!(JsonPath::parse(&format!("$[?{}", "(".repeat(900))).is_err());
    }
}
