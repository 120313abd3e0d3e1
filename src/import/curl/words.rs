//! The words of a command line, by the quoting rules of bash or of Windows' cmd.

use crate::import::place::LineError;
use crate::import::template::Template;

/// A word, with the line on which it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// The text, in which `${x}` is a variable of the shell.
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// The words of one command after another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Commands {
    pub(crate) commands: Vec<Vec<Word>>,
    /// The rest, from a pipe or a redirection on.
    pub(crate) rest: Option<Word>,
}

/// The commands of a text in the notation of bash, or of cmd.
pub(crate) fn commands(text: &str) -> Result<Commands, LineError> {
    let mut read = match is_of_cmd(text) {
        true => of_cmd(text)?,
        false => Bash::new(text).commands()?,
    };
    read.commands.retain(|words| !words.is_empty());
    Ok(read)
}

/// `^` before the first quote or at the end of a line identifies cmd, which has no single quotes.
fn is_of_cmd(text: &str) -> bool {
    let Some(first) = text.find(['"', '\'']) else {
        return text.lines().any(|line| line.ends_with('^'));
    };
    let is_double = text[first..].starts_with('"');
    is_double && (text[..first].ends_with('^') || text.lines().any(|line| line.ends_with('^')))
}

/// A reader of bash's notation.
struct Bash<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    word: Template,
    /// The line of the word, if one has begun.
    begun: Option<usize>,
    words: Vec<Word>,
    commands: Vec<Vec<Word>>,
}

impl<'a> Bash<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
            word: Template::default(),
            begun: None,
            words: Vec::new(),
            commands: Vec::new(),
        }
    }

    fn commands(mut self) -> Result<Commands, LineError> {
        loop {
            let (start, line) = (self.at, self.line);
            let Some(character) = self.next() else { break };
            match character {
                ' ' | '\t' | '\r' => self.end_word(),
                '\n' | ';' | '&' => self.end_command(),
                '|' | '<' | '>' | '(' | ')' => {
                    self.end_command();
                    let text = self.text[start..].trim().to_owned();
                    let rest = Some(Word { text, line });
                    return Ok(Commands {
                        commands: self.commands,
                        rest,
                    });
                }
                '#' if self.begun.is_none() => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.next();
                    }
                }
                '\\' => match self.next() {
                    Some('\n') => {}
                    Some('\r') if self.peek() == Some('\n') => {
                        self.next();
                    }
                    Some(other) => self.push(other, line),
                    None => self.push('\\', line),
                },
                '\'' => self.single(line)?,
                '"' => self.double(line)?,
                '$' if self.peek() == Some('\'') => {
                    self.next();
                    self.ansi(line)?;
                }
                '$' => self.dollar(line)?,
                '`' => return Err(substitution(line)),
                other => self.push(other, line),
            }
        }
        self.end_command();
        Ok(Commands {
            commands: self.commands,
            rest: None,
        })
    }

    fn end_command(&mut self) {
        self.end_word();
        self.commands.push(std::mem::take(&mut self.words));
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        self.line += usize::from(next == '\n');
        Some(next)
    }

    fn push(&mut self, character: char, line: usize) {
        self.begun.get_or_insert(line);
        self.word.push(character.encode_utf8(&mut [0; 4]));
    }

    fn end_word(&mut self) {
        if let Some(line) = self.begun.take() {
            let text = std::mem::take(&mut self.word).finish();
            self.words.push(Word { text, line });
        }
    }

    fn single(&mut self, line: usize) -> Result<(), LineError> {
        self.begun.get_or_insert(line);
        loop {
            match self.next().ok_or_else(|| unclosed('\'', line))? {
                '\'' => return Ok(()),
                other => self.push(other, line),
            }
        }
    }

    fn double(&mut self, line: usize) -> Result<(), LineError> {
        self.begun.get_or_insert(line);
        loop {
            match self.next().ok_or_else(|| unclosed('"', line))? {
                '"' => return Ok(()),
                '\\' => match self.next().ok_or_else(|| unclosed('"', line))? {
                    '\n' => {}
                    escaped @ ('"' | '\\' | '$' | '`') => self.push(escaped, line),
                    other => {
                        self.push('\\', line);
                        self.push(other, line);
                    }
                },
                '$' => self.dollar(line)?,
                '`' => return Err(substitution(line)),
                other => self.push(other, line),
            }
        }
    }

    /// A variable after `$`, or the sign itself.
    fn dollar(&mut self, line: usize) -> Result<(), LineError> {
        let rest = &self.text[self.at..];
        if rest.starts_with('(') {
            return Err(substitution(line));
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (name, length) = match rest.strip_prefix('{') {
            Some(inner) => {
                let end = inner.find('}').ok_or_else(|| unclosed('{', line))?;
                (&inner[..end], end + 2)
            }
            None => {
                let end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
                (&rest[..end], end)
            }
        };
        let (plain, _) = name.split_once(":-").unwrap_or((name, ""));
        let is_variable = plain.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && plain.chars().all(is_name);
        match (is_variable, name.is_empty()) {
            (true, _) => {
                self.begun.get_or_insert(line);
                self.word.push_expression(name);
                self.at += length;
                Ok(())
            }
            (false, true) => {
                self.push('$', line);
                Ok(())
            }
            (false, false) => Err(LineError {
                line,
                text: format!("`${{{name}}}` is not a plain variable; write its value"),
            }),
        }
    }

    /// The escapes of `$'…'`.
    fn ansi(&mut self, line: usize) -> Result<(), LineError> {
        self.begun.get_or_insert(line);
        loop {
            match self.next().ok_or_else(|| unclosed('\'', line))? {
                '\'' => return Ok(()),
                '\\' => {
                    let escape = self.next().ok_or_else(|| unclosed('\'', line))?;
                    self.ansi_escape(escape, line)?;
                }
                other => self.push(other, line),
            }
        }
    }

    fn ansi_escape(&mut self, escape: char, line: usize) -> Result<(), LineError> {
        let plain = match escape {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'e' | 'E' => '\u{1b}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'u' | 'U' | 'x' | '0'..='7' => return self.ansi_number(escape, line),
            '\\' | '\'' | '"' | '?' => escape,
            other => {
                self.push('\\', line);
                other
            }
        };
        self.push(plain, line);
        Ok(())
    }

    fn ansi_number(&mut self, escape: char, line: usize) -> Result<(), LineError> {
        let (radix, most) = match escape {
            'u' => (16, 4),
            'U' => (16, 8),
            'x' => (16, 2),
            _ => {
                self.at -= 1;
                (8, 3)
            }
        };
        let mut number = 0;
        let mut digits = 0;
        while let Some(digit) = self
            .peek()
            .and_then(|c| c.to_digit(radix))
            .filter(|_| digits < most)
        {
            number = number * radix + digit;
            digits += 1;
            self.next();
        }
        // JavaScript writes characters beyond the first plane as two surrogates.
        if (0xd800..0xdc00).contains(&number) && self.text[self.at..].starts_with("\\u") {
            let low = self.text.get(self.at + 2..self.at + 6);
            let low = low.and_then(|digits| u32::from_str_radix(digits, 16).ok());
            if let Some(low) = low.filter(|low| (0xdc00..0xe000).contains(low)) {
                number = 0x10000 + ((number - 0xd800) << 10) + (low - 0xdc00);
                self.at += 6;
            }
        }
        let bytes = matches!(escape, 'x' | '0'..='7') && number > 0x7f;
        match char::from_u32(number).filter(|_| digits > 0 && !bytes) {
            Some(character) => {
                self.push(character, line);
                Ok(())
            }
            None => Err(LineError {
                line,
                text: format!(
                    "`\\{escape}` in `$'…'` is not a character; save the body to a file, and use `--data-binary @FILE`"
                ),
            }),
        }
    }
}

fn unclosed(sign: char, line: usize) -> LineError {
    LineError {
        line,
        text: format!(
            "unclosed `{sign}`: quote the whole command, with single quotes around it and `'\\''` for those inside, or pipe it: `pbpaste | spanspec import curl -`"
        ),
    }
}

fn substitution(line: usize) -> LineError {
    LineError {
        line,
        text: "a command substitution has no equivalent: write a variable in its place, such as `$TOKEN`".to_owned(),
    }
}

/// Removes the carets of cmd, then splits as Windows programs do.
fn of_cmd(text: &str) -> Result<Commands, LineError> {
    let text = text.replace("\r\n", "\n");
    let mut plain: Vec<(char, usize)> = Vec::new();
    let mut characters = text.chars().peekable();
    let (mut line, mut is_quoted) = (1, false);
    while let Some(character) = characters.next() {
        match character {
            '^' if !is_quoted => match characters.next() {
                // A continued line. A second line break is a character of the text.
                Some('\n') => {
                    line += 1;
                    if characters.next_if_eq(&'\n').is_some() {
                        plain.push(('\n', line));
                        line += 1;
                    }
                }
                Some(other) => plain.push((other, line)),
                None => {}
            },
            '\n' => {
                is_quoted = false;
                plain.push((' ', line));
                line += 1;
            }
            other => {
                is_quoted ^= other == '"';
                plain.push((other, line));
            }
        }
    }
    of_windows(&plain)
}

/// Words in which `\"` and, inside of quotes, `""` are a quote.
fn of_windows(plain: &[(char, usize)]) -> Result<Commands, LineError> {
    let mut commands = Vec::new();
    let mut words = Vec::new();
    let mut word = Template::default();
    let (mut begun, mut quoted_at) = (None, None);
    let mut at = 0;
    while let Some(&(character, line)) = plain.get(at) {
        let run = plain[at..].iter().take_while(|(c, _)| *c == '\\').count();
        let before_quote = run > 0 && plain.get(at + run).is_some_and(|(c, _)| *c == '"');
        if before_quote {
            begun.get_or_insert(line);
            word.push(&"\\".repeat(run / 2));
            at += run;
            if run % 2 == 1 {
                word.push("\"");
                at += 1;
            }
            continue;
        }
        at += 1;
        match character {
            '"' if quoted_at.is_some() && plain.get(at).is_some_and(|(c, _)| *c == '"') => {
                word.push("\"");
                at += 1;
            }
            '"' => {
                begun.get_or_insert(line);
                quoted_at = match quoted_at {
                    Some(_) => None,
                    None => Some(line),
                };
            }
            ' ' | '\t' | '&' if quoted_at.is_none() => {
                if let Some(line) = begun.take() {
                    let text = std::mem::take(&mut word).finish();
                    words.push(Word { text, line });
                }
                if character == '&' {
                    commands.push(std::mem::take(&mut words));
                }
            }
            other => {
                begun.get_or_insert(line);
                word.push(other.encode_utf8(&mut [0; 4]));
            }
        }
    }
    if let Some(line) = quoted_at {
        return Err(LineError {
            line,
            text: "unclosed `\"`".to_owned(),
        });
    }
    if let Some(line) = begun {
        words.push(Word {
            text: word.finish(),
            line,
        });
    }
    commands.push(words);
    Ok(Commands {
        commands,
        rest: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let mut read = commands(text).unwrap();
        assert_eq!((read.commands.len(), read.rest), (1, None));
        let words = read.commands.remove(0).into_iter();
        words.map(|word| word.text).collect()
    }

    #[test]
    fn bash_quotes_are_removed() {
        assert_eq!(
            read(r#"curl 'a b' "c \"d\" \n" e\ f 'it'\''s'"#),
            ["curl", "a b", r#"c "d" \n"#, "e f", "it's"]
        );
        assert_eq!(
            read(r"curl $'it\'s \u00e4 \n \ud83d\ude00 \x21 \101'"),
            ["curl", "it's ä \n 😀 ! A"]
        );
        assert_eq!(
            read("curl 'http://a' \\\n  -H 'x: y' \\\r\n  --compressed"),
            ["curl", "http://a", "-H", "x: y", "--compressed"]
        );
        assert_eq!(read("curl '' \"\""), ["curl", "", ""]);
    }

    #[test]
    fn variables_of_the_shell_are_variables_of_the_spec() {
        assert_eq!(
            read("curl $HOST/a \"${TOKEN}x\" '$NO ${NO}' \"\\$5 $\""),
            ["curl", "${HOST}/a", "${TOKEN}x", "$NO $${NO}", "$5 $"]
        );
        assert!(commands("curl $(cat token)").is_err());
        assert!(commands("curl \"`cat token`\"").is_err());
        assert!(commands("curl ${A%b}").is_err());
    }

    #[test]
    fn the_rest_after_a_pipe_is_kept_apart() {
        let read = commands("curl http://a |\njq .id").unwrap();
        assert_eq!(read.commands[0].len(), 2);
        assert_eq!(read.rest.unwrap().text, "|\njq .id");
    }

    #[test]
    fn several_commands_are_read() {
        let of_bash = commands("curl 'a' ;\ncurl 'b'\n").unwrap();
        let of_cmd = commands("curl ^\"a^\" &\ncurl ^\"b^\"\n").unwrap();
        for read in [of_bash, of_cmd] {
            assert_eq!(read.commands.len(), 2, "{read:?}");
            assert_eq!(read.commands[1][1].text, "b");
            assert_eq!(read.commands[1][1].line, 2);
        }
    }

    #[test]
    fn the_notation_of_cmd_is_read_in_both_styles() {
        let old = "curl \"http://a/b?c=1^&d=2\" ^\r\n  -H \"accept: */*\" ^\r\n  --data-raw \"{\\\"a\\\":1}\"";
        assert_eq!(
            read(old),
            [
                "curl",
                "http://a/b?c=1^&d=2",
                "-H",
                "accept: */*",
                "--data-raw",
                "{\"a\":1}"
            ]
        );
        let new = "curl ^\"http://a/b?c=^%^20^&d=2^\" ^\n  --data-raw ^\"^{^\\^\"a^\\^\":^\\^\"x^\n\ny^\\^\"^}^\"";
        assert_eq!(
            read(new),
            [
                "curl",
                "http://a/b?c=%20&d=2",
                "--data-raw",
                "{\"a\":\"x\ny\"}"
            ]
        );
    }

    #[test]
    fn a_caret_in_quotes_is_no_notation_of_cmd() {
        assert_eq!(
            read("curl -d '[\"^\"]' \"http://a\""),
            ["curl", "-d", "[\"^\"]", "http://a"]
        );
    }

    #[test]
    fn an_open_quote_is_an_error_with_its_line() {
        assert_eq!(commands("curl \\\n 'a").unwrap_err().line, 2);
    }
}
