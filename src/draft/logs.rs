//! Expectations of a draft for log records: few, and only those that are stable.
//!
//! A word with a digit often is an id, a time or a measurement. A text in which such words differ becomes
//! a regular expression. Records below INFO are left out, because they depend on the settings of a logger.

use std::sync::LazyLock;

use regex::Regex;

use super::part::{DraftPart, Execution};
use super::varies::Varies;
use super::yaml;
use crate::spec::severity_name;
use crate::trace::LogRecord;

/// Maximum number of entries, and of those of one service.
const MOST: usize = 5;
const MOST_OF_SERVICE: usize = 2;

/// The smallest number of the severity INFO.
const INFO: u8 = 9;

/// Maximum length of a text; longer ones are content.
const LONGEST: usize = 100;

/// Minimum number of letters in the constant part of a text.
const FEWEST_LETTERS: usize = 4;

const KEY: &str = "  logs:\n";

static WORD_WITH_DIGIT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\S*[0-9]\S*").expect("this is a regular expression"));

/// The identity of an entry.
#[derive(Clone, PartialEq, Eq)]
struct LogGroup<'a> {
    service: &'a str,
    severity: String,
    /// The text between words with a digit.
    pieces: Vec<&'a str>,
}

impl<'a> LogGroup<'a> {
    /// `None` for a record that gets no entry.
    fn of(record: &'a LogRecord) -> Option<Self> {
        let severity = record.severity.filter(|number| *number >= INFO)?;
        // The name of a severity is that of the first of its four numbers.
        let severity = severity_name((severity - 1) / 4 * 4 + 1);
        let text = record.body.as_str()?;
        if text.len() > LONGEST || text.contains(char::is_control) || text.trim() != text {
            return None;
        }
        let pieces: Vec<&str> = WORD_WITH_DIGIT.split(text).collect();
        let all = pieces.iter().flat_map(|piece| piece.chars());
        let is_telling = all.filter(|one| one.is_alphabetic()).count() >= FEWEST_LETTERS;
        is_telling.then(|| Self {
            service: record.service(),
            severity,
            pieces,
        })
    }

    fn entry(&self, body: &str) -> String {
        format!(
            "    - {{ find: {{ service: {}, severity: {}, body: {body} }} }}\n",
            yaml::flow_name(self.service),
            self.severity
        )
    }
}

pub(super) fn parts(seen: &[Execution], varies: &Varies) -> Vec<DraftPart> {
    let mut groups: Vec<LogGroup<'_>> = Vec::new();
    let mut parts = Vec::new();
    let first = seen.first().map_or(&[][..], |one| one.trace.logs());
    let mut records: Vec<&LogRecord> = first.iter().map(|record| &**record).collect();
    records.sort_by_key(|record| record.time);
    for group in records.into_iter().filter_map(LogGroup::of) {
        let of_service = groups.iter().filter(|one| one.service == group.service);
        if groups.contains(&group) || of_service.count() == MOST_OF_SERVICE {
            continue;
        }
        let texts: Vec<Vec<&str>> = seen.iter().map(|one| texts(&group, one)).collect();
        if texts.iter().all(|texts| !texts.is_empty()) {
            let body = body(&group, &texts, varies);
            parts.push(DraftPart::under(KEY, group.entry(&body)));
            groups.push(group);
        }
        if groups.len() == MOST {
            break;
        }
    }
    parts
}

/// Service, severity and constant text of a record; `None` if it gets no entry.
pub(super) fn group_name(record: &LogRecord) -> Option<String> {
    let group = LogGroup::of(record)?;
    let text = group.pieces.join("0");
    Some(format!("{} {} {text}", group.service, group.severity))
}

/// The entry for a record; `None` if it gets none.
pub(super) fn entry_of(record: &LogRecord, seen: &Execution, varies: &Varies) -> Option<String> {
    let group = LogGroup::of(record)?;
    let texts = [texts(&group, seen)];
    if texts[0].is_empty() {
        return None;
    }
    Some(group.entry(&body(&group, &texts, varies)))
}

/// The texts of the records of a group in one execution.
fn texts<'a>(group: &LogGroup<'_>, execution: &'a Execution) -> Vec<&'a str> {
    let records = execution.trace.logs().iter();
    let own = records.filter(|record| LogGroup::of(record).as_ref() == Some(group));
    own.filter_map(|record| record.body.as_str()).collect()
}

/// The text, or a regular expression if its words with a digit differ or vary.
fn body(group: &LogGroup<'_>, texts: &[Vec<&str>], varies: &Varies) -> String {
    let constant = texts[0].iter().find(|text| {
        let in_all = texts.iter().all(|texts| texts.contains(text));
        in_all && !varies.text(text)
    });
    if let Some(text) = constant {
        return yaml::flow_name(text);
    }
    let pieces: Vec<String> = group.pieces.iter().map(|one| regex::escape(one)).collect();
    let expression = format!("=~ ^{}$", pieces.join(r"\S+"));
    yaml::quoted(&yaml::escaped(&expression))
}
