//! Filters that compare numbers exactly.
//!
//! The crate compares them as doubles, so that close numbers are equal. Each comparison is replaced
//! by a call of our function, through [`Queryable::extension_custom`].

use std::borrow::Cow;
use std::cmp::Ordering;

use jsonpath_rust::parser::model::{
    Comparable, Comparison, Filter, FilterAtom, FnArg, JpQuery, Segment, Selector, SingularQuery,
    SingularQuerySegment, Test, TestFunction,
};
use jsonpath_rust::query::queryable::Queryable;

use crate::trace::Value;

impl Queryable for Value {
    fn get(&self, key: &str) -> Option<&Self> {
        let entries = match self {
            Self::Map(entries) => entries,
            _ => return None,
        };
        let entry = entries.iter().find(|(name, _)| name == key)?;
        Some(&entry.1)
    }

    fn as_array(&self) -> Option<&Vec<Self>> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    fn as_object(&self) -> Option<Vec<(&str, &Self)>> {
        match self {
            Self::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| (key.as_str(), value));
                Some(entries.collect())
            }
            _ => None,
        }
    }

    fn as_str(&self) -> Option<&str> {
        Value::as_str(self)
    }

    fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            _ => None,
        }
    }

    fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Double(double) => Some(*double),
            Self::Number(number) => Some(number.nearest_double()),
            _ => None,
        }
    }

    fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(bool) => Some(*bool),
            _ => None,
        }
    }

    fn null() -> Self {
        Self::Null
    }

    /// A comparison. Missing values are left out of the arguments.
    fn extension_custom(name: &str, args: Vec<Cow<'_, Self>>) -> Self {
        let (is_equal, ordering) = match args.as_slice() {
            [] => (true, None),
            [a, b] => (a.same(b), order(a, b)),
            _ => (false, None),
        };
        Self::Bool(match name {
            "==" => is_equal,
            "!=" => !is_equal,
            "<" => ordering == Some(Ordering::Less),
            "<=" => is_equal || ordering == Some(Ordering::Less),
            ">" => ordering == Some(Ordering::Greater),
            ">=" => is_equal || ordering == Some(Ordering::Greater),
            _ => return Self::Null,
        })
    }
}

/// The order of two numbers or of two strings.
fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => a.compare(b),
    }
}

/// The query with its comparisons replaced.
pub(super) fn comparing(query: JpQuery) -> JpQuery {
    JpQuery::new(segments(query.segments))
}

fn segments(all: Vec<Segment>) -> Vec<Segment> {
    all.into_iter().map(segment).collect()
}

fn segment(one: Segment) -> Segment {
    match one {
        Segment::Descendant(inner) => Segment::Descendant(Box::new(segment(*inner))),
        Segment::Selector(one) => Segment::Selector(selector(one)),
        Segment::Selectors(all) => Segment::Selectors(all.into_iter().map(selector).collect()),
    }
}

fn selector(one: Selector) -> Selector {
    match one {
        Selector::Filter(one) => Selector::Filter(filter(one)),
        other => other,
    }
}

fn filter(one: Filter) -> Filter {
    match one {
        Filter::Or(all) => Filter::Or(all.into_iter().map(filter).collect()),
        Filter::And(all) => Filter::And(all.into_iter().map(filter).collect()),
        Filter::Atom(one) => Filter::Atom(atom(one)),
    }
}

fn atom(one: FilterAtom) -> FilterAtom {
    match one {
        FilterAtom::Filter { expr, not } => FilterAtom::Filter {
            expr: Box::new(filter(*expr)),
            not,
        },
        FilterAtom::Test { expr, not } => FilterAtom::Test {
            expr: Box::new(test(*expr)),
            not,
        },
        FilterAtom::Comparison(comparison) => FilterAtom::Test {
            expr: Box::new(Test::Function(Box::new(call(*comparison)))),
            not: false,
        },
    }
}

fn call(comparison: Comparison) -> TestFunction {
    let (name, a, b) = match comparison {
        Comparison::Eq(a, b) => ("==", a, b),
        Comparison::Ne(a, b) => ("!=", a, b),
        Comparison::Gt(a, b) => (">", a, b),
        Comparison::Gte(a, b) => (">=", a, b),
        Comparison::Lt(a, b) => ("<", a, b),
        Comparison::Lte(a, b) => ("<=", a, b),
    };
    TestFunction::Custom(name.to_owned(), vec![argument(a), argument(b)])
}

fn argument(side: Comparable) -> FnArg {
    match side {
        Comparable::Literal(literal) => FnArg::Literal(literal),
        Comparable::Function(one) => FnArg::Test(Box::new(Test::Function(Box::new(function(one))))),
        Comparable::SingularQuery(SingularQuery::Current(path)) => {
            FnArg::Test(Box::new(Test::RelQuery(steps(path))))
        }
        Comparable::SingularQuery(SingularQuery::Root(path)) => {
            FnArg::Test(Box::new(Test::AbsQuery(JpQuery::new(steps(path)))))
        }
    }
}

fn steps(path: Vec<SingularQuerySegment>) -> Vec<Segment> {
    let step = |step| match step {
        SingularQuerySegment::Index(index) => Segment::Selector(Selector::Index(index)),
        SingularQuerySegment::Name(name) => Segment::Selector(Selector::Name(name)),
    };
    path.into_iter().map(step).collect()
}

fn test(one: Test) -> Test {
    match one {
        Test::RelQuery(path) => Test::RelQuery(segments(path)),
        Test::AbsQuery(query) => Test::AbsQuery(comparing(query)),
        Test::Function(one) => Test::Function(Box::new(function(*one))),
    }
}

fn function(one: TestFunction) -> TestFunction {
    match one {
        TestFunction::Custom(name, all) => {
            TestFunction::Custom(name, all.into_iter().map(inner).collect())
        }
        TestFunction::Length(one) => TestFunction::Length(Box::new(inner(*one))),
        TestFunction::Value(one) => TestFunction::Value(inner(one)),
        TestFunction::Count(one) => TestFunction::Count(inner(one)),
        TestFunction::Search(a, b) => TestFunction::Search(inner(a), inner(b)),
        TestFunction::Match(a, b) => TestFunction::Match(inner(a), inner(b)),
    }
}

fn inner(argument: FnArg) -> FnArg {
    match argument {
        FnArg::Literal(literal) => FnArg::Literal(literal),
        FnArg::Test(one) => FnArg::Test(Box::new(test(*one))),
        FnArg::Filter(one) => FnArg::Filter(filter(one)),
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
}
