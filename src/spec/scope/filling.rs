//! Substitutes variables and functions in scalars, and evaluates `vars`.

use std::sync::Arc;

use super::lookup::{Definition, Withheld, place_of};
use super::{Filled, Piece, Scope};
use crate::spec::template::{Expression, Template, TemplateError, TemplatePart, Variable};
use crate::spec::{Place, Source};
use crate::trace::Value;
use crate::yaml::ErrorList;
use crate::yaml::{Kind, Node, Scalar, Style};

impl Scope {
    /// Substitutes the variables of a scalar. `None` if one is undefined, which is recorded.
    pub(crate) fn fill(&self, scalar: &Scalar, place: Place, errors: &ErrorList) -> Option<Filled> {
        if !scalar.text.contains("${") {
            return Some(Filled::Text(scalar.text.clone()));
        }
        match Template::parse(&scalar.text) {
            Ok(template) => self.fill_template(&template, place, errors, &[]),
            Err(error) => {
                let TemplateError { what, help, offset } = error;
                let at = inside(place, offset, &scalar.text, errors.source());
                errors.note(at, what, "here", help)
            }
        }
    }

    /// The parts of a scalar, with values of variables separate from its text. The outer `None`
    /// means a recorded error, the inner one a variable without a value.
    pub(crate) fn pieces(
        &self,
        scalar: &Scalar,
        place: Place,
        errors: &ErrorList,
    ) -> Option<Option<Vec<Piece>>> {
        let template = match Template::parse(&scalar.text) {
            Ok(template) => template,
            Err(TemplateError { what, help, offset }) => {
                let at = inside(place, offset, &scalar.text, errors.source());
                return errors.note(at, what, "here", help);
            }
        };
        let mut pieces = Some(Vec::new());
        for part in &template.parts {
            let piece = match part {
                TemplatePart::Text(text) => Some(Piece::Text(text.clone())),
                TemplatePart::Expression(expression, offset) => {
                    match self.evaluate(expression, *offset, place, errors, &[])? {
                        Filled::Value(value) => Some(Piece::Value(value.to_text())),
                        Filled::Text(text) => Some(Piece::Value(text)),
                        Filled::Awaited => None,
                    }
                }
            };
            pieces = pieces
                .zip(piece)
                .map(|(mut pieces, piece): (Vec<Piece>, Piece)| {
                    pieces.push(piece);
                    pieces
                });
        }
        Some(pieces)
    }

    fn fill_template(
        &self,
        template: &Template,
        place: Place,
        errors: &ErrorList,
        open: &[&str],
    ) -> Option<Filled> {
        if let Some((expression, offset)) = template.only_expression() {
            return self.evaluate(expression, offset, place, errors, open);
        }
        let mut text = String::new();
        let mut is_awaited = false;
        for part in &template.parts {
            match part {
                TemplatePart::Text(literal) => text.push_str(literal),
                TemplatePart::Expression(expression, offset) => {
                    match self.evaluate(expression, *offset, place, errors, open)? {
                        Filled::Value(value) => text.push_str(&value.to_text()),
                        Filled::Text(value) => text.push_str(&value),
                        Filled::Awaited => is_awaited = true,
                    }
                }
            }
        }
        Some(if is_awaited {
            Filled::Awaited
        } else {
            Filled::Text(text)
        })
    }

    fn evaluate(
        &self,
        expression: &Expression,
        offset: usize,
        place: Place,
        errors: &ErrorList,
        open: &[&str],
    ) -> Option<Filled> {
        let once = |make: &dyn Fn() -> Value| {
            self.has_varied.set(true);
            let key = (errors.source().name().to_owned(), place.start, offset);
            let value = self
                .occurrences
                .borrow_mut()
                .entry(key)
                .or_insert_with(make)
                .clone();
            Some(Filled::Value(value))
        };
        match expression {
            Expression::Variable(variable) => self.variable(variable, place, errors, open),
            Expression::Uuid => once(&|| Value::String(random_uuid())),
            Expression::Now(seconds) => once(&|| {
                let distance = jiff::SignedDuration::from_secs(*seconds);
                let time = jiff::Timestamp::now().saturating_add(distance);
                Value::String(time.unwrap_or(jiff::Timestamp::MAX).to_string())
            }),
            Expression::Random(low, high) => once(&|| Value::Int(rand::random_range(*low..=*high))),
            Expression::Number(variable) => match self.variable(variable, place, errors, open)? {
                Filled::Value(value) if value.is_number() => Some(Filled::Value(value)),
                Filled::Value(value) => number(variable, &value.to_text(), place, errors),
                Filled::Text(text) => number(variable, &text, place, errors),
                Filled::Awaited => Some(Filled::Awaited),
            },
            Expression::Url(variable) => {
                Some(match self.variable(variable, place, errors, open)? {
                    Filled::Value(value) => encoded(&value.to_text()),
                    Filled::Text(text) => encoded(&text),
                    Filled::Awaited => Filled::Awaited,
                })
            }
            Expression::Text(variable) => {
                Some(match self.variable(variable, place, errors, open)? {
                    Filled::Value(value) => Filled::Value(Value::String(value.to_text())),
                    Filled::Text(text) => Filled::Value(Value::String(text)),
                    Filled::Awaited => Filled::Awaited,
                })
            }
        }
    }

    fn variable(
        &self,
        variable: &Variable,
        place: Place,
        errors: &ErrorList,
        open: &[&str],
    ) -> Option<Filled> {
        let name = variable.name.as_str();
        // `X: ${X:-8080}` in `vars` means the outer variable of this name.
        let inner = open.iter().rev().take_while(|one| **one == name).count();
        let found = self.find_beyond(name, inner);
        self.note_use(name);
        if self.is_varying(name, &found) {
            self.has_varied.set(true);
        }
        let filled = self.defined(name, found, place, errors, open)?;
        match (filled, &variable.default) {
            (Some(filled), None) => Some(filled),
            (Some(filled), Some(_)) if !is_empty(&filled) => Some(filled),
            (_, Some(default)) => match self.fill_template(default, place, errors, open)? {
                Filled::Text(text) => Some(Filled::Value(Value::String(text))),
                filled => Some(filled),
            },
            (None, None) => self.missing(name, place, errors),
        }
    }

    /// The value of a definition; the inner `None` means that there is none.
    fn defined(
        &self,
        name: &str,
        found: Definition<'_>,
        place: Place,
        errors: &ErrorList,
        open: &[&str],
    ) -> Option<Option<Filled>> {
        Some(Some(match found {
            Definition::Value(value) => Filled::Value(value),
            Definition::Awaited => {
                self.awaited.borrow_mut().insert(name.to_owned());
                Filled::Awaited
            }
            Definition::Node(node, source) => {
                let is_outer = open.last() == Some(&name);
                if open.contains(&name) && !is_outer {
                    return errors.note(
                        place,
                        format!("the variable `{name}` refers to itself"),
                        "circular reference",
                        format!("break the circle {} -> {name}", open.join(" -> ")),
                    );
                }
                if !is_outer && let Some(filled) = self.evaluated.borrow().get(name) {
                    return Some(Some(filled.clone()));
                }
                let open: Vec<&str> = open.iter().copied().chain([name]).collect();
                let filled = match source {
                    Some(source) if source != errors.source() => {
                        let elsewhere = ErrorList::new(source);
                        let filled = self.fill_open(node, &elsewhere, &open);
                        pass_on(elsewhere, errors, place);
                        filled?
                    }
                    _ => self.fill_open(node, errors, &open)?,
                };
                if filled != Filled::Awaited && !is_outer {
                    self.evaluated
                        .borrow_mut()
                        .insert(name.to_owned(), filled.clone());
                }
                filled
            }
            Definition::Withheld(Withheld { why, help }) => {
                return errors.note(
                    place_of(name, place, errors),
                    format!("`{name}` {why}"),
                    "not available",
                    help.to_owned(),
                );
            }
            Definition::Missing => return Some(None),
        }))
    }

    /// Returns `true` if the value may differ between the requests of a `repeat`.
    fn is_varying(&self, name: &str, found: &Definition<'_>) -> bool {
        match found {
            Definition::Value(_) => name == "trace_id" || self.varying.contains(name),
            Definition::Node(..) => !self
                .shared
                .as_ref()
                .is_some_and(|shared| shared.contains(name)),
            Definition::Awaited => true,
            Definition::Withheld(_) | Definition::Missing => false,
        }
    }

    pub(super) fn fill_node(
        &self,
        name: &str,
        node: &Arc<Node>,
        errors: &ErrorList,
    ) -> Option<Filled> {
        self.fill_open(node, errors, &[name])
    }

    /// Evaluates one of the `vars`, so that its errors are recorded.
    pub(crate) fn evaluate_var(&self, name: &str, node: &Node, errors: &ErrorList) {
        self.fill_open(node, errors, &[name]);
    }

    /// The value of one of the `vars`, of any type.
    pub(super) fn fill_open(
        &self,
        node: &Node,
        errors: &ErrorList,
        open: &[&str],
    ) -> Option<Filled> {
        self.structure(node, errors, open)
            .map(|value| value.map_or(Filled::Awaited, Filled::Value))
    }

    /// A node as a value with variables substituted. The inner `None` means one without a value.
    fn structure(&self, node: &Node, errors: &ErrorList, open: &[&str]) -> Option<Option<Value>> {
        match &node.kind {
            Kind::Scalar(scalar) => self.scalar_value(scalar, node.place, errors, open),
            Kind::List(items) => {
                let values: Vec<Option<Option<Value>>> = items
                    .iter()
                    .map(|item| self.structure(item, errors, open))
                    .collect();
                Some(
                    all(values)?
                        .into_iter()
                        .collect::<Option<Vec<Value>>>()
                        .map(Value::Array),
                )
            }
            Kind::Map(entries) => {
                let values: Vec<Option<Option<(String, Value)>>> = entries
                    .iter()
                    .map(|entry| {
                        let value = self.structure(&entry.value, errors, open)?;
                        Some(value.map(|value| (entry.key.text.clone(), value)))
                    })
                    .collect();
                Some(
                    all(values)?
                        .into_iter()
                        .collect::<Option<Vec<_>>>()
                        .map(Value::Map),
                )
            }
        }
    }

    fn scalar_value(
        &self,
        scalar: &Scalar,
        place: Place,
        errors: &ErrorList,
        open: &[&str],
    ) -> Option<Option<Value>> {
        if !scalar.text.contains("${") {
            return match scalar.value() {
                Ok(value) => Some(Some(value)),
                Err(help) => errors.note(
                    place,
                    format!("`{}` is ambiguous", scalar.text),
                    "number or string?",
                    help,
                ),
            };
        }
        let template = match Template::parse(&scalar.text) {
            Ok(template) => template,
            Err(error) => {
                let at = inside(place, error.offset, &scalar.text, errors.source());
                return errors.note(at, error.what, "here", error.help);
            }
        };
        Some(match self.fill_template(&template, place, errors, open)? {
            Filled::Value(value) => Some(value),
            Filled::Text(text) => Some(Value::String(text)),
            Filled::Awaited => None,
        })
    }

    /// A node as a value. The outer `None` means a recorded error, the inner one a variable without
    /// a value.
    pub(crate) fn value(&self, node: &Node, errors: &ErrorList) -> Option<Option<Value>> {
        self.structure(node, errors, &[])
    }
}

/// All values, if none is missing. The values are read before, so that all errors are recorded
/// and not only the first.
fn all<T>(values: Vec<Option<T>>) -> Option<Vec<T>> {
    values.into_iter().collect()
}

fn number(variable: &Variable, text: &str, place: Place, errors: &ErrorList) -> Option<Filled> {
    let scalar = Scalar {
        text: text.trim().to_owned(),
        style: Style::Plain,
    };
    match scalar.value() {
        Ok(value) if value.is_number() => Some(Filled::Value(value)),
        _ => errors.note(
            place,
            format!("`number({})` is not a number", variable.name),
            format!("`{}` is {}", variable.name, Value::from(text)),
            "write the number as in JSON".to_owned(),
        ),
    }
}

/// Reports errors in `vars` of another file at the use of the variable.
fn pass_on(elsewhere: ErrorList, errors: &ErrorList, place: Place) {
    if let Err(found) = elsewhere.check(Some(())) {
        for error in found.0 {
            let at = error.at.to_string();
            errors.note::<()>(place, error.what, format!("defined at {at}"), error.help);
        }
    }
}

/// The place of an offset into the text of a scalar; not exact if the scalar has escapes.
fn inside(place: Place, offset: usize, text: &str, source: &Source) -> Place {
    let written = &source.text()[place.start..place.end];
    match written.find(text) {
        Some(quote) => {
            let start = place.start + quote + offset;
            Place {
                start,
                end: place.end.max(start),
            }
        }
        None => place,
    }
}

fn random_uuid() -> String {
    uuid::Builder::from_random_bytes(rand::random())
        .into_uuid()
        .to_string()
}

/// A text as one segment of a path, in which `/`, `?` and `#` have no meaning.
fn encoded(text: &str) -> Filled {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    let encoded = match text {
        // Encoded dots are still dots in a URL.
        "." | ".." => text.to_owned(),
        _ => utf8_percent_encode(text, SEGMENT).to_string(),
    };
    Filled::Value(Value::String(encoded))
}

/// Returns `true` for an empty text, for which `${name:-default}` uses the default, as in a shell.
fn is_empty(of: &Filled) -> bool {
    match of {
        Filled::Text(text) | Filled::Value(Value::String(text)) => text.is_empty(),
        Filled::Value(_) | Filled::Awaited => false,
    }
}
