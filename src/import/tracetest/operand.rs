//! The side of a comparison that does not depend on spans, as a value of our language.

use super::expression::{Expr, Piece, Term};
use super::variables::Variables;
use crate::import::template::Template;

/// A value to compare with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    /// A text without variables.
    Literal(String),
    /// A text with variables, in our notation.
    Template(String),
    /// As written.
    Number(String),
    /// In nanoseconds.
    Duration(f64),
}

impl Operand {
    /// The value of an expression, or the reason why it has none.
    pub(super) fn of(expr: &Expr, variables: &Variables) -> Result<Self, String> {
        if let Some(filter) = expr.filters.first() {
            return Err(format!(
                "the filter `{}` of a value that is not an attribute",
                filter.name
            ));
        }
        let mut value = Self::of_term(&expr.first, variables)?;
        for (operator, term) in &expr.rest {
            value = value.then(*operator, &Self::of_term(term, variables)?)?;
        }
        Ok(value)
    }

    fn of_term(term: &Term, variables: &Variables) -> Result<Self, String> {
        match term {
            Term::Number(number) => Ok(Self::Number(number.clone())),
            Term::Duration(nanoseconds) => Ok(Self::Duration(*nanoseconds)),
            Term::Variable(name) => Ok(Self::Template(format!("${{{}}}", variables.name(name)))),
            Term::Text(pieces) => Self::of_text(pieces, variables),
            Term::Array(items) => {
                let items: Result<Vec<String>, String> = items
                    .iter()
                    .map(|item| match Self::of_term(item, variables)? {
                        Self::Literal(text) => Ok(serde_json::Value::from(text).to_string()),
                        Self::Number(number) => Ok(number),
                        _ => Err("an array with variables or durations".to_owned()),
                    })
                    .collect();
                Ok(Self::Literal(format!("[{}]", items?.join(", "))))
            }
            Term::Attribute(name) => Err(format!(
                "comparing two attributes: capture `{name}` in an earlier step, or compare with its value"
            )),
            Term::Call(name, _) => Err(format!("comparing with `{name}()`, which is random")),
        }
    }

    fn of_text(pieces: &[Piece], variables: &Variables) -> Result<Self, String> {
        let literals: Option<Vec<&str>> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        if let Some(literals) = literals {
            return Ok(Self::Literal(literals.concat()));
        }
        let mut template = Template::default();
        for piece in pieces {
            match piece {
                Piece::Literal(text) => template.push(text),
                Piece::Unknown(text) => match variables.bare(text) {
                    Some(name) => template.push_expression(&name),
                    None => return Err(format!("`${{{text}}}` in a text")),
                },
                Piece::Expression(expr) => match expr.term() {
                    Some(Term::Variable(name)) => template.push_expression(&variables.name(name)),
                    Some(Term::Attribute(name)) => {
                        return Err(format!(
                            "comparing two attributes: capture `{name}` in an earlier step, or compare with its value"
                        ));
                    }
                    _ => return Err("an expression in a text".to_owned()),
                },
            }
        }
        Ok(Self::Template(template.finish()))
    }

    /// Arithmetic as in Tracetest, without its rounding.
    fn then(self, operator: char, other: &Self) -> Result<Self, String> {
        let no_number = || "arithmetic with other values than numbers".to_owned();
        let number = |value: &Self| match value {
            Self::Number(text) => text.parse::<f64>().map_err(|_| no_number()),
            Self::Duration(nanoseconds) => Ok(*nanoseconds),
            Self::Template(_) => Err("arithmetic with variables".to_owned()),
            Self::Literal(_) => Err(no_number()),
        };
        let (left, right) = (number(&self)?, number(other)?);
        let result = match operator {
            '+' => left + right,
            '-' => left - right,
            '*' => left * right,
            _ => left / right,
        };
        if !result.is_finite() {
            return Err(no_number());
        }
        Ok(match self {
            Self::Duration(_) => Self::Duration(result),
            _ => Self::Number(result.to_string()),
        })
    }
}
