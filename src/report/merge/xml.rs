//! XML as a tree: JUnit files of different tools vary too much for a schema.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::MergeError;

/// Maximum nesting: more than any tool writes, and safe for recursion.
const MAX_DEPTH: usize = 64;

/// An element with its content.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
    /// Its text, without that of its children.
    pub(super) text: String,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }
}

/// Reads a document. Returns its root.
pub(super) fn read(bytes: &[u8]) -> Result<Element, MergeError> {
    let mut reader = Reader::from_reader(bytes);
    let mut open: Vec<Element> = vec![Element::default()];
    let wrong =
        |what: &dyn std::fmt::Display, at: u64| MergeError::Xml(format!("{what} (at byte {at})"));
    loop {
        let event = reader.read_event();
        let at = reader.buffer_position();
        match event.map_err(|error| wrong(&error, at))? {
            Event::Start(_) if open.len() > MAX_DEPTH => {
                return Err(wrong(&"elements are nested too deeply", at));
            }
            Event::Start(start) => open.push(element(&start).map_err(|e| wrong(&e, at))?),
            Event::Empty(start) => {
                let empty = element(&start).map_err(|e| wrong(&e, at))?;
                innermost(&mut open).children.push(empty);
            }
            Event::End(_) => close(&mut open),
            Event::Text(text) => {
                let text = text.decode().map_err(|e| wrong(&e, at))?;
                innermost(&mut open).text.push_str(&text);
            }
            Event::CData(data) => {
                let text = data.decode().map_err(|e| wrong(&e, at))?;
                innermost(&mut open).text.push_str(&text);
            }
            Event::GeneralRef(entity) => {
                let name = entity.decode().map_err(|e| wrong(&e, at))?;
                innermost(&mut open).text.push_str(&meaning(&name));
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    match open.as_slice() {
        [_] => root(open.remove(0)),
        [.., unclosed] => Err(MergeError::Xml(format!(
            "the file ends within <{}>: was the tool interrupted?",
            unclosed.name
        ))),
        [] => Err(MergeError::Xml("there is no element".to_owned())),
    }
}

/// The only element of a document. Files that were joined have more.
fn root(document: Element) -> Result<Element, MergeError> {
    let mut elements = document.children.into_iter();
    let root = elements.next();
    let root = root.ok_or_else(|| MergeError::Xml("there is no element".to_owned()))?;
    if elements.next().is_some() || !document.text.trim().is_empty() {
        let name = root.name;
        return Err(MergeError::Xml(format!(
            "text or another element follows <{name}>: use one file per report"
        )));
    }
    Ok(root)
}

fn innermost(open: &mut [Element]) -> &mut Element {
    open.last_mut()
        .expect("the document itself is never closed")
}

/// Closes the last element; the reader has checked its name.
fn close(open: &mut Vec<Element>) {
    if open.len() > 1
        && let Some(closed) = open.pop()
    {
        innermost(open).children.push(closed);
    }
}

fn element(start: &BytesStart<'_>) -> quick_xml::Result<Element> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute?;
        let name = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
        let raw = String::from_utf8_lossy(&attribute.value).into_owned();
        attributes.push((name, unescaped(&raw)));
    }
    Ok(Element {
        name: String::from_utf8_lossy(start.local_name().as_ref()).into_owned(),
        attributes,
        ..Element::default()
    })
}

/// Decodes a reference. Unknown references are kept as text.
fn unescaped(raw: &str) -> String {
    let mut parts = raw.split('&');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(';') {
            Some((name, rest)) => {
                text.push_str(&meaning(name));
                text.push_str(rest);
            }
            None => {
                text.push('&');
                text.push_str(part);
            }
        }
    }
    text
}

/// The character of `&name;`.
fn meaning(name: &str) -> String {
    let number = |digits: &str, radix| {
        u32::from_str_radix(digits, radix)
            .ok()
            .and_then(char::from_u32)
    };
    let known = match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => match name.strip_prefix('#') {
            Some(digits) => match digits.strip_prefix(['x', 'X']) {
                Some(hex) => number(hex, 16),
                None => number(digits, 10),
            },
            None => None,
        },
    };
    known.map_or_else(|| format!("&{name};"), String::from)
}
