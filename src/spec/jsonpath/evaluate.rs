//! Evaluates queries as RFC 9535 defines them, with numbers compared to the last digit.
//!
//! The crate reads queries. It evaluates them with numbers as doubles, takes two that are close
//! for equal, and finds too little in some filters.

use std::borrow::Cow;
use std::cmp::Ordering;

use jsonpath_rust::parser::model::{
    Comparable, Comparison, Filter, FilterAtom, FnArg, JpQuery, Literal, Segment, Selector,
    SingularQuery, SingularQuerySegment, Test, TestFunction,
};

use super::functions;
use crate::trace::Value;

/// The nodes that a query selects.
pub(super) fn select<'d>(query: &JpQuery, document: &'d Value) -> Vec<&'d Value> {
    let root = Root(document);
    root.nodes(&query.segments, document)
}

/// The document, to which `$` in a filter refers.
#[derive(Clone, Copy)]
struct Root<'d>(&'d Value);

impl<'d> Root<'d> {
    fn nodes(self, segments: &[Segment], from: &'d Value) -> Vec<&'d Value> {
        let mut nodes = vec![from];
        for segment in segments {
            let mut found = Vec::new();
            for node in nodes {
                self.step(segment, node, &mut found);
            }
            nodes = found;
        }
        nodes
    }

    fn step(self, segment: &Segment, node: &'d Value, found: &mut Vec<&'d Value>) {
        match segment {
            Segment::Selector(selector) => self.select(selector, node, found),
            Segment::Selectors(all) => {
                all.iter().for_each(|one| self.select(one, node, found));
            }
            Segment::Descendant(inner) => {
                let mut open = vec![node];
                while let Some(node) = open.pop() {
                    self.step(inner, node, found);
                    let at = open.len();
                    open.extend(children(node));
                    open[at..].reverse();
                }
            }
        }
    }

    fn select(self, selector: &Selector, node: &'d Value, found: &mut Vec<&'d Value>) {
        match (selector, node) {
            (Selector::Name(name), _) => found.extend(node.get(name)),
            (Selector::Index(index), _) => found.extend(element(node, *index)),
            (Selector::Wildcard, _) => found.extend(children(node)),
            (Selector::Slice(start, end, step), Value::Array(items)) => {
                let places = slice(items.len(), *start, *end, step.unwrap_or(1));
                found.extend(places.into_iter().filter_map(|at| items.get(at)));
            }
            (Selector::Slice(..), _) => {}
            (Selector::Filter(filter), _) => {
                found.extend(children(node).filter(|child| self.holds(filter, child)));
            }
        }
    }

    fn holds(self, filter: &Filter, node: &'d Value) -> bool {
        match filter {
            Filter::Or(any) => any.iter().any(|one| self.holds(one, node)),
            Filter::And(all) => all.iter().all(|one| self.holds(one, node)),
            Filter::Atom(FilterAtom::Filter { expr, not }) => self.holds(expr, node) != *not,
            Filter::Atom(FilterAtom::Test { expr, not }) => self.passes(expr, node) != *not,
            Filter::Atom(FilterAtom::Comparison(comparison)) => self.compare(comparison, node),
        }
    }

    /// A query passes if it finds something, whatever that is.
    fn passes(self, test: &Test, node: &'d Value) -> bool {
        match test {
            Test::Function(function) => match &**function {
                TestFunction::Search(text, pattern) => self.matches(text, pattern, node, false),
                TestFunction::Match(text, pattern) => self.matches(text, pattern, node, true),
                // Refused when the path is read.
                _ => false,
            },
            query => !self.query(query, node).is_empty(),
        }
    }

    fn matches(self, text: &FnArg, pattern: &FnArg, node: &'d Value, is_whole: bool) -> bool {
        let (text, pattern) = (self.argument(text, node), self.argument(pattern, node));
        let texts = text.as_deref().and_then(Value::as_str);
        let texts = texts.zip(pattern.as_deref().and_then(Value::as_str));
        texts.is_some_and(|(text, pattern)| {
            let regex = functions::regex(pattern, is_whole);
            regex.is_ok_and(|regex| regex.is_match(text))
        })
    }

    fn compare(self, comparison: &Comparison, node: &'d Value) -> bool {
        let (a, b) = comparison.vals();
        let (a, b) = (self.comparable(a, node), self.comparable(b, node));
        // A path without a node equals only another path without a node.
        let (is_equal, order) = match (&a, &b) {
            (None, None) => (true, None),
            (Some(a), Some(b)) => (a.same(b), order(a, b)),
            _ => (false, None),
        };
        match comparison {
            Comparison::Eq(..) => is_equal,
            Comparison::Ne(..) => !is_equal,
            Comparison::Lt(..) => order == Some(Ordering::Less),
            Comparison::Lte(..) => is_equal || order == Some(Ordering::Less),
            Comparison::Gt(..) => order == Some(Ordering::Greater),
            Comparison::Gte(..) => is_equal || order == Some(Ordering::Greater),
        }
    }

    fn comparable(self, side: &Comparable, node: &'d Value) -> Option<Cow<'d, Value>> {
        match side {
            Comparable::Literal(literal) => Some(Cow::Owned(value(literal))),
            Comparable::Function(function) => self.function(function, node),
            Comparable::SingularQuery(SingularQuery::Current(path)) => {
                singular(path, node).map(Cow::Borrowed)
            }
            Comparable::SingularQuery(SingularQuery::Root(path)) => {
                singular(path, self.0).map(Cow::Borrowed)
            }
        }
    }

    fn function(self, function: &TestFunction, node: &'d Value) -> Option<Cow<'d, Value>> {
        let count =
            |number: usize| Cow::Owned(Value::Int(i64::try_from(number).unwrap_or(i64::MAX)));
        match function {
            TestFunction::Length(argument) => {
                let value = self.argument(argument, node)?;
                functions::length(&value).map(count)
            }
            TestFunction::Count(argument) => Some(count(self.node_list(argument, node).len())),
            TestFunction::Value(argument) => match self.node_list(argument, node).as_slice() {
                [only] => Some(Cow::Borrowed(*only)),
                _ => None,
            },
            // Refused when the path is read.
            TestFunction::Custom(..) | TestFunction::Search(..) | TestFunction::Match(..) => None,
        }
    }

    /// An argument where a value is wanted.
    fn argument(self, argument: &FnArg, node: &'d Value) -> Option<Cow<'d, Value>> {
        match argument {
            FnArg::Literal(literal) => Some(Cow::Owned(value(literal))),
            FnArg::Test(test) => match &**test {
                Test::Function(function) => self.function(function, node),
                query => match self.query(query, node).as_slice() {
                    [only] => Some(Cow::Borrowed(*only)),
                    _ => None,
                },
            },
            FnArg::Filter(_) => None,
        }
    }

    /// An argument where nodes are wanted.
    fn node_list(self, argument: &FnArg, node: &'d Value) -> Vec<&'d Value> {
        match argument {
            FnArg::Test(test) => self.query(test, node),
            FnArg::Literal(_) | FnArg::Filter(_) => Vec::new(),
        }
    }

    fn query(self, test: &Test, node: &'d Value) -> Vec<&'d Value> {
        match test {
            Test::RelQuery(segments) => self.nodes(segments, node),
            Test::AbsQuery(query) => self.nodes(&query.segments, self.0),
            Test::Function(_) => Vec::new(),
        }
    }
}

/// The elements of an array, or the values of a map.
fn children(node: &Value) -> impl Iterator<Item = &Value> {
    let (items, entries): (&[Value], &[(String, Value)]) = match node {
        Value::Array(items) => (items, &[]),
        Value::Map(entries) => (&[], entries),
        _ => (&[], &[]),
    };
    items.iter().chain(entries.iter().map(|(_, value)| value))
}

/// The element of an index, which counts from the end if it is negative.
pub(super) fn element(node: &Value, index: i64) -> Option<&Value> {
    let Value::Array(items) = node else {
        return None;
    };
    let places = usize::try_from(index.unsigned_abs()).ok()?;
    let at = match index < 0 {
        true => items.len().checked_sub(places)?,
        false => places,
    };
    items.get(at)
}

/// The indices that a slice selects, in its order.
fn slice(length: usize, start: Option<i64>, end: Option<i64>, step: i64) -> Vec<usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let absolute = |index: i64| {
        if index < 0 {
            index.saturating_add(length)
        } else {
            index
        }
    };
    let place = |index: Option<i64>, default: i64, least: i64, most: i64| {
        index.map_or(default, absolute).clamp(least, most)
    };
    let mut places = Vec::new();
    if step == 0 || length == 0 {
        return places;
    }
    let (mut at, end) = match step > 0 {
        true => (place(start, 0, 0, length), place(end, length, 0, length)),
        false => (
            place(start, length - 1, -1, length - 1),
            place(end, -1, -1, length - 1),
        ),
    };
    while (step > 0 && at < end) || (step < 0 && at > end) {
        places.extend(usize::try_from(at));
        at = at.saturating_add(step);
    }
    places
}

fn singular<'d>(path: &[SingularQuerySegment], from: &'d Value) -> Option<&'d Value> {
    path.iter().try_fold(from, |node, segment| match segment {
        SingularQuerySegment::Name(name) => node.get(name),
        SingularQuerySegment::Index(index) => element(node, *index),
    })
}

fn value(literal: &Literal) -> Value {
    match literal {
        Literal::Int(int) => Value::Int(*int),
        Literal::Float(double) => Value::Double(*double),
        Literal::String(text) => Value::from(text.as_str()),
        Literal::Bool(bool) => Value::Bool(*bool),
        Literal::Null => Value::Null,
    }
}

/// Of two numbers, or of two strings.
fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => a.compare(b),
    }
}

#[cfg(test)]
mod tests {
    use super::super::JsonPath;
    use crate::trace::Value;

    fn found(filter: &str, document: &str) -> usize {
        let document = Value::from_json(document.as_bytes()).unwrap();
        let path = JsonPath::parse(&format!("$[?{filter}]")).unwrap();
        path.select(&document).len()
    }

    #[test]
    fn numbers_are_compared_to_the_last_digit() {
        let ids = r#"[{"a": 18446744073709551615, "b": 18446744073709551614}, {"a": 1.0, "b": 1}]"#;
        assert_eq!(found("@.a == @.b", ids), 1);
        assert_eq!(found("@.a != @.b", ids), 1);
        assert_eq!(found("@.a > @.b", ids), 1);
        assert_eq!(found("@.a >= @.b", ids), 2);
        assert_eq!(found("@.a == 0", r#"[{"a": 1e-20}, {"a": 0.0}]"#), 1);
    }

    #[test]
    fn filters_mean_what_the_rfc_says() {
        let all = r#"[{"s": "b", "n": 3}, {"s": "a"}, {"n": null}, {"n": [1]}, 5]"#;
        assert_eq!(found("@.n == 3", all), 1);
        assert_eq!(found("@.n != 3", all), 4);
        assert_eq!(found("@.n == null", all), 1);
        assert_eq!(found("@.s > 'a'", all), 1);
        assert_eq!(found("@.s <= 'b'", all), 2);
        assert_eq!(found("@.x == @.y", all), 5);
        assert_eq!(found("@.x < @.y", all), 0);
        assert_eq!(found("@.n", all), 3);
        assert_eq!(found("!(@.n == 3)", all), 4);
        assert_eq!(found("@.n == 3 || @.s == 'a'", all), 2);
        assert_eq!(found("length(@.s) == 1 && count(@.*) >= 2", all), 1);
        assert_eq!(found("@.n[?@ == 1]", all), 1);
        assert_eq!(found("@.n == $[0].n", all), 1);
        assert_eq!(found("match(@.s, '[ab]')", all), 2);
    }

    #[test]
    fn a_query_that_finds_nothing_counts_zero_nodes() {
        let orders = r#"[{"id": 1}, {"lines": [1, 2]}, {"lines": []}]"#;
        assert_eq!(found("count(@.lines[*]) == 0", orders), 2);
        assert_eq!(found("count(@.lines[*]) < 1", orders), 2);
        assert_eq!(found("count(@.lines[*]) <= 0", orders), 2);
        assert_eq!(found("count(@.lines[*]) != 0", orders), 1);
        assert_eq!(
            found(
                "value(@.lines[*]) == 1",
                r#"[{"lines": [1]}, {"lines": [1, 1]}]"#
            ),
            1
        );
    }

    #[test]
    fn a_filter_may_stand_directly_behind_the_current_node() {
        let nested = r#"[[{"id": 1}], [{"id": 2}], {"a": {"id": 1}}]"#;
        assert_eq!(found("@[?@.id == 1]", nested), 2);
        assert_eq!(found("!@[?@.id == 1]", nested), 1);
        assert_eq!(found("@[?@.id > 5]", nested), 0);
    }

    #[test]
    fn nodes_come_in_the_order_of_the_rfc() {
        let document = r#"{"o": [{"a": 1}, {"a": [2, {"a": 3}]}], "a": [0, 1, 2, 3, 4, 5]}"#;
        let document = Value::from_json(document.as_bytes()).unwrap();
        let select = |path: &str| {
            let found = JsonPath::parse(path).unwrap().select(&document);
            Value::Array(found).to_string()
        };
        assert_eq!(select("$.o..a"), r#"[1,[2,{"a":3}],3]"#);
        assert_eq!(select("$.a[1:4]"), "[1,2,3]");
        assert_eq!(select("$.a[::-2]"), "[5,3,1]");
        assert_eq!(select("$.a[-2:]"), "[4,5]");
        assert_eq!(select("$.a[4:1:-1]"), "[4,3,2]");
        assert_eq!(select("$.a[7:]"), "[]");
        assert_eq!(select("$.a[::0]"), "[]");
        assert_eq!(select("$.a[0, -1, 0]"), "[0,5,0]");
    }
}
