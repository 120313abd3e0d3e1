//! Assertions of a script that have a usual form.

use super::script::{Statement, bracket, split};
use super::subject::{Names, Subject, string};
use crate::import::http_expect::HttpExpect;
use crate::import::matcher::{both, equal, keyed, not, regex, syntax};
use crate::import::template::literal;
use crate::import::{Map, Written};
use crate::spec::member;
use crate::trace::Value;

/// A word of a chain such as `.to.have.property("id")`.
#[derive(Clone, Debug)]
struct Link<'a> {
    word: &'a str,
    /// `None` without brackets.
    arguments: Option<&'a str>,
}

/// Adds an assertion. `None` if its form is unknown.
pub(super) fn assertion(
    statement: &Statement<'_>,
    names: &Names,
    expect: &mut HttpExpect,
) -> Option<()> {
    let text = statement.text;
    if let Some(rest) = text.strip_prefix("pm.response.to.") {
        return of_response(&links(rest)?, expect);
    }
    if let Some(rest) = text.strip_prefix("pm.expect") {
        let (arguments, chain) = bracket(rest)?;
        let subject = split(arguments, b',').into_iter().next()?;
        let links = links(chain.trim_start().strip_prefix('.')?)?;
        return of_subject(subject, &links, names, expect);
    }
    if let Some(rest) = text.strip_prefix("tests") {
        let (_, rest) = bracket(rest.trim_start())?;
        return of_comparison(rest.trim_start().strip_prefix('=')?, names, expect);
    }
    None
}

fn links(chain: &str) -> Option<Vec<Link<'_>>> {
    let words = split(chain, b'.')
        .into_iter()
        .map(|word| match word.find('(') {
            Some(at) => {
                let (arguments, rest) = bracket(&word[at..])?;
                rest.trim().is_empty().then_some(Link {
                    word: word[..at].trim(),
                    arguments: Some(arguments),
                })
            }
            None => Some(Link {
                word,
                arguments: None,
            }),
        });
    words.collect()
}

/// `pm.response.to.have.status(200)`.
fn of_response(links: &[Link<'_>], expect: &mut HttpExpect) -> Option<()> {
    let (last, before) = links.split_last()?;
    // A chain with several assertions, of which only the last would be kept.
    let is_filler = |link: &Link<'_>| matches!(link.word, "to" | "be" | "have" | "not");
    if !before
        .iter()
        .all(|link| is_filler(link) && link.arguments.is_none())
    {
        return None;
    }
    let is_negated = before.iter().any(|link| link.word == "not");
    let signed = |matcher| match is_negated {
        true => not(matcher),
        false => matcher,
    };
    let arguments: Vec<&str> = last.arguments.map_or_else(Vec::new, |all| {
        split(all, b',')
            .into_iter()
            .filter(|one| !one.is_empty())
            .collect()
    });
    match (last.word, arguments.as_slice()) {
        ("status", [one]) => expect.status(signed(syntax(code(one)?.to_string()))),
        ("header", [name]) => {
            let matcher = syntax(if is_negated { "absent" } else { "exists" });
            expect.header(&string(name)?, matcher);
        }
        ("header", [name, value]) => expect.header(
            &string(name)?,
            signed(equal(&Names::default().value(value)?)),
        ),
        ("body", [text]) => expect.body(signed(keyed("equals", literal(&string(text)?)))),
        ("jsonBody", []) if !is_negated => expect.json("$", syntax("exists")),
        ("jsonBody", [path]) => expect.json(
            &dotted(path)?,
            syntax(if is_negated { "absent" } else { "exists" }),
        ),
        ("jsonBody", [path, value]) => expect.json(
            &dotted(path)?,
            signed(equal(&Names::default().value(value)?)),
        ),
        ("json", []) if !is_negated => {
            expect.header("content-type", keyed("contains", "application/json"))
        }
        ("withBody", []) => expect.body(match is_negated {
            true => keyed("length", syntax("0")),
            false => keyed("length", syntax("1..")),
        }),
        (word, []) => expect.status(signed(syntax(range(word)?))),
        _ => return None,
    }
    Some(())
}

/// The status of a property such as `pm.response.to.be.success`.
fn range(word: &str) -> Option<&'static str> {
    Some(match word {
        "ok" => "200",
        "info" => "1xx",
        "success" => "2xx",
        "redirection" => "3xx",
        "clientError" => "4xx",
        "serverError" => "5xx",
        "error" => "400..599",
        "accepted" => "202",
        "badRequest" => "400",
        "unauthorized" | "unauthorised" => "401",
        "forbidden" => "403",
        "notFound" => "404",
        "notAcceptable" => "406",
        "rateLimited" => "429",
        _ => return None,
    })
}

/// A status code, or the code of a reason phrase.
fn code(expression: &str) -> Option<u16> {
    match string(expression) {
        Some(phrase) => (100..600).find(|code| {
            let status = http::StatusCode::from_u16(*code).ok();
            status
                .and_then(|status| status.canonical_reason())
                .is_some_and(|reason| reason.eq_ignore_ascii_case(&phrase))
        }),
        None => expression
            .parse()
            .ok()
            .filter(|code| (100..600).contains(code)),
    }
}

fn dotted(expression: &str) -> Option<String> {
    Some(below("$", &string(expression)?))
}

/// The path of `a.b.0` or `a.b[0]` below another one.
fn below(start: &str, keys: &str) -> String {
    let keys = keys.replace('[', ".").replace(']', "");
    keys.split('.')
        .fold(start.to_owned(), |path, key| match key.parse::<u32>() {
            Ok(index) => format!("{path}[{index}]"),
            Err(_) => member(&path, key),
        })
}

/// `pm.expect(jsonData.id).to.eql(1)`.
fn of_subject(
    expression: &str,
    links: &[Link<'_>],
    names: &Names,
    expect: &mut HttpExpect,
) -> Option<()> {
    const FILLERS: [&str; 17] = [
        "to", "be", "been", "is", "that", "which", "and", "has", "have", "with", "at", "of",
        "same", "but", "does", "still", "also",
    ];
    let mut subject = names.subject(expression)?;
    let mut found = HttpExpect::default();
    let (mut is_negated, mut is_partial, mut count) = (false, false, 0);
    for (at, link) in links.iter().enumerate() {
        let next = links.get(at + 1).map(|link| link.word);
        match (link.word, link.arguments) {
            (word, None)
                if FILLERS.contains(&word)
                    || matches!(word, "deep" | "nested" | "all" | "itself") => {}
            ("not", None) => is_negated = true,
            ("include" | "contain" | "includes" | "contains", None) if next.is_some() => {
                is_partial = true
            }
            ("any", None) => return None,
            ("property", Some(arguments)) => {
                let is_nested = links.iter().any(|link| link.word == "nested");
                subject = property(
                    &subject, arguments, is_nested, is_negated, names, &mut found,
                )?;
                count += 1;
            }
            ("keys" | "key", Some(arguments)) if !is_negated => {
                keys(&subject, arguments, is_partial, &mut found)?;
                count += 1;
            }
            (word, arguments) => {
                one(&subject, word, arguments, is_negated, names, &mut found)?;
                count += 1;
            }
        }
    }
    (count > 0).then(|| expect.add(found))
}

fn property(
    subject: &Subject,
    arguments: &str,
    is_nested: bool,
    is_negated: bool,
    names: &Names,
    expect: &mut HttpExpect,
) -> Option<Subject> {
    let Subject::Json(path) = subject else {
        return None;
    };
    let arguments = split(arguments, b',');
    let name = string(arguments.first()?)?;
    let path = match is_nested {
        true => below(path, &name),
        false => member(path, &name),
    };
    let matcher = match (arguments.get(1), is_negated) {
        (None, false) => syntax("exists"),
        (None, true) => syntax("absent"),
        (Some(value), false) => equal(&names.value(value)?),
        (Some(_), true) => return None,
    };
    expect.json(&path, matcher);
    Some(Subject::Json(path))
}

fn keys(
    subject: &Subject,
    arguments: &str,
    is_partial: bool,
    expect: &mut HttpExpect,
) -> Option<()> {
    let Subject::Json(path) = subject else {
        return None;
    };
    let arguments = arguments.trim();
    let list = arguments
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(arguments);
    let keys = split(list, b',')
        .into_iter()
        .map(string)
        .collect::<Option<Vec<_>>>()?;
    if !is_partial {
        let number = syntax(keys.len().to_string());
        expect.json(
            path,
            both(keyed("type", syntax("map")), keyed("length", number)),
        );
    }
    for key in keys {
        expect.json(&member(path, &key), syntax("exists"));
    }
    Some(())
}

/// One assertion of a chain.
fn one(
    subject: &Subject,
    word: &str,
    arguments: Option<&str>,
    is_negated: bool,
    names: &Names,
    expect: &mut HttpExpect,
) -> Option<()> {
    match subject {
        Subject::Json(path) => {
            let matcher = json(word, arguments, is_negated, names)?;
            expect.json(path, matcher);
        }
        Subject::Length(path) => {
            let matcher = number(word, arguments, is_negated, names)?;
            expect.json(path, keyed("length", matcher));
        }
        Subject::Code => {
            let matcher = match (word, is_negated) {
                ("oneOf", false) => Written::json(&names.value(arguments?)?),
                _ => number(word, arguments, is_negated, names)?,
            };
            expect.status(matcher);
        }
        Subject::StatusText => match (word, is_negated) {
            ("eql" | "equal" | "equals" | "eq", false) => {
                expect.status(syntax(code(arguments?)?.to_string()))
            }
            _ => return None,
        },
        Subject::Time => {
            let sign = sign(word).filter(|_| !is_negated)?;
            let milliseconds = arguments?.trim().parse::<u64>().ok()?;
            expect.response_time(syntax(format!("{sign} {milliseconds}ms")));
        }
        Subject::Body => expect.body(text(word, arguments, is_negated, names)?),
        Subject::Header(name) => expect.header(name, text(word, arguments, is_negated, names)?),
    }
    Some(())
}

fn json(word: &str, arguments: Option<&str>, is_negated: bool, names: &Names) -> Option<Written> {
    let signed = |matcher| match is_negated {
        true => not(matcher),
        false => matcher,
    };
    let of_type = |expression: &str| {
        Some(match string(expression)?.to_ascii_lowercase().as_str() {
            "string" => "string",
            "number" => "number",
            "boolean" => "bool",
            "array" => "array",
            "object" => "map",
            "null" => "null",
            _ => return None,
        })
    };
    Some(match (word, arguments) {
        ("true" | "false" | "null", None) => signed(syntax(word)),
        ("undefined", None) => syntax(if is_negated { "exists" } else { "absent" }),
        ("exist" | "exists", None) => match is_negated {
            false => not(syntax("null")),
            true => vec![syntax("absent"), syntax("null")].into(),
        },
        ("empty", None) => keyed("length", syntax(if is_negated { "1.." } else { "0" })),
        ("a" | "an", Some(arguments)) => signed(keyed("type", syntax(of_type(arguments)?))),
        ("include" | "includes" | "contain" | "contains", Some(arguments)) => {
            signed(included(&names.value(arguments)?))
        }
        ("oneOf", Some(arguments)) => match names.value(arguments)? {
            Value::Array(items) => signed(items.iter().map(equal).collect::<Vec<_>>().into()),
            _ => return None,
        },
        ("lengthOf" | "length", Some(arguments)) => {
            let number = syntax(arguments.trim().parse::<u64>().ok()?.to_string());
            keyed("length", signed(number))
        }
        ("match" | "matches", Some(arguments)) => signed(expression(arguments)?),
        ("string", Some(arguments)) => signed(keyed("contains", literal(&string(arguments)?))),
        ("eql" | "equal" | "equals" | "eq", Some(arguments)) => match arguments.trim() {
            "undefined" => syntax(if is_negated { "exists" } else { "absent" }),
            arguments => signed(equal(&names.value(arguments)?)),
        },
        _ => number(word, arguments, is_negated, names)?,
    })
}

/// A value that contains this one: a text a part, an array an element, a map these entries.
fn included(value: &Value) -> Written {
    let contains = keyed("contains", Written::json(value));
    let Value::Map(entries) = value else {
        return contains;
    };
    let mut paths = Map::new();
    for (key, value) in entries {
        paths.put(&member("$", key), equal(value));
    }
    vec![contains, keyed("json", paths)].into()
}

/// A matcher for a text.
fn text(word: &str, arguments: Option<&str>, is_negated: bool, names: &Names) -> Option<Written> {
    match (word, arguments) {
        ("exist", None) => Some(syntax(if is_negated { "absent" } else { "exists" })),
        (
            "eql" | "equal" | "equals" | "eq" | "include" | "includes" | "contain" | "contains"
            | "match" | "matches" | "string" | "empty",
            _,
        ) => json(word, arguments, is_negated, names),
        _ => None,
    }
}

/// `/^a$/i` as a matcher.
fn expression(literal: &str) -> Option<Written> {
    let inner = literal.trim().strip_prefix('/')?;
    let (expression, flags) = inner.rsplit_once('/')?;
    let flags = match flags {
        "" | "g" | "u" => "",
        "i" | "gi" | "ig" => "(?i)",
        _ => return None,
    };
    let expression = format!("{flags}{}", expression.replace("\\/", "/"));
    // Our syntax has no look-around, for example.
    ::regex::Regex::new(&expression).ok()?;
    Some(regex(&expression))
}

fn sign(word: &str) -> Option<&'static str> {
    Some(match word {
        "above" | "gt" | "greaterThan" => ">",
        "least" | "gte" | "greaterThanOrEqual" => ">=",
        "below" | "lt" | "lessThan" => "<",
        "most" | "lte" | "lessThanOrEqual" => "<=",
        _ => return None,
    })
}

/// A condition on a number.
fn number(word: &str, arguments: Option<&str>, is_negated: bool, names: &Names) -> Option<Written> {
    let arguments = arguments?;
    let matcher = match (word, split(arguments, b',').as_slice()) {
        ("eql" | "equal" | "equals" | "eq", [value]) => match names.value(value)? {
            value @ (Value::Int(_) | Value::Number(_) | Value::Double(_)) => equal(&value),
            _ => return None,
        },
        ("within", [low, high]) => {
            Value::number(low)?;
            Value::number(high)?;
            syntax(format!("{low}..{high}"))
        }
        (word, [value]) => {
            let sign = sign(word)?;
            Value::number(value.trim())?;
            syntax(format!("{sign} {}", value.trim()))
        }
        _ => return None,
    };
    Some(match is_negated {
        true => not(matcher),
        false => matcher,
    })
}

/// `responseCode.code === 200`, of older scripts.
fn of_comparison(text: &str, names: &Names, expect: &mut HttpExpect) -> Option<()> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix("responseBody.has") {
        let (argument, rest) = bracket(rest)?;
        return rest
            .is_empty()
            .then(|| string(argument))
            .flatten()
            .map(|text| expect.body(keyed("contains", literal(&text))));
    }
    let operators = [
        ("===", "equal"),
        ("==", "equal"),
        ("<=", "most"),
        (">=", "least"),
        ("<", "below"),
        (">", "above"),
    ];
    let (left, word, right) = operators.iter().find_map(|(sign, word)| {
        let (left, right) = text.split_once(sign)?;
        Some((left, *word, right))
    })?;
    let link = Link {
        word,
        arguments: Some(right.trim()),
    };
    of_subject(left, &[link], names, expect)
}
