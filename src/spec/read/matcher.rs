//! Matchers.

use regex::Regex;

use super::almost::{meant_by_key, without_delimiters};
use super::{FilledText, Reader};
use crate::spec::keys;
use crate::spec::scope::Filled;
use crate::spec::{AttributeKey, Comparison, JsonPath, Matcher, TimeComparison, ValueType};
use crate::trace::Value;
use crate::yaml::{Entry, Kind, Node, Scalar, Style};
use crate::yaml::{did_you_mean, suggest};

/// Maximum size in bytes of a compiled regular expression; larger ones would be slow.
const REGEX_SIZE: usize = 1 << 20;

/// Interpretation of a scalar without an operator, and the values that it can meet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalars {
    /// A value of its own type. It can meet values of any type.
    Typed,
    /// A string in any case. It can only meet strings.
    Texts,
    /// A number, also in quotes. It can only meet numbers.
    Numbers,
}

impl Reader<'_> {
    /// A condition on a value of any type.
    pub(crate) fn matcher(&self, node: &Node) -> Option<Matcher> {
        self.matcher_of(node, Scalars::Typed)
    }

    /// A condition on a string. A scalar is taken as written.
    pub(crate) fn text_matcher(&self, node: &Node) -> Option<Matcher> {
        self.matcher_of(node, Scalars::Texts)
    }

    /// A condition on a number.
    pub(super) fn number_matcher(&self, node: &Node) -> Option<Matcher> {
        self.matcher_of(node, Scalars::Numbers)
    }

    /// Keys of attributes, each with a condition.
    pub(crate) fn attributes(
        &self,
        node: &Node,
        what: &str,
    ) -> Option<Vec<(AttributeKey, Matcher)>> {
        self.all(self.any_map(node, what)?, |entry| {
            Some((self.attribute_key(entry)?, self.matcher(&entry.value)?))
        })
    }

    /// The key of an attribute, or alternatives.
    pub(super) fn attribute_key(&self, entry: &Entry) -> Option<AttributeKey> {
        match AttributeKey::parse(&self.key(entry)?) {
            Ok(key) => Some(key),
            Err(error) => self.wrong(
                entry.key.place,
                error.to_string(),
                "alternatives",
                "write `new.key | old.key`; keys with a `|` of their own cannot be checked",
            ),
        }
    }

    /// JSONPath expressions, each with a condition.
    pub(crate) fn paths(&self, node: &Node) -> Option<Vec<(JsonPath, Matcher)>> {
        let entries = self.any_map(node, "`json`")?;
        if entries.is_empty() {
            return self.wrong(
                node.place,
                "an empty `json` asks nothing",
                "empty",
                "write a path and what is there: { $.order.id: exists }",
            );
        }
        self.all(entries, |entry| self.path_matcher(entry))
    }

    pub(crate) fn path_matcher(&self, entry: &Entry) -> Option<(JsonPath, Matcher)> {
        let path = self.json_path(&entry.key.text, entry.key.place)?;
        let matcher = self.matcher(&entry.value)?;
        if !path.is_singular() && wants_a_single_value(&matcher) {
            return self.wrong(
                entry.value.place,
                format!("`{path}` yields a list, but the matcher expects a single value"),
                "expects a single value",
                "write `{ any: … }` if one element should match, `{ all: … }` if all should",
            );
        }
        Some((path, matcher))
    }

    pub(crate) fn json_path(&self, text: &str, place: crate::spec::Place) -> Option<JsonPath> {
        match JsonPath::parse(text) {
            Ok(path) => Some(path),
            Err(why) => self.wrong(
                place,
                format!("invalid JSONPath `{text}`: {why}"),
                "here",
                "use the syntax of RFC 9535: `$.order.id`, `$.lines[0]`, `$.lines[*].sku`, `$['a key']`",
            ),
        }
    }

    pub(super) fn matcher_of(&self, node: &Node, scalars: Scalars) -> Option<Matcher> {
        match &node.kind {
            Kind::Scalar(scalar) if scalar.style == Style::Block => {
                if scalar.text.trim().parse::<f64>().is_ok() || scalar.text.trim().is_empty() {
                    return self.block_scalar(node);
                }
                self.wrong(
                    node.place,
                    "a block scalar cannot be a matcher",
                    "block scalar",
                    "write `{ equals: \"…\" }` or `{ contains: \"…\" }`",
                )
            }
            Kind::Scalar(scalar) => self.scalar_matcher(scalar, node, scalars),
            Kind::List(items) if items.is_empty() => self.wrong(
                node.place,
                "an empty list matches nothing",
                "empty",
                "list the accepted values, or write `absent`, or `{ equals: [] }` for an empty array",
            ),
            Kind::List(items) => self
                .all(items, |item| self.matcher_of(item, scalars))
                .map(Matcher::OneOf),
            Kind::Map(entries) => self.matcher_map(entries, node, scalars),
        }
    }

    /// Operators are recognised in quotes too, because `[ ]` and `{ }` require quotes. Words and
    /// ranges are not: in quotes they are strings.
    fn scalar_matcher(&self, scalar: &Scalar, node: &Node, scalars: Scalars) -> Option<Matcher> {
        let text = scalar.text.trim_start();
        if let Some(expression) = text.strip_prefix("=~") {
            if scalars == Scalars::Numbers {
                return self.no_number(text, node);
            }
            return self
                .regex(expression.trim_start(), node)
                .map(Matcher::Regex);
        }
        for (sign, side) in [
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ] {
            if let Some(operand) = text.strip_prefix(sign) {
                if scalars == Scalars::Texts {
                    return self.in_a_string(node, &format!("\"{}\"", text.trim()));
                }
                return self.comparison(side, operand.trim(), node);
            }
        }
        if scalar.style == Style::Plain {
            match text {
                "exists" => return Some(Matcher::Exists),
                "absent" => return Some(Matcher::Absent),
                _ => {}
            }
            if let Some((least, greatest)) = range(text) {
                if scalars == Scalars::Texts {
                    return self.in_a_string(node, text.trim());
                }
                return self.between(least, greatest, node);
            }
        }
        if scalars != Scalars::Numbers {
            self.not_almost_a_matcher(scalar, node)?;
        }
        self.equal(scalar, node, scalars)
    }

    fn equal(&self, scalar: &Scalar, node: &Node, scalars: Scalars) -> Option<Matcher> {
        if scalars == Scalars::Numbers {
            return self.equal_number(scalar, node);
        }
        let value = match self.fill(scalar, node.place)? {
            Filled::Value(value) => value,
            Filled::Awaited => Value::Null,
            Filled::Text(text) if scalars == Scalars::Texts || scalar.text.contains("${") => {
                Value::String(text)
            }
            Filled::Text(_) => return self.value(node).map(Matcher::Equal),
        };
        Some(Matcher::Equal(match scalars {
            Scalars::Texts => Value::String(value.to_text()),
            Scalars::Typed | Scalars::Numbers => value,
        }))
    }

    /// A number in `number: …`, also if a variable contains it as a string.
    fn equal_number(&self, scalar: &Scalar, node: &Node) -> Option<Matcher> {
        let text = match self.fill(scalar, node.place)? {
            Filled::Text(text) => text,
            Filled::Value(value) => value.to_text(),
            Filled::Awaited => return Some(Matcher::Equal(Value::Null)),
        };
        match number(text.trim()) {
            Some(number) => Some(Matcher::Equal(number)),
            None => self.no_number(&text, node),
        }
    }

    fn no_number<T>(&self, text: &str, node: &Node) -> Option<T> {
        self.wrong(
            node.place,
            format!("this value is always a number, but `{text}` is not a number"),
            "not a number",
            "write a number, `> 3`, `1..` or a list of these",
        )
    }

    /// The part of a scalar after its operator, with variables substituted.
    fn operand(&self, text: &str, node: &Node) -> Option<FilledText> {
        let scalar = Scalar {
            text: text.to_owned(),
            style: Style::Plain,
        };
        Some(match self.fill(&scalar, node.place)? {
            Filled::Text(text) => Some(text),
            Filled::Value(value) => Some(value.to_text()),
            Filled::Awaited => None,
        })
    }

    pub(crate) fn regex(&self, expression: &str, node: &Node) -> Option<Regex> {
        let written = expression;
        let Some(expression) = self.operand(written, node)? else {
            // The real one is read when its variables have values.
            return Regex::new("").ok();
        };
        if let Some(meant) = without_delimiters(&expression) {
            return self.wrong(
                node.place,
                format!("the first character of `{expression}` never matches, because it stands before `^`"),
                "delimiter",
                format!("write the expression without delimiters: `=~ {meant}`"),
            );
        }
        match regex::RegexBuilder::new(&expression)
            .size_limit(REGEX_SIZE)
            .build()
        {
            Ok(regex) => self.not_empty_regex(regex, written, node),
            Err(error) => {
                let why = error.to_string();
                let why = why
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .trim_start_matches("error: ");
                self.wrong(
                    node.place,
                    format!("invalid regular expression `{expression}`: {why}"),
                    "here",
                    "use RE2 syntax: no look-around, no back-references; `\\` escapes",
                )
            }
        }
    }

    fn comparison(&self, side: Comparison, operand: &str, node: &Node) -> Option<Matcher> {
        let sign = side.sign();
        let Some(text) = self.operand(operand, node)? else {
            return Some(Matcher::Exists);
        };
        match number(&text) {
            Some(limit) => Some(Matcher::Compare(side, limit)),
            None if super::parse_duration(&text).is_ok() => self.wrong(
                node.place,
                format!("`{text}` is a duration, but this value is a plain number"),
                "has a unit",
                format!(
                    "write `{sign} {}`, in the unit of the value",
                    text.trim_end_matches(|c: char| c.is_ascii_alphabetic())
                        .trim_end()
                ),
            ),
            None => self.wrong(
                node.place,
                format!("`{sign}` compares numbers, but `{text}` is not a number"),
                "not a number",
                format!(
                    "to compare with a string, write `{{ equals: {} }}`",
                    Value::from(node.scalar().map_or(operand, |scalar| scalar.text.trim()))
                ),
            ),
        }
    }

    fn between(&self, least: &str, greatest: &str, node: &Node) -> Option<Matcher> {
        let end = |text: &str| -> Option<Option<Value>> {
            if text.is_empty() {
                return Some(None);
            }
            let Some(filled) = self.operand(text, node)? else {
                return Some(None);
            };
            match number(&filled) {
                Some(number) => Some(Some(number)),
                None => self.wrong(
                    node.place,
                    format!("`{filled}` in this range is not a number"),
                    "not a number",
                    "write `1..`, `2..4` or `..5`",
                ),
            }
        };
        let (least, greatest) = (end(least)?, end(greatest)?);
        if let (Some(least), Some(greatest)) = (&least, &greatest)
            && least
                .compare(greatest)
                .is_some_and(std::cmp::Ordering::is_gt)
        {
            return self.wrong(
                node.place,
                "empty range: the first number is greater than the second",
                "empty",
                "write the smaller number first",
            );
        }
        Some(Matcher::Between(least, greatest))
    }

    fn matcher_map(&self, entries: &[Entry], node: &Node, scalars: Scalars) -> Option<Matcher> {
        if entries.is_empty() {
            return self.wrong(
                node.place,
                "an empty map matches everything",
                "empty",
                "write `exists`, or `{ equals: {} }` for an empty map",
            );
        }
        let every = self.all(entries, |entry| self.matcher_entry(entry, scalars))?;
        let mut every = self.not_contradictory(every, node)?;
        Some(if every.len() == 1 {
            every.remove(0)
        } else {
            Matcher::Every(every)
        })
    }

    fn matcher_entry(&self, entry: &Entry, scalars: Scalars) -> Option<Matcher> {
        let node = &entry.value;
        let inner = || self.matcher_of(node, scalars).map(Box::new);
        let text = || {
            let text = self.text(node, &format!("`{}`", entry.key.text))?;
            self.not_empty_text(text, entry)
        };
        let compare = |side| {
            let scalar = self.scalar(node, "a limit")?;
            match scalars {
                Scalars::Texts => {
                    let written = format!("{{ {}: {} }}", entry.key.text, scalar.text);
                    self.in_a_string(node, &written)
                }
                _ => self.comparison(side, &scalar.text, node),
            }
        };
        let part = |value| self.not_empty_part(value, entry);
        let awaited = || Some(Value::from("-"));
        if matches!(
            entry.key.text.as_str(),
            "equals" | "contains" | "starts_with" | "ends_with" | "includes" | "same_items"
        ) {
            self.no_matcher_inside(entry)?;
        }
        let matcher = match entry.key.text.as_str() {
            "equals" => self.literal(node, scalars).map(Matcher::Equal),
            "not" => self.negation(node, scalars),
            "contains" => self
                .part_of_value(node, scalars)?
                .map_or_else(awaited, part)
                .map(Matcher::Contains),
            "starts_with" => text().map(Matcher::StartsWith),
            "ends_with" => text().map(Matcher::EndsWith),
            "includes" => self
                .part_of_value(node, scalars)?
                .map_or_else(awaited, part)
                .map(Matcher::Includes),
            "length" => self.count(node, "a length").map(Matcher::Length),
            "type" => self.value_type(node).map(Matcher::Type),
            "gt" => compare(Comparison::Greater),
            "gte" => compare(Comparison::GreaterOrEqual),
            "lt" => compare(Comparison::Less),
            "lte" => compare(Comparison::LessOrEqual),
            "any" => inner().map(Matcher::Any),
            "all" => inner().map(Matcher::All),
            "json" => self.paths(node).map(Matcher::Json),
            "number" => self
                .matcher_of(node, Scalars::Numbers)
                .map(|inner| Matcher::Number(Box::new(inner))),
            "same_items" => self.items(node).map(Matcher::SameItems),
            "after" => self.time(node, TimeComparison::After),
            "before" => self.time(node, TimeComparison::Before),
            _ => {
                let (written, accepted) = (&entry.key.text, keys::MATCHER.names());
                let meant = || did_you_mean(written, &accepted);
                let meant = meant_by_key(written).map(str::to_owned).or_else(meant);
                let help = meant.unwrap_or_else(|| {
                    let accepted = suggest(written, &accepted);
                    format!("{accepted}; to compare with a map, write `{{ equals: {{ … }} }}`")
                });
                return self.wrong(
                    entry.key.place,
                    format!("unknown matcher `{}`", entry.key.text),
                    "unknown matcher",
                    help,
                );
            }
        };
        self.applies(matcher?, entry, scalars)
    }

    fn time(&self, node: &Node, order: TimeComparison) -> Option<Matcher> {
        let awaited = jiff::Timestamp::UNIX_EPOCH;
        let time = self.parse(node, "a time", awaited, |text| {
            text.parse().map_err(|_| {
                super::Refusal::new(
                    format!("`{text}` is not a time in RFC 3339"),
                    "write `2026-11-28T12:00:00Z`, or `${now(-1d)}`",
                )
            })
        });
        Some(Matcher::Time(order, time?))
    }

    fn negation(&self, node: &Node, scalars: Scalars) -> Option<Matcher> {
        let inner = self.strict().matcher_of(node, scalars)?;
        self.not_emptied(node)?;
        Some(Matcher::Not(Box::new(inner)))
    }

    /// The elements of an array in any order, or a variable with such an array.
    fn items(&self, node: &Node) -> Option<Vec<Value>> {
        match self.known_value(node)? {
            Some(Value::Array(items)) => Some(items),
            None => Some(Vec::new()),
            Some(_) => self.wrong(
                node.place,
                format!("`same_items` must be a list, found {}", node.describe()),
                "not a list",
                "list the elements in any order: `[a, b]`",
            ),
        }
    }

    /// The operand of `contains` or `includes`. The inner `None` means a variable without a value.
    fn part_of_value(&self, node: &Node, scalars: Scalars) -> Option<Option<Value>> {
        match (&node.kind, scalars) {
            (Kind::Scalar(_), Scalars::Texts) => {
                Some(self.text(node, "a text")?.map(Value::String))
            }
            _ => self.known_value(node),
        }
    }

    /// A value without interpretation: `exists` is a string here.
    fn literal(&self, node: &Node, scalars: Scalars) -> Option<Value> {
        match (&node.kind, scalars) {
            (Kind::Scalar(_), Scalars::Texts) => Some(Value::String(
                self.text(node, "a text")?.unwrap_or_default(),
            )),
            _ => self.value(node),
        }
    }

    fn value_type(&self, node: &Node) -> Option<ValueType> {
        if matches!(node.kind, Kind::List(_)) {
            return self.wrong(
                node.place,
                "a type must be one word, found a list",
                "a list",
                "list matchers in place of types: `[{ type: int }, { type: string }]`",
            );
        }
        self.parse(node, "a type", ValueType::Null, |text| {
            let found = ValueType::ALL.iter().find(|(name, _)| *name == text);
            found.map(|(_, kind)| *kind).ok_or_else(|| {
                let names = ValueType::ALL.map(|(name, _)| name);
                super::Refusal::new(format!("unknown type `{text}`"), suggest(text, &names))
            })
        })
    }
}

/// The number in a text, read like a scalar.
pub(super) fn number(text: &str) -> Option<Value> {
    Value::number(text)
}

/// The ends of `1..`, `2..4` and `..5`; each is a number or a variable.
pub(super) fn range(text: &str) -> Option<(&str, &str)> {
    let dots = dots_outside_braces(text)?;
    let (least, greatest) = (text[..dots].trim(), text[dots + 2..].trim());
    let is_end = |end: &str| {
        end.is_empty() || number(end).is_some() || (end.starts_with("${") && end.ends_with('}'))
    };
    let has_end = !(least.is_empty() && greatest.is_empty());
    (has_end && is_end(least) && is_end(greatest)).then_some((least, greatest))
}

fn dots_outside_braces(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' => open = open.saturating_sub(1),
            b'.' if open == 0 && text[at..].starts_with("..") => return Some(at),
            _ => {}
        }
    }
    None
}

fn wants_a_single_value(matcher: &Matcher) -> bool {
    match matcher {
        Matcher::Equal(value) => !matches!(value, Value::Array(_)),
        Matcher::Regex(_)
        | Matcher::Compare(..)
        | Matcher::Between(..)
        | Matcher::StartsWith(_)
        | Matcher::EndsWith(_)
        | Matcher::Number(_)
        | Matcher::Time(..)
        | Matcher::Json(_) => true,
        Matcher::OneOf(any) => any.iter().any(wants_a_single_value),
        Matcher::Every(all) => all.iter().any(wants_a_single_value),
        Matcher::Not(inner) => wants_a_single_value(inner),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_numbers_or_variables_at_its_ends() {
        assert_eq!(range("1.."), Some(("1", "")));
        assert_eq!(range("..5.5"), Some(("", "5.5")));
        assert_eq!(range("2..${most}"), Some(("2", "${most}")));
        for text in ["..", "a..b", "1.2.3", "../orders", "${a..b}"] {
            assert_eq!(range(text), None, "{text}");
        }
    }
}
