//! Keys of attributes, with alternatives.

use std::fmt;

/// The key of an attribute, or alternatives of which exactly one must be present:
/// `http.response.status_code | http.status_code`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeKey {
    /// At least one; all differ.
    names: Vec<String>,
}

/// The reason why a text is no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyError {
    /// There is nothing on one side of a `|`.
    Empty,
    /// This alternative occurs twice.
    Repeated(String),
}

impl AttributeKey {
    /// Reads a key. Each `|` separates two alternatives.
    pub(crate) fn parse(text: &str) -> Result<Self, KeyError> {
        if !text.contains('|') {
            return Ok(text.into());
        }
        let mut names: Vec<String> = Vec::new();
        for name in text.split('|').map(str::trim) {
            if name.is_empty() {
                return Err(KeyError::Empty);
            }
            if names.iter().any(|other| other == name) {
                return Err(KeyError::Repeated(name.to_owned()));
            }
            names.push(name.to_owned());
        }
        Ok(Self { names })
    }

    /// The alternatives.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The key with other names.
    pub(crate) fn renamed(&self, name: impl Fn(&str) -> String) -> Self {
        Self {
            names: self.names().map(name).collect(),
        }
    }

    /// The key, if it has no alternatives.
    #[must_use]
    pub fn single(&self) -> Option<&str> {
        match self.names.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }
}

/// A key without alternatives.
impl From<&str> for AttributeKey {
    fn from(name: &str) -> Self {
        Self {
            names: vec![name.to_owned()],
        }
    }
}

/// As in a spec: `a | b`.
impl fmt::Display for AttributeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names.join(" | "))
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an alternative of this key is empty"),
            Self::Repeated(name) => write!(f, "`{name}` is an alternative twice"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bar_separates_two_alternatives() {
        let names = |text| {
            let key = AttributeKey::parse(text)?;
            Ok(key.names().map(str::to_owned).collect::<Vec<_>>())
        };
        assert_eq!(names("a.b"), Ok(vec!["a.b".to_owned()]));
        assert_eq!(
            names("a | b|c"),
            Ok(["a", "b", "c"].map(str::to_owned).into())
        );
        assert_eq!(names("a | "), Err(KeyError::Empty));
        assert_eq!(names("a | b | a"), Err(KeyError::Repeated("a".to_owned())));
    }
}
