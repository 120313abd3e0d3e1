//! The HTML report: one self-contained file that loads nothing.
//!
//! The page contains the data as JSON, one chunk per spec, and the scripts in `assets` draw it. All
//! data comes from the system under test and is text, never markup: `page` escapes it, the scripts
//! create text nodes, and the content security policy of the page permits no other script.

mod axis;
mod budget;
mod ecdf;
mod figure;
mod graph;
mod load;
mod logs;
mod page;
mod quantity;
mod run;
mod shared;
mod spans;
mod spec;

use std::io;
use std::path::PathBuf;

use super::{Reporter, file};
use crate::result::Report;
use crate::secret::Format;

/// Writes the HTML report to a file, atomically.
#[derive(Clone, Debug)]
pub struct Html {
    path: PathBuf,
}

impl Html {
    /// Writes to this file.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl Reporter for Html {
    fn finish(&mut self, report: &Report) -> io::Result<()> {
        file::write(&self.path, &render(report), Format::Markup, &report.secrets)
    }
}

/// The report as an HTML document.
#[must_use]
pub fn render(report: &Report) -> String {
    // The browser runs only scripts and styles with this random value.
    let nonce = format!("{:032x}", rand::random::<u128>());
    page::page(report, &nonce).into_string()
}

#[cfg(test)]
mod budget_tests;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
