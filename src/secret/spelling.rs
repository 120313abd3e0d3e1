//! The encodings of a character in URLs, JSON, XML, HTML and shells.
//!
//! Each can be applied several times: `%2525`, `&amp;amp;` and `\\\"` are `%`, `&` and `"`.

/// The comparison of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Letters {
    /// Exact.
    Exact,
    /// Without regard to case, for hosts and header names.
    AnyCase,
    /// Exact, in both alphabets of base64, with optional line breaks.
    Base64,
    /// Hexadecimal or decimal bytes, with optional separators.
    Digits,
}

/// Upper limit of the backslashes in one escape.
const MOST_BACKSLASHES: usize = 16;

/// Adds the offsets at which `char`, encoded from offset `at` on, can end.
pub(super) fn ends(text: &str, at: usize, char: char, letters: Letters, ends: &mut Vec<usize>) {
    let rest = &text[at..];
    let mut add = |length: Option<usize>| ends.extend(length.map(|length| at + length));
    if matches!(char, '\r') {
        // A line break can include it.
        add(Some(0));
    }
    let Some(first) = rest.chars().next() else {
        return;
    };
    let is_it = |found: char| is_same(found, char, letters);
    if is_it(first) {
        add(Some(first.len_utf8()));
    }
    match first {
        '%' => percent(rest, char, &is_it, &mut add),
        '&' => entity(rest, &is_it, &mut add),
        '#' => add(numbered(&rest[1..], &is_it).map(|length| length + 1)),
        '\\' => backslashes(rest, char, &is_it, &mut add),
        '+' if char == ' ' => add(Some(1)),
        '\'' | '"' => quotes(rest, char, &mut add),
        '\u{fffd}' if !char.is_ascii() => add(Some(lost(rest))),
        '\n' | '\r' if char == '\n' => add(Some(line_break(rest))),
        _ => {}
    }
}

/// Likewise for a character after the first, which a separator can precede.
pub(super) fn later_ends(
    text: &str,
    at: usize,
    char: char,
    letters: Letters,
    all: &mut Vec<usize>,
) {
    ends(text, at, char, letters, all);
    all.extend(between(&text[at..], char, letters).map(|length| at + length));
}

fn is_same(found: char, char: char, letters: Letters) -> bool {
    match letters {
        _ if found == char => true,
        // Between decimal numbers.
        Letters::Digits if char == ',' => matches!(found, ' ' | ';' | ':'),
        Letters::Exact => false,
        Letters::AnyCase | Letters::Digits => {
            found.eq_ignore_ascii_case(&char)
                || !char.is_ascii() && found.to_lowercase().eq(char.to_lowercase())
        }
        Letters::Base64 => matches!((found, char), ('-', '+') | ('_', '/')),
    }
}

/// A character after an optional separator of base64 or digits.
fn between(rest: &str, char: char, letters: Letters) -> Option<usize> {
    let breaks: &[&str] = match letters {
        Letters::Exact | Letters::AnyCase => return None,
        Letters::Base64 => &["\r\n", "\n", "\\r\\n", "\\n"],
        Letters::Digits => &[", ", ",\n", " ", ":", "-"],
    };
    let skipped = breaks.iter().find(|one| rest.starts_with(**one))?.len();
    let found = rest[skipped..].chars().next()?;
    is_same(found, char, letters).then(|| skipped + found.len_utf8())
}

/// `%C3%A4`, also if the `%` was encoded again.
fn percent(
    rest: &str,
    char: char,
    is_it: &impl Fn(char) -> bool,
    add: &mut impl FnMut(Option<usize>),
) {
    for times in 0.. {
        let sign = format!("%{}", "25".repeat(times));
        if !rest.starts_with(&sign) {
            return;
        }
        add(percent_by(&sign, rest, char, is_it));
        add(percent_code(&rest[sign.len()..], is_it).map(|length| sign.len() + length));
    }
}

/// `u00e4`, or `E4` of an encoding with one byte for each character; they follow a `%`.
fn percent_code(rest: &str, is_it: &impl Fn(char) -> bool) -> Option<usize> {
    let (found, length) = match rest.strip_prefix(['u', 'U']) {
        Some(digits) => code(digits, 4).map(|(found, length)| (found, length + 1))?,
        None => code(rest, 2).filter(|(found, _)| !found.is_ascii())?,
    };
    is_it(found).then_some(length)
}

/// A quote that was doubled, or that a shell finds between two quoted parts: `'\''`, `'"'"'`.
fn quotes(rest: &str, char: char, add: &mut impl FnMut(Option<usize>)) {
    let spelled: &[&str] = match char {
        '\'' => &["''", r"'\''", r#"'"'"'"#],
        '"' => &["\"\"", r#""'"'""#],
        _ => &[],
    };
    let found = spelled.iter().filter(|one| rest.starts_with(**one));
    found.for_each(|one| add(Some(one.len())));
}

fn percent_by(sign: &str, rest: &str, char: char, is_it: &impl Fn(char) -> bool) -> Option<usize> {
    let mut left = rest;
    let mut bytes = Vec::new();
    while bytes.len() < char.len_utf8() {
        left = left.strip_prefix(sign)?;
        bytes.push(u8::from_str_radix(left.get(..2)?, 16).ok()?);
        left = &left[2..];
    }
    let found = std::str::from_utf8(&bytes).ok()?.chars().next()?;
    let is_space = char == ' ' && found == '+';
    (is_space || is_it(found)).then_some(rest.len() - left.len())
}

/// `&quot;`, `&#34;`, `&#x22;`, also if the `&` was encoded again.
fn entity(rest: &str, is_it: &impl Fn(char) -> bool, add: &mut impl FnMut(Option<usize>)) {
    let mut at = 1;
    loop {
        add(entity_after(&rest[at..], is_it).map(|length| at + length));
        if !rest[at..].starts_with("amp;") {
            return;
        }
        at += "amp;".len();
    }
}

/// The length of an entity after its `&`.
fn entity_after(rest: &str, is_it: &impl Fn(char) -> bool) -> Option<usize> {
    const NAMED: [(&str, char); 6] = [
        ("amp;", '&'),
        ("lt;", '<'),
        ("gt;", '>'),
        ("quot;", '"'),
        ("apos;", '\''),
        ("nbsp;", '\u{a0}'),
    ];
    if let Some(rest) = rest.strip_prefix('#') {
        return numbered(rest, is_it).map(|length| length + 1);
    }
    let (name, char) = NAMED.iter().find(|(name, _)| rest.starts_with(name))?;
    is_it(*char).then_some(name.len())
}

/// `34;` or `x22;`, which follow a `#` in XML, HTML and Mermaid.
fn numbered(rest: &str, is_it: &impl Fn(char) -> bool) -> Option<usize> {
    let length = rest.find(';').filter(|length| *length <= 10)?;
    let number = &rest[..length];
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    is_it(char::from_u32(code)?).then_some(length + 1)
}

/// `\"`, `\n`, `\x0a`, `\012`, `\u000a`, `\u{a}`, with any number of backslashes.
fn backslashes(
    rest: &str,
    char: char,
    is_it: &impl Fn(char) -> bool,
    add: &mut impl FnMut(Option<usize>),
) {
    let run = rest.bytes().take_while(|byte| *byte == b'\\').count();
    if char == '\\' {
        (2..=run.min(MOST_BACKSLASHES)).for_each(|length| add(Some(length)));
    }
    let Some(next) = rest[run..].chars().next() else {
        return;
    };
    let after = &rest[run + next.len_utf8()..];
    let escaped = match next {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'v' => Some('\u{b}'),
        'e' => Some('\u{1b}'),
        '0' => Some('\0'),
        punctuation if punctuation.is_ascii_punctuation() => Some(punctuation),
        _ => None,
    };
    if escaped.is_some_and(is_it) {
        add(Some(run + next.len_utf8()));
    }
    let coded = match next {
        'u' => unicode(after),
        'x' => code(after, 2),
        _ => None,
    };
    if let Some((found, length)) = coded
        && is_it(found)
    {
        add(Some(run + 1 + length));
    }
    for (sign, radix, digits) in [("x", 16, 2), ("", 8, 3)] {
        add(bytes(rest, sign, radix, digits, char, is_it));
    }
}

/// The bytes of a character in UTF-8, each with backslashes: `\xc3\xa4`, `\303\244`.
fn bytes(
    rest: &str,
    sign: &str,
    radix: u32,
    digits: usize,
    char: char,
    is_it: &impl Fn(char) -> bool,
) -> Option<usize> {
    let mut left = rest;
    let mut bytes = Vec::new();
    while bytes.len() < char.len_utf8() {
        left = left.strip_prefix('\\')?.trim_start_matches('\\');
        left = left.strip_prefix(sign)?;
        bytes.push(u8::from_str_radix(left.get(..digits)?, radix).ok()?);
        left = &left[digits..];
    }
    let found = std::str::from_utf8(&bytes).ok()?.chars().next()?;
    is_it(found).then_some(rest.len() - left.len())
}

/// The digits after `\u`: four, eight as two surrogates, or some in braces.
fn unicode(after: &str) -> Option<(char, usize)> {
    if let Some(braced) = after.strip_prefix('{') {
        let length = braced.find('}').filter(|length| *length <= 8)?;
        let code = u32::from_str_radix(&braced[..length], 16).ok()?;
        return Some((char::from_u32(code)?, length + 2));
    }
    code(after, 4).or_else(|| {
        let high = u32::from_str_radix(after.get(..4)?, 16).ok()?;
        let low = after[4..].trim_start_matches('\\').strip_prefix('u')?;
        let skipped = after.len() - low.len();
        let low = u32::from_str_radix(low.get(..4)?, 16).ok()?;
        let units = [u16::try_from(high).ok()?, u16::try_from(low).ok()?];
        let found = char::decode_utf16(units).next()?.ok()?;
        Some((found, skipped + 4))
    })
}

fn code(after: &str, digits: usize) -> Option<(char, usize)> {
    let code = u32::from_str_radix(after.get(..digits)?, 16).ok()?;
    Some((char::from_u32(code)?, digits))
}

/// The replacement characters of a character with invalid UTF-8.
fn lost(rest: &str) -> usize {
    let lost = rest.chars().take_while(|char| *char == '\u{fffd}');
    lost.map(char::len_utf8).sum()
}

/// A line break with the indentation of the next line.
fn line_break(rest: &str) -> usize {
    rest.len() - rest.trim_start().len()
}
