//! The shape of a trace that differs from that of its file, which a run can propose.

use std::path::PathBuf;

/// The shape of a trace that differs from that of its file.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundShape {
    /// The file.
    pub path: PathBuf,
    /// The name of the file in messages.
    pub name: String,
    /// The text that a run can propose; `None` if the trace may be incomplete, or the text is too large.
    pub text: Option<String>,
}

impl FoundShape {
    /// Changes the text.
    #[cfg(feature = "run")]
    pub(crate) fn change(&mut self, change: impl Fn(&str) -> String) {
        if let Some(text) = &mut self.text {
            *text = change(text);
        }
    }
}

/// The instruction to accept a shape.
pub(super) fn accepting(name: &str, condition: &str) -> String {
    let file = shell_words::quote(name);
    format!(
        "{condition}accept the shape that `spanspec run` proposes in {name}.new: `spanspec baseline accept {file}`"
    )
}
