//! The report that people look at: one HTML file with everything in it, that fetches nothing.
//!
//! What is known goes into the page as JSON, a chunk for each spec, and is drawn by the scripts in
//! `assets` when somebody opens it. All of it comes from the system under test and is text for us,
//! never markup: `page` escapes it, the scripts make text nodes of it, and the page's own policy
//! lets no other script run.

mod axis;
mod budget;
mod ecdf;
mod figure;
mod graph;
mod load;
mod page;
mod quantity;
mod shared;
mod spans;
mod spec;

use std::io;
use std::path::PathBuf;

use super::{Reporter, file};
use crate::result::Report;
use crate::secret::Format;

/// Writes the HTML report to a file, whole or not at all.
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
    // Only the scripts and styles that carry this word, which nobody can guess, are obeyed.
    let nonce = format!("{:032x}", rand::random::<u128>());
    page::page(report, &nonce).into_string()
}

#[cfg(test)]
mod budget_tests;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
