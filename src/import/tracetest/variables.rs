//! Variables of Tracetest, and its functions, in our notation.

use std::collections::BTreeSet;

use super::expression::{Expr, Piece, Term, pieces};
use crate::import::Remarks;
use crate::import::template::{Template, variable_name};
use crate::spec::Location;

/// The variables that are known while a test is converted.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables {
    /// Names of captures, which have types.
    pub(super) captured: BTreeSet<String>,
}

impl Variables {
    /// Our name of `var:X` and `env:X`.
    pub(super) fn name(&self, name: &str) -> String {
        variable_name(name)
    }

    /// Our name of `${X}`, which Tracetest does not accept, if it is one.
    pub(super) fn bare(&self, text: &str) -> Option<String> {
        let text = text.trim();
        (!text.is_empty() && variable_name(text) == text).then(|| text.to_owned())
    }

    /// The expression between `${` and `}` for a variable in a text, which stays a text.
    fn in_text(&self, name: &str) -> String {
        let name = self.name(name);
        match self.captured.contains(&name) {
            true => format!("text({name})"),
            false => name,
        }
    }

    /// A text of a trigger, with `${…}` in our notation.
    pub(super) fn text(&self, text: &str, at: &Location, remarks: &mut Remarks) -> String {
        let mut template = Template::default();
        for piece in pieces(text) {
            match piece {
                Piece::Literal(text) => template.push(&text),
                Piece::Unknown(text) => match self.bare(&text) {
                    Some(name) => {
                        remarks.note(
                            at,
                            format!("`${{{name}}}` without `var:` is read as the variable {name}"),
                        );
                        template.push_expression(&self.in_text(&name));
                    }
                    None => {
                        remarks.lost(at, format!("`${{{text}}}` is kept as a text: not an expression"));
                        template.push(&format!("${{{text}}}"));
                    }
                },
                Piece::Expression(expr) => match self.expression(&expr) {
                    Some(Written { text, note }) => {
                        match text {
                            Text::Expression(expression) => template.push_expression(&expression),
                            Text::Literal(literal) => template.push(&literal),
                        }
                        if let Some(note) = note {
                            remarks.note(at, note);
                        }
                    }
                    None => remarks.lost(
                        at,
                        "an expression in the trigger has no equivalent, and is left out: set a variable instead",
                    ),
                },
            }
        }
        template.finish()
    }

    fn expression(&self, expr: &Expr) -> Option<Written> {
        let written = |text: &str| Some(Written::expression(text));
        match expr.term()? {
            Term::Variable(name) => written(&self.in_text(name)),
            Term::Number(number) => Some(Written::literal(number)),
            Term::Text(pieces) => match pieces.as_slice() {
                [Piece::Literal(text)] => Some(Written::literal(text)),
                _ => None,
            },
            Term::Call(name, arguments) => call(name, arguments),
            Term::Attribute(_) | Term::Array(_) | Term::Duration(_) => None,
        }
    }
}

struct Written {
    text: Text,
    note: Option<String>,
}

enum Text {
    Expression(String),
    Literal(String),
}

impl Written {
    fn expression(text: &str) -> Self {
        let text = Text::Expression(text.to_owned());
        Self { text, note: None }
    }

    fn literal(text: &str) -> Self {
        let text = Text::Literal(text.to_owned());
        Self { text, note: None }
    }

    fn noted(mut self, note: String) -> Self {
        self.note = Some(note);
        self
    }
}

/// A function. Those that generate names and cards have constants in their place.
fn call(name: &str, arguments: &[Term]) -> Option<Written> {
    let constant = |value: &str| {
        let note = format!("`{name}()` is the constant {value}: Tracetest generates a random one");
        Some(Written::literal(value).noted(note))
    };
    match name {
        "uuid" => Some(Written::expression("uuid()")),
        "randomInt" => match arguments {
            [Term::Number(least), Term::Number(most)] => {
                let is_whole = |number: &String| number.parse::<i64>().is_ok();
                (is_whole(least) && is_whole(most))
                    .then(|| Written::expression(&format!("random({least},{most})")))
            }
            _ => None,
        },
        "date" | "dateTime" => {
            let note = format!("`{name}()` is the time in RFC 3339 and UTC");
            Some(Written::expression("now()").noted(note))
        }
        "creditCardCvv" => Some(Written::expression("random(100,999)")),
        "phone" => Some(Written::expression("random(2000000000,9999999999)")),
        "firstName" => constant("Ada"),
        "lastName" => constant("Lovelace"),
        "fullName" => constant("Ada Lovelace"),
        "creditCard" => constant("4111111111111111"),
        "creditCardExpDate" => constant("12/39"),
        "email" => constant("ada@example.com"),
        _ => None,
    }
}
