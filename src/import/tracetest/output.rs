//! Outputs of a test as captures.

use super::expression::Expr;
use super::find::Find;
use super::matcher::Kind;
use super::selector::Selector;
use super::subject::Subject;
use super::trigger::Trigger;
use crate::draft::yaml;
use crate::import::matcher::syntax;
use crate::import::{Map, Node, Written};

/// The value of a capture.
pub(super) struct Captured {
    pub(super) value: Written,
    pub(super) notes: Vec<String>,
}

/// Converts an output. `Err` is the reason why it has no equivalent.
pub(super) fn capture(output: &Node, value: &Expr, trigger: &Trigger) -> Result<Captured, String> {
    let subject =
        Subject::of(value, trigger.response).ok_or("it does not depend on the trace")??;
    let selector = output.get("selector");
    let selector = selector.and_then(|node| node.text().or_else(|| node.text_of("query")));
    let selector = Selector::parse(selector.unwrap_or_default())?;
    match subject {
        Subject::Response(position) => of_response(&position.keys, position.kind, None, trigger),
        Subject::Span(position) => {
            if selector.is_trigger() {
                return Err("the trigger's own span has no attributes of the system".to_owned());
            }
            let mut find = Find::of(&selector)?;
            if find.conditions.get("take").is_none() {
                find.conditions.put("take", syntax("first"));
                find.notes
                    .push("an output is the first of the selected spans: `take: first`".to_owned());
            }
            of_span(&find, &position.keys)
        }
        Subject::Found {
            within,
            pattern,
            is_counted: false,
        } => match *within {
            Subject::Response(position) => {
                of_response(&position.keys, position.kind, Some(&pattern), trigger)
            }
            _ => Err("`regex` of an attribute".to_owned()),
        },
        Subject::Found { .. } | Subject::Count => Err("a number of spans or texts".to_owned()),
    }
}

fn of_response(
    keys: &[String],
    kind: Kind,
    pattern: Option<&str>,
    trigger: &Trigger,
) -> Result<Captured, String> {
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let value = match (keys.as_slice(), pattern) {
        (["body"], Some(pattern)) => {
            Map::flow("body", syntax(format!("=~ {}", yaml::escaped(pattern)))).into()
        }
        (["body"], None) => Map::flow("body", syntax("=~ (?s)^(.*)$")).into(),
        (["status"], None) => Map::flow("status", syntax("true")).into(),
        (["headers", name], None) => Map::flow("header", *name).into(),
        (["json", path], None) if kind == Kind::Json => Written::Text(trigger.path(path)),
        _ => {
            return Err(
                "a capture takes a path, a header, the status or a group of the body".to_owned(),
            );
        }
    };
    Ok(Captured {
        value,
        notes: Vec::new(),
    })
}

fn of_span(find: &Find, keys: &[String]) -> Result<Captured, String> {
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let mut map = Map::flow("find", find.written());
    match keys.as_slice() {
        ["attributes", name] => map.put("attribute", *name),
        ["attributes", name, "json", path] => {
            map.put("attribute", *name);
            map.put("json", *path);
        }
        _ => return Err("a capture takes an attribute of a span, or a path in it".to_owned()),
    }
    Ok(Captured {
        value: map.into(),
        notes: find.notes.clone(),
    })
}
