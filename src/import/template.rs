//! Texts with variables, from those of other tools.

use std::fmt::Write;

/// A text in our notation, built piece by piece.
#[derive(Clone, Debug, Default)]
pub(crate) struct Template(String);

impl Template {
    /// Appends a literal text.
    pub(crate) fn push(&mut self, text: &str) {
        for character in text.chars() {
            if character == '{' && self.0.ends_with('$') {
                self.0.push('$');
            }
            self.0.push(character);
        }
    }

    /// Appends a variable or a function, without its `${` and `}`.
    pub(crate) fn push_expression(&mut self, expression: &str) {
        // `$` and a variable would read as a literal `${`.
        if self.0.ends_with('$') {
            self.0.pop();
            self.0.push_str("${dollar:-$}");
        }
        // Writing to a string cannot fail.
        let _ = write!(self.0, "${{{expression}}}");
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}

/// A literal text.
pub(crate) fn literal(text: &str) -> String {
    let mut template = Template::default();
    template.push(text);
    template.finish()
}

/// A text with `{{name}}`. `expression` returns what stands for a name, without `${` and `}`.
pub(crate) fn from_mustache(text: &str, expression: impl Fn(&str) -> Option<String>) -> String {
    let mut template = Template::default();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let inner = &rest[start + 2..];
        let Some(end) = inner.find("}}") else { break };
        template.push(&rest[..start]);
        match expression(inner[..end].trim()) {
            Some(found) => template.push_expression(&found),
            None => template.push(&rest[start..start + end + 4]),
        }
        rest = &inner[end + 2..];
    }
    template.push(rest);
    template.finish()
}

/// A name that is valid for a variable.
pub(crate) fn variable_name(name: &str) -> String {
    let is_valid = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let name: String = name
        .chars()
        .map(|c| if is_valid(c) { c } else { '_' })
        .collect();
    if name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        name
    } else {
        format!("_{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dollar_before_a_variable_stays_a_dollar() {
        let named = |text: &str| from_mustache(text, |name| Some(name.to_owned()));
        assert_eq!(named("a {{ b }} c"), "a ${b} c");
        assert_eq!(named("${{price}}"), "${dollar:-$}${price}");
        assert_eq!(named("${HOME}"), "$${HOME}");
        assert_eq!(named("open {{"), "open {{");
    }
}
