//! Finds strings that were probably meant as matchers: `exist`, `!= 3`, `not null`.
//!
//! They are valid strings and compared as such. Under `not`, and in the selection of spans that
//! must not exist, such a check passes for nearly every value.

use super::matcher::{number, range};
use super::{Doubtful, Reader, Words, parse_duration};
use crate::trace::Value;
use crate::yaml::{Entry, Kind, Node, Scalar, Style};

/// The matcher that was probably meant by a string.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Almost {
    meant: String,
    certainty: Certainty,
    escape: Escape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certainty {
    /// Hardly any system sends such a string.
    Certain,
    Probable,
}

/// The notation of the string itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    /// In quotes: words and ranges in quotes are strings.
    Quotes,
    /// With `equals`: operators are recognized in quotes too.
    Equals,
}

impl Reader<'_> {
    /// The same reader, for conditions that must not hold.
    pub(super) fn strict(&self) -> Self {
        Self {
            doubtful: Doubtful::Refused,
            ..*self
        }
    }

    /// The same reader, strict if a condition may hold for nothing.
    pub(super) fn strict_if(&self, may_be_none: bool) -> Self {
        match may_be_none {
            true => self.strict(),
            false => Self { ..*self },
        }
    }

    /// The same reader, for names: only operators are doubtful.
    pub(super) fn for_names(&self) -> Self {
        Self {
            words: Words::Names,
            ..*self
        }
    }

    /// Reports a string that was probably meant as a matcher.
    pub(super) fn not_almost_a_matcher(&self, scalar: &Scalar, node: &Node) -> Option<()> {
        let text = scalar.text.trim();
        let Some(almost) = almost(text, scalar.style) else {
            return Some(());
        };
        let literally = match almost.escape {
            Escape::Quotes => quoted(text),
            Escape::Equals => format!("`{{ equals: {} }}`", quoted(text)),
        };
        let help = format!(
            "write `{}`; for the string itself, write {literally}",
            almost.meant
        );
        let is_name = self.words == Words::Names && almost.escape == Escape::Quotes;
        match almost.certainty {
            Certainty::Certain => self.wrong(
                node.place,
                format!("`{text}` is not a matcher"),
                "would be compared as a string",
                help,
            ),
            Certainty::Probable if is_name => Some(()),
            Certainty::Probable => self.doubt(text, node, help),
        }
    }

    /// Reports matchers in the operand of a key that takes values.
    pub(super) fn no_matcher_inside(&self, entry: &Entry) -> Option<()> {
        let node = &entry.value;
        match &node.kind {
            // The operand itself can be any string, such as that of `equals`.
            Kind::Scalar(_) if entry.key.text == "equals" => Some(()),
            Kind::Scalar(scalar) if scalar.text.trim_start().starts_with("=~") => {
                self.matcher_inside(&entry.key.text, node)
            }
            Kind::Scalar(_) => Some(()),
            Kind::List(_) | Kind::Map(_) => self.matcher_inside(&entry.key.text, node),
        }
    }

    fn matcher_inside(&self, key: &str, node: &Node) -> Option<()> {
        match &node.kind {
            Kind::List(items) => self
                .all(items, |item| self.matcher_inside(key, item))
                .map(drop),
            Kind::Map(entries) => self
                .all(entries, |entry| self.matcher_inside(key, &entry.value))
                .map(drop),
            Kind::Scalar(scalar) if scalar.style == Style::Plain && is_matcher(&scalar.text) => {
                let text = scalar.text.trim();
                let help = format!(
                    "`{key}` compares values; to apply a matcher, write it without `{key}`, or to a part of the value `{{ json: {{ $.KEY: {text} }} }}`; for the string itself, write {}",
                    quoted(text)
                );
                self.doubt(text, node, help)
            }
            Kind::Scalar(_) => Some(()),
        }
    }

    fn doubt(&self, text: &str, node: &Node, help: String) -> Option<()> {
        match self.doubtful {
            Doubtful::Refused => self.wrong(
                node.place,
                format!("`{text}` is compared as a string, so that nearly every value passes"),
                "a string here",
                help,
            ),
            Doubtful::Warned => {
                self.errors.warn(
                    node.place,
                    format!("`{text}` is compared as a string"),
                    "a string here",
                    help,
                );
                Some(())
            }
        }
    }
}

/// Help for an unknown key of a matcher, if another key or form has this meaning.
pub(super) fn meant_by_key(key: &str) -> Option<&'static str> {
    Some(match key.to_ascii_lowercase().as_str() {
        "exists" | "exist" | "present" => "write `exists` in place of the map",
        "absent" | "missing" => "write `absent` in place of the map",
        "eq" | "is" | "=" | "==" => "did you mean `equals`?",
        "ne" | "neq" | "!=" | "not_equals" | "not_equal" | "is_not" => "write `{ not: … }`",
        "nin" | "not_in" => "write `{ not: [a, b] }`",
        "not_contains" => "write `{ not: { contains: … } }`",
        "in" | "one_of" | "oneof" | "any_of" => "write a list in place of the map: `[a, b]`",
        "between" | "range" => "write `2..4` in place of the map",
        "regex" | "regexp" | "match" | "matches" | "pattern" | "=~" | "~" => {
            "write `=~ …` in place of the map"
        }
        "ge" | ">=" | "min" => "did you mean `gte`?",
        "le" | "<=" | "max" => "did you mean `lte`?",
        ">" => "did you mean `gt`?",
        "<" => "did you mean `lt`?",
        "size" | "len" | "count" => "did you mean `length`?",
        _ => return None,
    })
}

/// The matcher that was probably meant by this text, which is none.
fn almost(text: &str, style: Style) -> Option<Almost> {
    let is_plain = style == Style::Plain;
    let unquoted = || {
        almost_range(text)
            .or_else(|| status_class(text))
            .or_else(|| word(text))
            .or_else(|| phrase(text))
    };
    operator(text).or_else(|| is_plain.then(unquoted).flatten())
}

/// Returns `true` if this text needs `equals`, also in quotes.
#[cfg(feature = "_pure")]
pub(crate) fn is_almost_an_operator(text: &str) -> bool {
    operator(text.trim()).is_some()
}

/// Returns `true` if this text must be quoted to be a string.
#[cfg(feature = "_pure")]
pub(crate) fn is_almost_a_word(text: &str) -> bool {
    almost(text.trim(), Style::Plain).is_some()
}

fn operator(text: &str) -> Option<Almost> {
    let of = |certainty, meant| {
        let escape = Escape::Equals;
        Some(Almost {
            meant,
            certainty,
            escape,
        })
    };
    let operand = |signs: &[&str]| {
        let rest = signs.iter().find_map(|sign| text.strip_prefix(sign))?;
        Some(rest.trim()).filter(|rest| !rest.is_empty())
    };
    let is_limit = |text: &&str| number(text).is_some() || text.starts_with("${");
    if let Some(rest) = operand(&["!==", "!=", "≠"]) {
        return of(Certainty::Certain, format!("{{ not: {rest} }}"));
    }
    if let Some(rest) = operand(&["!~"]) {
        return of(Certainty::Certain, not_regex(rest));
    }
    if let Some(rest) = operand(&["~="]) {
        return of(Certainty::Certain, format!("=~ {rest}"));
    }
    if let Some(rest) = operand(&["=>", "≥"]).filter(is_limit) {
        return of(Certainty::Certain, format!(">= {rest}"));
    }
    if let Some(rest) = operand(&["=<", "≤"]).filter(is_limit) {
        return of(Certainty::Certain, format!("<= {rest}"));
    }
    let is_value = |rest: &&str| {
        let first = rest.starts_with(|c: char| c.is_alphanumeric() || "\"'-$".contains(c));
        first && !rest.ends_with('=')
    };
    if let Some(rest) = operand(&["===", "==", "= "]).filter(is_value) {
        return of(Certainty::Certain, rest.to_owned());
    }
    if let Some(rest) = operand(&["="]).filter(is_limit) {
        return of(Certainty::Certain, rest.to_owned());
    }
    // `~/` is the beginning of a path.
    if let Some(rest) = operand(&["~"]).filter(|rest| !rest.starts_with(['/', '~', '='])) {
        return of(Certainty::Probable, format!("=~ {rest}"));
    }
    let expression = without_delimiters(text).unwrap_or(text);
    let is_anchored = expression.starts_with('^') && expression.len() > 1;
    is_anchored
        .then(|| of(Certainty::Probable, format!("=~ {expression}")))
        .flatten()
}

/// The content of `/^…/`, as some languages write regular expressions, or of `"^…"`.
pub(super) fn without_delimiters(expression: &str) -> Option<&str> {
    let delimiter = ['/', '"', '\'']
        .into_iter()
        .find(|sign| expression.starts_with(*sign))?;
    let rest = expression[1..]
        .strip_prefix('^')
        .map(|_| &expression[1..])?;
    let flags = |sign: char| sign.is_ascii_lowercase() && delimiter == '/';
    let body = rest.trim_end_matches(flags).strip_suffix(delimiter);
    Some(body.unwrap_or(rest))
}

fn not_regex(expression: &str) -> String {
    format!("{{ not: {} }}", quoted(&format!("=~ {expression}")))
}

/// `1...5`, `1..n`, `1s..5s`
fn almost_range(text: &str) -> Option<Almost> {
    let text = text.replace('…', "..");
    let (least, greatest) = text.split_once("..")?;
    let end = |text: &str| match text.trim().trim_start_matches('.') {
        "" | "*" | "n" | "N" | "inf" | "∞" => Some(String::new()),
        text if number(text).is_some() => Some(text.to_owned()),
        text => parse_duration(text).is_ok().then(|| {
            let digits = |c: char| !c.is_ascii_digit() && c != '.';
            text.split(digits).next().unwrap_or_default().to_owned()
        }),
    };
    let (least, greatest) = (end(least)?, end(greatest)?);
    if least.is_empty() && greatest.is_empty() {
        return None;
    }
    Some(Almost {
        meant: format!("{least}..{greatest}"),
        certainty: Certainty::Certain,
        escape: Escape::Quotes,
    })
}

/// `2xx`, which only `status` of a response knows.
fn status_class(text: &str) -> Option<Almost> {
    let class = text.to_ascii_lowercase();
    let class = class.strip_suffix("xx").filter(|class| class.len() == 1)?;
    matches!(class, "1" | "2" | "3" | "4" | "5").then(|| Almost {
        meant: format!("{class}00..{class}99"),
        certainty: Certainty::Probable,
        escape: Escape::Quotes,
    })
}

fn word(text: &str) -> Option<Almost> {
    use Certainty::{Certain, Probable};
    let near = closest_word(text).map(|word| (word, Certain));
    let joined = text.to_lowercase().replace(['_', '-', ' '], "");
    let (meant, certainty) = near.or_else(|| {
        Some(match joined.as_str() {
            "notnull" | "nonnull" | "isnotnull" => ("{ not: null }", Certain),
            "notabsent" => ("exists", Certain),
            "notexist" | "notexists" | "notpresent" | "doesnotexist" => ("absent", Certain),
            "present" | "defined" | "any" | "anything" => ("exists", Probable),
            "missing" | "undefined" | "notdefined" => ("absent", Probable),
            "empty" => ("{ length: 0 }", Probable),
            "notempty" | "nonempty" => ("{ length: 1.. }", Probable),
            "string" => ("{ type: string }", Probable),
            "int" | "integer" => ("{ type: int }", Probable),
            "number" => ("{ type: number }", Probable),
            "bool" | "boolean" => ("{ type: bool }", Probable),
            _ => return None,
        })
    })?;
    Some(Almost {
        meant: meant.to_owned(),
        certainty,
        escape: Escape::Quotes,
    })
}

/// `exists` or `absent`, with another case or one error of typing.
fn closest_word(text: &str) -> Option<&'static str> {
    const WORDS: [&str; 2] = ["exists", "absent"];
    let lower = text.to_lowercase();
    let length = lower.chars().count();
    WORDS.into_iter().find(|word| {
        word.len().abs_diff(length) <= 1 && strsim::damerau_levenshtein(&lower, word) <= 1
    })
}

/// A matcher without its colon or operator: `contains ord`, `not 3`.
fn phrase(text: &str) -> Option<Almost> {
    let of = |certainty, meant| {
        let escape = Escape::Quotes;
        Some(Almost {
            meant,
            certainty,
            escape,
        })
    };
    let (first, rest) = text.split_once([' ', ':'])?;
    let rest = rest.trim();
    let is_value = number(rest).is_some() || matches!(rest, "true" | "false" | "null");
    let is_quoted = rest.starts_with(['"', '\'']) || rest.starts_with("=~");
    match first.to_lowercase().as_str() {
        _ if rest.is_empty() => None,
        "not" if is_value || is_quoted => of(Certainty::Certain, format!("{{ not: {rest} }}")),
        "gt" | "gte" | "lt" | "lte" if number(rest).is_some() => {
            of(Certainty::Certain, format!("{{ {first}: {rest} }}"))
        }
        "contains" | "starts_with" | "ends_with" | "equals" | "includes" => {
            of(Certainty::Probable, format!("{{ {first}: {rest} }}"))
        }
        "startswith" => of(Certainty::Probable, format!("{{ starts_with: {rest} }}")),
        "endswith" => of(Certainty::Probable, format!("{{ ends_with: {rest} }}")),
        "matches" => of(Certainty::Probable, format!("=~ {rest}")),
        _ => None,
    }
}

/// Returns `true` for words, ranges and operators of the language.
fn is_matcher(text: &str) -> bool {
    let text = text.trim();
    let limit = text.trim_start_matches(['<', '>', '=']).trim();
    matches!(text, "exists" | "absent")
        || text.starts_with("=~")
        || range(text).is_some()
        || text.starts_with(['<', '>']) && number(limit).is_some()
        || closest_word(text).is_some()
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
