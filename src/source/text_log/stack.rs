//! Lines that continue a record: stack traces, and lines that are indented or empty.

/// The state of an output between two lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum StackTrace {
    /// The last line was no part of a stack trace with a beginning of its own.
    #[default]
    Outside,
    /// In the frames of Python. The line after them names the exception.
    Python,
    /// In the frames of a goroutine.
    Goroutine,
}

/// Beginnings of lines between the exceptions of a chain.
const BETWEEN: [&str; 6] = [
    "Caused by: ",
    "Suppressed: ",
    "Wrapped by: ",
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
    "[signal ",
];

impl StackTrace {
    /// Reads the next line. Returns `true` if it is a part of the record before it.
    pub(super) fn takes(&mut self, line: &str) -> bool {
        let before = std::mem::take(self);
        if line.starts_with("Traceback (most recent call last):") {
            *self = Self::Python;
            return true;
        }
        if is_goroutine(line) {
            *self = Self::Goroutine;
            return true;
        }
        if line.starts_with([' ', '\t']) || line.trim().is_empty() {
            *self = before;
            // The frames of a goroutine end with an empty line, which another goroutine can follow.
            return true;
        }
        match before {
            Self::Python => true,
            Self::Goroutine if is_frame_of_go(line) => {
                *self = Self::Goroutine;
                true
            }
            _ => BETWEEN.iter().any(|text| line.starts_with(text)) || is_rest(line),
        }
    }
}

/// `goroutine 7 [running]:`.
fn is_goroutine(line: &str) -> bool {
    let rest = line.strip_prefix("goroutine ");
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()) && rest.ends_with("]:"))
}

/// The name of a function with its arguments, or the place where the goroutine was started.
fn is_frame_of_go(line: &str) -> bool {
    let is_call = line.split_once('(').is_some_and(|(name, arguments)| {
        arguments.ends_with(')') && !name.contains(' ') && (name.contains('.') || name == "panic")
    });
    is_call || line.starts_with("created by ") || line.starts_with("...additional frames elided")
}

/// `... 12 more` of Java, and the end of an object that Node prints after a stack trace.
fn is_rest(line: &str) -> bool {
    let number = line.strip_prefix("... ");
    let is_more = number.is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit())
            && (rest.ends_with(" more") || rest.ends_with(" common frames omitted"))
    });
    is_more || line.chars().all(|c| "})],".contains(c))
}
