//! Regular expressions as Go reads them, translated for the `regex` crate.
//!
//! Both have RE2's syntax. They differ in `\d`, `\w`, `\s` and `\b` (Go: ASCII), in `\Q…\E`, in brackets
//! within brackets, in a `{` without a count, in the flags, and in Go's limits of repetitions.

use std::fmt::Write;
use std::iter::Peekable;
use std::str::CharIndices;

use regex::Regex;

/// Go's maximum of a repetition, also of nested ones together.
const MOST_REPEATS: u32 = 1_000;

/// The names of classes such as `[:alpha:]`.
const CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// The reason why a pattern cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PatternError {
    /// Go refuses it, and so does the Collector.
    Refused(String),
    /// Go accepts it, but it has no translation.
    NotTranslated(String),
}

/// The expression that a pattern of Go stands for.
pub(crate) fn compile(pattern: &str) -> Result<Regex, PatternError> {
    let mut translator = Translator {
        rest: pattern.char_indices().peekable(),
        pattern,
        translated: String::new(),
        repeats: vec![Group::default()],
    };
    translator.run()?;
    Regex::new(&translator.translated).map_err(|error| PatternError::Refused(reason(&error)))
}

/// The last line of a message of the `regex` crate, which is drawn over several lines.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim();
    let last = last.strip_prefix("error: ").unwrap_or(last);
    last.to_owned()
}

/// The item before the current position in a group.
#[derive(Clone, Copy, Default)]
struct Group {
    /// The number of copies that repetitions of the last item make.
    last: u32,
    /// The largest number of any item.
    largest: u32,
    after: After,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum After {
    #[default]
    Nothing,
    Item,
    Repeat,
}

struct Translator<'p> {
    rest: Peekable<CharIndices<'p>>,
    pattern: &'p str,
    translated: String,
    repeats: Vec<Group>,
}

fn refused<T>(text: impl Into<String>) -> Result<T, PatternError> {
    Err(PatternError::Refused(text.into()))
}

impl Translator<'_> {
    fn run(&mut self) -> Result<(), PatternError> {
        while let Some((at, character)) = self.rest.next() {
            match character {
                '\\' => self.escape(at)?,
                '[' => self.class(at)?,
                '(' => self.open(at)?,
                ')' => self.close()?,
                '|' => {
                    self.group().after = After::Nothing;
                    self.translated.push('|');
                }
                '*' | '+' | '?' => self.repeat(&character.to_string(), 1)?,
                '{' => self.counted(at)?,
                '^' | '$' | '.' => {
                    self.translated.push(character);
                    self.item(1);
                }
                other => self.literal(other),
            }
        }
        match self.repeats.len() {
            1 => Ok(()),
            _ => refused("a `(` has no `)`"),
        }
    }

    fn group(&mut self) -> &mut Group {
        self.repeats
            .last_mut()
            .expect("the outermost is never closed")
    }

    /// Records an item that a repetition can follow.
    fn item(&mut self, copies: u32) {
        let group = self.group();
        group.last = copies;
        group.largest = group.largest.max(copies);
        group.after = After::Item;
    }

    fn literal(&mut self, character: char) {
        push_literal(&mut self.translated, character);
        self.item(1);
    }

    fn text_from(&self, at: usize) -> &str {
        &self.pattern[at..]
    }

    fn skip(&mut self, characters: usize) {
        for _ in 0..characters {
            self.rest.next();
        }
    }

    fn open(&mut self, at: usize) -> Result<(), PatternError> {
        self.translated.push('(');
        let text = self.text_from(at + 1);
        if let Some(text) = text.strip_prefix('?') {
            let name = text.starts_with("P<") || text.starts_with('<');
            if name && !text.starts_with("<=") && !text.starts_with("<!") {
                let start = text.find('<').map_or(0, |start| start + 1);
                let end = text.find('>').unwrap_or(text.len());
                let is_word =
                    |character: char| character.is_ascii_alphanumeric() || character == '_';
                let name = text.get(start..end).unwrap_or_default();
                if name.is_empty() || end == text.len() || !name.chars().all(is_word) {
                    return refused(format!("`{name}` is not a name of a group"));
                }
                // A name has no meaning here; Go permits it twice, in contrast to `regex`.
                self.skip(end + 2);
            } else {
                return self.flags(text.to_owned());
            }
        }
        self.repeats.push(Group::default());
        Ok(())
    }

    /// `(?i)` and `(?i:`.
    fn flags(&mut self, text: String) -> Result<(), PatternError> {
        let end = text.find([')', ':']).unwrap_or(text.len());
        let flags = &text[..end];
        let known = |flag: char| "imsU-".contains(flag);
        if !flags.chars().all(known) || (end == text.len()) {
            let head: String = text.chars().take(2).collect();
            return refused(format!("`(?{head}` is not supported by RE2"));
        }
        let is_group = text[end..].starts_with(':');
        self.translated.push('?');
        self.translated.push_str(&text[..=end]);
        self.skip(end + 2);
        if is_group {
            self.repeats.push(Group::default());
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), PatternError> {
        if self.repeats.len() == 1 {
            return refused("a `)` has no `(`");
        }
        let closed = self.repeats.pop().unwrap_or_default();
        self.translated.push(')');
        self.item(closed.largest.max(1));
        Ok(())
    }

    /// Writes a repetition operator, which makes at most `copies` of the item before it.
    fn repeat(&mut self, operator: &str, copies: u32) -> Result<(), PatternError> {
        match self.group().after {
            After::Nothing => return refused(format!("`{operator}` repeats nothing")),
            After::Repeat => return refused(format!("`{operator}` repeats a repetition")),
            After::Item => {}
        }
        let total = self.group().last.saturating_mul(copies.max(1));
        if total > MOST_REPEATS {
            return refused(format!("repetitions are limited to {MOST_REPEATS}"));
        }
        self.translated.push_str(operator);
        if self.rest.peek().is_some_and(|(_, next)| *next == '?') {
            self.rest.next();
            self.translated.push('?');
        }
        self.item(total);
        self.group().after = After::Repeat;
        Ok(())
    }

    /// `{2,3}`, or a literal brace.
    fn counted(&mut self, at: usize) -> Result<(), PatternError> {
        let text = self.text_from(at);
        let Some(count) = text.find('}').map(|end| text[..=end].to_owned()) else {
            self.literal('{');
            return Ok(());
        };
        let inner = &count[1..count.len() - 1];
        let (least, most) = match inner.split_once(',') {
            None => (inner, Some(inner)),
            Some((least, "")) => (least, None),
            Some((least, most)) => (least, Some(most)),
        };
        let is_number =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(least) || !most.is_none_or(is_number) {
            self.literal('{');
            return Ok(());
        }
        let number = |text: &str| text.parse::<u32>().unwrap_or(u32::MAX);
        let (least, most) = (number(least), most.map(number));
        if least.max(most.unwrap_or(0)) > MOST_REPEATS || most.is_some_and(|most| most < least) {
            return refused(format!(
                "`{count}`: a repetition goes from less to more, and to {MOST_REPEATS} at most"
            ));
        }
        self.skip(count.chars().count() - 1);
        self.repeat(&count, most.unwrap_or(least))
    }

    fn escape(&mut self, at: usize) -> Result<(), PatternError> {
        let Some((_, escaped)) = self.rest.next() else {
            return refused("a `\\` at the end escapes nothing");
        };
        match escaped {
            'A' | 'z' => {
                self.translated.push('\\');
                self.translated.push(escaped);
                self.item(1);
            }
            'b' => {
                self.translated.push_str("(?-u:\\b)");
                self.item(1);
            }
            'B' => {
                return Err(PatternError::NotTranslated(
                    "`\\B` depends on bytes".to_owned(),
                ));
            }
            'Q' => {
                let text = self.text_from(at + 2);
                let quoted = text.split("\\E").next().unwrap_or_default().to_owned();
                let is_closed = quoted.len() < text.len();
                for character in quoted.chars() {
                    self.literal(character);
                }
                self.skip(quoted.chars().count() + if is_closed { 2 } else { 0 });
            }
            _ => {
                let item = self.escaped_item(at, escaped)?;
                match item {
                    Item::Character(character) => self.literal(character),
                    Item::Set(set) => {
                        let _ = write!(self.translated, "[{set}]");
                        self.item(1);
                    }
                }
            }
        }
        Ok(())
    }

    /// An escape that stands for characters, in or out of brackets; `escaped` has been read.
    fn escaped_item(&mut self, at: usize, escaped: char) -> Result<Item, PatternError> {
        let set = |set: &str| Ok(Item::Set(set.to_owned()));
        match escaped {
            'd' => set("0-9"),
            'D' => set("[^0-9]"),
            'w' => set("0-9A-Za-z_"),
            'W' => set("[^0-9A-Za-z_]"),
            's' => set("\\t\\n\\f\\r\\x20"),
            'S' => set("[^\\t\\n\\f\\r\\x20]"),
            'p' | 'P' => self.unicode_class(at),
            'a' => Ok(Item::Character('\u{7}')),
            'f' => Ok(Item::Character('\u{c}')),
            'n' => Ok(Item::Character('\n')),
            'r' => Ok(Item::Character('\r')),
            't' => Ok(Item::Character('\t')),
            'v' => Ok(Item::Character('\u{b}')),
            'x' => self.hexadecimal(),
            '0'..='7' => self.octal(escaped),
            other if other.is_ascii() && !other.is_ascii_alphanumeric() => {
                Ok(Item::Character(other))
            }
            other => refused(format!("RE2 has no escape `\\{other}`")),
        }
    }

    fn unicode_class(&mut self, at: usize) -> Result<Item, PatternError> {
        let text = self.text_from(at + 2).to_owned();
        let name = match text.strip_prefix('{') {
            Some(inner) => match inner.find('}') {
                Some(end) => &text[..end + 2],
                None => return refused("a `\\p{` has no `}`"),
            },
            None => text.get(..1).unwrap_or_default(),
        };
        self.skip(name.chars().count());
        let escape = &self.pattern[at..at + 2];
        Ok(Item::Set(format!("{escape}{name}")))
    }

    fn hexadecimal(&mut self) -> Result<Item, PatternError> {
        let mut digits = String::new();
        if self.rest.peek().is_some_and(|(_, next)| *next == '{') {
            self.rest.next();
            for (_, digit) in self.rest.by_ref() {
                if digit == '}' {
                    break;
                }
                digits.push(digit);
            }
        } else {
            digits.extend(self.rest.by_ref().take(2).map(|(_, digit)| digit));
        }
        let number = u32::from_str_radix(&digits, 16).ok();
        match number.and_then(char::from_u32) {
            Some(character) => Ok(Item::Character(character)),
            None => refused(format!("`\\x` with `{digits}` is not a character")),
        }
    }

    fn octal(&mut self, first: char) -> Result<Item, PatternError> {
        let is_octal = |(_, next): &(usize, char)| ('0'..='7').contains(next);
        if first != '0' && !self.rest.peek().is_some_and(is_octal) {
            return refused(format!("RE2 has no backreference `\\{first}`"));
        }
        let mut number = first.to_digit(8).unwrap_or_default();
        for _ in 0..2 {
            let Some((_, digit)) = self.rest.next_if(is_octal) else {
                break;
            };
            number = number * 8 + digit.to_digit(8).unwrap_or_default();
        }
        Ok(Item::Character(char::from_u32(number).unwrap_or_default()))
    }

    /// A class in brackets, rewritten so that brackets and operators within it are characters.
    fn class(&mut self, at: usize) -> Result<(), PatternError> {
        self.translated.push('[');
        if self.rest.next_if(|(_, next)| *next == '^').is_some() {
            self.translated.push('^');
        }
        let mut is_first = true;
        loop {
            let Some((here, character)) = self.rest.next() else {
                return refused(format!("`{}` has no `]`", self.text_from(at)));
            };
            if character == ']' && !is_first {
                break;
            }
            is_first = false;
            let item = self.class_item(here, character)?;
            self.class_range(item)?;
        }
        self.translated.push(']');
        self.item(1);
        Ok(())
    }

    fn class_item(&mut self, here: usize, character: char) -> Result<Item, PatternError> {
        if character == '\\' {
            return match self.rest.next() {
                Some((_, escaped)) => self.escaped_item(here, escaped),
                None => refused("a `\\` at the end escapes nothing"),
            };
        }
        let text = self.text_from(here);
        if let Some(end) = text.strip_prefix("[:").and_then(|text| text.find(":]")) {
            let class = text[..end + 4].to_owned();
            let name = class[2..end + 2].trim_start_matches('^');
            if !CLASSES.contains(&name) {
                return refused(format!("`{class}` is not a class"));
            }
            self.skip(class.chars().count() - 1);
            return Ok(Item::Set(class));
        }
        Ok(Item::Character(character))
    }

    fn class_range(&mut self, low: Item) -> Result<(), PatternError> {
        let low = match low {
            Item::Set(set) => {
                self.translated.push_str(&set);
                return Ok(());
            }
            Item::Character(low) => low,
        };
        let mut ahead = self.rest.clone();
        let is_range = ahead.next().is_some_and(|(_, dash)| dash == '-')
            && ahead.next().is_some_and(|(_, next)| next != ']');
        let _ = write!(self.translated, "\\x{{{:x}}}", u32::from(low));
        if !is_range {
            return Ok(());
        }
        self.rest.next();
        let Some((here, character)) = self.rest.next() else {
            return Ok(());
        };
        match self.class_item(here, character)? {
            Item::Character(high) if high >= low => {
                let _ = write!(self.translated, "-\\x{{{:x}}}", u32::from(high));
                Ok(())
            }
            Item::Character(high) => refused(format!("`{low}-{high}` goes from more to less")),
            Item::Set(_) => refused("a range ends with a class"),
        }
    }
}

/// The meaning of an escape.
enum Item {
    Character(char),
    /// Content of a class in brackets.
    Set(String),
}

fn push_literal(text: &mut String, character: char) {
    text.push_str(&regex::escape(character.encode_utf8(&mut [0; 4])));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        match compile(pattern) {
            Ok(regex) => regex.is_match(text),
            Err(error) => panic!("{pattern}: {error:?}"),
        }
    }

    #[test]
    fn patterns_match_as_in_go() {
        for (pattern, text, expected) in [
            ("val*", "va", true),
            (r"^\d+$", "\u{0663}", false),
            (r"^\w$", "é", false),
            (r"\bcafé\b", "un café!", false),
            (r"\/health", "/healthz", true),
            (r"^[[a]$", "[", true),
            ("^[a&&b]+$", "a&b", true),
            ("^[]a]+$", "]a", true),
            (r"^[^\d]$", "x", true),
            (r"^[\D]$", "5", false),
            ("^[[:alpha:]-]+$", "a-b", true),
            (r"^\Qa.b\E$", "axb", false),
            (r"^\Q(\E{2}$", "((", true),
            ("^a{,2}$", "a{,2}", true),
            ("^{$", "{", true),
            (r"^\x{41}\101\x41$", "AAA", true),
            ("(?i)^ERR", "error", true),
            ("^(?P<x>a|b)(?P<x>c)$", "bc", true),
            ("^(?<1>a|b)$", "b", true),
            ("^[[:^alpha:]]$", "1", true),
            ("a+?b", "aab", true),
            (r"\pL", "ß", true),
            (r"[\p{Greek}x]", "λ", true),
            (r"^\s$", "\u{b}", false),
            ("^(?s:.)$", "\n", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn patterns_that_go_refuses_are_refused() {
        for pattern in [
            r"\C",
            r"\Z",
            r"\1",
            "(?=a)",
            "(?<=a)",
            "(?x)a",
            "a**",
            "*a",
            "(",
            ")",
            "[",
            "[b-a]",
            "a{1001}",
            "a{2,1}",
            "(a{40}){40}",
            "\\",
            r"\p{Nothing}",
            "[a",
        ] {
            assert!(
                matches!(compile(pattern), Err(PatternError::Refused(_))),
                "{pattern}"
            );
        }
        assert!(matches!(
            compile(r"\B"),
            Err(PatternError::NotTranslated(_))
        ));
    }
}
