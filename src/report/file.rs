//! Writes a report file whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Replaces the file by this text: a reader finds the old one or the new one, never a part.
/// Folders above it are created. What is no regular file, such as `/dev/stdout` or a pipe, is
/// written to directly.
///
/// # Errors
/// Of the file system; the text names the file and what is in the way.
pub fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    replace(path, text).map_err(|error| {
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

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::metadata(&target) {
        Ok(there) if there.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(there) if !there.is_file() => return fs::write(&target, text),
        _ => {}
    }
    let folder = folder_of(&target);
    fs::create_dir_all(&folder)?;
    let mut beside = temporary(&folder)?;
    beside.write_all(text)?;
    beside.flush()?;
    beside.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .map_or_else(|| PathBuf::from("."), Path::to_owned)
}

fn temporary(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".spanspec-");
    // Readable as any other new file is, for whoever uploads it; the umask still counts.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_created_and_nothing_is_left_beside_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/report.xml");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_in_the_way_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.xml");
        fs::create_dir(&path).unwrap();
        let error = write(&path, b"").unwrap_err().to_string();
        assert!(error.contains("report.xml"), "{error}");
        assert!(error.contains("in the way"), "{error}");
    }

    #[test]
    fn a_file_where_a_folder_should_be_is_an_error_that_names_the_report() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("reports"), b"").unwrap();
        let error = write(&folder.path().join("reports/junit.xml"), b"").unwrap_err();
        assert!(error.to_string().contains("junit.xml"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_others_may_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (
            folder.path().join("real.xml"),
            folder.path().join("link.xml"),
        );
        fs::write(&path, b"old").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o400,
            0o400
        );
    }
}
