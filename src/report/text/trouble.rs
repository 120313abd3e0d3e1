//! A trouble as text.

use super::super::look::{Look, STRONG};
use super::super::snippet::snippet;
use super::lines::{help, indented, narrower, paragraph, quoted};
use crate::result::Trouble;

/// The reason why something could not be judged, its location, details, and instructions.
#[must_use]
pub fn trouble(of: &Trouble, look: &Look) -> String {
    let mut text = paragraph(&of.what, 2, STRONG, look);
    if let Some(at) = &of.at {
        text.push_str(&indented(&snippet(at, "", &narrower(look, 1)), 1));
    }
    for detail in &of.details {
        text.push_str(&quoted(detail, look));
    }
    text.push_str(&help(&of.help, look));
    text
}
