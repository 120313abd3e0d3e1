//! The functions of RFC 9535, and the calls of them that are refused.

use jsonpath_rust::parser::model::{
    Comparable, Filter, FilterAtom, FnArg, JpQuery, Literal, Segment, Selector, Test, TestFunction,
};
use regex::Regex;

use super::PathStep;
use crate::trace::Value;

/// Checks every call of a function in the filters of a query.
///
/// # Errors
/// The reason why the first invalid one is refused.
pub(super) fn check(query: &JpQuery) -> Result<(), String> {
    segments(&query.segments)
}

/// The number of characters, elements or entries.
pub(super) fn length(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(items) => Some(items.len()),
        Value::Map(entries) => Some(entries.len()),
        _ => None,
    }
}

/// An I-Regexp of RFC 9485, in which a dot stands for no line break at all.
pub(super) fn regex(pattern: &str, is_whole: bool) -> Result<Regex, regex::Error> {
    let mut translated = String::with_capacity(pattern.len());
    let (mut is_escaped, mut in_class) = (false, false);
    for c in pattern.chars() {
        match c {
            '.' if !is_escaped && !in_class => translated.push_str(r"[^\n\r]"),
            _ => translated.push(c),
        }
        in_class = match c {
            '[' if !is_escaped => true,
            ']' if !is_escaped => false,
            _ => in_class,
        };
        is_escaped = c == '\\' && !is_escaped;
    }
    match is_whole {
        true => Regex::new(&format!(r"\A(?:{translated})\z")),
        false => Regex::new(&translated),
    }
}

fn segments(all: &[Segment]) -> Result<(), String> {
    all.iter().try_for_each(|segment| match segment {
        Segment::Descendant(inner) => segments(std::slice::from_ref(inner)),
        Segment::Selector(one) => selector(one),
        Segment::Selectors(several) => several.iter().try_for_each(selector),
    })
}

fn selector(one: &Selector) -> Result<(), String> {
    match one {
        Selector::Filter(one) => filter(one),
        _ => Ok(()),
    }
}

fn filter(one: &Filter) -> Result<(), String> {
    match one {
        Filter::Or(all) | Filter::And(all) => all.iter().try_for_each(filter),
        Filter::Atom(FilterAtom::Filter { expr, .. }) => filter(expr),
        Filter::Atom(FilterAtom::Test { expr, .. }) => test(expr),
        Filter::Atom(FilterAtom::Comparison(comparison)) => {
            let (a, b) = comparison.vals();
            comparable(a).and_then(|()| comparable(b))
        }
    }
}

fn test(one: &Test) -> Result<(), String> {
    match one {
        Test::RelQuery(path) => segments(path),
        Test::AbsQuery(query) => check(query),
        Test::Function(function) => match &**function {
            TestFunction::Search(text, pattern) | TestFunction::Match(text, pattern) => {
                value(text).and_then(|()| expression(pattern))
            }
            TestFunction::Custom(name, _) => Err(unknown(name)),
            other => Err(format!("`{other}` is a value: compare it with another one")),
        },
    }
}

fn comparable(side: &Comparable) -> Result<(), String> {
    match side {
        Comparable::Function(one) => function(one),
        Comparable::Literal(_) | Comparable::SingularQuery(_) => Ok(()),
    }
}

/// A function that gives a value.
fn function(one: &TestFunction) -> Result<(), String> {
    match one {
        TestFunction::Length(argument) => value(argument),
        TestFunction::Count(argument) | TestFunction::Value(argument) => nodes(argument),
        TestFunction::Custom(name, _) => Err(unknown(name)),
        TestFunction::Search(..) | TestFunction::Match(..) => {
            Err(format!("`{one}` is true or false, and no value"))
        }
    }
}

fn unknown(name: &str) -> String {
    format!("there is no function `{name}`: use length, count, value, match or search")
}

/// An argument where a value is wanted.
fn value(argument: &FnArg) -> Result<(), String> {
    let is_singular = |path: &[Segment]| path.iter().all(|segment| PathStep::of(segment).is_some());
    let path = match argument {
        FnArg::Literal(_) => return Ok(()),
        FnArg::Filter(_) => return Err(format!("`{argument}` is no value")),
        FnArg::Test(test) => match &**test {
            Test::Function(one) => return function(one),
            Test::RelQuery(path) => path,
            Test::AbsQuery(query) => &query.segments,
        },
    };
    match is_singular(path) {
        true => Ok(()),
        false => Err(format!(
            "`{argument}` may find several values: name one by its keys and indices"
        )),
    }
}

/// An argument where nodes are wanted.
fn nodes(argument: &FnArg) -> Result<(), String> {
    match argument {
        FnArg::Test(one) if !matches!(**one, Test::Function(_)) => test(one),
        _ => Err(format!("`{argument}` is no path")),
    }
}

fn expression(argument: &FnArg) -> Result<(), String> {
    match argument {
        FnArg::Literal(Literal::String(pattern)) => match regex(pattern, false) {
            Ok(_) => Ok(()),
            Err(_) => Err(format!("`{pattern}` is no regular expression")),
        },
        FnArg::Literal(other) => Err(format!("`{other}` is no regular expression")),
        other => value(other),
    }
}
