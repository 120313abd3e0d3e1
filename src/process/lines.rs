//! Splits what a process writes into lines, as it is written.

use tokio::io::{AsyncRead, AsyncReadExt};

/// A longer line is cut into pieces of this many bytes.
const LONGEST_LINE: usize = 16 * 1024;

/// Calls `take` with every line until the pipe is closed; a last line needs no line feed.
pub(crate) async fn each_line(mut pipe: impl AsyncRead + Unpin, mut take: impl FnMut(String)) {
    let mut buffer = vec![0; 8 * 1024];
    let mut line = Vec::new();
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        for piece in buffer[..count].split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || line.len() >= LONGEST_LINE {
                take(text(&line));
                line.clear();
            }
        }
    }
    if !line.is_empty() {
        take(text(&line));
    }
}

fn text(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    String::from_utf8_lossy(line).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(text: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        each_line(text, |line| lines.push(line)).await;
        lines
    }

    #[tokio::test]
    async fn lines_end_at_either_line_end_and_at_the_end() {
        assert_eq!(lines(b"a\r\n\nb\nc").await, ["a", "", "b", "c"]);
    }

    #[tokio::test]
    async fn a_line_without_end_comes_in_pieces() {
        let long = vec![b'x'; LONGEST_LINE + 1];
        let total: usize = lines(&long).await.iter().map(String::len).sum();
        assert_eq!(total, LONGEST_LINE + 1);
    }
}
