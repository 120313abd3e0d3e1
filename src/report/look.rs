//! Width, colours and characters of text, and escapes for terminals.

use std::borrow::Cow;

use anstyle::{AnsiColor, Effects, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Colours of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colors {
    /// With ANSI escape sequences.
    Ansi,
    /// Plain text; colours never add information.
    Plain,
}

/// The characters of bars and arrows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// Blocks of an eighth of a column, arrows, ticks.
    Unicode,
    /// Only ASCII. Names of spans are unchanged, and truncated ones end with `…`.
    Ascii,
}

/// Width, colours and characters of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Maximum width, in columns.
    pub width: usize,
    /// The colours.
    pub colors: Colors,
    /// The characters of bars and arrows.
    pub charset: Charset,
}

pub(super) const STRONG: Style = Style::new().effects(Effects::BOLD);
pub(super) const FAINT: Style = Style::new().effects(Effects::DIMMED);
pub(super) const GOOD: Style = AnsiColor::Green.on_default().effects(Effects::BOLD);
pub(super) const BAD: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
pub(super) const DOUBT: Style = AnsiColor::Magenta.on_default().effects(Effects::BOLD);
pub(super) const LEFT_OUT: Style = AnsiColor::Yellow.on_default().effects(Effects::BOLD);
pub(super) const HELP: Style = AnsiColor::Cyan.on_default().effects(Effects::BOLD);
pub(super) const BAR: Style = AnsiColor::Blue.on_default();
pub(super) const BAD_BAR: Style = AnsiColor::Red.on_default();

impl Look {
    /// For files and logs: no colours, 100 columns.
    #[must_use]
    pub const fn plain() -> Self {
        Self {
            width: 100,
            colors: Colors::Plain,
            charset: Charset::Unicode,
        }
    }

    /// The same with another width.
    #[must_use]
    pub const fn with_width(mut self, width: usize) -> Self {
        self.width = width;
        self
    }

    /// The same with other colours.
    #[must_use]
    pub const fn with_colors(mut self, colors: Colors) -> Self {
        self.colors = colors;
        self
    }

    /// The same with other characters.
    #[must_use]
    pub const fn with_charset(mut self, charset: Charset) -> Self {
        self.charset = charset;
        self
    }

    /// The text in this style, if colours are enabled.
    pub(super) fn paint(&self, style: Style, text: &str) -> String {
        match self.colors {
            Colors::Ansi if !text.is_empty() => format!("{style}{text}{style:#}"),
            _ => text.to_owned(),
        }
    }

    /// The variant for the character set.
    pub(super) fn pick(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self.charset {
            Charset::Unicode => unicode,
            Charset::Ascii => ascii,
        }
    }
}

/// The text on one line, with control characters and bidirectional formatting as escapes.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        if is_unprintable(char) {
            safe.extend(char.escape_default());
        } else {
            safe.push(char);
        }
    }
    Cow::Owned(safe)
}

/// Text that contains no commands for CI systems: GitHub runs `::name::` at the start of a line and
/// `##[name]` anywhere, Azure `##vso[`, TeamCity `##teamcity[`. A backslash disables them.
#[must_use]
pub fn inert(text: &str) -> Cow<'_, str> {
    let is_command =
        |line: &str| line.trim_start().starts_with("::") || hash_command(line).is_some();
    if !text.lines().any(is_command) {
        return Cow::Borrowed(text);
    }
    let lines = text.split_inclusive('\n');
    Cow::Owned(lines.map(inert_line).collect())
}

fn inert_line(line: &str) -> String {
    let mut safe = String::with_capacity(line.len() + 1);
    let mut rest = line;
    if line.trim_start().starts_with("::") {
        let start = line.len() - line.trim_start().len();
        safe.push_str(&line[..start]);
        safe.push('\\');
        rest = &line[start..];
    }
    while let Some(at) = hash_command(rest) {
        safe.push_str(&rest[..=at]);
        safe.push('\\');
        rest = &rest[at + 1..];
    }
    safe + rest
}

/// The index of the first `##word[`.
fn hash_command(line: &str) -> Option<usize> {
    let mut hashes = line.match_indices("##").map(|(at, _)| at);
    hashes.find(|at| {
        let rest = line[at + 2..].trim_start_matches('#');
        let after = rest.trim_start_matches(|char: char| char.is_ascii_alphanumeric());
        after.starts_with('[')
    })
}

fn is_unprintable(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}'
            | '\u{061c}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// The number of columns that a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The text truncated to this number of columns, with a final `…` if it was longer.
pub(super) fn truncated(text: &str, columns: usize) -> Cow<'_, str> {
    // Limits the time for text with many zero-width characters.
    let enough = text
        .char_indices()
        .nth(columns.saturating_mul(4).saturating_add(16));
    if enough.is_none() && width(text) <= columns {
        return Cow::Borrowed(text);
    }
    if columns == 0 {
        return Cow::Borrowed("");
    }
    let (mut end, mut used) = (0, 0);
    for (at, char) in text[..enough.map_or(text.len(), |(at, _)| at)].char_indices() {
        used += char.width().unwrap_or(0);
        if used >= columns {
            break;
        }
        end = at + char.len_utf8();
    }
    Cow::Owned(format!("{}…", text[..end].trim_end()))
}

/// The text truncated or padded to exactly this number of columns.
pub(super) fn fitted(text: &str, columns: usize) -> String {
    let text = truncated(text, columns);
    let blanks = columns.saturating_sub(width(&text));
    format!("{text}{:blanks$}", "")
}

/// Each line indented by this number of columns, and made printable.
#[cfg(feature = "cli")]
pub(super) fn set_in(text: &str, columns: usize) -> String {
    let lines = text.lines();
    lines
        .map(|line| format!("{:columns$}{}\n", "", printable(line.trim_end())))
        .collect()
}

/// The text in lines of at most this number of columns, broken at spaces if possible.
pub(super) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(10);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_inclusive(' ') {
        if used > 0 && used + width(word.trim_end()) > columns {
            lines.push(String::new());
            used = 0;
        }
        for char in word.chars() {
            let char_width = char.width().unwrap_or(0);
            if used + char_width > columns && char != ' ' {
                lines.push(String::new());
                used = 0;
            }
            used += char_width;
            if let Some(line) = lines.last_mut() {
                line.push(char);
            }
        }
    }
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(
            printable("a\u{1b}[31mb\r\n\tc\u{202e}"),
            "a\\u{1b}[31mb\\r\\n\\tc\\u{202e}"
        );
        assert_eq!(printable("größe 注文 🛒"), "größe 注文 🛒");
    }

    #[test]
    fn commands_for_ci_systems_are_disabled() {
        assert_eq!(
            inert("a\n  ::error::x\n[shop] ##[group]y ##vso[task]z\n## heading [a]\nstd::vec\n"),
            "a\n  \\::error::x\n[shop] #\\#[group]y #\\#vso[task]z\n## heading [a]\nstd::vec\n"
        );
    }

    #[test]
    fn truncated_text_keeps_to_its_columns_with_wide_characters() {
        assert_eq!(truncated("place-order", 11), "place-order");
        assert_eq!(truncated("place-order", 6), "place…");
        for columns in 0..12 {
            let cut = fitted("注文を確定する", columns);
            assert_eq!(width(&cut), columns, "{cut}");
        }
        assert_eq!(truncated(&"\u{300}".repeat(100_000), 4).chars().count(), 33);
    }

    #[test]
    fn long_text_is_broken_at_spaces_and_long_words_anywhere() {
        assert_eq!(
            wrapped("write { service: order } instead", 20),
            ["write { service:", "order } instead"]
        );
        assert_eq!(wrapped("0123456789abcde", 10), ["0123456789", "abcde"]);
        assert_eq!(wrapped("", 10), [""]);
    }
}
