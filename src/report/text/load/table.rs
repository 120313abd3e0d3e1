//! The table of budgets, with both versions side by side.
//!
//! Like [`budget::Table`](Table), but within a width: a verdict that does not fit moves to the next
//! line, and if the columns do not fit, each budget becomes a list.

use super::super::super::look::{self, BAD, FAINT, Look, STRONG, printable};
use super::super::lines::paragraph;
use crate::budget::{Column, Table, TableRow};
use crate::result::{Load, Measured};

const INDENT: usize = 3;
/// Indentation of continuation lines.
const BELOW: usize = 5;

/// The table of these budgets. Empty if nothing was measured.
pub(super) fn table(load: &Load, measured: &[Measured], look: &Look) -> String {
    let tables: Vec<TableText> = tables(load, measured).iter().map(TableText::of).collect();
    let columns = TableColumns::of(&tables);
    let is_wide = columns.width() <= look.width;
    tables
        .iter()
        .map(|table| {
            if is_wide {
                in_columns(table, &columns, look)
            } else {
                as_list(table, look)
            }
        })
        .collect()
}

/// Budgets with the same versions and numbers of samples share a table.
fn tables(load: &Load, measured: &[Measured]) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for one in measured {
        let table = table_of(load, one);
        match tables.iter_mut().find(|other| can_join(other, &table)) {
            Some(other) => join(other, table),
            None => tables.push(table),
        }
    }
    tables
}

fn table_of(load: &Load, of: &Measured) -> Table {
    let mut row = TableRow::new(&of.subject, of.unit(), &of.judged, |verdict| {
        load.fails(verdict)
    });
    if of.judged.is_empty() {
        let now = of.unjudged().into_iter();
        row.now = now.map(|(quantile, of)| (quantile, of.value)).collect();
    }
    let column = |version: &Option<String>, count| Column {
        version: version.clone(),
        count,
    };
    let before = of.before.as_ref().filter(|_| !row.before.is_empty());
    Table {
        baseline: before.map_or(column(&None, 0), |before| {
            column(&before.version, before.samples.len())
        }),
        candidate: column(&of.version, of.samples.len()),
        rows: vec![row],
    }
}

fn can_join(one: &Table, other: &Table) -> bool {
    let fit = |one: &Column, other: &Column| {
        let (this, that) = (&one.version, &other.version);
        let is_same = this == that || this.is_none() || that.is_none();
        is_nothing(one) || is_nothing(other) || (one.count == other.count && is_same)
    };
    fit(&one.candidate, &other.candidate) && fit(&one.baseline, &other.baseline)
}

fn join(to: &mut Table, other: Table) {
    fill(&mut to.baseline, other.baseline);
    fill(&mut to.candidate, other.candidate);
    to.rows.extend(other.rows);
}

/// Adds the version and the number of samples that are missing in `to`.
fn fill(to: &mut Column, other: Column) {
    if is_nothing(to) {
        *to = other;
    } else if to.version.is_none() {
        to.version = other.version;
    }
}

/// Returns `true` if the column has no samples.
fn is_nothing(of: &Column) -> bool {
    of.count == 0
}

fn has_baseline(of: &Table) -> bool {
    of.rows.iter().any(|row| !row.before.is_empty())
}

/// The text of a table, made printable.
struct TableText {
    /// Head of the baseline column; `None` if that column is empty.
    head: Option<String>,
    head_now: String,
    rows: Vec<([String; 3], Vec<String>)>,
}

impl TableText {
    fn of(table: &Table) -> Self {
        let safe = |text: String| printable(&text).into_owned();
        let [head, head_now] = table.heads().map(safe);
        Self {
            head: has_baseline(table).then_some(head),
            head_now,
            rows: table
                .rows
                .iter()
                .map(|row| (row.cells().map(safe), row.remarks.clone()))
                .collect(),
        }
    }
}

/// The positions of the columns of all tables, and the width of the last one.
struct TableColumns {
    head: usize,
    first: usize,
    second: usize,
    last: usize,
}

impl TableColumns {
    fn of(tables: &[TableText]) -> Self {
        let cells = |at: usize| {
            let rows = tables.iter().flat_map(|table| &table.rows);
            rows.map(move |(cells, _)| look::width(&cells[at]))
        };
        let widest = |at: usize| cells(at).max().unwrap_or_default();
        let heads = tables.iter().filter_map(|table| table.head.as_ref());
        let before = heads.map(|head| look::width(head)).max();
        // A head starts a little before the cells below it.
        let (head, first) = (widest(0).saturating_sub(1), widest(0) + 3);
        let second = before.map_or(first, |before| (head + before).max(first + widest(1)) + 5);
        let heads_now = tables.iter().map(|table| look::width(&table.head_now));
        Self {
            head,
            first,
            second,
            last: heads_now.max().unwrap_or_default().max(widest(2)),
        }
    }

    fn width(&self) -> usize {
        INDENT + self.second + self.last
    }
}

fn in_columns(table: &TableText, columns: &TableColumns, look: &Look) -> String {
    let head = table.head.as_deref().unwrap_or_default();
    let head = format!("{:indent$}{head}", "", indent = columns.head);
    let head = look::fitted(&head, columns.second) + &table.head_now;
    let mut text = line(&look.paint(FAINT, head.trim_end()));
    for ([name, before, now], remarks) in &table.rows {
        let name = look.paint(STRONG, &look::fitted(name, columns.first));
        let before = match table.head {
            Some(_) => look::fitted(before, columns.second - columns.first),
            None => " ".repeat(columns.second - columns.first),
        };
        let row = format!("{name}{before}");
        match remarks.as_slice() {
            [remark] if columns.width() + 3 + width_of(remark, look) <= look.width => {
                let now = look::fitted(now, columns.last);
                let remark = look.paint(BAD, &arrow(remark, look));
                text.push_str(&line(&format!("{row}{now}   {remark}")));
            }
            remarks => {
                text.push_str(&line(&format!("{row}{now}")));
                text.push_str(&below(remarks, look));
            }
        }
    }
    text
}

fn as_list(table: &TableText, look: &Look) -> String {
    let mut text = String::new();
    for ([name, before, now], remarks) in &table.rows {
        text.push_str(&paragraph(name, INDENT, STRONG, look));
        let plain = anstyle::Style::new();
        if let Some(head) = table.head.as_ref().filter(|_| before != "-") {
            text.push_str(&paragraph(&format!("{head}: {before}"), BELOW, plain, look));
        }
        let now = format!("{}: {now}", table.head_now);
        text.push_str(&paragraph(&now, BELOW, plain, look));
        text.push_str(&below(remarks, look));
    }
    text
}

/// Never truncated, because it is the verdict.
fn below(remarks: &[String], look: &Look) -> String {
    let remarks = remarks.iter();
    remarks
        .map(|remark| paragraph(&arrow(remark, look), BELOW, BAD, look))
        .collect()
}

fn arrow(remark: &str, look: &Look) -> String {
    format!("{} {}", look.pick("←", "<-"), printable(remark))
}

fn width_of(remark: &str, look: &Look) -> usize {
    look::width(&arrow(remark, look))
}

fn line(text: &str) -> String {
    format!("{:INDENT$}{text}\n", "")
}
