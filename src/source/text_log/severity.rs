//! The severity of a line that is no JSON, from the places where logging libraries write it.
//!
//! A word elsewhere is part of the message: the severity is then unknown.

/// Words of severity, each with its number.
const SEVERITIES: [(&str, i32); 25] = [
    ("trace", 1),
    ("trc", 1),
    ("verbose", 1),
    ("vrb", 1),
    ("debug", 5),
    ("dbg", 5),
    ("info", 9),
    ("inf", 9),
    ("information", 9),
    ("notice", 10),
    ("warn", 13),
    ("wrn", 13),
    ("warning", 13),
    ("error", 17),
    ("err", 17),
    ("severe", 17),
    ("fatal", 21),
    ("ftl", 21),
    ("critical", 21),
    ("crit", 21),
    ("panic", 21),
    ("emergency", 21),
    ("emerg", 21),
    ("alert", 21),
    ("dpanic", 21),
];

/// Words before a colon, in small letters, with .NET's. Others, such as `trace:`, can begin a message.
const BEFORE_COLON: [(&str, i32); 14] = [
    ("trce", 1),
    ("verbose", 1),
    ("dbug", 5),
    ("debug", 5),
    ("info", 9),
    ("notice", 10),
    ("warn", 13),
    ("warning", 13),
    ("fail", 17),
    ("error", 17),
    ("fatal", 21),
    ("crit", 21),
    ("critical", 21),
    ("panic", 21),
];

/// Keys of the severity in lines of `key=value`.
const KEYS: [&str; 6] = [
    "level",
    "severity",
    "lvl",
    "levelname",
    "log.level",
    "loglevel",
];

/// Words of winston, which can begin a message.
const OF_WINSTON: [(&str, i32); 2] = [("silly", 1), ("http", 7)];

/// The number of the severity in a line of JSON.
pub(super) fn of_json(word: &str) -> Option<i32> {
    number(word).or_else(|| find(&OF_WINSTON, word))
}

/// The number of a word, in any case.
fn number(word: &str) -> Option<i32> {
    find(&SEVERITIES, word)
}

fn find(words: &[(&str, i32)], word: &str) -> Option<i32> {
    let mut words = words.iter();
    let found = words.find(|(known, _)| known.eq_ignore_ascii_case(word));
    found.map(|(_, number)| *number)
}

/// A word of severity with its number.
pub(super) type Severity<'l> = (&'l str, i32);

/// The severity of a line. Reads the text before the message: times, groups in brackets, `key=value`, and
/// names between dashes or bars.
pub(super) fn of_line(line: &str) -> Option<Severity<'_>> {
    if let Some(severity) = of_letter(line) {
        return Some(severity);
    }
    let mut rest = line.trim_start();
    let mut has_time = false;
    // The text before a message is short.
    for _ in 0..MOST_PARTS {
        let part = Part::first(rest)?;
        match part {
            Part::Severity(severity) => return Some(severity),
            Part::Level(value) => return Some(value).zip(number(value)),
            Part::Message => return None,
            Part::Name(_) if !has_time => return None,
            Part::Name(length) | Part::Other(length) => rest = rest[length..].trim_start(),
            Part::Time(length) => {
                has_time = true;
                rest = rest[length..].trim_start();
            }
        }
    }
    None
}

/// Maximum number of parts before the severity.
const MOST_PARTS: usize = 12;

/// `E1129 08:00:00.123456       1 main.go:7] failed`, the format of klog and glog, and Ruby's: `E, [`.
fn of_letter(line: &str) -> Option<Severity<'_>> {
    let bytes = line.as_bytes();
    let is_klog = bytes.get(1..5)?.iter().all(u8::is_ascii_digit)
        && bytes.get(5) == Some(&b' ')
        && line.contains("] ");
    let is_ruby = bytes[1..].starts_with(b", [");
    let number = match bytes[0] {
        b'D' => 5,
        b'I' => 9,
        b'W' => 13,
        b'E' => 17,
        b'F' => 21,
        _ => return None,
    };
    (is_klog || is_ruby).then(|| (&line[..1], number))
}

/// A part of a line before its message.
#[derive(Debug)]
enum Part<'l> {
    Severity(Severity<'l>),
    /// The value of a key of severity.
    Level(&'l str),
    /// A time or a group in brackets of this length.
    Time(usize),
    /// The name of a logger or service of this length, before a dash or bar.
    Name(usize),
    /// Another part of this length: a separator, a number, or `key=value`.
    Other(usize),
    Message,
}

impl<'l> Part<'l> {
    fn first(rest: &'l str) -> Option<Self> {
        let first = rest.chars().next()?;
        if first == '[' || first == '(' {
            return Some(Self::group(rest));
        }
        let end = rest.find([' ', '\t']).unwrap_or(rest.len());
        let word = &rest[..end];
        if word.chars().all(|c| "-|:*,".contains(c)) {
            return Some(Self::Other(end));
        }
        if let Some((key, value)) = word.split_once('=')
            && is_name(key)
        {
            return Some(Self::pair(rest, key, value));
        }
        if let Some(severity) = at_beginning(word) {
            return Some(Self::Severity(severity));
        }
        if is_time(word) {
            return Some(Self::Time(end));
        }
        let is_before_separator = rest[end..].trim_start().starts_with(['-', '|', ':']);
        Some(match is_before_separator && is_name(word) {
            true => Self::Name(end),
            false => Self::Message,
        })
    }

    /// A group in brackets: a severity, a time with a severity, or something else.
    fn group(rest: &'l str) -> Self {
        let close = if rest.starts_with('[') { ']' } else { ')' };
        let Some(end) = rest.find(close) else {
            return Self::Message;
        };
        let inner = rest[1..end].trim();
        if let Some(number) = number(inner) {
            return Self::Severity((inner, number));
        }
        let mut words = inner.split([' ', '\t', '/']);
        let mut words = words
            .by_ref()
            .skip_while(|word| is_time(word) || *word == ":");
        match words.next().and_then(in_capitals) {
            Some(severity) => Self::Severity(severity),
            None => Self::Time(end + 1),
        }
    }

    /// `key=value`, with a value that can be in quotes.
    fn pair(rest: &'l str, key: &str, value: &'l str) -> Self {
        let start = key.len() + 1;
        let quoted = value
            .strip_prefix('"')
            .and_then(|_| end_of_quotes(&rest[start..]));
        let end = start + quoted.unwrap_or(value.len());
        match KEYS.iter().any(|known| known.eq_ignore_ascii_case(key)) {
            true => Self::Level(rest[start..end].trim_matches(['"', ','])),
            false => Self::Other(end),
        }
    }
}

/// The length of a text in quotes.
fn end_of_quotes(text: &str) -> Option<usize> {
    let mut is_escaped = true;
    let end = text.char_indices().find(|(_, c)| {
        let is_end = *c == '"' && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        is_end
    });
    end.map(|(at, _)| at + 1)
}

/// A word of severity in capitals, or one before a colon, also after the name of a channel: `app.ERROR:`.
fn at_beginning(word: &str) -> Option<Severity<'_>> {
    if let Some(severity) = in_capitals(word) {
        return Some(severity);
    }
    let (word, _) = word.split_once(':')?;
    if let Some(number) = find(&BEFORE_COLON, word) {
        return Some((word, number));
    }
    let (_, channel) = word.rsplit_once('.')?;
    in_capitals(channel)
}

/// A word of severity in capitals, up to a character that can follow it.
fn in_capitals(word: &str) -> Option<Severity<'_>> {
    let end = word
        .find(|c: char| !c.is_ascii_uppercase())
        .unwrap_or(word.len());
    let is_whole = word[end..]
        .chars()
        .next()
        .is_none_or(|c| ":,|]".contains(c));
    let word = &word[..end];
    number(word)
        .filter(|_| is_whole)
        .map(|number| (word, number))
}

/// Returns `true` for a number, or a part of a date or time.
fn is_time(word: &str) -> bool {
    const NAMES: [&str; 21] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Mon",
        "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "UTC", "GMT",
    ];
    let is_digital = |c: char| c.is_ascii_digit() || "-:.,TZ+/#".contains(c);
    let has_digit = word.contains(|c: char| c.is_ascii_digit());
    has_digit
        && word
            .trim_end_matches(['A', 'P', 'M'])
            .chars()
            .all(is_digital)
        || NAMES.contains(&word.trim_end_matches(','))
}

/// Returns `true` for a name of a logger, service or key.
fn is_name(word: &str) -> bool {
    !word.is_empty()
        && word
            .chars()
            .all(|c| c.is_alphanumeric() || "._-/$@".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_severity_is_read_where_libraries_write_it() {
        for (line, expected) in [
            ("ERROR failed", 17),
            ("WARNING:shop:low", 13),
            ("INFO:     127.0.0.1:5000 - \"GET / HTTP/1.1\" 200", 9),
            ("2026-11-29T08:00:00Z ERROR failed", 17),
            (
                "2026-11-29T08:00:00.123Z  INFO 12345 --- [main] c.e.App : started",
                9,
            ),
            ("2026-11-29 08:00:00,123 - shop - ERROR - failed", 17),
            (
                "2026-11-29 08:00:00,123 INFO [shop] [app.py:7] [trace_id=1] - placed",
                9,
            ),
            (
                "2026-11-29 08:00:00.123 | ERROR    | shop:charge:7 - failed",
                17,
            ),
            ("08:00:00.123 [main] ERROR com.example.Foo - failed", 17),
            ("2026-11-29T08:00:00.123Z\tWARN\tmain.go:7\tslow", 13),
            ("[2026-11-29 08:00:00 +0000] [7] [INFO] Booting", 9),
            ("[2026-11-29T08:00:00Z ERROR shop::db] failed", 17),
            ("[2026-11-29 08:00:00,123: WARNING/MainProcess] slow", 13),
            ("[08:00:00 ERR] failed", 17),
            ("[2026-11-29T08:00:00+00:00] app.ERROR: failed", 17),
            ("W, [2026-11-29T08:00:00.000000 #7]  WARN -- : slow", 13),
            ("2026/11/29 08:00:00 [error] 7#7: *1 failed", 17),
            ("2026/11/29 08:00:00 ERROR failed", 17),
            ("Sun Nov 29 08:00:00 2026 FATAL: failed", 21),
            ("2026-11-29 08:00:00 UTC [7] ERROR:  relation", 17),
            ("08:00AM WRN slow", 13),
            ("E1129 08:00:00.123456       1 main.go:7] failed", 17),
            ("ts=1 level=error msg=x", 17),
            ("time=2026-11-29T08:00:00Z level=WARN msg=\"slow\"", 13),
            ("msg=\"level=info, a \\\" quote\" level=\"error\"", 17),
            ("[warn] low", 13),
            ("info: started", 9),
            ("fail: Shop.Orders[0]", 17),
        ] {
            let found = of_line(line).map(|(_, number)| number);
            assert_eq!(found, Some(expected), "{line}");
        }
    }

    #[test]
    fn a_word_in_a_message_is_no_severity() {
        for line in [
            "order placed without ERROR",
            "no error here, information only",
            "the level=error of the last call",
            "user said [ERROR] twice",
            "2026-11-29T08:00:00Z order placed, ERROR handling is on",
            "2026-11-29T08:00:00Z [main] placed [INFO]",
            "msg=\"an ERROR level=error\"",
            "shop - ERROR - in a title",
            "ERROR_CODE=5 was returned",
            "ERRORS: 0",
            "trace: 0af7651916cd43dd8448eb211c80319c",
            "level=unknown ERROR",
            "failed: ERROR",
            "",
            "[",
            "é [ERROR",
        ] {
            assert_eq!(of_line(line), None, "{line}");
        }
    }
}
