//! The reporter for terminals: each spec as soon as it ends, then a summary.

use std::collections::HashSet;
use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice};

use super::text::{self, Detail};
use super::{Colors, Look, Progress, Reporter};
use crate::result::{Report, RunEvent, SpecReport};

/// Writes results as text, and hides live progress meanwhile.
pub struct Terminal<W> {
    out: W,
    look: Look,
    detail: Detail,
    progress: Progress,
    /// File and name of each spec that was written.
    written: HashSet<(String, String)>,
    /// `true` if nothing was written, or the last line is blank.
    is_after_blank: bool,
    /// The first write error, which [`Reporter::finish`] returns.
    error: Option<io::Error>,
}

impl Look {
    /// The look for standard output: the width of the terminal, and colours unless `NO_COLOR` or a
    /// similar variable disables them.
    #[must_use]
    pub fn of_stdout() -> Self {
        Self::of(&io::stdout())
    }

    /// Like [`Look::of_stdout`], for standard error.
    #[must_use]
    pub fn of_stderr() -> Self {
        Self::of(&io::stderr())
    }

    fn of(stream: &impl anstream::stream::RawStream) -> Self {
        const WIDEST: usize = 160;
        let colors = match AutoStream::choice(stream) {
            ColorChoice::Never => Colors::Plain,
            ColorChoice::Auto | ColorChoice::AlwaysAnsi | ColorChoice::Always => Colors::Ansi,
        };
        let width = stream
            .is_terminal()
            .then(terminal_size::terminal_size)
            .flatten()
            .map(|(width, _)| usize::from(width.0))
            .filter(|width| *width > 0);
        let look = Self::plain().with_colors(colors);
        look.with_width(width.map_or(look.width, |width| width.min(WIDEST)))
    }
}

impl<W: Write> Terminal<W> {
    /// Writes to `out`, which must support the colours of the look.
    pub fn new(out: W, look: Look, detail: Detail, progress: Progress) -> Self {
        Self {
            out,
            look,
            detail,
            progress,
            written: HashSet::new(),
            is_after_blank: true,
            error: None,
        }
    }

    fn spec(&mut self, spec: &SpecReport) {
        if !self.written.insert(key(spec)) {
            return;
        }
        let text = text::spec(spec, &self.look, self.detail);
        self.write(&text);
    }

    fn write(&mut self, text: &str) {
        if text.is_empty() || self.error.is_some() {
            return;
        }
        self.is_after_blank = text.ends_with("\n\n");
        let out = &mut self.out;
        let result = self.progress.suspend(|| {
            out.write_all(text.as_bytes())?;
            out.flush()
        });
        self.error = result.err();
    }
}

impl<W: Write> Reporter for Terminal<W> {
    fn on_event(&mut self, event: &RunEvent<'_>) {
        self.progress.on_event(event);
        match event {
            RunEvent::Finished(spec) => self.spec(spec),
            RunEvent::Overturned(spec) => {
                self.written.remove(&key(spec));
                self.spec(spec);
            }
            _ => {}
        }
    }

    fn finish(&mut self, report: &Report) -> io::Result<()> {
        self.progress.clear();
        report.specs.iter().for_each(|spec| self.spec(spec));
        let summary = text::summary(report, &self.look, self.detail);
        let blank = if self.is_after_blank { "" } else { "\n" };
        self.write(&format!("{blank}{summary}"));
        match self.error.take() {
            // The reader closed the pipe on purpose, as in `spanspec run | head`.
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

fn key(spec: &SpecReport) -> (String, String) {
    (spec.at.source.name().to_owned(), spec.name.clone())
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn written(detail: Detail, events: &[RunEvent<'_>]) -> String {
        let mut out = Vec::new();
        let mut terminal = Terminal::new(&mut out, Look::plain(), detail, Progress::hidden());
        for event in events {
            terminal.on_event(event);
        }
        terminal.finish(&sample::report()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_spec_is_written_once_whether_or_not_its_end_was_told() {
        let report = sample::report();
        let told = [
            RunEvent::Selected { specs: 6 },
            RunEvent::Started {
                name: "listing the stock",
            },
            RunEvent::Finished(&report.specs[0]),
        ];
        let text = written(Detail::Normal, &told);
        assert_eq!(text, written(Detail::Normal, &[]));
        assert_eq!(text.matches("PASS  listing the stock").count(), 1);
    }

    #[test]
    fn quiet_leaves_out_what_is_well() {
        let text = written(Detail::Quiet, &[]);
        assert!(!text.contains("PASS") && !text.contains("SKIP"), "{text}");
        assert!(text.contains("FAIL  placing an order"), "{text}");
        assert!(text.ends_with("182 spans received\n"), "{text}");
    }

    #[test]
    fn a_reader_that_went_away_is_no_error() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut terminal = Terminal::new(Gone, Look::plain(), Detail::Normal, Progress::hidden());
        assert!(terminal.finish(&sample::report()).is_ok());
    }
}
