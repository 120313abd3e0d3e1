//! Calls of functions.

use std::ops::Range;

use super::Parser;
use crate::sampling::ottl::evaluate;
use crate::sampling::ottl::function::{Function, Known, Signature};
use crate::sampling::ottl::lexer::{Token, invalid};
use crate::sampling::ottl::problem::Problem;
use crate::sampling::ottl::record::Context;
use crate::sampling::ottl::syntax::{Call, Expression, Literal};
use crate::sampling::re2::{self, PatternError};
use crate::sampling::version::Since;
use crate::trace::Value;
use crate::yaml::did_you_mean;

impl Parser {
    pub(super) fn call(&mut self) -> Result<Expression, Problem> {
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

fn count(number: usize) -> String {
    match number {
        0 => "no arguments".to_owned(),
        1 => "1 argument".to_owned(),
        more => format!("{more} arguments"),
    }
}
