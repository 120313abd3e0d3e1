//! Quotes and variables in Tracetest's texts.

/// Returns `true` for quotes that word processors write in place of `"`.
pub(super) fn is_double_quote(c: char) -> bool {
    matches!(c, '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{201f}')
}

/// Returns `true` for quotes that word processors write in place of `'`.
pub(super) fn is_single_quote(c: char) -> bool {
    matches!(c, '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}')
}

/// The offset of the quote that closes the text at the start of `rest`.
pub(super) fn closing_quote(rest: &str, quote: char) -> Option<usize> {
    let closes = |c: char| match quote {
        quote if is_double_quote(quote) => is_double_quote(c) || c == '"',
        quote if is_single_quote(quote) => is_single_quote(c) || c == '\'',
        quote => c == quote,
    };
    let mut is_escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if quote != '`' => is_escaped = true,
            c if closes(c) => return Some(at),
            _ => {}
        }
    }
    None
}
