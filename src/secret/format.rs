//! Masking that keeps files well-formed: it decodes strings, masks them, and encodes them again.

/// The encoding of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text without a syntax that a replacement could break: terminal output, Markdown, TAP.
    Text,
    /// JSON.
    Json,
    /// XML or HTML.
    Markup,
}

/// Fixed strings of our JSON reports, which never come from outside.
const WORDS: [&str; 22] = [
    "passed",
    "failed",
    "errored",
    "skipped",
    "not_run",
    "setup",
    "test",
    "teardown",
    "closed",
    "open",
    "regressed",
    "over_limit",
    "nothing_found",
    "not_proven",
    "too_few",
    "http",
    "command",
    "pass",
    "fail",
    "unjudged",
    "spanspec",
    "utc",
];

/// Masks a text. `plain` masks without regard to the format.
pub(super) fn masked(
    format: Format,
    text: &str,
    plain: String,
    mask: &impl Fn(&str) -> Option<String>,
) -> String {
    match format {
        Format::Text => plain,
        Format::Json => json(text, mask),
        Format::Markup => markup(text, mask),
    }
}

/// Masks the string values of JSON. Names of members are fixed, or were masked with the report.
fn json(text: &str, mask: &impl Fn(&str) -> Option<String>) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('"') {
        let length = string_length(&rest[start..]);
        let (before, string, after) = (
            &rest[..start],
            &rest[start..start + length],
            &rest[start + length..],
        );
        masked.push_str(before);
        let is_name = after.trim_start().starts_with(':');
        match (!is_name).then(|| masked_string(string, mask)).flatten() {
            Some(string) => masked.push_str(&string),
            None => masked.push_str(string),
        }
        rest = after;
    }
    masked.push_str(rest);
    masked
}

/// The length of the string at the start of the text, with its quotes.
fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn masked_string(string: &str, mask: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let decoded: String = serde_json::from_str(string).ok()?;
    if WORDS.contains(&decoded.as_str()) {
        return None;
    }
    mask(&decoded).map(|masked| serde_json::Value::from(masked).to_string())
}

/// Masks text between tags, values of attributes, and data for scripts. Style sheets and scripts
/// are fixed.
fn markup(text: &str, mask: &impl Fn(&str) -> Option<String>) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        masked.push_str(&masked_part(&rest[..start], mask));
        let tag = &rest[start..start + tag_length(&rest[start..])];
        masked.push_str(&masked_tag(tag, mask));
        rest = &rest[start + tag.len()..];
        let raw = ["style", "script"];
        if let Some(name) = raw.iter().find(|name| is_tag(tag, name)) {
            let end = rest.find(&format!("</{name}")).unwrap_or(rest.len());
            if tag.contains("application/json") {
                masked.push_str(&without_tags(&json(&rest[..end], mask)));
            } else {
                masked.push_str(&rest[..end]);
            }
            rest = &rest[end..];
        }
    }
    masked.push_str(&masked_part(rest, mask));
    masked
}

/// JSON in which no text can end a script.
fn without_tags(json: &str) -> String {
    json.replace('<', "\\u003c")
}

fn is_tag(tag: &str, name: &str) -> bool {
    let after = tag.strip_prefix('<').and_then(|tag| tag.strip_prefix(name));
    after.is_some_and(|after| after.starts_with(['>', ' ']))
}

/// The length of the tag, comment or section at the start of the text.
fn tag_length(text: &str) -> usize {
    let until = |end: &str| text.find(end).map_or(text.len(), |at| at + end.len());
    if text.starts_with("<!--") {
        return until("-->");
    }
    if text.starts_with("<![CDATA[") {
        return until("]]>");
    }
    let mut quote = None;
    for (at, char) in text.char_indices() {
        match (quote, char) {
            (None, '>') => return at + 1,
            (None, '"' | '\'') => quote = Some(char),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    text.len()
}

fn masked_tag(tag: &str, mask: &impl Fn(&str) -> Option<String>) -> String {
    if tag.starts_with("<![CDATA[") || tag.starts_with("<!--") {
        return mask(tag).unwrap_or_else(|| tag.to_owned());
    }
    let mut masked = String::with_capacity(tag.len());
    let mut rest = tag;
    while let Some(start) = rest.find(['"', '\'']) {
        let quote = &rest[start..=start];
        let value = &rest[start + 1..];
        let length = value.find(quote).unwrap_or(value.len());
        masked.push_str(&rest[..=start]);
        masked.push_str(&masked_part(&value[..length], mask));
        rest = &value[length..];
        if let Some(after) = rest.strip_prefix(quote) {
            masked.push_str(quote);
            rest = after;
        }
    }
    masked.push_str(rest);
    masked
}

/// Encodes special characters as entities.
fn masked_part(part: &str, mask: &impl Fn(&str) -> Option<String>) -> String {
    match mask(&decoded(part)) {
        Some(masked) => escaped(&masked),
        None => part.to_owned(),
    }
}

fn decoded(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        decoded.push_str(&rest[..start]);
        rest = &rest[start..];
        let length = rest.find(';').map_or(1, |end| end + 1);
        match entity(&rest[..length]) {
            Some(char) => {
                decoded.push(char);
                rest = &rest[length..];
            }
            None => {
                decoded.push('&');
                rest = &rest[1..];
            }
        }
    }
    decoded.push_str(rest);
    decoded
}

fn entity(text: &str) -> Option<char> {
    let name = text.strip_prefix('&')?.strip_suffix(';')?;
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
