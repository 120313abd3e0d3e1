//! Escapes for text of the system under test in Markdown, HTML and Mermaid.

use std::borrow::Cow;
use std::fmt::Write;

use super::super::look::printable;

/// Maximum length of a name or a sentence, in characters.
const LONGEST: usize = 500;

/// For Markdown, including table cells: characters with a meaning, such as pipes, mentions and
/// formulas, become numeric character references.
pub(super) fn inline(text: &str) -> String {
    escaped(text, r"\`*_{}[]<>#+!|~&@:$^=")
}

/// For the content of an HTML element.
pub(super) fn html(text: &str) -> String {
    escaped(text, "\\`*_[]<>#~&@:$\"'")
}

/// For the quoted label of a Mermaid node or edge.
pub(super) fn label(text: &str) -> String {
    let is_plain =
        |char: char| char.is_alphanumeric() || matches!(char, ' ' | '-' | '.' | '/' | ',');
    let mut safe = String::new();
    for char in shortened(text).chars() {
        if is_plain(char) {
            safe.push(char);
        } else {
            // Mermaid's numeric character reference.
            let _ = write!(safe, "#{};", u32::from(char));
        }
    }
    safe
}

/// A block of text between fences that are longer than any within it.
pub(super) fn fenced(text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for char in text.chars() {
        run = if char == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", text.trim_end())
}

fn escaped(text: &str, telling: &str) -> String {
    let mut safe = String::new();
    for char in shortened(text).chars() {
        if telling.contains(char) {
            let _ = write!(safe, "&#{};", u32::from(char));
        } else {
            safe.push(char);
        }
    }
    safe
}

fn shortened(text: &str) -> Cow<'_, str> {
    let text = printable(text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_markdown_is_written_as_a_number() {
        assert_eq!(
            inline("a|b`c`</details> [x](y) @me #1 $x$ **b** \u{1b}"),
            "a&#124;b&#96;c&#96;&#60;/details&#62; &#91;x&#93;(y) &#64;me &#35;1 &#36;x&#36; &#42;&#42;b&#42;&#42; &#92;u&#123;1b&#125;"
        );
    }

    #[test]
    fn a_fence_is_longer_than_any_in_the_text() {
        assert_eq!(fenced("a\n````\nb\n"), "`````text\na\n````\nb\n`````\n");
        assert_eq!(fenced("a"), "```text\na\n```\n");
    }

    #[test]
    fn a_label_cannot_end_the_quotes_around_it() {
        assert_eq!(label("a\"]; click x"), "a#34;#93;#59; click x");
    }
}
