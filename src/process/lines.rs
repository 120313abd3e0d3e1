//! Splits the output of a process into lines as it arrives.

use tokio::io::{AsyncRead, AsyncReadExt};

/// A longer line is cut into pieces of this many bytes.
pub(crate) const LONGEST_LINE: usize = 16 * 1024;

/// Marks a cut in a line, so that a secret that was cut is recognized.
const CUT: &str = "…";

/// A part of the output of a process.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// The beginning of a line. The complete line follows later.
    Begun(String),
    /// A line without its end.
    Whole(String),
}

/// Calls `take` with every line until the pipe is closed. The last line needs no line feed.
pub(crate) async fn each_line(mut pipe: impl AsyncRead + Unpin, mut take: impl FnMut(Line)) {
    let mut buffer = vec![0; 8 * 1024];
    let mut line = Vec::new();
    let mut is_rest = false;
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        for piece in buffer[..count].split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(piece);
            let is_whole = piece.ends_with(b"\n");
            if is_whole || line.len() >= LONGEST_LINE {
                take(Line::Whole(marked(&line, is_rest, !is_whole)));
                line.clear();
                is_rest = !is_whole;
            }
        }
        if !line.is_empty() {
            take(Line::Begun(marked(&line, is_rest, false)));
        }
    }
    if !line.is_empty() {
        take(Line::Whole(marked(&line, is_rest, false)));
    }
}

fn marked(line: &[u8], is_rest: bool, is_cut: bool) -> String {
    let mark = |is_wanted| if is_wanted { CUT } else { "" };
    format!("{}{}{}", mark(is_rest), text(line), mark(is_cut))
}

/// The text without control sequences, such as colours.
fn text(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    anstream::adapter::strip_str(&String::from_utf8_lossy(line)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(text: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        let take = |line| match line {
            Line::Whole(line) => lines.push(line),
            Line::Begun(_) => {}
        };
        each_line(text, take).await;
        lines
    }

    #[tokio::test]
    async fn the_beginning_of_a_line_is_known_before_its_end() {
        let mut seen = Vec::new();
        let text = tokio::io::AsyncReadExt::chain(&b"listen"[..], &b"ing\n"[..]);
        each_line(text, |line| seen.push(line)).await;
        let expected = [
            Line::Begun("listen".to_owned()),
            Line::Whole("listening".to_owned()),
        ];
        assert_eq!(seen, expected);
    }

    #[tokio::test]
    async fn lines_end_at_either_line_end_and_at_the_end() {
        assert_eq!(lines(b"a\r\n\nb\nc").await, ["a", "", "b", "c"]);
    }

    #[tokio::test]
    async fn a_line_without_end_comes_in_pieces() {
        let long = vec![b'x'; LONGEST_LINE + 1];
        let pieces = lines(&long).await;
        assert!(pieces[0].ends_with("x…"), "{}", pieces[0].len());
        assert!(pieces[1].starts_with("…x"), "{}", pieces[1]);
        let total: usize = pieces.iter().map(|piece| piece.matches('x').count()).sum();
        assert_eq!(total, LONGEST_LINE + 1);
    }
}
