//! A spec as maps and lists, and its text. The reader of specs reads the same values from it.

use crate::draft::yaml;
use crate::trace::Value;

/// Maximum width of a list or map on the line of its key.
const WIDTH: usize = 84;

/// A value of a spec.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Written {
    /// A text, in which `${x}` is a variable. It is quoted if necessary.
    Text(String),
    /// Special syntax, such as `1..`, `exists`, `< 500ms`, `=~ ^a` or `true`.
    Syntax(String),
    List(Vec<Written>),
    Map(Map),
}

/// A map of a spec.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Map {
    entries: Vec<(String, Written)>,
    /// Comments above the map.
    comments: Vec<String>,
    layout: Layout,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Layout {
    /// One line for each key.
    #[default]
    Block,
    /// In braces, if it fits on a line.
    Flow,
}

impl Written {
    /// A text without variables.
    pub(crate) fn literal(text: &str) -> Self {
        Self::Text(yaml::escaped(text))
    }

    /// A matcher for exactly this text, which may contain variables.
    pub(crate) fn equal(text: &str) -> Self {
        if yaml::needs_equals(text) || text.is_empty() {
            return Map::flow("equals", Self::Text(text.to_owned())).into();
        }
        Self::Text(text.to_owned())
    }

    /// A JSON value, whose texts may contain variables.
    pub(crate) fn json(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::json).collect()),
            Value::Map(entries) => {
                let mut map = Map {
                    layout: Layout::Flow,
                    ..Map::default()
                };
                for (key, value) in entries {
                    map.put(key, Self::json(value));
                }
                map.into()
            }
            other => Self::Syntax(other.to_string()),
        }
    }
}

impl From<&str> for Written {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Written {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Map> for Written {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl From<Vec<Written>> for Written {
    fn from(items: Vec<Written>) -> Self {
        Self::List(items)
    }
}

impl Map {
    /// An empty map with a line for each key.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A map in braces, if it fits on a line.
    pub(crate) fn flow(key: &str, value: impl Into<Written>) -> Self {
        let mut map = Self {
            layout: Layout::Flow,
            ..Self::default()
        };
        map.put(key, value);
        map
    }

    /// Sets a key; the value replaces an earlier one.
    pub(crate) fn put(&mut self, key: &str, value: impl Into<Written>) {
        let value = value.into();
        match self.entries.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = value,
            None => self.entries.push((key.to_owned(), value)),
        }
    }

    /// A comment line above the map, or above its key.
    pub(crate) fn comment_above(&mut self, text: &str) {
        self.comments.push(text.to_owned());
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Written> {
        self.values()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    /// The map at a key, which is created if it does not exist.
    pub(crate) fn map(&mut self, key: &str) -> &mut Self {
        if !matches!(self.get(key), Some(Written::Map(_))) {
            self.put(key, Self::new());
        }
        let found = self.entries.iter_mut().find_map(|entry| match entry {
            (name, Written::Map(map)) if name == key => Some(map),
            _ => None,
        });
        found.expect("it was created")
    }

    /// The list at a key, which is created if it does not exist.
    pub(crate) fn list(&mut self, key: &str) -> &mut Vec<Written> {
        if !matches!(self.get(key), Some(Written::List(_))) {
            self.put(key, Vec::new());
        }
        let found = self.entries.iter_mut().find_map(|entry| match entry {
            (name, Written::List(items)) if name == key => Some(items),
            _ => None,
        });
        found.expect("it was created")
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, &Written)> {
        self.entries
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }

    pub(crate) fn has_comments(&self) -> bool {
        !self.comments.is_empty() || self.values().any(|(_, value)| value.has_comments())
    }

    /// The text of a document with this map.
    pub(crate) fn document(&self) -> String {
        let mut text = String::new();
        comments(&mut text, &self.comments, 0);
        self.block(&mut text, 0);
        text
    }

    fn block(&self, text: &mut String, indent: usize) {
        for (key, value) in self.values() {
            if let Written::Map(map) = value {
                comments(text, &map.comments, indent);
            }
            text.push_str(&format!("{}{}:", pad(indent), yaml::key_text(key)));
            value.after_key(text, indent);
        }
    }
}

impl Written {
    /// The value after the colon of its key, with the end of the line.
    fn after_key(&self, text: &mut String, indent: usize) {
        if let Some(line) = self.line(indent) {
            text.push_str(&format!(" {line}\n"));
            return;
        }
        match self {
            Self::Map(map) => {
                text.push('\n');
                map.block(text, indent + 2);
            }
            Self::List(items) => {
                text.push('\n');
                for item in items {
                    item.item(text, indent + 2);
                }
            }
            Self::Text(words) | Self::Syntax(words) => {
                let (mark, lines) = match words.strip_suffix('\n') {
                    Some(lines) => ("|", lines),
                    None => ("|-", words.as_str()),
                };
                text.push_str(&format!(" {mark}\n"));
                for line in lines.split('\n') {
                    let line = format!("{}{line}", pad(indent + 2));
                    text.push_str(&format!("{}\n", line.trim_end()));
                }
            }
        }
    }

    /// An item of a list, with the end of the line.
    fn item(&self, text: &mut String, indent: usize) {
        if let Self::Map(map) = self {
            comments(text, &map.comments, indent);
        }
        let mut inner = String::new();
        match self {
            Self::Map(map) if self.line(indent).is_none() => map.block(&mut inner, indent + 2),
            Self::List(items) if self.line(indent).is_none() => {
                for item in items {
                    item.item(&mut inner, indent + 2);
                }
            }
            _ => inner = format!("{}{}\n", pad(indent + 2), self.in_flow_or_block()),
        }
        // A comment before the first key would stand between the dash and the key.
        let inner = inner.strip_prefix(&pad(indent + 2)).unwrap_or(&inner);
        text.push_str(&format!("{}- {inner}", pad(indent)));
    }

    /// The value on one line, if it fits.
    fn line(&self, indent: usize) -> Option<String> {
        let fits = |line: &String| line.chars().count() + indent <= WIDTH;
        match self {
            Self::Text(words) if is_literal(words) => None,
            Self::Text(_) | Self::Syntax(_) => Some(self.in_flow_or_block()),
            Self::List(items) if items.is_empty() => Some("[]".to_owned()),
            Self::List(items) => {
                let is_flat =
                    |item: &Self| !matches!(item, Self::Map(map) if map.layout == Layout::Block);
                let is_flat = items.iter().all(is_flat) && !self.has_comments();
                Some(self.in_flow()).filter(|line| is_flat && fits(line))
            }
            Self::Map(map) if map.is_empty() && !map.has_comments() => Some("{}".to_owned()),
            Self::Map(map) => {
                let is_flow = map.layout == Layout::Flow && !self.has_comments();
                Some(self.in_flow()).filter(|line| is_flow && fits(line))
            }
        }
    }

    fn has_comments(&self) -> bool {
        match self {
            Self::Text(_) | Self::Syntax(_) => false,
            Self::List(items) => items.iter().any(Self::has_comments),
            Self::Map(map) => map.has_comments(),
        }
    }

    fn in_flow_or_block(&self) -> String {
        match self {
            Self::Text(text) => yaml::block(text),
            Self::Syntax(text) => syntax(text, ": "),
            _ => self.in_flow(),
        }
    }

    /// The value inside braces or brackets.
    fn in_flow(&self) -> String {
        match self {
            Self::Text(text) => yaml::flow(text),
            Self::Syntax(text) => syntax(text, "{}[],:"),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::in_flow).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Map(map) if map.is_empty() => "{}".to_owned(),
            Self::Map(map) => {
                let entries = map
                    .values()
                    .map(|(key, value)| format!("{}: {}", yaml::key_text(key), value.in_flow()));
                format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Special syntax, quoted if YAML would read it differently. `special` are characters or, with a
/// space, a text that needs quotes.
fn syntax(text: &str, special: &str) -> String {
    let is_special = match special {
        ": " => text.contains(": ") || text.ends_with(':'),
        signs => text.contains(|c| signs.contains(c)),
    };
    let is_plain = !is_special
        && !text.starts_with('>')
        && !text.contains(" #")
        && !text.contains('\n')
        && text.trim() == text
        && text
            .chars()
            .all(|c| c == ' ' || !c.is_whitespace() && !c.is_control());
    if is_plain {
        text.to_owned()
    } else {
        yaml::quoted(text)
    }
}

/// Returns `true` for texts with several lines that can be written below `|`.
fn is_literal(text: &str) -> bool {
    let lines = text.strip_suffix('\n').unwrap_or(text);
    lines.contains('\n')
        && !lines.starts_with(['\n', ' '])
        && lines.split('\n').all(|line| {
            line.trim_end() == line
                && line
                    .chars()
                    .all(|c| c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric())
        })
        && !lines.ends_with('\n')
}

fn comments(text: &mut String, lines: &[String], indent: usize) {
    for line in lines {
        comment(text, line, indent);
    }
}

fn comment(text: &mut String, lines: &str, indent: usize) {
    for line in lines.lines() {
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        text.push_str(&format!("{}# {line}\n", pad(indent)));
    }
}

fn pad(indent: usize) -> String {
    " ".repeat(indent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_maps_are_in_braces_and_long_ones_below() {
        let mut find = Map::flow("name", "GET /orders/{id}");
        find.put("service", "shop");
        let mut entry = Map::new();
        entry.put("find", find);
        entry.put("duration", Written::Syntax("< 500ms".into()));
        entry.put("attributes", {
            let mut map = Map::new();
            map.put(
                "http.response.status_code",
                Written::List(vec![Written::Syntax("200".into()), "200".into()]),
            );
            map.put("note", Written::equal("=~ x"));
            map.put("size", Written::Syntax("> 5".into()));
            map
        });
        entry.comment_above("a check");
        let mut spec = Map::new();
        spec.put("name", "x: y");
        spec.map("request").put("post", "${URL}/orders");
        spec.map("request").put("body", "{\n  \"a\": 1\n}");
        spec.map("expect").list("spans").push(entry.into());
        assert_eq!(
            spec.document(),
            r#"name: "x: y"
request:
  post: ${URL}/orders
  body: |-
    {
      "a": 1
    }
expect:
  spans:
    # a check
    - find: { name: "GET /orders/{id}", service: shop }
      duration: < 500ms
      attributes:
        http.response.status_code: [200, "200"]
        note: { equals: "=~ x" }
        size: "> 5"
"#
        );
    }
}
