//! Commands: a list of words, or a line for a shell.
//!
//! Variables are substituted after the text is split, so that a value is always one argument.

use std::path::PathBuf;

use super::Reader;
use crate::spec::Source;
use crate::spec::keys;
use crate::spec::scope::Piece;
use crate::spec::template::{Expression, Template, TemplatePart};
use crate::spec::trigger::Command;
use crate::yaml::ErrorList;
use crate::yaml::{Kind, Node};

/// Words that only a shell understands.
const SHELL_OPERATORS: [&str; 5] = ["&&", "||", "|", ">", ";"];

/// Programs that replace `$NAME` in their arguments.
const SHELLS: [&str; 5] = ["sh", "bash", "dash", "zsh", "ksh"];

/// Environment variables that each command gets from spanspec.
const TRACE_CONTEXT: [&str; 3] = ["TRACEPARENT", "TRACESTATE", "BAGGAGE"];

/// `defaults: { run: … }` of the project file. Its variables have the values of the spec.
#[derive(Debug)]
pub(crate) struct RunDefaults {
    pub(crate) node: Node,
    pub(crate) source: Source,
    /// The folder of the project file.
    pub(crate) dir: PathBuf,
}

/// Settings of commands.
#[derive(Default)]
struct CommandSettings {
    env: Vec<(String, String)>,
    dir: Option<PathBuf>,
    has_shell: Option<bool>,
}

impl Reader<'_> {
    pub(crate) fn command(&self, node: &Node, defaults: Option<&RunDefaults>) -> Option<Command> {
        let map = match &node.kind {
            Kind::Map(_) => {
                self.map(node, "`run`", keys::RUN)?;
                Some(node)
            }
            _ => None,
        };
        let Some(written) = map.map_or(Some(node), |map| map.get("command")) else {
            return self.wrong(
                node.place,
                "this `run` has no command",
                "missing `command`",
                "add `command: npx playwright test`, or a list of words",
            );
        };
        self.refuse_trace_context(written)?;
        let defaults = match defaults {
            Some(defaults) => self.run_defaults(defaults),
            None => Some(CommandSettings::default()),
        };
        let own = match map {
            Some(map) => self.command_settings(map),
            None => Some(CommandSettings::default()),
        };
        let timeout = match map.and_then(|map| map.get("timeout")) {
            Some(timeout) => self.duration(timeout, "a timeout").map(Some),
            None => Some(None),
        };
        let propagation = self.propagation(node, "env");
        let (defaults, own) = (defaults?, own?);
        let words = self.command_words(written, own.has_shell, defaults.has_shell);
        let is_default = |name: &String| !own.env.iter().any(|(own, _)| own == name);
        let mut env = defaults.env;
        env.retain(|(name, _)| is_default(name));
        env.extend(own.env);
        let dir = own.dir.or(defaults.dir);
        Some(Command {
            words: words?,
            env,
            dir: dir.unwrap_or_else(|| self.dir.to_path_buf()),
            timeout: timeout?,
            propagation: propagation?,
        })
    }

    fn command_settings(&self, map: &Node) -> Option<CommandSettings> {
        let env = self.optional(map, "env", |env| self.text_map(env, "`env`"));
        let dir = self.optional(map, "dir", |dir| self.path(dir, "a folder"));
        let shell = self.optional(map, "shell", |flag| self.bool(flag, "`shell`"));
        Some(CommandSettings {
            env: env?.unwrap_or_default(),
            dir: dir?,
            has_shell: shell?,
        })
    }

    /// Errors are at their place in the project file.
    fn run_defaults(&self, defaults: &RunDefaults) -> Option<CommandSettings> {
        let errors = ErrorList::new(&defaults.source);
        let reader = Reader::new(&errors, self.scope, &defaults.dir);
        let settings = reader.command_settings(&defaults.node);
        self.errors.adopt(errors, settings)
    }

    /// A list of words is never for a shell.
    fn command_words(
        &self,
        written: &Node,
        has_shell: Option<bool>,
        by_default: Option<bool>,
    ) -> Option<Vec<String>> {
        let is_list = matches!(written.kind, Kind::List(_));
        if is_list && has_shell == Some(true) {
            return self.wrong(
                written.place,
                "a list of words is not for a shell",
                "a list",
                "write the command as a text, or remove `shell: true`",
            );
        }
        if !is_list && has_shell.or(by_default) == Some(true) {
            return self.shell_line(written).map(|line| shell_command(&line));
        }
        let words = self.words(written)?;
        self.refuse_shell_syntax(written, &words, "let a shell run it: `[sh, -c, \"…\"]`")?;
        Some(words)
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
        let Some(scalar) = command.scalar() else {
            return Some(());
        };
        // An error of a template is reported where the words are read.
        let template = Template::parse(&scalar.text).ok()?;
        let written = if template.only_expression().is_some() {
            // The value is the command.
            let value = self.text(command, "a command")?.unwrap_or_default();
            written(&[Some(&value)])
        } else {
            let parts = template.parts.iter().map(|part| match part {
                TemplatePart::Text(text) => Some(text.as_str()),
                TemplatePart::Expression(..) => None,
            });
            written(&parts.collect::<Vec<_>>())
        };
        let operator = |word: &&Word| word.is_bare() && SHELL_OPERATORS.contains(&&*word.text);
        if let Some(Word { text: sign, .. }) = written.iter().find(operator) {
            let what = format!("`{sign}` has no meaning without a shell");
            return self.wrong(command.place, what, "no shell", shell);
        }
        let program = match written.first() {
            Some(first) if first.has_value => words.first(),
            first => first.map(|first| &first.text),
        };
        // `-` stands for a program that is not known yet. A shell can also be an argument, as of `env`.
        let texts = written.iter().map(|word| &word.text);
        let has_shell = words.iter().chain(texts).any(|word| is_shell(word));
        if program.is_none_or(|program| program == "-") || has_shell {
            return Some(());
        }
        let Some(name) = written.iter().find_map(|word| word.variable.as_deref()) else {
            return Some(());
        };
        self.wrong(
            command.place,
            format!("`${name}` has no meaning without a shell"),
            "no shell",
            if TRACE_CONTEXT.contains(&name) {
                shell.replace('…', &format!("… ${name}"))
            } else {
                format!(
                    "write `${{{name}}}` for a variable of spanspec, `'${name}'` in single quotes to pass it as it is, or {shell}"
                )
            },
        )
    }

    /// Refuses `${TRACEPARENT}`: the command gets another one than spanspec itself, if it has one.
    fn refuse_trace_context(&self, command: &Node) -> Option<()> {
        let parts = match &command.kind {
            Kind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(command),
        };
        self.all(parts, |part| {
            let template = part
                .scalar()
                .and_then(|scalar| Template::parse(&scalar.text).ok());
            let parts = template.iter().flat_map(|template| &template.parts);
            let mut names = parts.filter_map(|part| match part {
                TemplatePart::Expression(Expression::Variable(variable), _) => {
                    Some(variable.name.as_str())
                }
                _ => None,
            });
            match names.find(|name| TRACE_CONTEXT.contains(name)) {
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

fn is_shell(program: &str) -> bool {
    let name = std::path::Path::new(program).file_stem();
    name.is_some_and(|name| SHELLS.iter().any(|shell| name == *shell))
}

/// A word as it is written, without the values of its variables.
#[derive(Default)]
struct Word {
    /// Its text without quotes.
    text: String,
    has_quote: bool,
    has_value: bool,
    /// The name of its first variable such as `$HOME` that a shell would replace.
    variable: Option<String>,
}

impl Word {
    fn is_bare(&self) -> bool {
        !self.has_quote && !self.has_value
    }
}

/// The words of a text. A part that is `None` stands for a variable of spanspec.
fn written(parts: &[Option<&str>]) -> Vec<Word> {
    let characters: Vec<Option<char>> = parts
        .iter()
        .flat_map(|part| match part {
            Some(text) => text.chars().map(Some).collect(),
            None => vec![None],
        })
        .collect();
    let (mut words, mut word) = (Vec::new(), None);
    let (mut context, mut is_escaped) = (Quoting::Bare, false);
    for (at, character) in characters.iter().enumerate() {
        let was_escaped = std::mem::take(&mut is_escaped);
        let Some(character) = *character else {
            if context != Quoting::Comment {
                word.get_or_insert_with(Word::default).has_value = true;
            }
            continue;
        };
        let before = context;
        if !was_escaped {
            is_escaped = context.is_escape(character);
            context = context.after(character, word.is_none());
        }
        if before == Quoting::Comment || context == Quoting::Comment {
            continue;
        }
        let is_bare = before == Quoting::Bare && context == Quoting::Bare && !was_escaped;
        if is_bare && character.is_whitespace() {
            words.extend(word.take());
            continue;
        }
        let word = word.get_or_insert_with(Word::default);
        word.has_quote |= !is_bare || is_escaped;
        if character == '$' && !was_escaped && context != Quoting::Single {
            let variable = || shell_variable(&characters[at + 1..]);
            word.variable = word.variable.take().or_else(variable);
        }
        if !is_escaped && before == context {
            word.text.push(character);
        }
    }
    words.extend(word);
    words
}

/// The name at the start of a text, as after the `$` of `$HOME`.
fn shell_variable(text: &[Option<char>]) -> Option<String> {
    let name: String = text
        .iter()
        .map_while(|character| {
            character.filter(|character| character.is_ascii_alphanumeric() || *character == '_')
        })
        .collect();
    let is_name = !name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit());
    is_name.then_some(name)
}

/// Quoting context within a line.
#[derive(Clone, Copy, PartialEq)]
enum Quoting {
    Bare,
    Single,
    Double,
    Comment,
}

impl Quoting {
    /// Returns `true` if the character escapes the next one.
    fn is_escape(self, character: char) -> bool {
        matches!(self, Self::Bare | Self::Double) && character == '\\'
    }

    /// The context after a character that is not escaped.
    fn after(self, character: char, starts_word: bool) -> Self {
        match (self, character) {
            (Self::Bare, '\'') => Self::Single,
            (Self::Bare, '"') => Self::Double,
            (Self::Bare, '#') if starts_word => Self::Comment,
            (Self::Single, '\'') | (Self::Double, '"') | (Self::Comment, '\n') => Self::Bare,
            (context, _) => context,
        }
    }
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

/// The words that pass a line to a shell: `sh -c`, or `cmd /C` on Windows.
pub(crate) fn shell_command(line: &str) -> Vec<String> {
    let words = match cfg!(windows) {
        true => ["cmd", "/C", line],
        false => ["sh", "-c", line],
    };
    words.map(str::to_owned).into()
}

/// Quoting for `sh`.
mod shell {
    use super::{Piece, Quoting};

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
            is_escaped = context.is_escape(character);
            context = context.after(character, starts_word);
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

    /// The first operator or variable of a shell in a text.
    fn shell_syntax(text: &str) -> Option<String> {
        let template = Template::parse(text).unwrap();
        let parts = template.parts.iter().map(|part| match part {
            TemplatePart::Text(text) => Some(text.as_str()),
            TemplatePart::Expression(..) => None,
        });
        let words = written(&parts.collect::<Vec<_>>());
        let operator = |word: &&Word| word.is_bare() && SHELL_OPERATORS.contains(&&*word.text);
        let sign = words.iter().find(operator).map(|word| word.text.clone());
        sign.or_else(|| words.iter().find_map(|word| word.variable.clone()))
    }

    #[test]
    fn only_what_a_shell_would_replace_is_syntax_of_a_shell() {
        for valid in [
            r#"echo "don't" '$HOME'"#,
            r"echo \$HOME",
            r#"echo "\$HOME""#,
            r#"grep "|" file"#,
            "test a '>' b",
            r"find . -exec ls {} \;",
            "cut -d ${SEP}",
            "echo ${a}| a>b $5 $ 100$",
            "echo it # costs $MUCH && more",
        ] {
            assert_eq!(shell_syntax(valid), None, "{valid}");
        }
        for (refused, syntax) in [
            ("a && b", "&&"),
            ("a '|' b | c", "|"),
            ("echo \"it's $HOME\"", "HOME"),
            (r"echo \\$A_1${b}", "A_1"),
            (r#"echo 'a'"b"$C"#, "C"),
            ("echo a#b $C", "C"),
            ("${a} > ${b}", ">"),
        ] {
            assert_eq!(shell_syntax(refused).as_deref(), Some(syntax), "{refused}");
        }
    }

    #[test]
    fn a_shell_is_known_by_the_name_of_its_file() {
        assert!(is_shell("sh") && is_shell("/usr/bin/bash"));
        assert!(!is_shell("ssh") && !is_shell("echo"));
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
