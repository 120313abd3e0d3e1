//! Tokens of OTTL.

use std::ops::Range;

use super::problem::{Problem, ProblemKind};
use super::syntax::{Comparison, Operation};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Bytes(Vec<u8>),
    Float(f64),
    Int(i64),
    Text(String),
    /// A name in lower case: of a path or an argument.
    Lower(String),
    /// A name in upper case: of an enum or a function.
    Upper(String),
    /// A name in mixed case that begins with an upper case letter: of a function.
    Function(String),
    /// A name in mixed case that begins with a lower case letter: of an editor.
    Editor(String),
    Nil,
    Not,
    Or,
    And,
    Bool(bool),
    Compare(Comparison),
    Math(Operation),
    Arrow,
    Equal,
    Mark(char),
}

/// The meaning of `+` and `-` before a digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signs {
    /// An operator, which can stand before any value.
    Apart,
    /// A part of the number, also after another value. `5.` is no number.
    Joined,
}

/// A token and its place.
pub(super) type Spanned = (Token, Range<usize>);

pub(super) fn invalid(at: Range<usize>, what: impl Into<String>) -> Problem {
    Problem {
        at,
        what: what.into(),
        help: None,
        kind: ProblemKind::Invalid,
    }
}

/// All tokens of a condition.
pub(super) fn tokens(text: &str, signs: Signs) -> Result<Vec<Spanned>, Problem> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(char) = text[at..].chars().next() {
        if char.is_whitespace() {
            at += char.len_utf8();
            continue;
        }
        let (token, length) = token(text, at, char, signs)?;
        tokens.push((token, at..at + length));
        at += length;
    }
    Ok(tokens)
}

fn token(text: &str, at: usize, first: char, signs: Signs) -> Result<(Token, usize), Problem> {
    let rest = &text[at..];
    match first {
        '"' => string(rest, at),
        '+' | '-' if signs == Signs::Joined && begins_number(&rest[1..]) => {
            number(rest, 1, at, signs)
        }
        '0'..='9' | '.' if begins_number(rest) => number(rest, 0, at, signs),
        'a'..='z' | 'A'..='Z' => Ok(name(rest)),
        _ => symbol(rest).ok_or_else(|| {
            let what = match first {
                '\'' => "a string is written in double quotes".to_owned(),
                other => format!("`{other}` has no meaning here"),
            };
            invalid(at..at + first.len_utf8(), what)
        }),
    }
}

fn symbol(rest: &str) -> Option<(Token, usize)> {
    const LONG: [(&str, Token); 5] = [
        ("==", Token::Compare(Comparison::Equal)),
        ("!=", Token::Compare(Comparison::NotEqual)),
        (">=", Token::Compare(Comparison::AtLeast)),
        ("<=", Token::Compare(Comparison::AtMost)),
        ("=>", Token::Arrow),
    ];
    for (text, token) in LONG {
        if rest.starts_with(text) {
            return Some((token, text.len()));
        }
    }
    let token = match rest.as_bytes()[0] {
        b'>' => Token::Compare(Comparison::More),
        b'<' => Token::Compare(Comparison::Less),
        b'=' => Token::Equal,
        b'+' => Token::Math(Operation::Add),
        b'-' => Token::Math(Operation::Subtract),
        b'*' => Token::Math(Operation::Multiply),
        b'/' => Token::Math(Operation::Divide),
        mark @ (b'(' | b')' | b'[' | b']' | b'{' | b'}' | b',' | b'.' | b':') => {
            Token::Mark(char::from(mark))
        }
        _ => return None,
    };
    Some((token, 1))
}

fn name(rest: &str) -> (Token, usize) {
    let is_part = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let length = rest.find(|char| !is_part(char)).unwrap_or(rest.len());
    let name = &rest[..length];
    let has = |is: fn(&char) -> bool| name.chars().any(|char| is(&char));
    let (lower, upper) = (has(char::is_ascii_lowercase), has(char::is_ascii_uppercase));
    let owned = || name.to_owned();
    let token = match name {
        "nil" => Token::Nil,
        "not" => Token::Not,
        "or" => Token::Or,
        "and" => Token::And,
        "true" => Token::Bool(true),
        "false" => Token::Bool(false),
        _ if lower && !upper => Token::Lower(owned()),
        _ if upper && !lower => Token::Upper(owned()),
        _ if name.starts_with(|char: char| char.is_ascii_uppercase()) => Token::Function(owned()),
        _ => Token::Editor(owned()),
    };
    (token, length)
}

fn begins_number(rest: &str) -> bool {
    rest.strip_prefix('.')
        .unwrap_or(rest)
        .starts_with(|char: char| char.is_ascii_digit())
}

/// A number after its sign, if it has one, or bytes that begin with `0x`.
fn number(rest: &str, sign: usize, at: usize, signs: Signs) -> Result<(Token, usize), Problem> {
    let digits = |text: &str| {
        text.find(|char: char| !char.is_ascii_digit())
            .unwrap_or(text.len())
    };
    if let Some(hex) = rest.strip_prefix("0x") {
        let length = hex
            .find(|char: char| !char.is_ascii_hexdigit())
            .unwrap_or(hex.len());
        if length > 0 {
            return bytes(&hex[..length], at).map(|bytes| (Token::Bytes(bytes), length + 2));
        }
    }
    let whole = sign + digits(&rest[sign..]);
    let fraction = rest[whole..].strip_prefix('.').map(digits);
    let fraction = fraction.filter(|digits| *digits > 0 || signs == Signs::Apart);
    let Some(fraction) = fraction else {
        let int = rest[..whole].parse();
        let too_large = |_| invalid(at..at + whole, "the number does not fit into 64 bits");
        return Ok((Token::Int(int.map_err(too_large)?), whole));
    };
    let mut length = whole + 1 + fraction;
    length += exponent(&rest[length..]);
    let wrong = |_| invalid(at..at + length, "not a number");
    let float = rest[..length].parse().map_err(wrong)?;
    Ok((Token::Float(float), length))
}

/// The length of an exponent, if there is one.
fn exponent(rest: &str) -> usize {
    let Some(power) = rest.strip_prefix(['e', 'E']) else {
        return 0;
    };
    let sign = usize::from(power.starts_with(['+', '-']));
    let digits = power[sign..]
        .find(|char: char| !char.is_ascii_digit())
        .unwrap_or(power.len() - sign);
    match digits {
        0 => 0,
        digits => 1 + sign + digits,
    }
}

fn bytes(hex: &str, at: usize) -> Result<Vec<u8>, Problem> {
    if hex.len() % 2 == 1 {
        let what = "bytes have an even number of hexadecimal digits";
        return Err(invalid(at..at + hex.len() + 2, what));
    }
    let pairs = hex.as_bytes().chunks_exact(2);
    let byte = |pair: &[u8]| {
        let digit = |at: usize| char::from(pair[at]).to_digit(16).unwrap_or_default();
        u8::try_from(digit(0) << 4 | digit(1)).unwrap_or_default()
    };
    Ok(pairs.map(byte).collect())
}

/// A string in double quotes, with the escapes of Go.
fn string(rest: &str, at: usize) -> Result<(Token, usize), Problem> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((offset, char)) = chars.next() {
        match char {
            '"' => return Ok((Token::Text(text), offset + 1)),
            '\n' => {
                return Err(invalid(
                    at + offset..at + offset + 1,
                    "a string ends in its line",
                ));
            }
            '\\' => {
                let (char, length) = escape(&rest[offset + 1..]).ok_or_else(|| {
                    let next = rest[offset + 1..].chars().next().map_or(0, char::len_utf8);
                    Problem {
                        help: Some("write a backslash twice: `\\\\d`".to_owned()),
                        ..invalid(
                            at + offset..at + offset + 1 + next,
                            "unknown escape in a string",
                        )
                    }
                })?;
                text.push(char);
                for _ in 0..rest[offset + 1..][..length].chars().count() {
                    chars.next();
                }
            }
            other => text.push(other),
        }
    }
    Err(invalid(at..at + rest.len(), "a string without an end"))
}

/// The character of an escape after its backslash, and its length.
fn escape(rest: &str) -> Option<(char, usize)> {
    let number = |from: usize, length: usize, radix: u32| {
        let digits = rest.get(from..from + length)?;
        let is_digits = digits.chars().all(|char| char.is_digit(radix));
        let code = u32::from_str_radix(digits, radix)
            .ok()
            .filter(|_| is_digits)?;
        Some((char::from_u32(code)?, from + length))
    };
    let char = match rest.chars().next()? {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '\\' => '\\',
        '"' => '"',
        // A byte that is no character of its own is not a part of any text that spanspec has.
        'x' => return number(1, 2, 16).filter(|(char, _)| char.is_ascii()),
        'u' => return number(1, 4, 16),
        'U' => return number(1, 8, 16),
        '0'..='7' => return number(0, 3, 8).filter(|(char, _)| char.is_ascii()),
        _ => return None,
    };
    Some((char, 1))
}
