//! The tokens of a condition, one after the other.

use std::ops::Range;

use super::{MOST_LEVELS, Parser};
use crate::sampling::ottl::lexer::{Token, invalid};
use crate::sampling::ottl::problem::{Problem, ProblemKind};
use crate::sampling::version::CollectorVersion;

impl Parser {
    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    pub(super) fn is_mark(&self, mark: char) -> bool {
        matches!(self.peek(), Some(Token::Mark(found)) if *found == mark)
    }

    pub(super) fn take(&mut self, token: &Token) -> bool {
        let is_next = self.peek() == Some(token);
        self.at += usize::from(is_next);
        is_next
    }

    pub(super) fn take_mark(&mut self, mark: char) -> bool {
        self.take(&Token::Mark(mark))
    }

    pub(super) fn place(&self) -> Range<usize> {
        let next = self.tokens.get(self.at);
        next.map_or(self.end..self.end, |(_, place)| place.clone())
    }

    /// The place from a token to the last one that was read.
    pub(super) fn since(&self, first: usize) -> Range<usize> {
        let start = self.tokens.get(first).map_or(self.end, |(_, at)| at.start);
        let last = self.tokens.get(self.at.wrapping_sub(1));
        start..last.map_or(start, |(_, at)| at.end).max(start)
    }

    pub(super) fn expect(&mut self, mark: char) -> Result<(), Problem> {
        match self.take_mark(mark) {
            true => Ok(()),
            false => Err(invalid(self.place(), format!("expected `{mark}`"))),
        }
    }

    pub(super) fn deeper<T>(
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
    pub(super) fn refuse(&mut self, at: Range<usize>, what: String) {
        self.unsupported.get_or_insert(Problem {
            at,
            what,
            help: None,
            kind: ProblemKind::Unsupported,
        });
    }

    /// A part that the Collector of this version refuses, and that a later one accepts.
    pub(super) fn too_new(&self, at: Range<usize>, what: &str, since: CollectorVersion) -> Problem {
        Problem {
            help: Some(format!("use {since} or later")),
            ..invalid(at, format!("the Collector {} has no {what}", self.version))
        }
    }
}
