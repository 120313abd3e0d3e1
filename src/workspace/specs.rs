//! The reading of spec files.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::{panic, thread};

use super::files::{FileError, read};
use super::recognized::FileKind;
use crate::spec::{Context, Source, Spec, SpecError, SpecErrors};

/// Fewer files are not worth a thread.
const LEAST_SHARE: usize = 32;

/// The specs of all files.
#[derive(Default)]
pub(super) struct SpecsRead {
    pub(super) specs: Vec<Spec>,
    pub(super) warnings: Vec<SpecError>,
    /// The files that cannot be read.
    pub(super) unreadable: Vec<FileError>,
    /// The errors in the other files.
    pub(super) errors: Vec<SpecError>,
}

impl SpecsRead {
    fn append(&mut self, later: Self) {
        self.specs.extend(later.specs);
        self.warnings.extend(later.warnings);
        self.unreadable.extend(later.unreadable);
        self.errors.extend(later.errors);
    }
}

/// Reads many files on several threads.
pub(super) fn read_specs(paths: &[PathBuf], context: &Context) -> SpecsRead {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let share = paths.len().div_ceil(threads).max(LEAST_SHARE);
    let mut all = SpecsRead::default();
    thread::scope(|scope| {
        let mut shares = paths.chunks(share);
        let first = shares.next().unwrap_or_default();
        let others = shares.map(|paths| scope.spawn(move || read_in_order(paths, context)));
        let others: Vec<_> = others.collect();
        all = read_in_order(first, context);
        for other in others {
            match other.join() {
                Ok(read) => all.append(read),
                Err(panic) => panic::resume_unwind(panic),
            }
        }
    });
    all
}

fn read_in_order(paths: &[PathBuf], context: &Context) -> SpecsRead {
    let mut all = SpecsRead::default();
    for path in paths {
        let source: Source = match read(path) {
            Ok(source) => source,
            Err(error) => {
                all.unreadable.push(error);
                continue;
            }
        };
        // For a bare file name it is empty, which is not a folder.
        let parent = path.parent().filter(|dir| !dir.as_os_str().is_empty());
        let dir = parent.unwrap_or(Path::new("."));
        match Spec::read_file(&source, dir, context) {
            Ok((specs, warnings)) => {
                all.specs.extend(specs);
                all.warnings.extend(warnings);
            }
            Err(SpecErrors(found)) => match FileKind::of(path) {
                None | Some(FileKind::Spec) => all.errors.extend(found),
                Some(kind) => all.unreadable.push(FileError::Mistaken {
                    path: path.clone(),
                    kind,
                    wanted: "a spec",
                }),
            },
        }
    }
    all
}
