//! Reads a condition, and resolves its names.

mod call;
mod constant;
mod cursor;
mod path;

use std::ops::Range;

use super::evaluate;
use super::lexer::{Signs, Spanned, Token, invalid, tokens};
use super::problem::Problem;
use super::record::Context;
use super::syntax::{Comparison, Expression, Literal, Operation, Predicate};
use crate::sampling::version::{CollectorVersion, Since};
use crate::trace::Value;
use constant::{constant, unknown_constant};

/// The deepest nesting of parentheses, lists and calls.
const MOST_LEVELS: usize = 64;

/// Reads a condition as this version does.
pub(super) fn condition(
    text: &str,
    context: Context,
    version: CollectorVersion,
) -> Result<Predicate, Problem> {
    let signs = match version.has(Since::Signs) {
        true => Signs::Apart,
        false => Signs::Joined,
    };
    let mut parser = Parser {
        tokens: tokens(text, signs)?,
        version,
        at: 0,
        end: text.len(),
        context,
        level: 0,
        unsupported: None,
    };
    if parser.tokens.is_empty() {
        return Err(invalid(0..text.len(), "an empty condition"));
    }
    let predicate = parser.any()?;
    if let Some((token, at)) = parser.tokens.get(parser.at) {
        return Err(unexpected(token, at.clone()));
    }
    match parser.unsupported {
        Some(problem) => Err(problem),
        None => Ok(predicate),
    }
}

struct Parser {
    tokens: Vec<Spanned>,
    version: CollectorVersion,
    at: usize,
    end: usize,
    context: Context,
    level: usize,
    /// The first part that is valid and not evaluated.
    unsupported: Option<Problem>,
}

fn unexpected(token: &Token, at: Range<usize>) -> Problem {
    match token {
        Token::Arrow => invalid(at, "a lambda outside of a function"),
        Token::Equal => Problem {
            help: Some("write `==` to compare".to_owned()),
            ..invalid(at, "`=` compares nothing")
        },
        Token::Compare(_) => invalid(at, "a comparison without a value before it"),
        Token::Int(_) | Token::Float(_) => Problem {
            help: Some("write a space after the `+` or `-` of an operation".to_owned()),
            ..invalid(at, "a number directly after a value")
        },
        _ => invalid(at, "unexpected text"),
    }
}

impl Parser {
    fn any(&mut self) -> Result<Predicate, Problem> {
        let mut parts = vec![self.all()?];
        while self.take(&Token::Or) {
            parts.push(self.all()?);
        }
        Ok(match self.version.has(Since::FoldedConditions) {
            true => Predicate::any(parts),
            false => Predicate::Any(parts),
        })
    }

    fn all(&mut self) -> Result<Predicate, Problem> {
        let mut parts = vec![self.negatable()?];
        while self.take(&Token::And) {
            parts.push(self.negatable()?);
        }
        Ok(match self.version.has(Since::FoldedConditions) {
            true => Predicate::all(parts),
            false => Predicate::All(parts),
        })
    }

    fn negatable(&mut self) -> Result<Predicate, Problem> {
        match self.take(&Token::Not) {
            true => Ok(self.single()?.not()),
            false => self.single(),
        }
    }

    /// A comparison, a constant, a call, or a condition in parentheses.
    fn single(&mut self) -> Result<Predicate, Problem> {
        let (start, level) = (self.at, self.level);
        let refused = self.unsupported.clone();
        let first = self.comparison();
        let error = match first {
            Ok(predicate) => return Ok(predicate),
            Err(error) => error,
        };
        if self.tokens.get(start).map(|(token, _)| token) != Some(&Token::Mark('(')) {
            return Err(error);
        }
        (self.at, self.level, self.unsupported) = (start + 1, level, refused);
        let inner = self.deeper(Self::any)?;
        self.expect(')')?;
        Ok(inner)
    }

    fn comparison(&mut self) -> Result<Predicate, Problem> {
        let start = self.at;
        let left = self.value()?;
        let by = match self.peek() {
            Some(Token::Compare(by)) => *by,
            Some(token @ (Token::Equal | Token::Int(_) | Token::Float(_))) => {
                return Err(unexpected(token, self.place()));
            }
            _ => return self.alone(left, start),
        };
        self.at += 1;
        let right = self.value()?;
        let is_folded = left.is_literal() && right.is_literal();
        Ok(match is_folded {
            true => Predicate::Literal(folded(&left, by, &right)),
            false => Predicate::Compare(left, by, right),
        })
    }

    /// A value that is no part of a comparison.
    fn alone(&self, value: Expression, start: usize) -> Result<Predicate, Problem> {
        match value {
            Expression::Literal(Literal::Value(Value::Bool(value))) => {
                Ok(Predicate::Literal(value))
            }
            Expression::Call(_) => Ok(Predicate::Call(value)),
            _ => Err(Problem {
                help: Some("compare it: `… == …`, or `… != nil`".to_owned()),
                ..invalid(self.since(start), "a value is no condition")
            }),
        }
    }

    fn value(&mut self) -> Result<Expression, Problem> {
        self.deeper(|parser| match parser.peek() {
            Some(Token::Nil) => parser.literal(Literal::Nil),
            Some(Token::Text(text)) => {
                let is_nil = text == "nil" && !parser.version.has(Since::Literals);
                let text = Value::String(text.clone());
                if is_nil {
                    let what = "the string `\"nil\"`, which this version reads as nil, is not evaluated by spanspec";
                    parser.refuse(parser.place(), what.to_owned());
                }
                parser.literal(Literal::Value(text))
            }
            Some(Token::Bytes(bytes)) => {
                let bytes = Value::Bytes(bytes.clone());
                parser.literal(Literal::Value(bytes))
            }
            Some(Token::Bool(bool)) => {
                let bool = Value::Bool(*bool);
                parser.literal(Literal::Value(bool))
            }
            Some(Token::Mark('{')) => parser.map(),
            Some(Token::Mark('[')) => parser.list(),
            Some(Token::Upper(name)) if !parser.is_call() => {
                let value = constant(name).ok_or_else(|| unknown_constant(name, parser.place()))?;
                parser.literal(Literal::Value(Value::Int(value)))
            }
            _ => parser.sum(),
        })
    }

    fn is_call(&self) -> bool {
        matches!(self.tokens.get(self.at + 1), Some((Token::Mark('('), _)))
    }

    #[expect(clippy::unnecessary_wraps, reason = "an arm of `value`")]
    fn literal(&mut self, literal: Literal) -> Result<Expression, Problem> {
        self.at += 1;
        Ok(Expression::Literal(literal))
    }

    fn list(&mut self) -> Result<Expression, Problem> {
        let start = self.at;
        self.at += 1;
        let mut items = Vec::new();
        while !self.is_mark(']') {
            items.push(self.value()?);
            if self.take_mark(',') || self.is_mark(']') {
                continue;
            }
            if self.version.has(Since::ListCommas) || self.peek().is_none() {
                break;
            }
            let what = "a list without commas is not evaluated by spanspec";
            self.refuse(self.place(), what.to_owned());
        }
        self.expect(']')?;
        if items.iter().any(|item| matches!(item, Expression::Map(_))) {
            let what = "a map in a list is not evaluated by spanspec";
            self.refuse(self.since(start), what.to_owned());
        }
        Ok(Expression::List(items))
    }

    fn map(&mut self) -> Result<Expression, Problem> {
        self.at += 1;
        let mut entries = Vec::new();
        while let Some(Token::Text(key)) = self.peek() {
            let key = key.clone();
            self.at += 1;
            self.expect(':')?;
            entries.push((key, self.value()?));
            self.take_mark(',');
        }
        self.expect('}')?;
        Ok(Expression::Map(entries))
    }

    fn sum(&mut self) -> Result<Expression, Problem> {
        let mut left = self.product()?;
        while let Some(&Token::Math(by @ (Operation::Add | Operation::Subtract))) = self.peek() {
            self.at += 1;
            left = Expression::Math(Box::new(left), by, Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expression, Problem> {
        let mut left = self.signed()?;
        while let Some(&Token::Math(by @ (Operation::Multiply | Operation::Divide))) = self.peek() {
            self.at += 1;
            left = Expression::Math(Box::new(left), by, Box::new(self.signed()?));
        }
        Ok(left)
    }

    fn signed(&mut self) -> Result<Expression, Problem> {
        if !self.version.has(Since::Signs)
            && let Some(Token::Math(Operation::Add | Operation::Subtract)) = self.peek()
        {
            let what = "sign before anything but digits";
            return Err(self.too_new(self.place(), what, Since::Signs.version()));
        }
        if self.take(&Token::Math(Operation::Subtract)) {
            return Ok(match self.operand()? {
                Expression::Literal(Literal::Value(Value::Int(int))) => {
                    Expression::Literal(Literal::Value(Value::Int(int.wrapping_neg())))
                }
                Expression::Literal(Literal::Value(Value::Double(double))) => {
                    Expression::Literal(Literal::Value(Value::Double(-double)))
                }
                other => Expression::Negated(Box::new(other)),
            });
        }
        self.take(&Token::Math(Operation::Add));
        self.operand()
    }

    /// A number, path or call, or a sum in parentheses.
    fn operand(&mut self) -> Result<Expression, Problem> {
        match self.peek() {
            Some(Token::Int(int)) => {
                let int = Value::Int(*int);
                self.literal(Literal::Value(int))
            }
            Some(Token::Float(double)) => {
                let double = Value::Double(*double);
                self.literal(Literal::Value(double))
            }
            Some(Token::Mark('(')) => {
                self.at += 1;
                let inner = self.deeper(Self::sum)?;
                self.expect(')')?;
                Ok(inner)
            }
            Some(Token::Upper(_) | Token::Function(_)) if self.is_call() => self.deeper(Self::call),
            Some(Token::Function(name)) => {
                let what = format!("the function `{name}` without its arguments");
                Err(invalid(self.place(), what))
            }
            Some(Token::Editor(name) | Token::Lower(name)) if self.is_call() => {
                let what = format!("`{name}` is no function of conditions");
                let help = "their names begin with an upper case letter".to_owned();
                Err(Problem {
                    help: Some(help),
                    ..invalid(self.place(), what)
                })
            }
            Some(Token::Lower(_)) => self.path(),
            Some(token) => Err(unexpected(token, self.place())),
            None => Err(invalid(self.place(), "the condition ends too early")),
        }
    }
}

fn folded(left: &Expression, by: Comparison, right: &Expression) -> bool {
    evaluate::compared_literals(left, by, right)
}
