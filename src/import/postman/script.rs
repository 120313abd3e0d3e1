//! Statements of a script, with their offsets. JavaScript is not interpreted.

use std::ops::Range;

/// A statement: a range of the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    pub(super) text: &'a str,
    pub(super) start: usize,
}

/// The script with blanks in place of its comments. Offsets stay the same.
pub(super) fn without_comments(script: &str) -> String {
    let mut plain = script.as_bytes().to_vec();
    let mut at = 0;
    while at < script.len() {
        let rest = &script[at..];
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else {
            at += skipped(script, at);
            continue;
        };
        for byte in &mut plain[at..at + length] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at += length;
    }
    // Comments are replaced as a whole, so that it is UTF-8 still.
    String::from_utf8(plain).unwrap_or_else(|_| script.to_owned())
}

/// The length of the string, the expression or the character at an offset.
fn skipped(script: &str, at: usize) -> usize {
    let rest = &script[at..];
    let Some(first) = rest.chars().next() else {
        return 0;
    };
    let is_expression = first == '/' && {
        let before = script[..at].trim_end();
        before.is_empty()
            || before.ends_with(['(', ',', '=', ':', '[', '!', '&', '|', '?', '{', '}', ';'])
    };
    if !matches!(first, '"' | '\'' | '`') && !is_expression {
        return first.len_utf8();
    }
    let mut is_escaped = false;
    for (offset, character) in rest.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '\n' if first != '`' => return offset,
            _ if character == first => return offset + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The statements of a part of a script without comments.
pub(super) fn statements(script: &str, part: Range<usize>) -> Vec<Statement<'_>> {
    let mut statements = Vec::new();
    let (mut start, mut at, mut depth) = (part.start, part.start, 0_usize);
    while at < part.end {
        let length = skipped(script, at).max(1);
        let ends = match script.as_bytes()[at] {
            b'(' | b'[' | b'{' => {
                depth += 1;
                false
            }
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                false
            }
            b';' => depth == 0,
            b'\n' => depth == 0 && !continues(&script[start..at], &script[at..part.end]),
            _ => false,
        };
        if ends {
            push(&mut statements, script, start..at);
            start = at + 1;
        }
        at += length;
    }
    push(&mut statements, script, start..part.end);
    statements
}

/// Returns `true` if a statement continues after a line break.
fn continues(before: &str, after: &str) -> bool {
    let (before, after) = (before.trim_end(), after.trim_start());
    let is_word = |word: &str| {
        after
            .strip_prefix(word)
            .is_some_and(|rest| rest.starts_with([' ', '{', '(']))
    };
    before.ends_with(['.', ',', '=', '+', '&', '|', '?', ':', '(', '['])
        || after.starts_with(['.', '?', ':', '=', '+', '&', '|', ')', ']', ','])
        || ["else", "catch", "finally"].into_iter().any(is_word)
        || before.is_empty()
}

fn push<'a>(statements: &mut Vec<Statement<'a>>, script: &'a str, range: Range<usize>) {
    let text = &script[range.clone()];
    let start = range.start + text.len() - text.trim_start().len();
    let text = text.trim();
    if !text.is_empty() {
        statements.push(Statement { text, start });
    }
}

/// The parts of a text between separators outside of brackets and strings.
pub(super) fn split(text: &str, separator: u8) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut at, mut depth) = (0, 0, 0_usize);
    while at < text.len() {
        match text.as_bytes()[at] {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            byte if byte == separator && depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
        at += skipped(text, at).max(1);
    }
    parts.push(text[start..].trim());
    parts
}

/// The content of the bracket at the beginning, and the rest after it.
pub(super) fn bracket(text: &str) -> Option<(&str, &str)> {
    let (mut at, mut depth) = (0, 0_usize);
    while at < text.len() {
        match text.as_bytes()[at] {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some((&text[1..at], &text[at + 1..]));
                }
            }
            _ => {}
        }
        at += skipped(text, at).max(1);
    }
    None
}

/// The range of the body of the function that is the last argument of a call, within the script.
pub(super) fn function_body(call: &Statement<'_>, function: &str) -> Option<Range<usize>> {
    let offset =
        call.start + (function.as_ptr() as usize).checked_sub(call.text.as_ptr() as usize)?;
    let function_start = function.trim_start();
    let is_plain = |parameters: &str| parameters.trim().is_empty();
    let after = match function_start
        .strip_prefix("async ")
        .unwrap_or(function_start)
        .strip_prefix("function")
    {
        Some(rest) => {
            let rest = &rest[rest.find('(')?..];
            let (parameters, rest) = bracket(rest)?;
            is_plain(parameters).then_some(rest)?
        }
        None => {
            let rest = function_start
                .strip_prefix("async ")
                .unwrap_or(function_start)
                .trim_start();
            let (parameters, rest) = bracket(rest)?;
            is_plain(parameters)
                .then_some(rest)?
                .trim_start()
                .strip_prefix("=>")?
        }
    };
    let body = after.trim_start();
    let start = offset + (body.as_ptr() as usize - function.as_ptr() as usize);
    Some(match body.starts_with('{') {
        true => start + 1..start + 1 + bracket(body)?.0.len(),
        false => start..start + body.trim_end().len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_at_semicolons_and_lines() {
        let script = "const a = 1 // x; y\npm.test('a;b', function () {\n  f();\n})\npm.expect(a)\n  .to.eql(/;/)\n";
        let plain = without_comments(script);
        let found: Vec<&str> = statements(&plain, 0..plain.len())
            .iter()
            .map(|one| one.text)
            .collect();
        assert_eq!(
            found,
            [
                "const a = 1",
                "pm.test('a;b', function () {\n  f();\n})",
                "pm.expect(a)\n  .to.eql(/;/)"
            ]
        );
    }

    #[test]
    fn a_function_has_a_body() {
        for script in [
            "pm.test('x', function () { a(); })",
            "pm.test('x', () => { a(); })",
            "pm.test('x', () => a())",
        ] {
            let statement = &statements(script, 0..script.len())[0];
            let (arguments, _) = bracket(&statement.text["pm.test".len()..]).unwrap();
            let function = split(arguments, b',')[1];
            let body = function_body(statement, function).unwrap();
            assert_eq!(script[body].trim().trim_end_matches(';'), "a()");
        }
    }
}
