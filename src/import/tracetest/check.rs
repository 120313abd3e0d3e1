//! One assertion of Tracetest as a condition of our language.

use super::expression::{Comparator, Statement};
use super::matcher::{Kind, exactly, matcher, number};
use super::operand::Operand;
use super::subject::{Position, ResponseKind, Subject};
use super::variables::Variables;
use crate::import::Written;
use crate::import::matcher::{keyed, not, regex};

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Check {
    /// On the number of selected spans.
    Count(Count),
    /// On each selected span.
    Span(Vec<String>, Written),
    /// On the response.
    Response(Vec<String>, Written),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Count {
    pub(super) comparator: Comparator,
    pub(super) operand: Operand,
}

impl Count {
    /// The value of `count`.
    pub(super) fn written(&self) -> Result<Written, String> {
        number(self.comparator, &self.operand)
    }

    /// Returns `true` if it may hold for no span at all.
    pub(super) fn may_be_none(&self) -> bool {
        match self.number() {
            Some(number) => self.holds(0, number),
            None => true,
        }
    }

    /// Returns `true` if it holds for at least one span, and for no other reason.
    pub(super) fn is_at_least_one(&self) -> bool {
        matches!(
            (self.comparator, self.number()),
            (Comparator::Greater | Comparator::Differs, Some(0))
                | (Comparator::GreaterOrEqual, Some(1))
        )
    }

    /// The same for a selection that has one span fewer. `None` if the operand is not a number.
    pub(super) fn without_one(&self) -> Option<Self> {
        let number = self.number()?.checked_sub(1)?;
        Some(Self {
            comparator: self.comparator,
            operand: Operand::Number(number.to_string()),
        })
    }

    pub(super) fn number(&self) -> Option<u64> {
        match &self.operand {
            Operand::Number(text) | Operand::Literal(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub(super) fn holds(&self, count: u64, number: u64) -> bool {
        match self.comparator {
            Comparator::Equals => count == number,
            Comparator::Differs => count != number,
            Comparator::Less => count < number,
            Comparator::LessOrEqual => count <= number,
            Comparator::Greater => count > number,
            Comparator::GreaterOrEqual => count >= number,
            _ => false,
        }
    }
}

/// A condition with the differences that its author should know.
#[derive(Debug)]
pub(super) struct Converted {
    pub(super) check: Check,
    pub(super) notes: Vec<String>,
    /// A requirement of the assertion that the condition does not have.
    pub(super) lost: Option<String>,
}

/// Converts an assertion. `Err` is the reason why it has no equivalent.
pub(super) fn convert(
    statement: &Statement,
    response: ResponseKind,
    variables: &Variables,
) -> Result<Converted, String> {
    let (subject, comparator, other) = match Subject::of(&statement.left, response) {
        Some(subject) => (subject?, statement.comparator, &statement.right),
        None => match Subject::of(&statement.right, response) {
            Some(subject) => (subject?, flipped(statement.comparator)?, &statement.left),
            None => return Err("comparing values that do not depend on spans".to_owned()),
        },
    };
    let operand = Operand::of(other, variables)?;
    of_subject(&subject, comparator, &operand)
}

fn of_subject(
    subject: &Subject,
    comparator: Comparator,
    operand: &Operand,
) -> Result<Converted, String> {
    let plain = |check, notes| Converted {
        check,
        notes,
        lost: lost(subject, comparator, operand).map(str::to_owned),
    };
    match subject {
        Subject::Count => {
            let count = Count {
                comparator,
                operand: operand.clone(),
            };
            count.written()?;
            Ok(plain(Check::Count(count), Vec::new()))
        }
        Subject::Span(position) => {
            let (keys, written) = placed(position, comparator, operand)?;
            Ok(plain(
                Check::Span(keys, written),
                notes(position, comparator, operand),
            ))
        }
        Subject::Response(position) => {
            let (keys, written) = placed(position, comparator, operand)?;
            Ok(plain(
                Check::Response(keys, written),
                notes(position, comparator, operand),
            ))
        }
        Subject::Found {
            within,
            pattern,
            is_counted,
        } => found(within, pattern, *is_counted, comparator, operand),
    }
}

/// The part of a comparison that its matcher does not require.
fn lost(subject: &Subject, comparator: Comparator, operand: &Operand) -> Option<&'static str> {
    let (Subject::Span(position) | Subject::Response(position)) = subject else {
        return None;
    };
    match (position.kind, comparator, operand) {
        (Kind::Events, Comparator::NotContains, _) => Some(
            "only the names of events must not contain the text: attributes of events are not searched",
        ),
        (Kind::TypeName, _, Operand::Literal(name)) if name == "string" => Some(
            "`type: string` also matches texts with a number, a duration or JSON; Tracetest has types of their own for these",
        ),
        _ => None,
    }
}

/// The place of a matcher. A matcher of a whole body is in `body`; an object is in `json`.
fn placed(
    position: &Position,
    comparator: Comparator,
    operand: &Operand,
) -> Result<(Vec<String>, Written), String> {
    let mut keys = position.keys.clone();
    if keys == ["body"]
        && comparator == Comparator::Contains
        && let Operand::Literal(text) = operand
        && let Some(object) = super::matcher::object(text)
    {
        return Ok((
            vec!["json".to_owned()],
            super::matcher::parts_of(&object).into(),
        ));
    }
    if keys == ["headers"] {
        return Err("the text of all headers: compare one header".to_owned());
    }
    let mut written = matcher(comparator, operand, position.kind)?;
    // The path of an object is the object itself.
    if let Written::Map(map) = &written
        && keys.last().is_some_and(|key| key == "$")
        && let Some(Written::Map(inner)) = map.get("json")
    {
        keys.pop();
        written = inner.clone().into();
    }
    Ok((keys, written))
}

fn notes(position: &Position, comparator: Comparator, operand: &Operand) -> Vec<String> {
    use Comparator::{Contains, Differs, Equals, Greater, GreaterOrEqual, Less, LessOrEqual};
    let mut notes: Vec<String> = position.note.iter().cloned().collect();
    let is_order = matches!(comparator, Less | LessOrEqual | Greater | GreaterOrEqual);
    if position.kind == Kind::Duration {
        notes.push(
            "durations are compared exactly; Tracetest rounds them to whole ms, or tenths of a second"
                .to_owned(),
        );
    }
    if position.kind == Kind::Attribute && is_order {
        notes.push(
            "numbers are compared exactly; Tracetest rounds doubles to integers, and fails for numbers with a fraction in a text"
                .to_owned(),
        );
    }
    if position.kind == Kind::Events && comparator == Contains {
        notes.push(
            "the name of an event must contain the text; Tracetest also searches their attributes"
                .to_owned(),
        );
    }
    if position.kind == Kind::Attribute
        && comparator == Equals
        && *operand == Operand::Literal(String::new())
    {
        notes.push("Tracetest takes an empty attribute as a missing one, so that this assertion never holds there".to_owned());
    }
    if position.kind == Kind::Length {
        notes.push("`length` counts characters; Tracetest counts bytes".to_owned());
    }
    if position.kind == Kind::List && comparator == Contains {
        notes.push("`contains` is `any`: an element is equal; Tracetest searches in the text if there is only one".to_owned());
    }
    if position.kind == Kind::List && comparator == Differs {
        notes.push(
            "`!=` is `all`: no element is equal; Tracetest compares the text of the whole list"
                .to_owned(),
        );
    }
    if matches!(operand, Operand::Template(_))
        && matches!(position.kind, Kind::Attribute | Kind::Json | Kind::List)
        && matches!(comparator, Equals | Differs | Contains)
    {
        notes.push(
            "a variable must have the type of the value: write `${number(X)}` or `${text(X)}` if it differs; Tracetest compares texts"
                .to_owned(),
        );
    }
    notes
}

/// A condition on what a regular expression finds. Only its existence has an equivalent.
fn found(
    within: &Subject,
    pattern: &str,
    is_counted: bool,
    comparator: Comparator,
    operand: &Operand,
) -> Result<Converted, String> {
    use Comparator::{Differs, Equals, Greater, GreaterOrEqual};
    let (position, to_check): (_, fn(Vec<String>, Written) -> Check) = match within {
        Subject::Span(position) => (position, Check::Span),
        Subject::Response(position) => (position, Check::Response),
        Subject::Count | Subject::Found { .. } => return Err("a filter of a filter".to_owned()),
    };
    if !matches!(position.kind, Kind::Attribute | Kind::Json | Kind::Text) {
        return Err("a regular expression in something that is not a text".to_owned());
    }
    if ::regex::Regex::new(pattern).is_err() {
        return Err(format!("the regular expression `{pattern}` is not valid"));
    }
    let converted = |written, lost: Option<&str>| {
        Ok(Converted {
            check: to_check(position.keys.clone(), written),
            notes: position.note.iter().cloned().collect(),
            lost: lost.map(str::to_owned),
        })
    };
    let number = match operand {
        Operand::Number(number) | Operand::Literal(number) => number.parse::<u64>().ok(),
        _ => None,
    };
    if is_counted {
        return match (comparator, number) {
            (Greater | Differs, Some(0)) | (GreaterOrEqual, Some(1)) => {
                converted(regex(pattern), None)
            }
            (Equals, Some(0)) => converted(not(regex(pattern)), None),
            _ => Err("the number of texts that a regular expression finds".to_owned()),
        };
    }
    match (comparator, operand) {
        (Equals, Operand::Literal(text) | Operand::Number(text)) if !text.is_empty() => {
            // The text must be there; whether the expression finds exactly it is not checked.
            let written = match position.kind {
                Kind::Text => keyed("contains", Written::literal(text)),
                _ if ::regex::Regex::new(pattern)
                    .is_ok_and(|regex| is_whole(&regex, pattern, text)) =>
                {
                    return converted(exactly(text), None);
                }
                _ => keyed("contains", Written::literal(text)),
            };
            converted(
                written,
                Some(
                    "`regex` and `regex_group` are imported as `contains`: write one `=~` with the expected text in it",
                ),
            )
        }
        _ => Err("a comparison with the result of `regex` or `regex_group`: write `=~`".to_owned()),
    }
}

/// Returns `true` if an expression finds this text only as the whole value.
fn is_whole(regex: &::regex::Regex, pattern: &str, text: &str) -> bool {
    pattern.starts_with('^')
        && pattern.ends_with('$')
        && !pattern.contains(['|', '('])
        && regex.find(text).is_some_and(|found| found.as_str() == text)
}

fn flipped(comparator: Comparator) -> Result<Comparator, String> {
    use Comparator::{Differs, Equals, Greater, GreaterOrEqual, Less, LessOrEqual};
    match comparator {
        Equals | Differs => Ok(comparator),
        Less => Ok(Greater),
        LessOrEqual => Ok(GreaterOrEqual),
        Greater => Ok(Less),
        GreaterOrEqual => Ok(LessOrEqual),
        _ => Err("a value that contains an attribute".to_owned()),
    }
}
