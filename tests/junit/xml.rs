//! XML as a tree, with the features that reports use.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// An element with its content.
#[derive(Clone, Debug, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    /// Its text, without that of its children.
    pub(crate) text: String,
}

impl Element {
    /// The root element.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader::from_str(text);
        let mut open = vec![Self::default()];
        loop {
            let event = reader.read_event().map_err(|error| error.to_string())?;
            let top = open.last_mut().ok_or("more ends than starts")?;
            match event {
                Event::Start(tag) => open.push(Self::start(&tag)?),
                Event::Empty(tag) => top.children.push(Self::start(&tag)?),
                Event::End(_) => {
                    let closed = open.pop().unwrap_or_default();
                    let above = open.last_mut().ok_or("more ends than starts")?;
                    above.children.push(closed);
                }
                Event::Text(text) => {
                    top.text += &text.decode().map_err(|error| error.to_string())?;
                }
                Event::CData(text) => {
                    top.text += &text.decode().map_err(|error| error.to_string())?;
                }
                Event::GeneralRef(name) => {
                    let name = name.decode().map_err(|error| error.to_string())?;
                    let whole = format!("&{name};");
                    top.text +=
                        &quick_xml::escape::unescape(&whole).map_err(|error| error.to_string())?;
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let [document] = <[Self; 1]>::try_from(open).map_err(|_| "an element has no end")?;
        document
            .children
            .into_iter()
            .next()
            .ok_or("no element".to_owned())
    }

    fn start(tag: &BytesStart<'_>) -> Result<Self, String> {
        let word = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut attributes = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let raw = word(&attribute.value);
            let value = quick_xml::escape::unescape(&raw).map_err(|error| error.to_string())?;
            attributes.push((word(attribute.key.as_ref()), value.into_owned()));
        }
        Ok(Self {
            name: word(tag.name().as_ref()),
            attributes,
            ..Self::default()
        })
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let mut all = self.attributes.iter();
        all.find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }
}
