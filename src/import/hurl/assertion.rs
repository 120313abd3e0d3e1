//! Assertions and captures: queries, filters and predicates.

use super::token::Token;
use crate::import::Written;
use crate::import::http_expect::HttpExpect;
use crate::import::matcher::{both, keyed, not, regex, syntax};
use crate::import::template::literal;
use crate::spec::JsonPath;
use crate::trace::Value;

/// The part of the response that a query finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Status,
    Header(String),
    /// A cookie that the response sets, and one of its attributes.
    Cookie(String, Option<String>),
    Body,
    Json(String),
    /// The first group of an expression in the body.
    Regex(String),
    Duration,
}

/// A change of the value between query and predicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Count,
    ToNumber,
}

/// A query with its filters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) target: Target,
    pub(super) change: Option<Change>,
    /// The value is masked in reports.
    pub(super) is_secret: bool,
}

/// Reason why an assertion or capture has no equivalent.
pub(super) type Lost = String;

/// Converts texts with `{{x}}` to ours.
pub(super) type Texts<'a> = dyn Fn(&str) -> String + 'a;

/// The query at the beginning, and the tokens after it.
pub(super) fn query<'t>(
    tokens: &'t [Token],
    texts: &Texts<'_>,
) -> Result<(Query, &'t [Token]), Lost> {
    let (target, rest) = target(tokens, texts)?;
    let mut query = Query {
        target,
        change: None,
        is_secret: false,
    };
    filters(&mut query, rest, texts).map(|rest| (query, rest))
}

fn target<'t>(tokens: &'t [Token], texts: &Texts<'_>) -> Result<(Target, &'t [Token]), Lost> {
    let [Token::Word(word), rest @ ..] = tokens else {
        return Err("it does not begin with a query".to_owned());
    };
    let none = |target| Ok((target, rest));
    let text = || match rest {
        [Token::Text(text), rest @ ..] => Ok((texts(text), rest)),
        _ => Err(format!("`{word}` needs a text in quotes")),
    };
    match word.as_str() {
        "status" => none(Target::Status),
        "body" => none(Target::Body),
        "duration" => none(Target::Duration),
        "header" => text().map(|(name, rest)| (Target::Header(name), rest)),
        "jsonpath" => {
            let (path, rest) = text()?;
            path_of(&path).map(|path| (Target::Json(path), rest))
        }
        "cookie" => text().map(|(name, rest)| {
            match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
                Some((name, "Value")) => (Target::Cookie(name.to_owned(), None), rest),
                Some((name, attribute)) => (
                    Target::Cookie(name.to_owned(), Some(attribute.to_owned())),
                    rest,
                ),
                None => (Target::Cookie(name, None), rest),
            }
        }),
        "regex" => match rest {
            [
                Token::Regex(expression) | Token::Text(expression),
                rest @ ..,
            ] => Ok((Target::Regex(expression.clone()), rest)),
            _ => Err("`regex` needs an expression".to_owned()),
        },
        "url" => Err("the URL after redirects cannot be checked".to_owned()),
        "xpath" => Err("XPath is not supported: check the text under `body`".to_owned()),
        "bytes" | "rawbytes" | "sha256" | "md5" => {
            Err(format!("`{word}`: bytes cannot be checked"))
        }
        "certificate" | "ip" | "version" | "redirects" => {
            Err(format!("`{word}`: the connection cannot be checked"))
        }
        "variable" => {
            Err("a variable cannot be checked: check the value where it is captured".to_owned())
        }
        other => Err(format!("unknown query `{other}`")),
    }
}

/// The path, if our reader accepts it.
fn path_of(path: &str) -> Result<String, Lost> {
    if path.contains("${") {
        return Err("a variable in a path is not possible".to_owned());
    }
    match JsonPath::parse(path) {
        Ok(_) => Ok(path.to_owned()),
        Err(error) => Err(format!("the path is not of RFC 9535: {error}")),
    }
}

fn filters<'t>(
    query: &mut Query,
    mut rest: &'t [Token],
    texts: &Texts<'_>,
) -> Result<&'t [Token], Lost> {
    while let [Token::Word(word), after @ ..] = rest {
        let index = |index: &str| match &query.target {
            Target::Json(path) => Ok(Target::Json(format!("{path}[{index}]"))),
            _ => Err(format!("the filter `{word}` has no equivalent here")),
        };
        rest = match (word.as_str(), after) {
            _ if query.change.is_some() && is_filter(word) => {
                return Err(format!(
                    "the filter `{word}` after another one has no equivalent"
                ));
            }
            ("count", _) => {
                query.change = Some(Change::Count);
                after
            }
            ("toInt" | "toFloat", _) => {
                query.change = Some(Change::ToNumber);
                after
            }
            ("redact", _) => {
                query.is_secret = true;
                after
            }
            ("first", _) if is_single(query) => {
                query.target = index("0")?;
                after
            }
            ("last", _) if is_single(query) => {
                query.target = index("-1")?;
                after
            }
            ("nth", [Token::Word(number), rest @ ..])
                if is_single(query) && number.parse::<i64>().is_ok() =>
            {
                query.target = index(number)?;
                rest
            }
            ("jsonpath", [Token::Text(path), rest @ ..]) => {
                let path = path_of(&texts(path))?;
                query.target = match &query.target {
                    Target::Body => Target::Json(path),
                    Target::Json(start) => Target::Json(path_of(&path.replacen('$', start, 1))?),
                    _ => return Err("the filter `jsonpath` has no equivalent here".to_owned()),
                };
                rest
            }
            _ if is_filter(word) => return Err(format!("the filter `{word}` has no equivalent")),
            _ => return Ok(rest),
        };
    }
    Ok(rest)
}

/// Returns `true` if the query finds one value at most.
fn is_single(query: &Query) -> bool {
    match &query.target {
        Target::Json(path) => JsonPath::parse(path).is_ok_and(|path| path.is_singular()),
        _ => true,
    }
}

fn is_filter(word: &str) -> bool {
    const FILTERS: [&str; 33] = [
        "base64Decode",
        "base64Encode",
        "base64UrlSafeDecode",
        "base64UrlSafeEncode",
        "charsetDecode",
        "count",
        "daysAfterNow",
        "daysBeforeNow",
        "decode",
        "first",
        "format",
        "dateFormat",
        "htmlEscape",
        "htmlUnescape",
        "jsonpath",
        "last",
        "location",
        "nth",
        "regex",
        "replace",
        "replaceRegex",
        "split",
        "toDate",
        "toFloat",
        "toHex",
        "toInt",
        "toString",
        "urlDecode",
        "urlEncode",
        "urlQueryParam",
        "utf8Decode",
        "utf8Encode",
        "xpath",
    ];
    FILTERS.contains(&word) || word == "redact"
}

/// Adds an assertion to the expectations.
pub(super) fn assertion(
    tokens: &[Token],
    texts: &Texts<'_>,
    expect: &mut HttpExpect,
) -> Result<(), Lost> {
    let (query, rest) = query(tokens, texts)?;
    let (is_negated, rest) = match rest {
        [Token::Word(not), rest @ ..] if not == "not" => (true, rest),
        rest => (false, rest),
    };
    let [Token::Word(predicate), value @ ..] = rest else {
        return Err("it has no predicate".to_owned());
    };
    let operand = operand(value, texts)?;
    match &query.target {
        Target::Json(path) => {
            let matcher = json(path, &query, predicate, operand.as_ref(), is_negated)?;
            expect.json(path, matcher);
        }
        Target::Status => {
            let matcher = numeric(predicate, operand.as_ref(), is_negated)?;
            expect.status(matcher);
        }
        Target::Duration => {
            let text = match operand {
                Some(Value::Int(number)) => format!("{number}ms"),
                _ => return Err("`duration` needs a number of milliseconds".to_owned()),
            };
            let sign = match (predicate.as_str(), is_negated) {
                ("<" | "<=" | ">" | ">=", false) => predicate.as_str(),
                _ => return Err(format!("`duration {predicate}` has no equivalent")),
            };
            expect.response_time(syntax(format!("{sign} {text}")));
        }
        Target::Header(name) => {
            if query.change == Some(Change::Count) {
                return Err("the number of headers cannot be checked".to_owned());
            }
            // One value of several may be included.
            match (predicate.as_str(), is_negated) {
                ("includes", false) => expect.any_header(name, plain("==", operand.as_ref())?),
                _ => {
                    let matcher = text_matcher(&query, predicate, operand.as_ref(), is_negated)?;
                    expect.header(name, matcher);
                }
            }
        }
        Target::Body => expect.body(text_matcher(&query, predicate, operand.as_ref(), is_negated)?),
        Target::Cookie(name, attribute) => {
            let matcher = cookie(name, attribute.as_deref(), predicate, operand.as_ref(), is_negated)?;
            expect.any_header("set-cookie", matcher);
        }
        Target::Regex(expression) => match (predicate.as_str(), is_negated) {
            ("exists", false) => expect.body(regex(expression)),
            ("exists", true) => expect.body(not(regex(expression))),
            _ => return Err("a part of the body can be captured, but not checked: write the value into the expression".to_owned()),
        },
    }
    Ok(())
}

/// The value of a predicate.
fn operand(tokens: &[Token], texts: &Texts<'_>) -> Result<Option<Value>, Lost> {
    Ok(Some(match tokens {
        [] => return Ok(None),
        [Token::Text(text)] => Value::String(texts(text)),
        // It has no variables.
        [Token::Regex(expression)] => Value::String(literal(expression)),
        [Token::Word(word)] => match word.as_str() {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            word if word.starts_with("{{") => Value::String(texts(word)),
            word => Value::number(word).ok_or_else(|| format!("`{word}` is not a value"))?,
        },
        [Token::Bytes(_)] => return Err("bytes cannot be checked".to_owned()),
        _ => return Err("it has more than one value".to_owned()),
    }))
}

fn json(
    path: &str,
    query: &Query,
    predicate: &str,
    operand: Option<&Value>,
    is_negated: bool,
) -> Result<Written, Lost> {
    if query.change == Some(Change::Count) {
        return Ok(keyed("length", numeric(predicate, operand, is_negated)?));
    }
    let is_singular = JsonPath::parse(path).is_ok_and(|path| path.is_singular());
    if is_singular {
        return text_matcher(query, predicate, operand, is_negated);
    }
    // The path gives a list. hurl takes the only value of it.
    Ok(match (predicate, is_negated) {
        ("exists", false) => keyed("length", syntax("1..")),
        ("exists", true) => vec![syntax("absent"), keyed("length", syntax("0"))].into(),
        ("isEmpty", false) => keyed("length", syntax("0")),
        ("includes" | "contains", false) => keyed("contains", value(operand)?),
        ("includes" | "contains", true) => not(keyed("contains", value(operand)?)),
        ("isCollection" | "isList", false) => keyed("length", syntax("2..")),
        _ => both(
            keyed("length", syntax("1")),
            keyed("all", text_matcher(query, predicate, operand, is_negated)?),
        ),
    })
}

/// A matcher for one value.
fn text_matcher(
    query: &Query,
    predicate: &str,
    operand: Option<&Value>,
    is_negated: bool,
) -> Result<Written, Lost> {
    if query.change == Some(Change::ToNumber) {
        return Ok(keyed("number", numeric(predicate, operand, is_negated)?));
    }
    if query.change == Some(Change::Count) {
        return Ok(keyed("length", numeric(predicate, operand, is_negated)?));
    }
    let matcher = match (predicate, is_negated) {
        ("exists", true) => return Ok(syntax("absent")),
        ("!=", true) => return plain("==", operand),
        (predicate, _) => plain(predicate, operand)?,
    };
    Ok(match is_negated {
        true => not(matcher),
        false => matcher,
    })
}

fn value(operand: Option<&Value>) -> Result<Written, Lost> {
    let operand = operand.ok_or_else(|| "the value is missing".to_owned())?;
    Ok(Written::json(operand))
}

fn plain(predicate: &str, operand: Option<&Value>) -> Result<Written, Lost> {
    const UUID: &str =
        "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$";
    let text = || match operand {
        Some(Value::String(text)) => Ok(text.as_str()),
        _ => Err(format!("`{predicate}` needs a text")),
    };
    let of_type = |name: &str| Ok(keyed("type", syntax(name)));
    let equal = || match operand {
        Some(value) => Ok(crate::import::matcher::equal(value)),
        None => Err("the value is missing".to_owned()),
    };
    match predicate {
        "==" | "equals" => equal(),
        "!=" | "notEquals" => equal().map(not),
        ">" | ">=" | "<" | "<=" => numeric(predicate, operand, false),
        "startsWith" => Ok(keyed("starts_with", text()?)),
        "endsWith" => Ok(keyed("ends_with", text()?)),
        "contains" => Ok(keyed("contains", value(operand)?)),
        "includes" => Ok(both(
            keyed("contains", value(operand)?),
            keyed("type", syntax("array")),
        )),
        // An expression in quotes can have variables.
        "matches" => Ok(syntax(format!("=~ {}", text()?))),
        "exists" => Ok(syntax("exists")),
        "isEmpty" => Ok(keyed("length", syntax("0"))),
        "isInteger" => of_type("int"),
        "isFloat" => of_type("double"),
        "isNumber" => of_type("number"),
        "isBoolean" => of_type("bool"),
        "isString" => of_type("string"),
        "isList" => of_type("array"),
        "isObject" => of_type("map"),
        "isCollection" => {
            Ok(vec![keyed("type", syntax("array")), keyed("type", syntax("map"))].into())
        }
        "isUuid" => Ok(regex(UUID)),
        other => Err(format!("the predicate `{other}` has no equivalent")),
    }
}

/// A condition on a number.
fn numeric(predicate: &str, operand: Option<&Value>, is_negated: bool) -> Result<Written, Lost> {
    let number = match operand {
        Some(value @ (Value::Int(_) | Value::Number(_) | Value::Double(_))) => value.to_string(),
        Some(Value::String(variable)) if variable.starts_with("${") => variable.clone(),
        _ => return Err(format!("`{predicate}` needs a number")),
    };
    let is_variable = number.starts_with("${");
    match (predicate, is_negated) {
        ("==" | "equals", false) | ("!=" | "notEquals", true) => Ok(syntax(number)),
        ("!=" | "notEquals", false) | ("==" | "equals", true) => Ok(not(syntax(number))),
        _ if is_variable => Err(format!("`{predicate}` with a variable has no equivalent")),
        (">" | ">=" | "<" | "<=", false) => Ok(syntax(format!("{predicate} {number}"))),
        (">", true) => Ok(syntax(format!("<= {number}"))),
        (">=", true) => Ok(syntax(format!("< {number}"))),
        ("<", true) => Ok(syntax(format!(">= {number}"))),
        ("<=", true) => Ok(syntax(format!("> {number}"))),
        (other, _) => Err(format!(
            "the predicate `{other}` has no equivalent for a number"
        )),
    }
}

/// A matcher for a `set-cookie` header.
fn cookie(
    name: &str,
    attribute: Option<&str>,
    predicate: &str,
    operand: Option<&Value>,
    is_negated: bool,
) -> Result<Written, Lost> {
    let start = format!("^{}=", ::regex::escape(name));
    let value = match operand {
        None => None,
        Some(Value::String(text)) if text.contains("${") => {
            return Err("a cookie cannot be compared with a variable".to_owned());
        }
        Some(value) => Some(::regex::escape(&value.to_text())),
    };
    let within = |value: &str| match attribute {
        None => format!("{start}{value}"),
        Some(name) => format!(
            "{start}[^;]*(;[^;]*)*; *(?i:{})={value}",
            ::regex::escape(name)
        ),
    };
    let expression = match (predicate, value) {
        ("exists", None) if attribute.is_none() => start.clone(),
        ("exists", None) => format!(
            "{start}[^;]*(;[^;]*)*; *(?i:{}) *(=|;|$)",
            ::regex::escape(attribute.unwrap_or_default())
        ),
        ("==" | "equals", Some(value)) => within(&format!("{value} *(;|$)")),
        ("startsWith", Some(value)) => within(&value),
        ("contains", Some(value)) => within(&format!("[^;]*{value}")),
        ("endsWith", Some(value)) => within(&format!("[^;]*{value} *(;|$)")),
        (other, _) => {
            return Err(format!(
                "the predicate `{other}` of a cookie has no equivalent"
            ));
        }
    };
    match (is_negated, predicate, attribute) {
        (false, ..) => Ok(regex(&expression)),
        // Cookies of other names may be set, or none.
        (true, "exists", None) => Ok(vec![syntax("absent"), not(regex(&expression))].into()),
        (true, "exists", Some(_)) => Ok(not(regex(&expression))),
        (true, ..) => Err("a negated predicate of a cookie has no equivalent".to_owned()),
    }
}
