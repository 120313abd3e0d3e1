//! What a check may look at.

use std::cell::OnceCell;

use crate::trace::{Response, Trace, Value};

/// A response and a trace, as far as they are known.
pub struct Evidence<'a> {
    /// What the trigger got back.
    pub response: &'a Response,
    /// The spans so far; nothing if nobody asked for them.
    pub trace: Option<&'a Trace>,
    /// Whether the trace flags said that spans are wanted. Without, having none is no mistake.
    pub sampled: bool,
    json: OnceCell<Result<Value, String>>,
}

impl<'a> Evidence<'a> {
    /// Puts together what a check may look at.
    #[must_use]
    pub fn new(response: &'a Response, trace: Option<&'a Trace>, sampled: bool) -> Self {
        Self {
            response,
            trace,
            sampled,
            json: OnceCell::new(),
        }
    }

    /// The body as JSON, or why it is none.
    pub(super) fn json(&self) -> Result<&Value, &str> {
        let parsed = self.json.get_or_init(|| match self.response.body() {
            Some(body) => Value::from_json(body),
            None => Err("there is no body".to_owned()),
        });
        parsed.as_ref().map_err(String::as_str)
    }
}
