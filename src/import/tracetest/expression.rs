//! Tracetest's expressions: `attr:http.response.body | json_path '$.id' = var:ID`.
//!
//! Accepts more than Tracetest does; each such place is a fix, which the caller reports.

use super::text::{closing_quote, is_double_quote, is_single_quote};

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statement {
    pub(super) left: Expr,
    pub(super) comparator: Comparator,
    pub(super) right: Expr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparator {
    Equals,
    Differs,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    NotContains,
    StartsWith,
    EndsWith,
}

/// Terms with operators from left to right, and filters of the result.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expr {
    pub(super) first: Term,
    pub(super) rest: Vec<(char, Term)>,
    pub(super) filters: Vec<Filter>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Term {
    Attribute(String),
    Variable(String),
    Call(String, Vec<Term>),
    Array(Vec<Term>),
    /// In nanoseconds.
    Duration(f64),
    Number(String),
    Text(Vec<Piece>),
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    Literal(String),
    /// `${…}`, with its text.
    Expression(Box<Expr>),
    /// `${…}` with an error in it.
    Unknown(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Filter {
    pub(super) name: String,
    pub(super) arguments: Vec<Term>,
}

/// The result of reading, and what Tracetest does not accept in it.
#[derive(Debug)]
pub(super) struct Read<T> {
    pub(super) value: T,
    pub(super) fixes: Vec<String>,
}

impl Expr {
    /// The term, if there is nothing else.
    pub(super) fn term(&self) -> Option<&Term> {
        (self.rest.is_empty() && self.filters.is_empty()).then_some(&self.first)
    }

    pub(super) fn parse(text: &str) -> Result<Read<Self>, String> {
        let mut parser = Parser::new(text);
        let value = parser.expr()?;
        parser.finish(value)
    }
}

impl Statement {
    pub(super) fn parse(text: &str) -> Result<Read<Self>, String> {
        let mut parser = Parser::new(text);
        let left = parser.expr()?;
        let comparator = parser.comparator()?;
        let right = parser.expr()?;
        parser.finish(Self {
            left,
            comparator,
            right,
        })
    }
}

/// The parts of a text with `${…}`.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let inner = &rest[start + 2..];
        let Some(end) = inner.find('}').filter(|end| *end > 0) else {
            break;
        };
        if start > 0 {
            pieces.push(Piece::Literal(rest[..start].to_owned()));
        }
        pieces.push(match Expr::parse(&inner[..end]) {
            Ok(read) => Piece::Expression(Box::new(read.value)),
            Err(_) => Piece::Unknown(inner[..end].to_owned()),
        });
        rest = &inner[end + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest.to_owned()));
    }
    pieces
}

struct Parser<'a> {
    rest: &'a str,
    fixes: Vec<String>,
}

/// Nesting of calls and arrays.
const MAX_DEPTH: usize = 20;

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            rest: text.trim(),
            fixes: Vec::new(),
        }
    }

    fn finish<T>(self, value: T) -> Result<Read<T>, String> {
        if !self.rest.is_empty() {
            return Err(self.unexpected("an operator, a filter or the end"));
        }
        Ok(Read {
            value,
            fixes: self.fixes,
        })
    }

    fn expr(&mut self) -> Result<Expr, String> {
        let first = self.term(0)?;
        let mut rest = Vec::new();
        while let Some(operator) = self.rest.chars().next().filter(|c| "+-*/".contains(*c)) {
            self.skip(1);
            rest.push((operator, self.term(0)?));
        }
        let mut filters = Vec::new();
        while self.sign("|") {
            let name = self.word().to_owned();
            if name.is_empty() {
                return Err(self.unexpected("the name of a filter"));
            }
            let mut arguments = Vec::new();
            while self.is_term() {
                arguments.push(self.term(0)?);
            }
            filters.push(Filter { name, arguments });
        }
        Ok(Expr {
            first,
            rest,
            filters,
        })
    }

    fn comparator(&mut self) -> Result<Comparator, String> {
        use Comparator::*;
        const KNOWN: [(&str, Comparator); 8] = [
            ("!=", Differs),
            ("<=", LessOrEqual),
            (">=", GreaterOrEqual),
            ("=", Equals),
            ("<", Less),
            (">", Greater),
            ("contains", Contains),
            ("not-contains", NotContains),
        ];
        // Tracetest implements these, but its grammar does not have them.
        const UNKNOWN: [(&str, Comparator); 10] = [
            ("==", Equals),
            ("<>", Differs),
            ("startsWith", StartsWith),
            ("starts-with", StartsWith),
            ("endsWith", EndsWith),
            ("ends-with", EndsWith),
            ("notContains", NotContains),
            ("not contains", NotContains),
            ("json-contains", Contains),
            ("equals", Equals),
        ];
        for (text, comparator) in UNKNOWN {
            if self.sign(text) {
                self.fixes.push(format!("the comparator `{text}`"));
                return Ok(comparator);
            }
        }
        for (text, comparator) in KNOWN {
            if self.sign(text) {
                return Ok(comparator);
            }
        }
        Err(self.unexpected("a comparator"))
    }

    /// Returns `true` if an argument of a filter follows.
    fn is_term(&self) -> bool {
        let is_comparator = [
            "contains",
            "not-contains",
            "startsWith",
            "endsWith",
            "starts-with",
            "ends-with",
        ]
        .iter()
        .any(|word| self.rest.starts_with(word));
        let is_start = |c: char| {
            c.is_alphanumeric() || "\"'[".contains(c) || is_double_quote(c) || is_single_quote(c)
        };
        !is_comparator && self.rest.starts_with(is_start)
    }

    fn term(&mut self, depth: usize) -> Result<Term, String> {
        let Some(next) = self.rest.chars().next() else {
            return Err(self.unexpected("a value"));
        };
        match next {
            _ if depth > MAX_DEPTH => Err("the nesting is too deep".to_owned()),
            '"' | '\'' => self.quoted(next),
            quote if is_double_quote(quote) || is_single_quote(quote) => {
                self.fixes.push(format!("the typographic quote `{quote}`"));
                self.quoted(quote)
            }
            '[' => {
                self.skip(1);
                self.list("]", depth).map(Term::Array)
            }
            '-' => {
                self.skip(1);
                match self.number()? {
                    Term::Number(number) => {
                        self.fixes.push(format!("the negative number -{number}"));
                        Ok(Term::Number(format!("-{number}")))
                    }
                    _ => Err("a duration cannot be negative".to_owned()),
                }
            }
            digit if digit.is_ascii_digit() => self.number(),
            _ => self.named(depth),
        }
    }

    fn list(&mut self, end: &str, depth: usize) -> Result<Vec<Term>, String> {
        let mut items = Vec::new();
        while !self.sign(end) {
            if !items.is_empty() && !self.sign(",") {
                return Err(self.unexpected(&format!("`,` or `{end}`")));
            }
            items.push(self.term(depth + 1)?);
        }
        Ok(items)
    }

    fn number(&mut self) -> Result<Term, String> {
        let is_part = |c: char| c.is_ascii_digit() || c == '.';
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let digits = &self.rest[..end];
        let number: f64 = digits
            .parse()
            .map_err(|_| format!("`{digits}` is not a number"))?;
        let after = &self.rest[end..];
        let unit = after.strip_prefix(' ').unwrap_or(after);
        const UNITS: [(&str, f64); 6] = [
            ("ns", 1.0),
            ("us", 1e3),
            ("ms", 1e6),
            ("s", 1e9),
            ("m", 60e9),
            ("h", 3600e9),
        ];
        for (name, scale) in UNITS {
            if let Some(rest) = unit.strip_prefix(name)
                && !rest.starts_with(|c: char| c.is_alphanumeric())
            {
                self.rest = rest.trim_start();
                return Ok(Term::Duration(number * scale));
            }
        }
        self.skip(end);
        Ok(Term::Number(digits.to_owned()))
    }

    /// `attr:…`, `env:…`, `var:…`, a call, or a word that Tracetest does not accept.
    fn named(&mut self, depth: usize) -> Result<Term, String> {
        for (prefix, term) in [
            ("attr:", Term::Attribute as fn(String) -> Term),
            ("env:", Term::Variable),
            ("var:", Term::Variable),
        ] {
            if let Some(rest) = self.rest.strip_prefix(prefix) {
                self.rest = rest;
                let name = self.name();
                if name.is_empty() {
                    return Err(self.unexpected(&format!("a name after `{prefix}`")));
                }
                return Ok(term(name));
            }
        }
        let name = self.name();
        if name.is_empty() {
            return Err(self.unexpected("a value"));
        }
        if self.sign("(") {
            return self
                .list(")", depth)
                .map(|arguments| Term::Call(name, arguments));
        }
        if name.contains('.') || name == "name" || name == "kind" {
            self.fixes.push(format!("`{name}` without `attr:`"));
            return Ok(Term::Attribute(name));
        }
        self.fixes.push(format!("`{name}` without quotes"));
        Ok(Term::Text(vec![Piece::Literal(name)]))
    }

    fn quoted(&mut self, quote: char) -> Result<Term, String> {
        let Some(end) = closing_quote(self.rest, quote) else {
            return Err(format!("the quote `{quote}` is not closed"));
        };
        let inner = &self.rest[quote.len_utf8()..end];
        let closing = self.rest[end..].chars().next().map_or(0, char::len_utf8);
        let text = inner.replace("\\'", "'").replace("\\\"", "\"");
        self.skip(end + closing);
        Ok(Term::Text(pieces(&text)))
    }

    /// A name with dots and dashes. A dash at the end belongs to what follows.
    fn name(&mut self) -> String {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let name = self.rest[..end].trim_end_matches(['-', '.']).to_owned();
        self.skip(name.len());
        name
    }

    fn word(&mut self) -> &'a str {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let word = &self.rest[..end];
        self.skip(end);
        word
    }

    fn sign(&mut self, sign: &str) -> bool {
        let is_there = self.rest.starts_with(sign);
        if is_there {
            self.skip(sign.len());
        }
        is_there
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest[bytes..].trim_start();
    }

    fn unexpected(&self, expected: &str) -> String {
        let found: String = self.rest.chars().take(20).collect();
        match found.trim() {
            "" => format!("expected {expected} at the end"),
            found => format!("expected {expected}, found `{found}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(text: &str) -> (Statement, Vec<String>) {
        let read = Statement::parse(text).unwrap();
        (read.value, read.fixes)
    }

    fn literal(text: &str) -> Term {
        Term::Text(vec![Piece::Literal(text.to_owned())])
    }

    #[test]
    fn terms_operators_filters_and_interpolation_are_read() {
        let (read, fixes) = statement(
            r#"attr:a.b-c|json_path '$.x["y"]'| get_index 0 != "x ${var:ID | length} ${uuid()}""#,
        );
        assert_eq!(fixes, Vec::<String>::new());
        assert_eq!(read.left.first, Term::Attribute("a.b-c".into()));
        assert_eq!(read.left.filters.len(), 2);
        assert_eq!(read.left.filters[0].arguments, [literal("$.x[\"y\"]")]);
        assert_eq!(read.comparator, Comparator::Differs);
        let Term::Text(pieces) = &read.right.first else {
            panic!()
        };
        assert_eq!(pieces.len(), 4);
        let (read, _) = statement("attr:tracetest.span.duration <= 1.5 s + 200ms");
        assert_eq!(read.right.first, Term::Duration(1.5e9));
        assert_eq!(read.right.rest, [('+', Term::Duration(2e8))]);
        let (read, _) = statement(r#"[1, "b"] contains randomInt(1, 3)"#);
        assert!(matches!(read.right.first, Term::Call(_, arguments) if arguments.len() == 2));
    }

    #[test]
    fn what_tracetest_cannot_parse_is_read_and_listed() {
        for (text, fix) in [
            (
                "http.status_code = 200",
                "`http.status_code` without `attr:`",
            ),
            ("attr:a == 1", "the comparator `==`"),
            ("attr:a startsWith 'x'", "the comparator `startsWith`"),
            ("attr:a > -1", "the negative number -1"),
            ("attr:a = ok", "`ok` without quotes"),
            ("attr:a = “ok”", "the typographic quote `“`"),
        ] {
            assert_eq!(statement(text).1, [fix], "{text}");
        }
    }

    #[test]
    fn a_broken_statement_is_refused_with_the_reason() {
        for (text, reason) in [
            ("attr:a", "expected a comparator at the end"),
            ("attr:a = \"x", "the quote `\"` is not closed"),
            ("attr: = 1", "expected a name after `attr:`, found `= 1`"),
            (
                "attr:a = 1 and attr:b = 2",
                "expected an operator, a filter or the end, found `and attr:b = 2`",
            ),
            ("", "expected a value at the end"),
        ] {
            assert_eq!(Statement::parse(text).unwrap_err(), reason, "{text}");
        }
    }
}
