//! Reads a condition, and resolves its names.

use std::ops::Range;

use super::evaluate;
use super::function::{Function, Known, Signature};
use super::lexer::{Signs, Spanned, Token, invalid, tokens};
use super::path::{Found, Indexes, Path};
use super::problem::{Problem, ProblemKind};
use super::record::Context;
use super::syntax::{Call, Comparison, Expression, Key, Literal, Operation, Predicate};
use crate::sampling::re2::{self, PatternError};
use crate::sampling::version::{CollectorVersion, Since};
use crate::trace::{SpanKind, StatusCode, Value};
use crate::yaml::did_you_mean;

/// The deepest nesting of parentheses, lists and calls.
const MOST_LEVELS: usize = 64;

/// Reads a condition as this version does.
pub(super) fn condition(
    text: &str,
    context: Context,
    version: CollectorVersion,
) -> Result<Predicate, Problem> {
    let signs = match version.has(Since::Signs) {
        true => Signs::Apart,
        false => Signs::Joined,
    };
    let mut parser = Parser {
        tokens: tokens(text, signs)?,
        version,
        at: 0,
        end: text.len(),
        context,
        level: 0,
        unsupported: None,
    };
    if parser.tokens.is_empty() {
        return Err(invalid(0..text.len(), "an empty condition"));
    }
    let predicate = parser.any()?;
    if let Some((token, at)) = parser.tokens.get(parser.at) {
        return Err(unexpected(token, at.clone()));
    }
    match parser.unsupported {
        Some(problem) => Err(problem),
        None => Ok(predicate),
    }
}

struct Parser {
    tokens: Vec<Spanned>,
    version: CollectorVersion,
    at: usize,
    end: usize,
    context: Context,
    level: usize,
    /// The first part that is valid and not evaluated.
    unsupported: Option<Problem>,
}

fn unexpected(token: &Token, at: Range<usize>) -> Problem {
    match token {
        Token::Arrow => invalid(at, "a lambda outside of a function"),
        Token::Equal => Problem {
            help: Some("write `==` to compare".to_owned()),
            ..invalid(at, "`=` compares nothing")
        },
        Token::Compare(_) => invalid(at, "a comparison without a value before it"),
        Token::Int(_) | Token::Float(_) => Problem {
            help: Some("write a space after the `+` or `-` of an operation".to_owned()),
            ..invalid(at, "a number directly after a value")
        },
        _ => invalid(at, "unexpected text"),
    }
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn is_mark(&self, mark: char) -> bool {
        matches!(self.peek(), Some(Token::Mark(found)) if *found == mark)
    }

    fn take(&mut self, token: &Token) -> bool {
        let is_next = self.peek() == Some(token);
        self.at += usize::from(is_next);
        is_next
    }

    fn take_mark(&mut self, mark: char) -> bool {
        self.take(&Token::Mark(mark))
    }

    fn place(&self) -> Range<usize> {
        let next = self.tokens.get(self.at);
        next.map_or(self.end..self.end, |(_, place)| place.clone())
    }

    /// The place from a token to the last one that was read.
    fn since(&self, first: usize) -> Range<usize> {
        let start = self.tokens.get(first).map_or(self.end, |(_, at)| at.start);
        let last = self.tokens.get(self.at.wrapping_sub(1));
        start..last.map_or(start, |(_, at)| at.end).max(start)
    }

    fn expect(&mut self, mark: char) -> Result<(), Problem> {
        match self.take_mark(mark) {
            true => Ok(()),
            false => Err(invalid(self.place(), format!("expected `{mark}`"))),
        }
    }

    fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        self.level += 1;
        if self.level > MOST_LEVELS {
            let what = format!("more than {MOST_LEVELS} levels");
            return Err(invalid(self.place(), what));
        }
        let read = read(self);
        self.level -= 1;
        read
    }

    /// Records a part that is not evaluated.
    fn refuse(&mut self, at: Range<usize>, what: String) {
        self.unsupported.get_or_insert(Problem {
            at,
            what,
            help: None,
            kind: ProblemKind::Unsupported,
        });
    }

    /// A part that the Collector of this version refuses, and that a later one accepts.
    fn too_new(&self, at: Range<usize>, what: &str, since: CollectorVersion) -> Problem {
        Problem {
            help: Some(format!("use {since} or later")),
            ..invalid(at, format!("the Collector {} has no {what}", self.version))
        }
    }

    fn any(&mut self) -> Result<Predicate, Problem> {
        let mut parts = vec![self.all()?];
        while self.take(&Token::Or) {
            parts.push(self.all()?);
        }
        Ok(match self.version.has(Since::FoldedConditions) {
            true => Predicate::any(parts),
            false => Predicate::Any(parts),
        })
    }

    fn all(&mut self) -> Result<Predicate, Problem> {
        let mut parts = vec![self.negatable()?];
        while self.take(&Token::And) {
            parts.push(self.negatable()?);
        }
        Ok(match self.version.has(Since::FoldedConditions) {
            true => Predicate::all(parts),
            false => Predicate::All(parts),
        })
    }

    fn negatable(&mut self) -> Result<Predicate, Problem> {
        match self.take(&Token::Not) {
            true => Ok(self.single()?.not()),
            false => self.single(),
        }
    }

    /// A comparison, a constant, a call, or a condition in parentheses.
    fn single(&mut self) -> Result<Predicate, Problem> {
        let (start, level) = (self.at, self.level);
        let refused = self.unsupported.clone();
        let first = self.comparison();
        let error = match first {
            Ok(predicate) => return Ok(predicate),
            Err(error) => error,
        };
        if self.tokens.get(start).map(|(token, _)| token) != Some(&Token::Mark('(')) {
            return Err(error);
        }
        (self.at, self.level, self.unsupported) = (start + 1, level, refused);
        let inner = self.deeper(Self::any)?;
        self.expect(')')?;
        Ok(inner)
    }

    fn comparison(&mut self) -> Result<Predicate, Problem> {
        let start = self.at;
        let left = self.value()?;
        let by = match self.peek() {
            Some(Token::Compare(by)) => *by,
            Some(token @ (Token::Equal | Token::Int(_) | Token::Float(_))) => {
                return Err(unexpected(token, self.place()));
            }
            _ => return self.alone(left, start),
        };
        self.at += 1;
        let right = self.value()?;
        let is_folded = left.is_literal() && right.is_literal();
        Ok(match is_folded {
            true => Predicate::Literal(folded(&left, by, &right)),
            false => Predicate::Compare(left, by, right),
        })
    }

    /// A value that is no part of a comparison.
    fn alone(&self, value: Expression, start: usize) -> Result<Predicate, Problem> {
        match value {
            Expression::Literal(Literal::Value(Value::Bool(value))) => {
                Ok(Predicate::Literal(value))
            }
            Expression::Call(_) => Ok(Predicate::Call(value)),
            _ => Err(Problem {
                help: Some("compare it: `… == …`, or `… != nil`".to_owned()),
                ..invalid(self.since(start), "a value is no condition")
            }),
        }
    }

    fn value(&mut self) -> Result<Expression, Problem> {
        self.deeper(|parser| match parser.peek() {
            Some(Token::Nil) => parser.literal(Literal::Nil),
            Some(Token::Text(text)) => {
                let is_nil = text == "nil" && !parser.version.has(Since::Literals);
                let text = Value::String(text.clone());
                if is_nil {
                    let what = "the string `\"nil\"`, which this version reads as nil, is not evaluated by spanspec";
                    parser.refuse(parser.place(), what.to_owned());
                }
                parser.literal(Literal::Value(text))
            }
            Some(Token::Bytes(bytes)) => {
                let bytes = Value::Bytes(bytes.clone());
                parser.literal(Literal::Value(bytes))
            }
            Some(Token::Bool(bool)) => {
                let bool = Value::Bool(*bool);
                parser.literal(Literal::Value(bool))
            }
            Some(Token::Mark('{')) => parser.map(),
            Some(Token::Mark('[')) => parser.list(),
            Some(Token::Upper(name)) if !parser.is_call() => {
                let value = constant(name).ok_or_else(|| unknown_constant(name, parser.place()))?;
                parser.literal(Literal::Value(Value::Int(value)))
            }
            _ => parser.sum(),
        })
    }

    fn is_call(&self) -> bool {
        matches!(self.tokens.get(self.at + 1), Some((Token::Mark('('), _)))
    }

    #[expect(clippy::unnecessary_wraps, reason = "an arm of `value`")]
    fn literal(&mut self, literal: Literal) -> Result<Expression, Problem> {
        self.at += 1;
        Ok(Expression::Literal(literal))
    }

    fn list(&mut self) -> Result<Expression, Problem> {
        let start = self.at;
        self.at += 1;
        let mut items = Vec::new();
        while !self.is_mark(']') {
            items.push(self.value()?);
            if self.take_mark(',') || self.is_mark(']') {
                continue;
            }
            if self.version.has(Since::ListCommas) || self.peek().is_none() {
                break;
            }
            let what = "a list without commas is not evaluated by spanspec";
            self.refuse(self.place(), what.to_owned());
        }
        self.expect(']')?;
        if items.iter().any(|item| matches!(item, Expression::Map(_))) {
            let what = "a map in a list is not evaluated by spanspec";
            self.refuse(self.since(start), what.to_owned());
        }
        Ok(Expression::List(items))
    }

    fn map(&mut self) -> Result<Expression, Problem> {
        self.at += 1;
        let mut entries = Vec::new();
        while let Some(Token::Text(key)) = self.peek() {
            let key = key.clone();
            self.at += 1;
            self.expect(':')?;
            entries.push((key, self.value()?));
            self.take_mark(',');
        }
        self.expect('}')?;
        Ok(Expression::Map(entries))
    }

    fn sum(&mut self) -> Result<Expression, Problem> {
        let mut left = self.product()?;
        while let Some(&Token::Math(by @ (Operation::Add | Operation::Subtract))) = self.peek() {
            self.at += 1;
            left = Expression::Math(Box::new(left), by, Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expression, Problem> {
        let mut left = self.signed()?;
        while let Some(&Token::Math(by @ (Operation::Multiply | Operation::Divide))) = self.peek() {
            self.at += 1;
            left = Expression::Math(Box::new(left), by, Box::new(self.signed()?));
        }
        Ok(left)
    }

    fn signed(&mut self) -> Result<Expression, Problem> {
        if !self.version.has(Since::Signs)
            && let Some(Token::Math(Operation::Add | Operation::Subtract)) = self.peek()
        {
            let what = "sign before anything but digits";
            return Err(self.too_new(self.place(), what, Since::Signs.version()));
        }
        if self.take(&Token::Math(Operation::Subtract)) {
            return Ok(match self.operand()? {
                Expression::Literal(Literal::Value(Value::Int(int))) => {
                    Expression::Literal(Literal::Value(Value::Int(int.wrapping_neg())))
                }
                Expression::Literal(Literal::Value(Value::Double(double))) => {
                    Expression::Literal(Literal::Value(Value::Double(-double)))
                }
                other => Expression::Negated(Box::new(other)),
            });
        }
        self.take(&Token::Math(Operation::Add));
        self.operand()
    }

    /// A number, path or call, or a sum in parentheses.
    fn operand(&mut self) -> Result<Expression, Problem> {
        match self.peek() {
            Some(Token::Int(int)) => {
                let int = Value::Int(*int);
                self.literal(Literal::Value(int))
            }
            Some(Token::Float(double)) => {
                let double = Value::Double(*double);
                self.literal(Literal::Value(double))
            }
            Some(Token::Mark('(')) => {
                self.at += 1;
                let inner = self.deeper(Self::sum)?;
                self.expect(')')?;
                Ok(inner)
            }
            Some(Token::Upper(_) | Token::Function(_)) if self.is_call() => self.deeper(Self::call),
            Some(Token::Function(name)) => {
                let what = format!("the function `{name}` without its arguments");
                Err(invalid(self.place(), what))
            }
            Some(Token::Editor(name) | Token::Lower(name)) if self.is_call() => {
                let what = format!("`{name}` is no function of conditions");
                let help = "their names begin with an upper case letter".to_owned();
                Err(Problem {
                    help: Some(help),
                    ..invalid(self.place(), what)
                })
            }
            Some(Token::Lower(_)) => self.path(),
            Some(token) => Err(unexpected(token, self.place())),
            None => Err(invalid(self.place(), "the condition ends too early")),
        }
    }

    fn path(&mut self) -> Result<Expression, Problem> {
        let start = self.at;
        let mut names = Vec::new();
        let mut keys = Vec::new();
        while let Some(Token::Lower(name)) = self.peek() {
            names.push((name.clone(), self.place()));
            self.at += 1;
            keys = self.keys()?;
            if !self.take_mark('.') {
                break;
            }
            if !keys.is_empty() {
                let what = "a path ends with its indexes";
                return Err(invalid(self.place(), what));
            }
        }
        if self
            .tokens
            .get(self.at.wrapping_sub(1))
            .map(|(token, _)| token)
            == Some(&Token::Mark('.'))
        {
            return Err(invalid(self.place(), "expected the name of a field"));
        }
        let all: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
        let place = names[0].1.start..names[names.len() - 1].1.end;
        match Path::find(&all, self.context) {
            Found::Path(path) => {
                if let Some(since) = path.since().filter(|since| !self.version.has(*since)) {
                    let what = format!("field `{}`", all.join("."));
                    return Err(self.too_new(place, &what, since.version()));
                }
                self.check_indexes(&path, &keys, &place)?;
                Ok(Expression::Path(path, keys))
            }
            Found::Collector if !self.version.has(Since::CollectorPaths) => {
                let since = Since::CollectorPaths.version();
                Err(self.too_new(place, "paths of `otelcol`", since))
            }
            Found::Unsupported | Found::Collector => {
                let what = format!("the path `{}` is not evaluated by spanspec", all.join("."));
                self.refuse(self.since(start), what);
                Ok(Expression::Literal(Literal::Nil))
            }
            Found::Unknown => Err(unknown_path(&all, place, self.context)),
        }
    }

    fn check_indexes(
        &self,
        path: &Path,
        keys: &[Key],
        place: &Range<usize>,
    ) -> Result<(), Problem> {
        match (path.indexes(), keys) {
            (_, []) | (Indexes::Any, _) | (Indexes::One, [Key::Text(_)]) => Ok(()),
            (Indexes::One, _) => Err(invalid(place.clone(), "its index is one string")),
            (Indexes::None, _) => Err(invalid(place.clone(), "this field has no index")),
        }
    }

    fn keys(&mut self) -> Result<Vec<Key>, Problem> {
        let mut keys = Vec::new();
        while self.take_mark('[') {
            let is_last = matches!(self.tokens.get(self.at + 1), Some((Token::Mark(']'), _)));
            let key = match self.peek() {
                Some(Token::Text(text)) => Key::Text(text.clone()),
                Some(Token::Int(int)) if is_last => Key::Int(*int),
                _ => Key::Expression(self.deeper(Self::sum)?),
            };
            self.at += usize::from(!matches!(key, Key::Expression(_)));
            self.expect(']')?;
            keys.push(key);
        }
        Ok(keys)
    }

    fn call(&mut self) -> Result<Expression, Problem> {
        let start = self.at;
        let place = self.place();
        let (Some(Token::Upper(name) | Token::Function(name)), at) = (self.peek().cloned(), place)
        else {
            return Err(invalid(self.place(), "expected a function"));
        };
        self.at += 2;
        let Signature {
            function,
            arguments: names,
            required,
            ..
        } = match Function::find(&name, self.version) {
            Known::Evaluated(signature) => signature,
            known => return self.unknown_call(&name, at, known),
        };
        if function == Function::IsRootSpan && self.context == Context::SpanEvent {
            let what = "conditions on events have no function `IsRootSpan`";
            return Err(Problem {
                help: Some("write `span.parent_span_id.string == \"0000000000000000\"`".to_owned()),
                ..invalid(at, what)
            });
        }
        let arguments = self.arguments(names)?;
        if !(required..=names.len()).contains(&arguments.len()) {
            let what = format!("`{name}` takes {}: {}", count(required), names.join(", "));
            return Err(invalid(self.since(start), what));
        }
        let keys = self.keys()?;
        let mut call = Call {
            function,
            arguments,
            pattern: None,
            keys,
        };
        self.check_call(&mut call, self.since(start))?;
        self.fold(call, self.since(start))
    }

    /// The arguments, in the order of their names.
    fn arguments(&mut self, names: &[&str]) -> Result<Vec<Expression>, Problem> {
        let mut arguments: Vec<Expression> = Vec::new();
        while !self.is_mark(')') {
            if let Some(Token::Lower(name)) = self.peek().cloned()
                && matches!(self.tokens.get(self.at + 1), Some((Token::Equal, _)))
            {
                let position = names.iter().position(|known| *known == name);
                if position != Some(arguments.len()) {
                    let what = match position {
                        Some(_) => "named arguments in another order are not evaluated by spanspec",
                        None => return Err(invalid(self.place(), format!("no argument `{name}`"))),
                    };
                    self.refuse(self.place(), what.to_owned());
                }
                self.at += 2;
            }
            arguments.push(self.value()?);
            if !self.take_mark(',') {
                break;
            }
        }
        self.expect(')')?;
        Ok(arguments)
    }

    /// A call of another function: valid if the Collector has it.
    fn unknown_call(
        &mut self,
        name: &str,
        at: Range<usize>,
        known: Known,
    ) -> Result<Expression, Problem> {
        match known {
            Known::Since(version) => {
                return Err(self.too_new(at, &format!("function `{name}`"), version));
            }
            Known::Until(version) => {
                let what = format!("the Collector {} has no function `{name}`", self.version);
                return Err(Problem {
                    help: Some(format!("it was removed in {version}")),
                    ..invalid(at, what)
                });
            }
            Known::Unknown => {
                return Err(Problem {
                    help: did_you_mean(name, &Function::names()),
                    ..invalid(at, format!("no function `{name}`"))
                });
            }
            Known::Unsupported | Known::Evaluated(_) => {}
        }
        self.refuse(
            at,
            format!("OTTL function `{name}` is not evaluated by spanspec"),
        );
        self.skip_arguments()?;
        // The call stands in the place of a boolean as well as of a value.
        Ok(Expression::Call(Call {
            function: Function::IsRootSpan,
            arguments: Vec::new(),
            pattern: None,
            keys: self.keys()?,
        }))
    }

    /// Skips arguments, which can have lambdas and names of functions, to their end.
    fn skip_arguments(&mut self) -> Result<(), Problem> {
        let mut open = 1;
        while let Some(token) = self.peek() {
            match token {
                Token::Mark('(') => open += 1,
                Token::Mark(')') => open -= 1,
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return Ok(());
            }
        }
        Err(invalid(self.place(), "expected `)`"))
    }

    /// Checks the arguments that must be literals, and those that are.
    fn check_call(&mut self, call: &mut Call, at: Range<usize>) -> Result<(), Problem> {
        match call.function {
            Function::IsMatch => match text(&call.arguments[1]) {
                Some(pattern) => match re2::compile(pattern) {
                    Ok(compiled) => call.pattern = Some(compiled),
                    Err(PatternError::Refused(why)) => return Err(invalid(at, why)),
                    Err(PatternError::NotTranslated(why)) => {
                        self.refuse(
                            at,
                            format!("the pattern is not evaluated by spanspec: {why}"),
                        );
                    }
                },
                None => self.refuse(at, computed("pattern")),
            },
            Function::ConvertCase => match text(&call.arguments[1]) {
                Some("lower" | "upper") => {}
                Some(case @ ("snake" | "camel")) => {
                    let what = format!("the case `{case}` is not evaluated by spanspec");
                    self.refuse(at, what);
                }
                _ => {
                    let what = "the case is `lower`, `upper`, `snake` or `camel`";
                    return Err(invalid(at, what));
                }
            },
            Function::Concat
                if !self.version.has(Since::ComputedLists)
                    && !matches!(call.arguments[0], Expression::List(_)) =>
            {
                let since = Since::ComputedLists.version();
                return Err(self.too_new(at, "`Concat` of a computed list", since));
            }
            Function::Substring => match call.arguments.get(3) {
                None | Some(Expression::Literal(Literal::Value(Value::Bool(_)))) => {}
                Some(_) => return Err(invalid(at, "`utf8_safe` is `true` or `false`")),
            },
            _ => {}
        }
        Ok(())
    }

    /// Checks the types of literals, which decide whether the Collector starts, and computes ids.
    fn fold(&mut self, call: Call, at: Range<usize>) -> Result<Expression, Problem> {
        if let Some(wrong) = evaluate::wrong_literal(&call) {
            if self.version.has(Since::Literals) {
                return Err(invalid(at, wrong));
            }
            // The Collector starts, and computes something or fails with each record.
            self.refuse(
                at.clone(),
                format!("{wrong}, and is not evaluated by spanspec"),
            );
        }
        if !matches!(call.function, Function::TraceId | Function::SpanId) {
            return Ok(Expression::Call(call));
        }
        let argument = &call.arguments[0];
        if !self.version.has(Since::IdsOfText) && !is_id(call.function, argument) {
            let what = format!("`{}` of anything but its bytes", call.function.name());
            return Err(self.too_new(at, &what, Since::IdsOfText.version()));
        }
        if !argument.is_literal() || !call.keys.is_empty() {
            self.refuse(at, computed("argument"));
            return Ok(Expression::Call(call));
        }
        match evaluate::id_literal(&call) {
            Ok(Some(literal)) => Ok(Expression::Constant(literal)),
            Ok(None) => {
                self.refuse(
                    at,
                    "an id of this type is not evaluated by spanspec".to_owned(),
                );
                Ok(Expression::Call(call))
            }
            Err(what) => Err(invalid(at, what)),
        }
    }
}

/// Returns `true` for bytes that are a whole id.
fn is_id(function: Function, argument: &Expression) -> bool {
    let length = match function {
        Function::TraceId => 16,
        _ => 8,
    };
    matches!(argument, Expression::Literal(Literal::Value(Value::Bytes(bytes))) if bytes.len() == length)
}

fn computed(what: &str) -> String {
    format!("a computed {what} is not evaluated by spanspec")
}

fn text(expression: &Expression) -> Option<&str> {
    match expression {
        Expression::Literal(Literal::Value(Value::String(text))) => Some(text),
        _ => None,
    }
}

fn folded(left: &Expression, by: Comparison, right: &Expression) -> bool {
    evaluate::compared_literals(left, by, right)
}

fn count(number: usize) -> String {
    match number {
        0 => "no arguments".to_owned(),
        1 => "1 argument".to_owned(),
        more => format!("{more} arguments"),
    }
}

/// The number of an enum's symbol.
fn constant(name: &str) -> Option<i64> {
    let nth = |at: usize| i64::try_from(at).ok();
    if let Some(kind) = name.strip_prefix("SPAN_KIND_") {
        let mut kinds = SpanKind::ALL.iter();
        return kinds
            .position(|known| known.as_str().to_ascii_uppercase() == kind)
            .and_then(nth);
    }
    let code = name.strip_prefix("STATUS_CODE_")?;
    let mut codes = StatusCode::ALL.iter();
    codes
        .position(|known| known.as_str().to_ascii_uppercase() == code)
        .and_then(nth)
}

fn unknown_constant(name: &str, at: Range<usize>) -> Problem {
    const KNOWN: [&str; 9] = [
        "SPAN_KIND_UNSPECIFIED",
        "SPAN_KIND_INTERNAL",
        "SPAN_KIND_SERVER",
        "SPAN_KIND_CLIENT",
        "SPAN_KIND_PRODUCER",
        "SPAN_KIND_CONSUMER",
        "STATUS_CODE_UNSET",
        "STATUS_CODE_OK",
        "STATUS_CODE_ERROR",
    ];
    Problem {
        help: did_you_mean(name, &KNOWN),
        ..invalid(at, format!("no constant `{name}`"))
    }
}

fn unknown_path(names: &[&str], at: Range<usize>, context: Context) -> Problem {
    let what = match context {
        Context::Span => "a span has no field",
        Context::SpanEvent => "an event has no field",
    };
    let help = match names {
        [.., "attributes", key] => Some(format!("write `attributes[\"{key}\"]`")),
        [first, ..] => {
            const FIELDS: [&str; 13] = [
                "attributes",
                "resource",
                "name",
                "kind",
                "status",
                "events",
                "links",
                "flags",
                "trace_state",
                "parent_span_id",
                "start_time_unix_nano",
                "end_time_unix_nano",
                "instrumentation_scope",
            ];
            did_you_mean(first, &FIELDS)
        }
        [] => None,
    };
    Problem {
        help,
        ..invalid(at, format!("{what} `{}`", names.join(".")))
    }
}
