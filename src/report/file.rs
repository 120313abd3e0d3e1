//! Atomic writing of report files.

use std::io;
use std::path::Path;

use crate::atomic_file::replace;
use crate::secret::{Format, Secrets};

/// Replaces the file by this text, without secrets: a reader finds the old one or the new one, never a part.
/// Folders above it are created. What is no regular file, such as `/dev/stdout` or a pipe, is
/// written to directly.
///
/// # Errors
/// Of the file system; the text names the file and what is in the way.
pub fn write(path: &Path, text: &str, format: Format, secrets: &Secrets) -> io::Result<()> {
    let text = secrets.written(format, text);
    replace(path, text.as_bytes()).map_err(|error| {
        let reason = if path.is_dir() {
            "a folder of this name is in the way".to_owned()
        } else {
            error.to_string()
        };
        io::Error::new(
            error.kind(),
            format!("failed to write the report `{}`: {reason}", path.display()),
        )
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_folder_in_the_way_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.xml");
        fs::create_dir(&path).unwrap();
        let error = write(&path, "", Format::Text, &Secrets::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains("report.xml"), "{error}");
        assert!(error.contains("in the way"), "{error}");
    }

    #[test]
    fn a_file_where_a_folder_should_be_is_an_error_that_names_the_report() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("reports"), b"").unwrap();
        let path = folder.path().join("reports/junit.xml");
        let error = write(&path, "", Format::Markup, &Secrets::default()).unwrap_err();
        assert!(error.to_string().contains("junit.xml"), "{error}");
    }
}
