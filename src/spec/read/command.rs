//! Commands: a list of words, or a line for a shell.
//!
//! Variables are substituted after the text is split, so that a value is always one argument.

use super::Reader;
use crate::spec::keys;
use crate::spec::scope::Piece;
use crate::spec::trigger::Command;
use crate::spec::yaml::{Kind, Node};

/// Words that only a shell understands.
const SHELL_OPERATORS: [&str; 5] = ["&&", "||", "|", ">", ";"];

/// Environment variables that each command gets from spanspec.
const TRACE_CONTEXT: [&str; 2] = ["TRACEPARENT", "TRACESTATE"];

impl Reader<'_> {
    pub(crate) fn command(&self, node: &Node) -> Option<Command> {
        let (words, map) = match &node.kind {
            Kind::Map(_) => {
                self.map(node, "`run`", keys::RUN)?;
                self.refuse_trace_context(node.get("command").unwrap_or(node))?;
                let Some(command) = node.get("command") else {
                    return self.wrong(
                        node.place,
                        "this `run` has no command",
                        "missing `command`",
                        "add `command: npx playwright test`, or a list of words",
                    );
                };
                (self.words(command), Some(node))
            }
            _ => {
                self.refuse_trace_context(node)?;
                (self.words(node), None)
            }
        };
        let words = words.and_then(|words| {
            let written = node.get("command").unwrap_or(node);
            self.refuse_shell_syntax(written, &words, "let a shell run it: `[sh, -c, \"…\"]`")?;
            Some(words)
        });
        let part = |key: &str| map.and_then(|map| map.get(key));
        let env = part("env").map_or(Some(Vec::new()), |env| self.text_map(env, "`env`"));
        let dir = part("dir").map_or_else(
            || Some(self.dir.to_path_buf()),
            |dir| self.path(dir, "a folder"),
        );
        let timeout = match part("timeout") {
            Some(timeout) => self.duration(timeout, "a timeout").map(Some),
            None => Some(None),
        };
        let sampled = part("sampled").map_or(Some(true), |flag| self.bool(flag, "`sampled`"));
        let trace_state = match part("tracestate") {
            Some(state) => self.text(state, "a tracestate"),
            None => Some(None),
        };
        Some(Command {
            words: words?,
            env: env?,
            dir: dir?,
            timeout: timeout?,
            sampled: sampled?,
            trace_state: trace_state?,
        })
    }

    /// The words of a command: a list, or a text that is split as in a shell. A variable is one
    /// argument or a part of one, except if the whole text is a variable: then its value is the
    /// command.
    pub(crate) fn words(&self, node: &Node) -> Option<Vec<String>> {
        let words = match &node.kind {
            Kind::List(items) => self.all(items, |item| {
                self.text(item, "a word").map(Option::unwrap_or_default)
            })?,
            _ => match self.pieces(node)? {
                Some(pieces) => split(&pieces).or_else(|| {
                    let what = "unclosed quote in this command";
                    self.wrong(node.place, what, "unclosed quote", "close the quote")
                })?,
                None => vec!["-".to_owned()],
            },
        };
        if words.first().is_none_or(String::is_empty) {
            return self.wrong(
                node.place,
                "this command is empty",
                "empty",
                "write a program and its arguments",
            );
        }
        Some(words)
    }

    /// Refuses operators and variables of a shell in a command that is split into words.
    pub(crate) fn refuse_shell_syntax(
        &self,
        command: &Node,
        words: &[String],
        shell: &str,
    ) -> Option<()> {
        let Some(line) = command.scalar().map(|scalar| scalar.text.as_str()) else {
            return Some(());
        };
        let mut words = words.iter();
        if let Some(sign) = words.find(|word| SHELL_OPERATORS.contains(&word.as_str())) {
            let what = format!("`{sign}` has no meaning without a shell");
            return self.wrong(command.place, what, "no shell", shell);
        }
        if let Some(name) = shell_variable(line) {
            return self.wrong(
                command.place,
                format!("`${name}` has no meaning without a shell"),
                "no shell",
                format!("write `${{{name}}}` for a variable of spanspec, or {shell}"),
            );
        }
        Some(())
    }

    /// Refuses `${TRACEPARENT}`: the command gets another one than spanspec itself, if it has one.
    fn refuse_trace_context(&self, command: &Node) -> Option<()> {
        let parts = match &command.kind {
            Kind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(command),
        };
        self.all(parts, |part| {
            let text = part.scalar().map_or("", |scalar| scalar.text.as_str());
            let named = |name: &&&str| text.contains(&format!("${{{name}}}"));
            match TRACE_CONTEXT.iter().find(named) {
                None => Some(()),
                Some(name) => self.wrong(
                    part.place,
                    format!("`${{{name}}}` is replaced before the command gets its trace context"),
                    "not of the command",
                    format!(
                        "read {name} from the environment in the program, or with `${name}` in a shell: `[sh, -c, \"… ${name}\"]`"
                    ),
                ),
            }
        })
        .map(drop)
    }

    /// A line for a shell. Values of variables are quoted for their context.
    #[cfg(feature = "run")]
    pub(crate) fn shell_line(&self, node: &Node) -> Option<String> {
        let line = match self.pieces(node)? {
            // `cmd` has no quoting that all programs understand.
            Some(pieces) if cfg!(windows) => pieces.iter().map(Piece::text).collect(),
            Some(pieces) => shell::line(&pieces),
            None => "-".to_owned(),
        };
        if line.trim().is_empty() {
            return self.wrong(
                node.place,
                "this command is empty",
                "empty",
                "write a command",
            );
        }
        Some(line)
    }

    fn pieces(&self, node: &Node) -> Option<Option<Vec<Piece>>> {
        let scalar = self.scalar(node, "a command")?;
        self.scope.pieces(scalar, node.place, self.errors)
    }
}

/// The name of a variable such as `$HOME`, outside single quotes.
fn shell_variable(line: &str) -> Option<&str> {
    let outside = line.split('\'').step_by(2);
    outside
        .flat_map(|part| part.split('$').skip(1))
        .find_map(|rest| {
            let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
            let end = rest.find(|next| !is_part(next)).unwrap_or(rest.len());
            let name = &rest[..end];
            let is_name =
                !name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit());
            is_name.then_some(name)
        })
}

/// The words of a text. `None` if a quote is not closed.
fn split(pieces: &[Piece]) -> Option<Vec<String>> {
    if let [Piece::Value(command)] = pieces {
        return shell_words::split(command).ok();
    }
    let literal: String = pieces.iter().map(Piece::literal).collect();
    // Placeholder for values while the text is split: a private character that the text lacks.
    let mark = ('\u{e000}'..='\u{f8ff}').find(|&mark| !literal.contains(mark))?;
    let marked: String = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Value(_) => mark.to_string(),
        })
        .collect();
    let mut values = pieces.iter().filter_map(Piece::value);
    let mut fill = |word: String| -> String {
        let parts: Vec<&str> = word.split(mark).collect();
        let (first, rest) = parts.split_first().unwrap_or((&"", &[]));
        rest.iter().fold((*first).to_owned(), |filled, part| {
            filled + values.next().unwrap_or_default() + part
        })
    };
    let words = shell_words::split(&marked).ok()?;
    Some(words.into_iter().map(&mut fill).collect())
}

/// Quoting for `sh`.
#[cfg(feature = "run")]
mod shell {
    use super::Piece;

    /// Quoting context within a line.
    #[derive(Clone, Copy, PartialEq)]
    enum Quoting {
        Bare,
        Single,
        Double,
        Comment,
    }

    /// The line with each value quoted for its context. If the whole line is a value, that is the
    /// command.
    pub(super) fn line(pieces: &[Piece]) -> String {
        if let [Piece::Value(command)] = pieces {
            return command.clone();
        }
        let (mut line, mut context) = (String::new(), Quoting::Bare);
        for piece in pieces {
            match piece {
                Piece::Text(text) => {
                    let is_escaped;
                    (context, is_escaped) = after(text, context, &line);
                    line.push_str(text);
                    if is_escaped {
                        // Escapes the backslash, which would otherwise escape the quote of the value.
                        line.push('\\');
                    }
                }
                Piece::Value(value) => line.push_str(&quoted(value, context)),
            }
        }
        line
    }

    fn quoted(value: &str, context: Quoting) -> String {
        match context {
            Quoting::Bare => shell_words::quote(value).into_owned(),
            Quoting::Single => value.replace('\'', r"'\''"),
            Quoting::Double => {
                let escape = |character| match character {
                    '\\' | '"' | '$' | '`' => vec!['\\', character],
                    _ => vec![character],
                };
                value.chars().flat_map(escape).collect()
            }
            Quoting::Comment => value.replace('\n', " "),
        }
    }

    /// The context after a text, and `true` if a backslash at its end escapes the next character.
    fn after(text: &str, mut context: Quoting, before: &str) -> (Quoting, bool) {
        let mut is_escaped = false;
        let mut previous = before.chars().next_back().unwrap_or('\n');
        for character in text.chars() {
            let starts_word = previous.is_whitespace() || ";&|(".contains(previous);
            previous = character;
            if std::mem::take(&mut is_escaped) {
                continue;
            }
            context = match (context, character) {
                (Quoting::Bare | Quoting::Double, '\\') => {
                    is_escaped = true;
                    context
                }
                (Quoting::Bare, '\'') => Quoting::Single,
                (Quoting::Bare, '"') => Quoting::Double,
                (Quoting::Bare, '#') if starts_word => Quoting::Comment,
                (Quoting::Single, '\'') | (Quoting::Double, '"') | (Quoting::Comment, '\n') => {
                    Quoting::Bare
                }
                (context, _) => context,
            };
        }
        (context, is_escaped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    fn value(value: &str) -> Piece {
        Piece::Value(value.to_owned())
    }

    #[test]
    fn a_value_stays_one_argument_or_a_part_of_one() {
        let pieces = [
            text("cp --to="),
            value("my folder"),
            text(" "),
            value("it's $HOME"),
            text(" 'a b'"),
        ];
        assert_eq!(
            split(&pieces).unwrap(),
            ["cp", "--to=my folder", "it's $HOME", "a b"]
        );
        assert_eq!(split(&[value("node a.js")]).unwrap(), ["node", "a.js"]);
        assert_eq!(split(&[text("grep "), value("")]).unwrap(), ["grep", ""]);
    }

    #[cfg(all(unix, feature = "run"))]
    #[test]
    fn a_shell_reads_back_the_value_wherever_it_stands_in_a_line() {
        let wild = "a  b'c\"d$(echo no)`echo no`\\;&";
        for (before, after) in [
            ("printf %s ", ""),
            ("printf %s \"", "\""),
            ("printf %s '", "'"),
            ("# it's\nprintf %s ", ""),
            ("printf %s 'x'\"y\"#", ""),
        ] {
            let line = shell::line(&[text(before), value(wild), text(after)]);
            let output = std::process::Command::new("sh")
                .args(["-c", &line])
                .output()
                .unwrap();
            let printed = String::from_utf8_lossy(&output.stdout).into_owned();
            let expected = format!("{}{wild}", if before.contains("'x'") { "xy#" } else { "" });
            assert_eq!(printed, expected, "{line}");
        }
        assert_eq!(
            shell::line(&[text("echo \\"), value("a b")]),
            r"echo \\'a b'"
        );
    }
}
