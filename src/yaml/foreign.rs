//! YAML and JSON of other tools, with places. Accepts what YAML 1.2 permits, in contrast to specs.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::{Location, Place, Source};

/// Maximum nesting; low enough for recursive readers.
const MAX_DEPTH: usize = 200;

/// Maximum number of nodes that aliases add to a file.
const MOST_COPIES: usize = 100_000;

/// The documents of a text, and the error at which reading ended.
pub(crate) struct Documents {
    pub(crate) roots: Vec<Node>,
    pub(crate) error: Option<SyntaxError>,
}

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) at: Location,
    pub(crate) content: Content,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Null,
    /// A scalar as written.
    Scalar {
        text: String,
        /// Without quotes, so that it may be a number or a boolean.
        is_plain: bool,
    },
    List(Vec<Node>),
    /// Keys and values in order. The last one of a duplicate key counts.
    Map(Vec<(Node, Node)>),
}

impl Node {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.content, Content::Null)
    }

    /// The value of a key of a map.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries()
            .iter()
            .rev()
            .find(|(name, _)| name.text() == Some(key))
            .map(|(_, value)| value)
            .filter(|value| !matches!(value.content, Content::Null))
    }

    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The text of the scalar at a key.
    pub(crate) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    /// The entries of a map; empty for other values.
    pub(crate) fn entries(&self) -> &[(Self, Self)] {
        match &self.content {
            Content::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; empty for other values.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }
}

/// A syntax error, at which reading ends.
#[derive(Debug)]
pub(crate) struct SyntaxError {
    pub(crate) at: Location,
    pub(crate) text: String,
}

/// Reads all documents of a text, up to the first syntax error.
pub(crate) fn read(source: &Source) -> Documents {
    let options = granit_parser::options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
        emit_unresolved_aliases: true,
        max_buffered_comment_events: usize::MAX,
    };
    let mut reader = Reader {
        parser: Parser::new_from_str_with_options(source.text(), options),
        source,
        anchors: HashMap::new(),
        copies: 0,
    };
    let mut roots = Vec::new();
    let error = loop {
        match reader.document() {
            Ok(Some(root)) => roots.push(root),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    Documents { roots, error }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    source: &'a Source,
    anchors: HashMap<usize, Node>,
    copies: usize,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Option<Node>, SyntaxError> {
        loop {
            match self.next()? {
                None | Some((Event::StreamEnd, _)) => return Ok(None),
                Some((Event::DocumentStart(..), _)) => {
                    let (event, span) = self.inner()?;
                    return self.node(event, span, 0).map(Some);
                }
                Some(_) => {}
            }
        }
    }

    /// The next event, without comments.
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, SyntaxError> {
        loop {
            match self.parser.next_event() {
                None => return Ok(None),
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(event)) => return Ok(Some(event)),
                Some(Err(error)) => return Err(self.broken(&error)),
            }
        }
    }

    /// The next event inside a document.
    fn inner(&mut self) -> Result<(Event<'a>, Span), SyntaxError> {
        match self.next()? {
            Some(event) => Ok(event),
            None => Err(self.refusal(self.end(), "the document ends here without a value")),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, SyntaxError> {
        let at = self.at(&span);
        if depth > MAX_DEPTH {
            return Err(self.refusal(at, "the nesting is too deep"));
        }
        let (content, anchor) = match event {
            Event::Scalar(text, style, anchor, _) => {
                (scalar(&text, style == ScalarStyle::Plain), anchor)
            }
            Event::SequenceStart(_, anchor, _) => (self.list(depth)?, anchor),
            Event::MappingStart(_, anchor, _) => (self.map(depth)?, anchor),
            Event::Alias(anchor) => return self.copy(anchor, at),
            _ => return Err(self.refusal(at, "an anchor of this name does not exist")),
        };
        let node = Node { at, content };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn copy(&mut self, anchor: usize, at: Location) -> Result<Node, SyntaxError> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            return Err(self.refusal(at, "an anchor contains itself"));
        };
        self.copies += size(&node);
        if self.copies > MOST_COPIES {
            return Err(self.refusal(at, "the aliases of this file make it too large"));
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Content, SyntaxError> {
        let mut items = Vec::new();
        loop {
            match self.inner()? {
                (Event::SequenceEnd, _) => return Ok(Content::List(items)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Content, SyntaxError> {
        let mut entries = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.inner()?;
            if matches!(event, Event::MappingEnd) {
                // Keys of the map itself have precedence.
                merged.extend(entries);
                return Ok(Content::Map(merged));
            }
            let key = self.node(event, span, depth + 1)?;
            let (event, span) = self.inner()?;
            let value = self.node(event, span, depth + 1)?;
            match (key.text(), &value.content) {
                (Some("<<"), Content::Map(others)) => merged.extend(others.iter().cloned()),
                (Some("<<"), Content::List(maps)) => {
                    let others = maps.iter().rev().flat_map(Node::entries);
                    merged.extend(others.cloned());
                }
                _ => entries.push((key, value)),
            }
        }
    }

    fn at(&self, span: &Span) -> Location {
        let offset = |offset: Option<usize>| offset.unwrap_or(self.source.text().len());
        let start = offset(span.start.byte_offset());
        self.source.at(Place {
            start,
            end: offset(span.end.byte_offset()).max(start),
        })
    }

    fn end(&self) -> Location {
        let end = self.source.text().len();
        self.source.at(Place { start: end, end })
    }

    fn refusal(&self, at: Location, text: &str) -> SyntaxError {
        SyntaxError {
            at,
            text: text.to_owned(),
        }
    }

    fn broken(&self, error: &ScanError) -> SyntaxError {
        let offset = error.marker().byte_offset();
        let start = offset.unwrap_or(self.source.text().len());
        let at = self.source.at(Place { start, end: start });
        self.refusal(at, &format!("it is not YAML: {}", error.info()))
    }
}

fn scalar(text: &str, is_plain: bool) -> Content {
    match text {
        "" | "~" | "null" | "Null" | "NULL" if is_plain => Content::Null,
        text => Content::Scalar {
            text: text.to_owned(),
            is_plain,
        },
    }
}

fn size(node: &Node) -> usize {
    let inner: usize = match &node.content {
        Content::Null | Content::Scalar { .. } => 0,
        Content::List(items) => items.iter().map(size).sum(),
        Content::Map(entries) => entries.iter().map(|(_, value)| 1 + size(value)).sum(),
    };
    inner + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<Node>, String) {
        let read = super::read(&Source::new("a.yaml", text));
        let error = read
            .error
            .map(|error| format!("{}: {}", error.at, error.text));
        (read.roots, error.unwrap_or_default())
    }

    #[test]
    fn anchors_merge_keys_and_json_are_read() {
        let (nodes, error) = read("base: &b { x: 1, y: 2 }\nmore: { <<: *b, y: \"3\" }\n---\n[1]");
        assert_eq!(error, "");
        let more = nodes[0].get("more").unwrap();
        assert_eq!(
            (more.text_of("x"), more.text_of("y")),
            (Some("1"), Some("3"))
        );
        assert_eq!(nodes[1].items().len(), 1);
        assert_eq!(nodes[1].at.line(), 4);
    }

    #[test]
    fn a_syntax_error_has_its_place_and_keeps_the_documents_before() {
        let (nodes, error) = read("a: 1\n---\nb: [1\nc: }\n");
        assert_eq!(nodes.len(), 1);
        assert!(error.starts_with("a.yaml:4:"), "{error}");
        assert!(error.contains("it is not YAML"));
    }

    #[test]
    fn aliases_cannot_make_a_file_huge() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let items = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        assert!(read(&text).1.contains("too large"));
        assert!(read("a: &a [*a]").1.contains("contains itself"));
    }
}
