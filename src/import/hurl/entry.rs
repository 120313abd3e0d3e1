//! The entries of a hurl file: requests and responses as text, with their lines.

use crate::import::place::LineError;

/// The sections of requests and responses, with their older names.
const SECTIONS: [&str; 11] = [
    "[QueryStringParams]",
    "[Query]",
    "[FormParams]",
    "[Form]",
    "[MultipartFormData]",
    "[Multipart]",
    "[Cookies]",
    "[BasicAuth]",
    "[Options]",
    "[Captures]",
    "[Asserts]",
];

/// A text with the line on which it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) number: usize,
}

/// A section without its brackets.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) lines: Vec<Line>,
}

/// Headers, sections and body of a request or a response.
#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    pub(super) headers: Vec<Line>,
    pub(super) sections: Vec<Section>,
    pub(super) body: Option<Line>,
}

#[derive(Clone, Debug)]
pub(super) struct Response {
    /// The version and the status: `HTTP 200`.
    pub(super) head: Line,
    pub(super) message: Message,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The comment directly above.
    pub(super) comment: Option<String>,
    pub(super) method: String,
    pub(super) url: Line,
    pub(super) request: Message,
    pub(super) response: Option<Response>,
}

/// The entries of a file.
pub(super) fn entries(text: &str) -> Result<Vec<Entry>, LineError> {
    let lines: Vec<&str> = text.lines().collect();
    let mut reader = Reader { lines, at: 0 };
    let mut entries = Vec::new();
    while let Some(entry) = reader.entry()? {
        entries.push(entry);
    }
    Ok(entries)
}

struct Reader<'a> {
    lines: Vec<&'a str>,
    at: usize,
}

impl<'a> Reader<'a> {
    fn entry(&mut self) -> Result<Option<Entry>, LineError> {
        let mut comment = None;
        let line = loop {
            let Some(line) = self.lines.get(self.at).map(|line| line.trim()) else {
                return Ok(None);
            };
            match line.strip_prefix('#') {
                Some(text) => comment = Some(text.trim().trim_end_matches(':').to_owned()),
                None if line.is_empty() => comment = None,
                None => break line,
            }
            self.at += 1;
        };
        let number = self.at + 1;
        let Some((method, rest)) = request_line(line) else {
            let text = format!(
                "`{line}` is not a request of a hurl file: expected a method and a URL, such as `GET http://127.0.0.1:8080/health`"
            );
            return Err(LineError::new(number, text));
        };
        self.at += 1;
        let url = rest.split_whitespace().next().unwrap_or_default();
        let request = self.message()?;
        let response = match self.peek() {
            Some(line) if is_response_line(line) => {
                let head = Line {
                    text: line.to_owned(),
                    number: self.at + 1,
                };
                self.at += 1;
                let message = self.message()?;
                Some(Response { head, message })
            }
            _ => None,
        };
        Ok(Some(Entry {
            comment: comment.filter(|text| !text.is_empty()),
            method: method.to_owned(),
            url: Line {
                text: url.to_owned(),
                number,
            },
            request,
            response,
        }))
    }

    /// The next line that is neither empty nor a comment, without comments of entries.
    fn peek(&mut self) -> Option<&'a str> {
        let mut ahead = self.at;
        let line = loop {
            let line = self.lines.get(ahead)?.trim();
            if !line.is_empty() && !line.starts_with('#') {
                break line;
            }
            ahead += 1;
        };
        // The comment above a request is its name.
        if request_line(line).is_none() {
            self.at = ahead;
        }
        Some(line)
    }

    fn message(&mut self) -> Result<Message, LineError> {
        let mut message = Message::default();
        while let Some(line) = self.peek() {
            let number = self.at + 1;
            if is_response_line(line) || request_line(line).is_some() {
                break;
            }
            if let Some(name) = section(line) {
                self.at += 1;
                let lines = self.section_lines()?;
                message.sections.push(Section {
                    name: name.to_owned(),
                    lines,
                });
            } else if message.sections.is_empty() && message.body.is_none() && is_header(line) {
                self.at += 1;
                let text = line.to_owned();
                message.headers.push(Line { text, number });
            } else if message.body.is_none() {
                message.body = Some(self.body()?);
            } else {
                let text =
                    format!("`{line}` is neither a section nor a request: a body ends above");
                return Err(LineError::new(number, text));
            }
        }
        Ok(message)
    }

    /// The lines of a section. A value in three backquotes is one line.
    fn section_lines(&mut self) -> Result<Vec<Line>, LineError> {
        let mut lines = Vec::new();
        while let Some(line) = self.peek() {
            let is_next =
                is_response_line(line) || request_line(line).is_some() || section(line).is_some();
            if is_next || starts_body(line) {
                break;
            }
            let number = self.at + 1;
            self.at += 1;
            let mut text = line.to_owned();
            while text.matches("```").count() % 2 == 1 {
                let Some(next) = self.lines.get(self.at) else {
                    return Err(unclosed(number, "```"));
                };
                text.push('\n');
                text.push_str(next);
                self.at += 1;
            }
            lines.push(Line { text, number });
        }
        Ok(lines)
    }

    fn body(&mut self) -> Result<Line, LineError> {
        let number = self.at + 1;
        let first = self.lines[self.at].trim_start();
        let text = if first.starts_with("```") {
            self.until(number, "```", |text| text.matches("```").count() >= 2)?
        } else if first.starts_with(['{', '[']) {
            self.until(number, "{", is_balanced)?
        } else if first.starts_with('<') {
            self.markup()
        } else if ["base64,", "hex,", "file,"]
            .iter()
            .any(|start| first.starts_with(start))
        {
            self.until(number, ";", |text| text.contains(';'))?
        } else {
            self.at += 1;
            first.trim_end().to_owned()
        };
        Ok(Line { text, number })
    }

    fn until(
        &mut self,
        number: usize,
        sign: &str,
        is_whole: impl Fn(&str) -> bool,
    ) -> Result<String, LineError> {
        let mut text = String::new();
        loop {
            let Some(line) = self.lines.get(self.at) else {
                return Err(unclosed(number, sign));
            };
            self.at += 1;
            text.push_str(if text.is_empty() {
                line.trim_start()
            } else {
                line
            });
            if is_whole(&text) {
                return Ok(text.trim_end().to_owned());
            }
            text.push('\n');
        }
    }

    /// XML, up to the next response, request or section.
    fn markup(&mut self) -> String {
        let start = self.at;
        while let Some(line) = self.lines.get(self.at).map(|line| line.trim()) {
            if is_response_line(line) || request_line(line).is_some() || section(line).is_some() {
                break;
            }
            self.at += 1;
        }
        let text = self.lines[start..self.at].join("\n");
        text.trim_end().to_owned()
    }
}

fn unclosed(line: usize, sign: &str) -> LineError {
    LineError::new(line, format!("`{sign}` is not closed"))
}

/// `GET http://…`.
fn request_line(line: &str) -> Option<(&str, &str)> {
    let (method, rest) = line.split_once([' ', '\t'])?;
    let is_method = method.len() >= 3 && method.chars().all(|c| c.is_ascii_uppercase());
    let rest = rest.trim();
    let is_url = rest.contains("://") || rest.starts_with("{{") || rest.starts_with(['/', '$']);
    (is_method && is_url).then_some((method, rest))
}

fn is_response_line(line: &str) -> bool {
    let rest = line.strip_prefix("HTTP");
    rest.is_some_and(|rest| rest.starts_with(['/', ' ', '\t']))
}

fn section(line: &str) -> Option<&str> {
    let found = SECTIONS.iter().find(|name| line.starts_with(**name))?;
    let rest = line[found.len()..].trim();
    (rest.is_empty() || rest.starts_with('#')).then(|| &found[1..found.len() - 1])
}

fn is_header(line: &str) -> bool {
    let Some((name, _)) = line.split_once(':') else {
        return false;
    };
    !starts_body(line) && !name.trim().is_empty() && !name.trim().contains([' ', '"'])
}

fn starts_body(line: &str) -> bool {
    let is_template = line.starts_with("{{");
    !is_template && line.starts_with(['{', '[', '<', '`'])
        || ["base64,", "hex,", "file,"]
            .iter()
            .any(|start| line.starts_with(start))
}

/// Returns `true` if all brackets of a JSON text are closed.
fn is_balanced(text: &str) -> bool {
    let (mut depth, mut is_text, mut is_escaped) = (0, false, false);
    for character in text.chars() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_text => is_escaped = true,
            '"' => is_text = !is_text,
            '{' | '[' if !is_text => depth += 1,
            '}' | ']' if !is_text => depth -= 1,
            _ => {}
        }
    }
    depth <= 0
}
