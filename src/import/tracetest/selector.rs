//! Tracetest's selectors of spans: `span[name="a"] span[http.method="GET"]:first, span[…]`.
//!
//! Accepts more than Tracetest does; each such place is a fix, which the caller reports.

use super::text::{closing_quote, is_double_quote, is_single_quote};

/// Alternatives, each a chain of spans from the outermost ancestor to the selected span. Without an
/// alternative it selects all spans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selector {
    pub(super) chains: Vec<Vec<Level>>,
    /// Notations that Tracetest refuses, each with its interpretation.
    pub(super) fixes: Vec<String>,
}

/// One `span[…]` with its pseudo-class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) filters: Vec<Filter>,
    pub(super) pick: Option<Pick>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) property: String,
    pub(super) operator: FilterOperator,
    /// Tracetest compares texts only.
    pub(super) value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FilterOperator {
    Equals,
    Contains,
    /// Not known to Tracetest.
    Differs,
}

/// A pseudo-class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pick {
    First,
    Last,
    Nth(u64),
}

/// The name of the span that Tracetest adds for its trigger.
pub(super) const TRIGGER: &str = "Tracetest trigger";

impl Selector {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser {
            rest: text,
            fixes: Vec::new(),
        };
        let mut chains = Vec::new();
        parser.space();
        while !parser.rest.is_empty() {
            chains.push(parser.chain()?);
            if !parser.sign(',') && !parser.rest.is_empty() {
                return Err(parser.unexpected("`,`, `span[` or the end"));
            }
        }
        parser.fixes.dedup();
        Ok(Self {
            chains,
            fixes: parser.fixes,
        })
    }

    /// Returns `true` if only the trigger's own span is selected.
    pub(super) fn is_trigger(&self) -> bool {
        let is_trigger =
            |chain: &Vec<Level>| matches!(chain.as_slice(), [level] if level.is_trigger());
        !self.chains.is_empty() && self.chains.iter().all(is_trigger)
    }

    /// Returns `true` if the trigger's own span may be among others.
    pub(super) fn may_select_trigger(&self) -> bool {
        let may =
            |chain: &Vec<Level>| matches!(chain.as_slice(), [level] if level.may_be_trigger());
        self.chains.is_empty() || self.chains.iter().any(may)
    }
}

impl Level {
    /// Returns `true` for the trigger's own span, of which there is always one.
    pub(super) fn is_trigger(&self) -> bool {
        self.filters.iter().any(|filter| {
            matches!(filter.property.as_str(), "name" | "tracetest.span.name")
                && filter.operator == FilterOperator::Equals
                && filter.value == TRIGGER
        })
    }

    fn may_be_trigger(&self) -> bool {
        self.filters.iter().all(|filter| match filter.operator {
            FilterOperator::Equals => {
                let value = filter.value.as_str();
                match filter.property.as_str() {
                    "name" | "tracetest.span.name" => value == TRIGGER,
                    "tracetest.span.type" => value == "general",
                    "service.name" => value == "tracetest",
                    _ => false,
                }
            }
            FilterOperator::Contains => {
                filter.property.ends_with("name") && TRIGGER.contains(&filter.value)
            }
            FilterOperator::Differs => true,
        })
    }
}

struct Parser<'a> {
    rest: &'a str,
    fixes: Vec<String>,
}

impl<'a> Parser<'a> {
    fn chain(&mut self) -> Result<Vec<Level>, String> {
        let mut levels = vec![self.level()?];
        while self.rest.starts_with("span") {
            levels.push(self.level()?);
        }
        Ok(levels)
    }

    fn level(&mut self) -> Result<Level, String> {
        if !self.word("span") {
            return Err(self.unexpected("`span[`"));
        }
        if !self.sign('[') {
            return Err(self.unexpected("`[`"));
        }
        let mut filters = Vec::new();
        while !self.sign(']') {
            filters.push(self.filter()?);
            self.sign(',');
        }
        let mut pick = None;
        while self.sign(':') {
            pick = Some(self.pick()?);
        }
        Ok(Level { filters, pick })
    }

    fn filter(&mut self) -> Result<Filter, String> {
        let property = self.property();
        if property.is_empty() {
            return Err(self.unexpected("the name of an attribute, or `]`"));
        }
        if property.contains('-') {
            self.fix(format!("`-` in the name `{property}`"));
        }
        let operator = if self.sign('!') {
            self.fix("`!=` in a selector".to_owned());
            self.sign('=');
            FilterOperator::Differs
        } else if self.sign('=') {
            if self.sign('=') {
                self.fix("`==` for `=`".to_owned());
            }
            FilterOperator::Equals
        } else if self.word("contains") {
            FilterOperator::Contains
        } else {
            return Err(self.unexpected("`=` or `contains`"));
        };
        Ok(Filter {
            property,
            operator,
            value: self.value()?,
        })
    }

    /// A name with dots; spaces are permitted around them.
    fn property(&mut self) -> String {
        let mut name = self
            .while_char(|c| c.is_alphanumeric() || "_-/".contains(c))
            .to_owned();
        self.space();
        while !name.is_empty() && self.sign('.') {
            name.push('.');
            name.push_str(self.while_char(|c| c.is_alphanumeric() || "_-/".contains(c)));
            self.space();
        }
        name
    }

    fn value(&mut self) -> Result<String, String> {
        let quote = self.rest.chars().next();
        let value = match quote {
            Some('`') => self.quoted('`')?,
            Some('"') => unescaped(&self.quoted('"')?),
            Some('\'') => {
                self.fix("single quotes".to_owned());
                unescaped(&self.quoted('\'')?)
            }
            Some(quote) if is_double_quote(quote) || is_single_quote(quote) => {
                self.fix(format!("the typographic quote `{quote}`"));
                self.quoted(quote)?
            }
            _ => self.bare()?,
        };
        self.space();
        Ok(value)
    }

    /// A number, a boolean, or a text without quotes.
    fn bare(&mut self) -> Result<String, String> {
        let word = self.while_char(|c| !c.is_whitespace() && !",]:\"'".contains(c));
        if word.is_empty() {
            return Err(self.unexpected("a value"));
        }
        let digits = word.chars().all(|c| c.is_ascii_digit() || c == '.');
        if let (true, Ok(number)) = (digits && word.contains('.'), word.parse::<f64>()) {
            return Ok(format!("{number:.2}"));
        }
        if !digits && !matches!(word, "true" | "false") {
            self.fix(format!("`{word}` without quotes"));
        }
        Ok(word.to_owned())
    }

    /// The text between quotes. Escapes remain.
    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let Some(end) = closing_quote(self.rest, quote) else {
            return Err(format!("the quote `{quote}` is not closed"));
        };
        let start = quote.len_utf8();
        let inner = self.rest[start..end].to_owned();
        let closing = self.rest[end..].chars().next().map_or(0, char::len_utf8);
        self.rest = &self.rest[end + closing..];
        Ok(inner)
    }

    fn pick(&mut self) -> Result<Pick, String> {
        if self.word("first") {
            return Ok(Pick::First);
        }
        if self.word("last") {
            return Ok(Pick::Last);
        }
        if self.word("nth_child") && self.sign('(') {
            let number = self.while_char(|c| c.is_ascii_digit());
            self.space();
            if let (Ok(number), true) = (number.parse(), self.sign(')')) {
                return Ok(Pick::Nth(number));
            }
        }
        Err(self.unexpected("`first`, `last` or `nth_child(1)`"))
    }

    fn fix(&mut self, what: String) {
        self.fixes.push(what);
    }

    fn while_char(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (part, rest) = self.rest.split_at(end);
        self.rest = rest;
        part
    }

    fn sign(&mut self, sign: char) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    /// A whole word.
    fn word(&mut self, word: &str) -> bool {
        match self.rest.strip_prefix(word) {
            Some(rest) if !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') => {
                self.rest = rest.trim_start();
                true
            }
            _ => false,
        }
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn unexpected(&self, expected: &str) -> String {
        let found: String = self.rest.chars().take(20).collect();
        match found.trim() {
            "" => format!("expected {expected} at the end"),
            found => format!("expected {expected}, found `{found}`"),
        }
    }
}

/// The text of a quoted value. Go's other escapes do not occur in names and attributes.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => plain.push('\n'),
                Some('t') => plain.push('\t'),
                Some('r') => plain.push('\r'),
                Some(other) => plain.push(other),
                None => {}
            },
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(level: &Level) -> Vec<(&str, FilterOperator, &str)> {
        let filters = level.filters.iter();
        filters
            .map(|filter| {
                (
                    filter.property.as_str(),
                    filter.operator,
                    filter.value.as_str(),
                )
            })
            .collect()
    }

    #[test]
    fn chains_alternatives_and_pseudo_classes_are_read() {
        use FilterOperator::{Contains, Equals};
        let selector = Selector::parse(
            r#"span[tracetest.span.type = "http", name contains "a \"b\""]:nth_child(2) span[n=200 ok=true]:last, span[]"#,
        )
        .unwrap();
        assert_eq!(selector.fixes, Vec::<String>::new());
        let [chain, all] = selector.chains.as_slice() else {
            panic!("{selector:?}")
        };
        assert_eq!(all.as_slice(), [Level::default()]);
        assert_eq!(
            filters(&chain[0]),
            [
                ("tracetest.span.type", Equals, "http"),
                ("name", Contains, "a \"b\"")
            ]
        );
        assert_eq!(
            filters(&chain[1]),
            [("n", Equals, "200"), ("ok", Equals, "true")]
        );
        assert_eq!(chain[0].pick, Some(Pick::Nth(2)));
        assert_eq!(chain[1].pick, Some(Pick::Last));
    }

    #[test]
    fn what_tracetest_cannot_parse_is_read_and_listed() {
        let selector = Selector::parse("span[name = “Tracetest trigger”]").unwrap();
        assert!(selector.is_trigger());
        assert_eq!(selector.fixes, ["the typographic quote `“`"]);
        let selector = Selector::parse("span[my-key != 'x' kind==server]").unwrap();
        assert_eq!(selector.fixes.len(), 5);
        assert!(Selector::parse("").unwrap().may_select_trigger());
    }

    #[test]
    fn a_broken_selector_is_refused_with_the_reason() {
        for (text, reason) in [
            ("div[a=1]", "expected `span[`, found `div[a=1]`"),
            ("span[a", "expected `=` or `contains` at the end"),
            ("span[a=\"x]", "the quote `\"` is not closed"),
            (
                "span[a=1]:only",
                "expected `first`, `last` or `nth_child(1)`, found `only`",
            ),
            (
                "span[a=1] > span[b=2]",
                "expected `,`, `span[` or the end, found `> span[b=2]`",
            ),
        ] {
            assert_eq!(Selector::parse(text).unwrap_err(), reason);
        }
    }
}
