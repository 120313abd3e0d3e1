//! Variables `${…}` in scalars.

use std::fmt;

/// A text with variables.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Template {
    pub(crate) parts: Vec<TemplatePart>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TemplatePart {
    Text(String),
    /// `${…}`, with the offset of its `$` in the text.
    Expression(Expression, usize),
}

/// The content of `${…}`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    /// `${name}` or `${name:-default}`.
    Variable(Variable),
    /// `${uuid()}`: a random version 4 UUID.
    Uuid,
    /// `${now()}`, `${now(-1d)}`: RFC 3339, UTC, with an offset in seconds.
    Now(i64),
    /// `${random(1,100)}`: both ends included.
    Random(i64, i64),
    /// `${number(x)}`.
    Number(Variable),
    /// `${text(x)}`.
    Text(Variable),
    /// `${url(x)}`: a segment of a path, percent-encoded.
    Url(Variable),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) default: Option<Template>,
}

/// A syntax error in `${…}`, with its offset in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateError {
    pub(crate) what: String,
    pub(crate) help: String,
    pub(crate) offset: usize,
}

/// Maximum nesting of defaults.
const MAX_DEPTH: usize = 8;

const FUNCTIONS: &str = "uuid(), now(), now(-1d), random(1,100), number(x), text(x), url(x)";

impl Template {
    /// Parses the text of a scalar; `$${` is a literal `${`.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        parse(text, 0, 0)
    }

    /// The expression, if the text is exactly one `${…}`.
    pub(crate) fn only_expression(&self) -> Option<(&Expression, usize)> {
        match self.parts.as_slice() {
            [TemplatePart::Expression(expression, offset)] => Some((expression, *offset)),
            _ => None,
        }
    }

    /// The text, if it has no variable.
    pub(crate) fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [TemplatePart::Text(text)] => Some(text),
            _ => None,
        }
    }
}

fn parse(text: &str, base: usize, depth: usize) -> Result<Template, TemplateError> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut at = 0;
    while let Some(found) = text[at..].find("${") {
        let dollar = at + found;
        literal.push_str(&text[at..dollar]);
        if literal.ends_with('$') {
            // The `$` before it escapes: `$${` is a literal `${`.
            literal.push('{');
            at = dollar + 2;
            continue;
        }
        let offset = base + dollar;
        let inner = enclosed(&text[dollar + 2..]).ok_or_else(|| TemplateError {
            what: "unclosed `${`".to_owned(),
            help: "add the closing `}`, or write `$${` for a literal `${`".to_owned(),
            offset,
        })?;
        if !literal.is_empty() {
            parts.push(TemplatePart::Text(std::mem::take(&mut literal)));
        }
        parts.push(TemplatePart::Expression(
            expression(inner, offset, depth)?,
            offset,
        ));
        at = dollar + 2 + inner.len() + 1;
    }
    literal.push_str(&text[at..]);
    if !literal.is_empty() {
        parts.push(TemplatePart::Text(literal));
    }
    Ok(Template { parts })
}

/// The text up to the closing `}`.
fn enclosed(text: &str) -> Option<&str> {
    let mut open = 1;
    for (at, character) in text.char_indices() {
        match character {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(&text[..at]);
        }
    }
    None
}

fn expression(inner: &str, offset: usize, depth: usize) -> Result<Expression, TemplateError> {
    let Some((function, arguments)) = call(inner) else {
        return variable(inner, offset, depth).map(Expression::Variable);
    };
    match (function, arguments.trim()) {
        ("uuid", "") => Ok(Expression::Uuid),
        ("now", distance) => now(distance, offset),
        ("random", range) => random(range, offset),
        ("number", name) => variable(name, offset, depth).map(Expression::Number),
        ("text", name) => variable(name, offset, depth).map(Expression::Text),
        ("url", name) => variable(name, offset, depth).map(Expression::Url),
        _ => Err(TemplateError {
            what: format!("unknown function `{inner}`"),
            help: format!("use one of {FUNCTIONS}"),
            offset,
        }),
    }
}

/// The parts of `name(arguments)`.
fn call(inner: &str) -> Option<(&str, &str)> {
    let (function, rest) = inner.trim().split_once('(')?;
    let arguments = rest.strip_suffix(')')?;
    function
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '_')
        .then_some((function, arguments))
}

/// `now()`, or with a distance such as `-1d` or `+30m`.
fn now(distance: &str, offset: usize) -> Result<Expression, TemplateError> {
    seconds(distance)
        .map(Expression::Now)
        .ok_or_else(|| TemplateError {
            what: format!("invalid distance in `now({distance})`"),
            help: "write `${now(-1d)}` or `${now(+30m)}`; the units are s m h d".to_owned(),
            offset,
        })
}

fn seconds(distance: &str) -> Option<i64> {
    if distance.is_empty() {
        return Some(0);
    }
    let number = distance.strip_suffix(['s', 'm', 'h', 'd'])?;
    let scale = match &distance[number.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => 86_400,
    };
    // At most a million days, so that the result is a date.
    let number: i64 = number
        .starts_with(['+', '-'])
        .then(|| number.parse().ok())??;
    let seconds = number.checked_mul(scale)?;
    (seconds.unsigned_abs() <= 1_000_000 * 86_400).then_some(seconds)
}

fn random(range: &str, offset: usize) -> Result<Expression, TemplateError> {
    let bounds = range.split_once(',').and_then(|(low, high)| {
        Some((
            low.trim().parse::<i64>().ok()?,
            high.trim().parse::<i64>().ok()?,
        ))
    });
    match bounds {
        Some((low, high)) if low <= high => Ok(Expression::Random(low, high)),
        _ => Err(TemplateError {
            what: format!("invalid range in `random({range})`"),
            help: "write the smallest and the largest number: `${random(1,100)}`".to_owned(),
            offset,
        }),
    }
}

fn variable(inner: &str, offset: usize, depth: usize) -> Result<Variable, TemplateError> {
    let (name, default) = match inner.split_once(":-") {
        Some((name, default)) => (name.trim(), Some(default)),
        None => (inner.trim(), None),
    };
    if !is_name(name) {
        return Err(TemplateError {
            what: match inner {
                "" => "`${}` has no name".to_owned(),
                _ => format!("invalid variable name `{inner}`"),
            },
            help: "use letters, digits, `_`, `-` and `.`; write `$${` for a literal `${`"
                .to_owned(),
            offset,
        });
    }
    if default.is_some() && depth >= MAX_DEPTH {
        return Err(TemplateError {
            what: "defaults are nested too deeply".to_owned(),
            help: "define the variable in `vars`".to_owned(),
            offset,
        });
    }
    let default = default
        .map(|text| parse(text, offset, depth + 1))
        .transpose()?;
    Ok(Variable {
        name: name.to_owned(),
        default,
    })
}

/// Returns `true` for valid variable names.
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// The words in `${…}`.
pub(crate) fn names(text: &str) -> impl Iterator<Item = &str> {
    let inside = text.split("${").skip(1);
    let inside = inside.map(|rest| rest.split('}').next().unwrap_or_default());
    let is_part = |character: char| character.is_alphanumeric() || "_-.".contains(character);
    inside
        .flat_map(move |expression| expression.split(move |next: char| !is_part(next)))
        .filter(|word| word.starts_with(|first: char| first.is_alphabetic() || first == '_'))
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${{{}}}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Variable {
        Variable {
            name: name.to_owned(),
            default: None,
        }
    }

    #[test]
    fn text_and_variables_alternate() {
        let template = Template::parse("a ${b} c").unwrap();
        assert_eq!(
            template.parts,
            [
                TemplatePart::Text("a ".to_owned()),
                TemplatePart::Expression(Expression::Variable(name("b")), 2),
                TemplatePart::Text(" c".to_owned()),
            ]
        );
    }

    #[test]
    fn names_are_found_in_functions_and_defaults() {
        let text = "a: ${b}/${number(c.d)}\ne: \"${f-g:-${h}}\" $i";
        let found: Vec<&str> = names(text).collect();
        assert_eq!(found, ["b", "number", "c.d", "f-g", "h"]);
    }

    #[test]
    fn two_dollars_are_a_literal_one() {
        let template = Template::parse("$${b} costs $5").unwrap();
        assert_eq!(template.literal(), Some("${b} costs $5"));
    }

    #[test]
    fn a_default_may_hold_a_variable_and_a_brace() {
        let template = Template::parse("${a:-x${b}}").unwrap();
        let (expression, _) = template.only_expression().unwrap();
        let Expression::Variable(variable) = expression else {
            panic!("{expression:?}")
        };
        assert_eq!(variable.default.as_ref().unwrap().parts.len(), 2);
    }

    #[test]
    fn what_cannot_be_read_says_what_can() {
        for (text, what) in [
            ("${open", "unclosed"),
            ("${}", "no name"),
            ("${a b}", "invalid variable name"),
            ("${uid()}", "unknown function"),
            ("${random(9,1)}", "invalid range"),
        ] {
            assert!(
                Template::parse(text).unwrap_err().what.contains(what),
                "{text}"
            );
        }
    }
}
