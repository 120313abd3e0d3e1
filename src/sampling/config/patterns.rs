//! Findings about the values of `string_attribute`: patterns that are not what they look like.

use regex::Regex;

use super::finding::{Finding, LintRule};
use super::value::is_variable;
use crate::sampling::re2::{self, PatternError};
use crate::yaml::Location;

/// The pattern, and the findings about it.
pub(super) fn regex(title: &str, value: &str, at: &Location) -> (Option<Regex>, Vec<Finding>) {
    match re2::compile(value) {
        Ok(pattern) => (
            Some(pattern),
            unanchored(title, value, at).into_iter().collect(),
        ),
        Err(PatternError::Refused(why)) => {
            let why = match is_variable(at) {
                true => String::new(),
                false => format!(": {why}"),
            };
            let what = format!("{title} has a pattern that RE2 does not accept{why}");
            let finding = Finding::new(LintRule::BadRegex, at, what).help(
                "write a regular expression of RE2, which has no lookaround and no backreferences",
            );
            (None, vec![finding])
        }
        Err(PatternError::NotTranslated(why)) => {
            let what = format!("{title} has a pattern that spanspec does not evaluate: {why}");
            let finding =
                Finding::new(LintRule::UnknownValue, at, what).help("write the pattern without it");
            (None, vec![finding])
        }
    }
}

/// A pattern that looks like a whole value or a glob. It is found anywhere in a value.
fn unanchored(title: &str, value: &str, at: &Location) -> Option<Finding> {
    if is_variable(at) {
        return None;
    }
    if let Some(glob) = as_glob(value) {
        let what = format!(
            "{title} has a pattern that looks like a glob: `*` repeats the character before it"
        );
        let finding = Finding::new(LintRule::UnanchoredRegex, at, what);
        return Some(finding.help(format!("write `{glob}`")));
    }
    let plain = plain_text(value).filter(|plain| !plain.is_empty())?;
    let what = format!("{title} has a pattern without anchors, which is found anywhere in a value");
    let finding = Finding::new(LintRule::UnanchoredRegex, at, what)
        .label(format!("also matches `{plain}2`"))
        .help(format!(
            "write `^{value}$` for the whole value, `^{value}` for its start, or remove `enabled_regex_matching`"
        ));
    Some(finding)
}

/// The text that a pattern without operators stands for.
fn plain_text(pattern: &str) -> Option<String> {
    let mut plain = String::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.push(characters.next().filter(|next| !next.is_alphanumeric())?),
            // A dot between words is meant as a dot.
            '.' => plain.push('.'),
            '*' | '+' | '?' | '^' | '$' | '|' | '(' | ')' | '[' | ']' | '{' | '}' => return None,
            other => plain.push(other),
        }
    }
    Some(plain)
}

/// The pattern that a glob such as `val*` or `*.html` was meant for.
fn as_glob(value: &str) -> Option<String> {
    let is_literal = |character: char| character.is_alphanumeric() || "-_/: ".contains(character);
    let parts: Vec<&str> = value.split('*').collect();
    let has_word_before = value.contains('*')
        && parts[..parts.len() - 1]
            .iter()
            .all(|part| part.ends_with(is_literal));
    let is_simple = parts.iter().all(|part| {
        part.chars()
            .all(|character| is_literal(character) || character == '.')
    });
    (has_word_before && is_simple).then(|| format!("^{}$", parts.join(".*")))
}

/// A pattern among values that are compared as they are.
pub(super) fn exact(title: &str, value: &str, at: &Location) -> Option<Finding> {
    let looks_like_pattern = value.contains(".*")
        || value.contains(".+")
        || value.starts_with('^')
        || value.ends_with('$') && value.len() > 1
        || value.contains("\\d")
        || value.ends_with('*') && value.len() > 1;
    looks_like_pattern.then(|| {
        let what = format!("{title} compares with a value that looks like a pattern");
        Finding::new(LintRule::RegexDisabled, at, what)
            .label("only this very text matches")
            .help("add `enabled_regex_matching: true`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_and_plain_words_are_recognized() {
        assert_eq!(as_glob("val*").as_deref(), Some("^val.*$"));
        assert_eq!(as_glob("/v1/*").as_deref(), Some("^/v1/.*$"));
        for pattern in ["/v1/.*", "a+", "^a*$", "val", "[a]*", "*.html"] {
            assert_eq!(as_glob(pattern), None, "{pattern}");
        }
        assert_eq!(plain_text(r"\/health").as_deref(), Some("/health"));
        assert_eq!(plain_text("a.b").as_deref(), Some("a.b"));
        for pattern in ["/v1/.+", "^a", r"\d", "a|b"] {
            assert_eq!(plain_text(pattern), None, "{pattern}");
        }
    }
}
