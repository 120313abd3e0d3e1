//! Lines of text: wrapped, indented, and with a keyword or a bar at the start.

use super::super::look::{self, Look, printable};

/// The text in lines of at most the width, each indented.
pub(in crate::report) fn paragraph(
    text: &str,
    indent: usize,
    style: anstyle::Style,
    look: &Look,
) -> String {
    let room = look.width.saturating_sub(indent);
    look::wrapped(&printable(text), room)
        .iter()
        .map(|line| format!("{:indent$}{}\n", "", look.paint(style, line)))
        .collect()
}

/// Text of the system under test, or a fact, in lines that each start with a bar.
pub(super) fn quoted(text: &str, look: &Look) -> String {
    let bar = look.pick("│", "|");
    look::wrapped(&printable(text), look.width.saturating_sub(5))
        .iter()
        .map(|line| format!("{}\n", format!("   {bar} {line}").trim_end()))
        .collect()
}

/// A line that starts with `help:` for each instruction.
pub(super) fn help(lines: &[String], look: &Look) -> String {
    lines
        .iter()
        .map(|line| with_head("help:", look::HELP, line, look))
        .collect()
}

/// A keyword and a text; further lines of the text are indented by the width of the keyword.
pub(super) fn with_head(head: &str, style: anstyle::Style, text: &str, look: &Look) -> String {
    let indent = 3 + head.len() + 1;
    let width = look.width.saturating_sub(indent);
    let lines: Vec<String> = text
        .lines()
        .flat_map(|line| look::wrapped(&printable(line), width))
        .collect();
    let mut shown = String::new();
    for (at, line) in lines.iter().enumerate() {
        if at == 0 {
            shown.push_str(&format!("   {} {line}\n", look.paint(style, head)));
        } else {
            shown.push_str(&format!("{:indent$}{line}\n", ""));
        }
    }
    shown
}

pub(super) fn indented(text: &str, by: usize) -> String {
    text.lines()
        .map(|line| {
            if line.is_empty() {
                "\n".to_owned()
            } else {
                format!("{:by$}{line}\n", "")
            }
        })
        .collect()
}

pub(super) fn narrower(look: &Look, by: usize) -> Look {
    look.with_width(look.width.saturating_sub(by))
}
