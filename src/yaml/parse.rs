//! Parses text to nodes. Ambiguous YAML is an error with help.

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Parser, Placement, ScalarStyle, ScanError, Span, StrInput};

use super::ErrorList;
use super::Place;
use super::{Entry, EntryKey, Kind, Node, Scalar, Style};

/// Maximum nesting; low enough for recursive readers.
const MAX_DEPTH: usize = 64;

/// The roots of all documents of a text. A syntax error is recorded, and the next documents are
/// read.
pub(crate) fn parse(errors: &ErrorList) -> Vec<Node> {
    let source = errors.source().clone();
    let mut documents = Vec::new();
    let mut start = Some(0);
    while let Some(base) = start.filter(|_| !errors.is_full()) {
        let mut builder = TreeBuilder::new(source.text(), base, errors);
        documents.extend(std::iter::from_fn(|| builder.document()));
        start = builder.resume_at;
    }
    documents
}

struct TreeBuilder<'a> {
    parser: Parser<'a, StrInput<'a>>,
    /// Offset in the text at which the parser started.
    base: usize,
    text: &'a str,
    errors: &'a ErrorList,
    /// Places of open `{` and `[`, for the message about a syntax error.
    open_flows: Vec<Place>,
    /// Start of the current document.
    begun: usize,
    /// Start of the next document after a syntax error.
    resume_at: Option<usize>,
}

/// A node is missing because of a syntax error, which is recorded.
struct Broken;

impl<'a> TreeBuilder<'a> {
    fn new(text: &'a str, base: usize, errors: &'a ErrorList) -> Self {
        let options = granit_parser::options! {
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
            disallow_directives: true,
            emit_unresolved_aliases: true,
            max_buffered_comment_events: usize::MAX,
        };
        Self {
            parser: Parser::new_from_str_with_options(&text[base..], options),
            base,
            text,
            errors,
            open_flows: Vec::new(),
            begun: base,
            resume_at: None,
        }
    }

    /// The next document. `None` at the end, and at a syntax error.
    fn document(&mut self) -> Option<Node> {
        match self.read_document() {
            Ok(root) => root,
            Err(Broken) => {
                self.resume_at = next_marker(self.text, self.begun);
                None
            }
        }
    }

    fn read_document(&mut self) -> Result<Option<Node>, Broken> {
        loop {
            match self.next()? {
                None | Some((Event::StreamEnd, _)) => return Ok(None),
                Some((Event::DocumentStart(..), span)) => {
                    self.begun = self.place(&span).end;
                    let (event, span) = self.next()?.ok_or(Broken)?;
                    return self.node(event, span, 0).map(Some);
                }
                Some(_) => {}
            }
        }
    }

    /// The next event, without comments.
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Broken> {
        loop {
            match self.parser.next_event() {
                None => return Ok(None),
                Some(Ok((Event::Comment(text, placement), span))) => {
                    self.look_at_comment(&text, placement, &span);
                }
                Some(Ok(event)) => return Ok(Some(event)),
                Some(Err(error)) => {
                    self.explain(&error);
                    return Err(Broken);
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Broken> {
        self.refuse_properties(&event, &span);
        let place = self.place(&span);
        if depth > MAX_DEPTH {
            self.too_deep(place);
            return Err(Broken);
        }
        let kind = match event {
            Event::Scalar(text, style, _, tag) => {
                // The tag is an error already; errors in its value would be consequences.
                let place_of_value = if tag.is_some() { None } else { Some(place) };
                Kind::Scalar(self.scalar(&text, style, place_of_value))
            }
            Event::SequenceStart(..) => self.within_flow(place, |this| this.list(depth))?,
            Event::MappingStart(..) => self.within_flow(place, |this| this.map(depth))?,
            // The alias is an error already; the placeholder lets the rest be read.
            _ => Kind::Scalar(Scalar {
                text: String::new(),
                style: Style::Quoted,
            }),
        };
        Ok(Node {
            place: self.whole(place, &kind),
            kind,
        })
    }

    /// The event of a collection covers only its first character; the content gives its end.
    fn whole(&self, start: Place, kind: &Kind) -> Place {
        let last = match kind {
            Kind::Scalar(_) => return start,
            Kind::List(items) => items.last().map(|item| item.place.end),
            Kind::Map(entries) => entries.last().map(|entry| entry.value.place.end),
        };
        let end = last.unwrap_or(start.end).max(start.end);
        let closing = match self.text.as_bytes().get(start.start) {
            Some(b'{') => "}",
            Some(b'[') => "]",
            _ => {
                return Place {
                    start: start.start,
                    end,
                };
            }
        };
        let rest = self.text.get(end..).unwrap_or_default();
        let closed = rest
            .find(closing)
            .filter(|&at| rest[..at].trim().is_empty());
        Place {
            start: start.start,
            end: closed.map_or(end, |at| end + at + 1),
        }
    }

    fn within_flow(
        &mut self,
        place: Place,
        read: impl FnOnce(&mut Self) -> Result<Kind, Broken>,
    ) -> Result<Kind, Broken> {
        let is_flow = matches!(self.text.as_bytes().get(place.start), Some(b'{' | b'['));
        if is_flow {
            self.open_flows.push(place);
        }
        let kind = read(self)?;
        if is_flow {
            self.open_flows.pop();
        }
        Ok(kind)
    }

    fn list(&mut self, depth: usize) -> Result<Kind, Broken> {
        let mut items = Vec::new();
        loop {
            match self.next()?.ok_or(Broken)? {
                (Event::SequenceEnd, _) => return Ok(Kind::List(items)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Kind, Broken> {
        let mut entries = Vec::new();
        let mut seen = HashMap::new();
        loop {
            let (event, span) = self.next()?.ok_or(Broken)?;
            if matches!(event, Event::MappingEnd) {
                return Ok(Kind::Map(entries));
            }
            let key = self.key(event, span, depth)?;
            let (event, span) = self.next()?.ok_or(Broken)?;
            let value = self.node(event, span, depth + 1)?;
            let Some(key) = key else { continue };
            match seen.get(&key.text) {
                Some(&first) => self.duplicate(&key, first),
                None => {
                    seen.insert(key.text.clone(), key.place);
                    entries.push(Entry { key, value });
                }
            }
        }
    }

    fn key(
        &mut self,
        event: Event<'a>,
        span: Span,
        depth: usize,
    ) -> Result<Option<EntryKey>, Broken> {
        let is_plain = matches!(event, Event::Scalar(_, ScalarStyle::Plain, ..));
        let node = self.node(event, span, depth + 1)?;
        let place = node.place;
        Ok(match node.kind {
            Kind::Scalar(scalar) if is_plain && scalar.text == "<<" => self.errors.note(
                place,
                "merge keys are not supported",
                "refused",
                "write the keys explicitly, or share values with `vars` or `matrix`".to_owned(),
            ),
            Kind::Scalar(scalar) => Some(EntryKey {
                text: scalar.text,
                place,
            }),
            Kind::List(_) | Kind::Map(_) => self.errors.note(
                place,
                "a key must be a string",
                "not a string",
                "quote the key; an unquoted `{` or `[` starts a map or list".to_owned(),
            ),
        })
    }

    fn scalar(&self, text: &str, style: ScalarStyle, place: Option<Place>) -> Scalar {
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
        };
        if let Some(place) = place.filter(|_| style == Style::Plain) {
            self.look_at_plain(text, place);
            if place.start == place.end {
                // The parser returns `~` for it, which would be another error.
                return Scalar {
                    text: String::new(),
                    style: Style::Quoted,
                };
            }
        }
        Scalar {
            text: text.to_owned(),
            style,
        }
    }

    fn look_at_plain(&self, text: &str, place: Place) {
        if place.start == place.end {
            // `status:201` in braces: the reader of the map reports the key.
            let glued = self.text[..place.start]
                .trim_end()
                .rsplit(['{', ',', ' '])
                .next();
            if !self.open_flows.is_empty()
                && glued.is_some_and(|key| key.contains(':') && !key.ends_with(':'))
            {
                return;
            }
            let help = if self.open_flows.is_empty() {
                "write `\"\"` for an empty string, or `null`".to_owned()
            } else {
                "write `\"\"` for an empty string, or `null`; quote a string with a comma"
                    .to_owned()
            };
            let at = self.before_blanks(place);
            self.errors
                .note::<()>(at, "a value is missing", "missing value", help);
        } else if text.starts_with(['%', '@', '`']) {
            self.quote(place, &text[..1], text);
        }
    }

    /// The parser reports an empty value at the next token; this is the place after its key.
    fn before_blanks(&self, place: Place) -> Place {
        let end = self.text[..place.start].trim_end().len();
        Place { start: end, end }
    }

    fn refuse_properties(&self, event: &Event<'a>, span: &Span) {
        let (anchor, tag) = match event {
            Event::Scalar(_, _, anchor, tag)
            | Event::SequenceStart(_, anchor, tag)
            | Event::MappingStart(_, anchor, tag) => (*anchor, tag.as_ref()),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let place = self.place(span);
                let written = &self.text[place.start..place.end];
                return self.quote(place, "*", written);
            }
            _ => return,
        };
        if let Some(tag) = tag {
            let at = span
                .tag_span()
                .map_or_else(|| self.place(span), |span| self.place(&span));
            let value = match event {
                Event::Scalar(text, ..) => text.as_ref(),
                _ => "",
            };
            self.refuse_tag(at, &tag.original(), value);
        }
        if anchor > 0 {
            self.errors.note::<()>(
                self.place(span),
                "anchors are not supported",
                "anchor (`&`) before this",
                "quote a string that starts with `&`; share values with `vars` or `matrix`"
                    .to_owned(),
            );
        }
    }

    /// A tag in YAML; `!= 3` was probably meant as a comparison.
    fn refuse_tag(&self, place: Place, tag: &str, value: &str) {
        let Some(operand) = tag.strip_prefix("!=") else {
            return self.quote(place, "!", tag);
        };
        let other = [operand, value].concat();
        self.errors.note::<()>(
            place,
            "`!=` is not an operator",
            "reserved in YAML",
            format!("write `{{ not: {} }}`", other.trim()),
        );
    }

    fn quote(&self, place: Place, sign: &str, written: &str) {
        let sign = match sign {
            "`" => "a backquote".to_owned(),
            sign => format!("`{sign}`"),
        };
        self.errors.note::<()>(
            place,
            format!("a value cannot start with {sign}, which is reserved in YAML"),
            "needs quotes",
            format!("quote the string: {}", serde_json::Value::from(written)),
        );
    }

    fn duplicate(&self, key: &EntryKey, first: Place) {
        let (line, _) = self.errors.source().position(first.start);
        self.errors.note::<()>(
            key.place,
            format!("duplicate key `{}`", key.text),
            "again",
            format!("remove one of them; the first is on line {line}"),
        );
    }

    fn too_deep(&self, place: Place) {
        self.errors.note::<()>(
            place,
            format!("more than {MAX_DEPTH} levels of nesting"),
            "here",
            "check that this is the right file".to_owned(),
        );
    }

    /// Refuses comments after a value: `order #42` is `order` and a comment in YAML.
    fn look_at_comment(&self, text: &str, placement: Placement, span: &Span) {
        let is_glued = text.starts_with(|c: char| !c.is_whitespace() && c != '#');
        if placement != Placement::Right || !is_glued {
            return;
        }
        let place = self.place(span);
        let line_start = self.text[..place.start]
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        let before = self.text[line_start..place.start].trim();
        let value = before.rsplit_once(": ").map_or(before, |(_, value)| value);
        self.errors.note::<()>(
            place,
            "this is a comment in YAML",
            "not part of the value",
            format!(
                "quote the value: \"{value} #{text}\"; for a comment, add a space after the `#`"
            ),
        );
    }

    fn explain(&self, error: &ScanError) {
        let at = error
            .marker()
            .byte_offset()
            .map_or(self.text.len(), |offset| self.base + offset)
            .min(self.text.len());
        let place = Place {
            start: at,
            end: self.end_of_character(at),
        };
        match error.kind() {
            ErrorKind::RecursionLimitExceeded => self.too_deep(place),
            _ => self.explain_syntax(&error.info(), place),
        }
    }

    fn explain_syntax(&self, info: &str, place: Place) {
        self.errors.forget(place.start);
        let (line, _) = self.errors.source().position(place.start);
        let text = self.errors.source().line(line);
        let value = value_of(text);
        let first = value.chars().next().unwrap_or(' ');
        let help = if matches!(first, '@' | '`' | '%') {
            return self.quote(self.find_on_line(line, value), &value[..1], value);
        } else if matches!(first, '>' | '|') {
            let ends: &[char] = match self.open_flows.last() {
                Some(_) => &[',', '}', ']'],
                None => &[],
            };
            let value = value.split(ends).next().unwrap_or(value).trim_end();
            format!("`{first}` starts a block scalar; quote it to compare: \"{value}\"")
        } else if let Some(flow) = self.open_flows.last() {
            let (opened, column) = self.errors.source().position(flow.start);
            let bracket = &self.text[flow.start..=flow.start];
            format!(
                "close the `{bracket}` of line {opened}, column {column}; quote strings with {{ }} [ ] or a comma inside {{ }} and [ ], or use block style"
            )
        } else {
            "check the indentation and the quotes; quote strings that contain `: `".to_owned()
        };
        self.errors
            .note::<()>(place, format!("this is not YAML: {info}"), "here", help);
    }

    fn find_on_line(&self, line: usize, value: &str) -> Place {
        let source = self.errors.source();
        let text = source.line(line);
        let line_start = text.as_ptr() as usize - source.text().as_ptr() as usize;
        let start = line_start + text.rfind(value).unwrap_or(0);
        Place {
            start,
            end: start + value.len(),
        }
    }

    fn place(&self, span: &Span) -> Place {
        let range = span.byte_range().unwrap_or_default();
        Place {
            start: self.base + range.start,
            end: self.base + range.end.max(range.start),
        }
    }

    fn end_of_character(&self, at: usize) -> usize {
        self.text[at..]
            .chars()
            .next()
            .filter(|c| *c != '\n')
            .map_or(at, |c| at + c.len_utf8())
    }
}

/// The text after the last key or dash of a line.
fn value_of(line: &str) -> &str {
    let line = line.trim();
    let line = line
        .rsplit_once(": ")
        .map_or(line, |(_, value)| value)
        .trim_start();
    line.strip_prefix("- ").unwrap_or(line).trim_start()
}

/// The start of the next document: a line that starts with `---`.
fn next_marker(text: &str, after: usize) -> Option<usize> {
    let rest = text.get(after..)?;
    rest.match_indices("\n---")
        .map(|(at, _)| after + at + 1)
        .find(|at| {
            let behind = text[at + 3..].chars().next();
            behind.is_none_or(char::is_whitespace)
        })
}
