//! The tree of a condition, after names are resolved.

use regex::Regex;

use super::function::Function;
use super::path::Path;
use crate::trace::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    AtLeast,
    More,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// A part with a truth value.
#[derive(Clone, Debug)]
pub(super) enum Predicate {
    Literal(bool),
    Not(Box<Predicate>),
    All(Vec<Predicate>),
    Any(Vec<Predicate>),
    Compare(Expression, Comparison, Expression),
    /// A function whose value must be boolean.
    Call(Expression),
}

/// A part with a value.
#[derive(Clone, Debug)]
pub(super) enum Expression {
    Literal(Literal),
    /// An id that `TraceID` or `SpanID` makes of a literal.
    Constant(Literal),
    Path(Path, Vec<Key>),
    Call(Call),
    Math(Box<Expression>, Operation, Box<Expression>),
    Negated(Box<Expression>),
    List(Vec<Expression>),
    Map(Vec<(String, Expression)>),
}

#[derive(Clone, Debug)]
pub(super) enum Literal {
    Nil,
    Value(Value),
    TraceId([u8; 16]),
    SpanId([u8; 8]),
}

/// A call of a function, whose result can be indexed.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) function: Function,
    pub(super) arguments: Vec<Expression>,
    /// The compiled pattern of `IsMatch`.
    pub(super) pattern: Option<Regex>,
    pub(super) keys: Vec<Key>,
}

/// An index: `["key"]`, `[0]`, or an expression.
#[derive(Clone, Debug)]
pub(super) enum Key {
    Text(String),
    Int(i64),
    Expression(Expression),
}

impl Predicate {
    /// The negation. A negated literal is one.
    pub(super) fn not(self) -> Self {
        match self {
            Self::Literal(value) => Self::Literal(!value),
            other => Self::Not(Box::new(other)),
        }
    }

    /// A conjunction. Literals are folded as the Collector does, so that they hide errors of other parts.
    pub(super) fn all(parts: Vec<Self>) -> Self {
        Self::folded(parts, true, Self::All)
    }

    /// A disjunction, folded in the same way.
    pub(super) fn any(parts: Vec<Self>) -> Self {
        Self::folded(parts, false, Self::Any)
    }

    fn folded(parts: Vec<Self>, neutral: bool, join: fn(Vec<Self>) -> Self) -> Self {
        let is = |part: &Self, value| matches!(part, Self::Literal(literal) if *literal == value);
        if parts.iter().any(|part| is(part, !neutral)) {
            return Self::Literal(!neutral);
        }
        let mut parts: Vec<Self> = parts
            .into_iter()
            .filter(|part| !is(part, neutral))
            .collect();
        match parts.len() {
            0 => Self::Literal(neutral),
            1 => parts.remove(0),
            _ => join(parts),
        }
    }

    /// Calls a function for each path.
    pub(super) fn each_path(&self, of: &mut impl FnMut(&Path)) {
        match self {
            Self::Literal(_) => {}
            Self::Not(part) => part.each_path(of),
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().for_each(|part| part.each_path(of));
            }
            Self::Compare(left, _, right) => {
                left.each_path(of);
                right.each_path(of);
            }
            Self::Call(call) => call.each_path(of),
        }
    }
}

impl Expression {
    pub(super) fn is_literal(&self) -> bool {
        match self {
            Self::Literal(_) => true,
            Self::List(items) => items.iter().all(Self::is_literal),
            Self::Map(entries) => entries.iter().all(|(_, value)| value.is_literal()),
            _ => false,
        }
    }

    fn each_path(&self, of: &mut dyn FnMut(&Path)) {
        let mut keys: &[Key] = &[];
        match self {
            Self::Literal(_) | Self::Constant(_) => {}
            Self::Path(path, of_path) => {
                of(path);
                keys = of_path;
            }
            Self::Call(call) => {
                if call.function == Function::IsRootSpan {
                    of(&Path::PARENT);
                }
                call.arguments.iter().for_each(|part| part.each_path(of));
                keys = &call.keys;
            }
            Self::Math(left, _, right) => {
                left.each_path(of);
                right.each_path(of);
            }
            Self::Negated(part) => part.each_path(of),
            Self::List(items) => items.iter().for_each(|part| part.each_path(of)),
            Self::Map(entries) => entries.iter().for_each(|(_, part)| part.each_path(of)),
        }
        for key in keys {
            if let Key::Expression(part) = key {
                part.each_path(of);
            }
        }
    }
}
