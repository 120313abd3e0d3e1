//! CSV with the place of each value, which the `csv` crate does not return.
//!
//! As in RFC 4180: commas, a line of names first, quotes doubled inside quotes. All values are
//! strings. Empty lines are skipped.

use crate::spec::Place;
use crate::yaml::ErrorList;
use crate::yaml::{Entry, EntryKey, Kind, Node, Scalar, Style};

/// A value with its place, quotes included.
#[derive(Clone, Debug, PartialEq)]
struct Cell {
    text: String,
    place: Place,
}

/// A list with a map for each row. `None` after an error, which is recorded. `see` is called with the
/// names and values of each line before that.
pub(super) fn parse(errors: &ErrorList, see: impl Fn(&str, &str)) -> Option<Node> {
    let text = errors.source().text();
    let rows = rows(text).map_err(|quote| {
        // The message contains the line.
        let start = text[..quote.start].rfind('\n').map_or(0, |end| end + 1);
        let line = text[start..].lines().next().unwrap_or_default();
        let names = text.split(['\n', '\r']).next().unwrap_or_default();
        for name in names.split(',').map(unquoted) {
            see_lines(&see, name, line);
        }
        errors.note::<()>(
            quote,
            "this quote is never closed, or text follows the closing quote",
            "quoted value",
            "write a quote inside a quoted value twice: `\"\"`".to_owned(),
        )
    });
    let rows = rows.ok()?;
    let place = Place {
        start: 0,
        end: text.len(),
    };
    let (header, rows) = match rows.split_first() {
        Some((header, rows)) => (header.as_slice(), rows),
        None => (&[][..], &[][..]),
    };
    if let [Cell { text, place }] = header
        && (text.contains(';') || text.contains('\t'))
    {
        return errors.note(
            *place,
            "the values of this file are not separated by commas",
            "one name",
            "save it with commas as separators".to_owned(),
        );
    }
    for row in rows {
        see_row(header, row, text, &see);
    }
    for (at, name) in header.iter().enumerate() {
        let is_same = |other: &Cell| other.text.trim() == name.text.trim();
        if header[..at].iter().any(is_same) {
            return errors.note(
                name.place,
                format!("duplicate column `{}`", name.text.trim()),
                "again",
                "rename or remove this column".to_owned(),
            );
        }
    }
    let cases = rows.iter().map(|row| case(header, row, errors));
    let cases: Vec<Option<Node>> = cases.collect();
    Some(Node {
        place,
        kind: Kind::List(cases.into_iter().collect::<Option<_>>()?),
    })
}

/// Calls `see` with each value, or with each line under all names if a value is missing or added.
fn see_row(header: &[Cell], row: &[Cell], text: &str, see: &impl Fn(&str, &str)) {
    let raw = |first: &Cell, last: &Cell| &text[first.place.start..last.place.end];
    if row.len() != header.len()
        && let (Some(first), Some(last)) = (row.first(), row.last())
    {
        for name in header {
            see_lines(see, name.text.trim(), raw(first, last));
        }
        return;
    }
    for (name, value) in header.iter().zip(row) {
        see(name.text.trim(), &value.text);
        // Quotes within the value are doubled in the file.
        see(name.text.trim(), unquoted(raw(value, value)));
    }
}

/// Calls `see` with whole lines, because parts such as `1` occur also in messages.
fn see_lines(see: &impl Fn(&str, &str), name: &str, text: &str) {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.trim_matches(['"', ',', ' ']).is_empty());
    lines.for_each(|line| see(name, line));
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\u{feff}'])
}

fn case(header: &[Cell], row: &[Cell], errors: &ErrorList) -> Option<Node> {
    let (first, last) = (row.first()?.place, row.last()?.place);
    let place = Place {
        start: first.start,
        end: last.end,
    };
    if row.len() != header.len() {
        let (values, names) = (row.len(), header.len());
        return errors.note(
            place,
            format!("this line has {values} values, but the first line has {names} names"),
            format!("{values} values"),
            "add or remove values; a value with a comma needs quotes".to_owned(),
        );
    }
    let entries = header.iter().zip(row).map(|(name, value)| Entry {
        key: EntryKey {
            text: name.text.trim().to_owned(),
            place: name.place,
        },
        value: Node {
            place: value.place,
            kind: Kind::Scalar(Scalar {
                text: value.text.clone(),
                style: Style::Quoted,
            }),
        },
    });
    Some(Node::map(place, entries.collect()))
}

/// The lines that are not empty.
///
/// # Errors
/// The place of a quoted value that does not end at a comma or the end of a line.
fn rows(text: &str) -> Result<Vec<Vec<Cell>>, Place> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut at = text.len() - text.trim_start_matches('\u{feff}').len();
    while at < text.len() {
        let cell = cell(text, at)?;
        at = cell.place.end;
        row.push(cell);
        let rest = &text[at..];
        let line_break = ["\r\n", "\n", "\r"]
            .into_iter()
            .find(|end| rest.starts_with(end));
        if let Some(line_break) = line_break {
            at += line_break.len();
            rows.push(std::mem::take(&mut row));
        } else if rest.starts_with(',') {
            at += 1;
            if at == text.len() {
                row.push(self::cell(text, at)?);
            }
        }
    }
    rows.push(row);
    rows.retain(|row| !matches!(row.as_slice(), [] | [Cell { .. }] if is_blank(row)));
    Ok(rows)
}

fn is_blank(row: &[Cell]) -> bool {
    row.iter().all(|cell| cell.place.start == cell.place.end)
}

/// The value that starts here.
fn cell(text: &str, start: usize) -> Result<Cell, Place> {
    let rest = &text[start..];
    let Some(quoted) = rest.strip_prefix('"') else {
        let length = rest.find([',', '\n', '\r']).unwrap_or(rest.len());
        return Ok(Cell {
            text: rest[..length].to_owned(),
            place: Place {
                start,
                end: start + length,
            },
        });
    };
    let mut value = String::new();
    let mut parts = quoted.split('"');
    let mut length = 1;
    loop {
        let Some(part) = parts.next() else {
            let end = start + rest.lines().next().unwrap_or(rest).len();
            return Err(Place { start, end });
        };
        value.push_str(part);
        length += part.len() + 1;
        let after = rest.get(length..).unwrap_or_default();
        if after.starts_with('"') {
            value.push('"');
            parts.next();
            length += 1;
        } else if length <= rest.len() && (after.is_empty() || after.starts_with([',', '\n', '\r']))
        {
            let place = Place {
                start,
                end: start + length,
            };
            return Ok(Cell { text: value, place });
        } else {
            let end = start + rest.lines().next().unwrap_or(rest).len();
            return Err(Place { start, end });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<Vec<String>> {
        let rows = rows(text).unwrap().into_iter();
        let texts = |row: Vec<Cell>| row.into_iter().map(|cell| cell.text).collect();
        rows.map(texts).collect()
    }

    #[test]
    fn values_can_be_quoted_and_contain_commas_quotes_and_line_breaks() {
        let text = "\u{feff}a,b\r\n1,\"x, \"\"y\"\"\nz\"\n\n,\n\"\",\"2\"";
        let expected = [
            vec!["a", "b"],
            vec!["1", "x, \"y\"\nz"],
            vec!["", ""],
            vec!["", "2"],
        ];
        assert_eq!(texts(text), expected);
        assert_eq!(texts("a\n1\n"), [["a"], ["1"]]);
        assert_eq!(texts("a,"), [["a", ""]]);
        assert_eq!(texts(""), Vec::<Vec<String>>::new());
    }

    #[test]
    fn a_value_has_its_place() {
        let rows = rows("a,b\n1,\"2\"\n").unwrap();
        assert_eq!(rows[1][1].place, Place { start: 6, end: 9 });
    }

    #[test]
    fn a_quote_that_is_not_closed_is_an_error_at_its_value() {
        for text in ["a\n\"x\ny", "a\n\"x\"y", "a\n\"x\"\"", "a\n\""] {
            assert_eq!(rows(text).unwrap_err().start, 2, "{text}");
        }
    }
}
