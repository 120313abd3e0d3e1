//! Paths to fields, with their indexes.

use std::ops::Range;

use super::Parser;
use crate::sampling::ottl::lexer::{Token, invalid};
use crate::sampling::ottl::path::{Found, Indexes, Path};
use crate::sampling::ottl::problem::Problem;
use crate::sampling::ottl::record::Context;
use crate::sampling::ottl::syntax::{Expression, Key, Literal};
use crate::sampling::version::Since;
use crate::yaml::did_you_mean;

impl Parser {
    pub(super) fn path(&mut self) -> Result<Expression, Problem> {
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

    pub(super) fn keys(&mut self) -> Result<Vec<Key>, Problem> {
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
