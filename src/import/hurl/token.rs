//! The words of a capture, an assertion or a value.

/// A word of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A keyword, an operator, a number or `{{x}}`.
    Word(String),
    /// A text in quotes or backquotes, with `{{x}}`.
    Text(String),
    /// A regular expression between slashes.
    Regex(String),
    /// Bytes: `hex,00;`, `base64,AA==;`, `file,a.bin;`.
    Bytes(String),
}

/// The tokens of a line, without its comment. `None` for an open quote.
pub(super) fn tokens(line: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let (token, length) = token(rest, tokens.last())?;
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

fn token(rest: &str, before: Option<&Token>) -> Option<(Token, usize)> {
    let is_expression = matches!(before, Some(Token::Word(word)) if word == "matches" || word == "regex" || word == "replaceRegex");
    if let Some(inner) = rest.strip_prefix("```") {
        let end = inner.find("```")?;
        let text = inner[..end]
            .split_once('\n')
            .map_or(&inner[..end], |(_, text)| text);
        return Some((Token::Text(text.to_owned()), end + 6));
    }
    if let Some(inner) = rest.strip_prefix('`') {
        let end = inner.find('`')?;
        return Some((Token::Text(unescaped(&inner[..end])), end + 2));
    }
    if let Some(inner) = rest.strip_prefix('"') {
        let end = closing(inner, '"')?;
        return Some((Token::Text(unescaped(&inner[..end])), end + 2));
    }
    if let Some(inner) = rest.strip_prefix('/').filter(|_| is_expression) {
        let end = closing(inner, '/')?;
        return Some((Token::Regex(inner[..end].replace("\\/", "/")), end + 2));
    }
    if ["hex,", "base64,", "file,"]
        .iter()
        .any(|start| rest.starts_with(start))
    {
        let end = rest.find(';')?;
        return Some((Token::Bytes(rest[..=end].to_owned()), end + 1));
    }
    if rest.starts_with("{{") {
        let end = rest.find("}}")? + 2;
        return Some((Token::Word(rest[..end].to_owned()), end));
    }
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    Some((Token::Word(rest[..end].to_owned()), end))
}

/// The offset of the closing sign.
fn closing(text: &str, sign: char) -> Option<usize> {
    let mut is_escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if character == sign => return Some(at),
            _ => {}
        }
    }
    None
}

/// A text without the escapes of hurl.
pub(super) fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('t') => plain.push('\t'),
            Some('b') => plain.push('\u{8}'),
            Some('f') => plain.push('\u{c}'),
            Some('u') => {
                let rest = characters.as_str();
                let inner = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
                let code = inner.and_then(|(digits, _)| u32::from_str_radix(digits, 16).ok());
                if let (Some((_, after)), Some(found)) = (inner, code.and_then(char::from_u32)) {
                    plain.push(found);
                    characters = after.chars();
                }
            }
            Some(other) => plain.push(other),
            None => plain.push('\\'),
        }
    }
    plain
}

/// `key: value`, without the comment after the value. The value is unescaped.
pub(super) fn key_value(line: &str) -> Option<(String, String)> {
    let colon = unescaped_colon(line)?;
    let (key, value) = (&line[..colon], &line[colon + 1..]);
    let value = comment_of(value).map_or(value, |at| &value[..at]);
    Some((unescaped(key.trim()), unescaped(value.trim())))
}

/// `key: …`, without a change of the rest.
pub(super) fn key_rest(line: &str) -> Option<(String, &str)> {
    let colon = unescaped_colon(line)?;
    Some((unescaped(line[..colon].trim()), line[colon + 1..].trim()))
}

fn unescaped_colon(line: &str) -> Option<usize> {
    line.match_indices(':')
        .map(|(at, _)| at)
        .find(|at| !line[..*at].ends_with('\\'))
}

fn comment_of(value: &str) -> Option<usize> {
    let mut signs = value.match_indices('#').map(|(at, _)| at);
    signs.find(|at| !value[..*at].ends_with('\\'))
}
