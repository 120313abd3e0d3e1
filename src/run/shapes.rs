//! Proposes the shapes of traces that differ from their files.
//!
//! The verdicts are those of the comparison with the files before the run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::budget::baseline::{pending_path, real_path};
use crate::check::{CheckRef, FoundShape, Judged, Outcome};
use crate::result::{Report, SpecReport, StepReport, Trouble, Verdict};
use crate::secret::MASK;
use crate::shape_file;
use crate::spec::Spec;
use crate::step::Update;

/// The results of all specs about one file.
#[derive(Default)]
struct OfFile {
    path: PathBuf,
    /// The name in messages.
    name: String,
    /// The spec that passes with the file.
    passing: Option<String>,
    /// Specs with other shapes.
    found: Vec<Found>,
}

/// A shape that differs from the file, or for which there is no file.
struct Found {
    spec: String,
    /// The text, or the reason why it is not proposed.
    text: Result<String, Refused>,
}

/// The reason why a shape is not proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    OthersFailed,
    Unknown,
    Secret,
}

impl Refused {
    fn reason(self) -> &'static str {
        match self {
            Self::OthersFailed => "other checks did not pass",
            Self::Unknown => "spans arrived after the verdict, or it has more than 4 MiB",
            Self::Secret => {
                "it contains a secret; keep secrets out of names, and of `attributes` of the shape"
            }
        }
    }
}

/// Writes the shapes that differ from their files, and adds notes. A file for which several specs have
/// different shapes is not written. Returns the shape files that were replaced.
pub(crate) fn propose_shapes(report: &mut Report, specs: &[Spec], update: Update) -> Vec<PathBuf> {
    let mut replaced = Vec::new();
    let is_always = match update {
        Update::Proposed => false,
        Update::Always => true,
        Update::Never | Update::NeverInCi => return replaced,
    };
    if report.interrupted || specs.len() != report.specs.len() {
        return replaced;
    }
    let files = by_file(specs, &report.specs);
    for file in files.into_values() {
        match conclude(&file, is_always, &mut replaced) {
            Ok(note) => report.notices.extend(note),
            Err(error) => report.trouble.push(Trouble::from_error(&error)),
        }
    }
    replaced
}

fn by_file(specs: &[Spec], reports: &[SpecReport]) -> BTreeMap<PathBuf, OfFile> {
    let mut files: BTreeMap<PathBuf, OfFile> = BTreeMap::new();
    for (spec, report) in specs.iter().zip(reports) {
        if report.verdict == Verdict::Passed {
            for (path, name) in named(spec) {
                let file = of(&mut files, &path, &name);
                file.passing.get_or_insert_with(|| title(report));
            }
            continue;
        }
        let steps = report.last_attempt().map_or(&[][..], |last| &last.steps);
        let checks = steps.iter().flat_map(|step| &step.checks);
        for shape in checks.filter_map(|judged| judged.outcome.found_shape()) {
            let found = Found {
                spec: title(report),
                text: proposable(shape, steps),
            };
            of(&mut files, &shape.path, &shape.name).found.push(found);
        }
    }
    files
}

/// The shape files of a spec, with their names. A path with a capture is not known.
fn named(spec: &Spec) -> Vec<(PathBuf, String)> {
    let scope = spec.scope();
    let expects = spec
        .steps
        .iter()
        .filter_map(|step| step.expect(&scope).ok());
    let files = expects.flat_map(|expect| {
        let files = expect.shape_files();
        let files = files.map(|(path, name)| (path.clone(), name.to_owned()));
        files.collect::<Vec<_>>()
    });
    files.collect()
}

fn of<'f>(files: &'f mut BTreeMap<PathBuf, OfFile>, path: &Path, name: &str) -> &'f mut OfFile {
    let real = real_path(path).unwrap_or_else(|| path.to_owned());
    files.entry(real).or_insert_with(|| OfFile {
        path: path.to_owned(),
        name: name.to_owned(),
        ..OfFile::default()
    })
}

fn title(report: &SpecReport) -> String {
    format!("{} › {}", report.at.source.name(), report.name)
}

fn proposable(shape: &FoundShape, steps: &[StepReport]) -> Result<String, Refused> {
    let holds = |judged: &Judged| {
        judged.outcome == Outcome::Pass
            || judged.outcome.found_shape().is_some()
            // The requests may have failed because of their shapes.
            || judged.check == CheckRef::Failures
    };
    let is_well = |step: &StepReport| step.trouble.is_none() && step.checks.iter().all(holds);
    match &shape.text {
        _ if !steps.iter().all(is_well) => Err(Refused::OthersFailed),
        None => Err(Refused::Unknown),
        Some(text) if text.contains(MASK) => Err(Refused::Secret),
        Some(text) => Ok(text.clone()),
    }
}

/// Writes the shape of a file, if all specs have the same one. Returns a note.
fn conclude(
    file: &OfFile,
    is_always: bool,
    replaced: &mut Vec<PathBuf>,
) -> Result<Option<String>, shape_file::ShapeFileError> {
    let name = &file.name;
    let Some(first) = file.found.first() else {
        return Ok(pending(file));
    };
    for found in &file.found {
        if let Err(refused) = found.text {
            let (spec, reason) = (&found.spec, refused.reason());
            return Ok(Some(format!(
                "`{spec}`: its shape is not proposed for {name}: {reason}"
            )));
        }
    }
    let other = file.found.iter().find(|found| found.text != first.text);
    let other = other.map(|found| &found.spec).or(file.passing.as_ref());
    if let Some(other) = other {
        return Ok(Some(format!(
            "no shape is proposed for {name}: `{}` and `{other}` have different ones; give each a file of its own",
            first.spec
        )));
    }
    let Ok(text) = &first.text else {
        return Ok(None);
    };
    if is_always {
        shape_file::write(&file.path, text)?;
        replaced.push(file.path.clone());
        return Ok(Some(format!(
            "wrote the shape of `{}` to {name}",
            first.spec
        )));
    }
    shape_file::write(&pending_path(&file.path), text)?;
    let quoted = shell_words::quote(name);
    Ok(Some(format!(
        "the shape of `{}` is in {name}.new; compare it with `spanspec baseline review {quoted}`, and accept it with `spanspec baseline accept {quoted}`",
        first.spec
    )))
}

/// The note about a proposal that this run does not need.
fn pending(file: &OfFile) -> Option<String> {
    let quoted = shell_words::quote(&file.name);
    pending_path(&file.path).exists().then(|| {
        format!(
            "{}.new is pending, and this run passes without it; accept it with `spanspec baseline accept {quoted}`, or delete it with `spanspec baseline reject {quoted}`",
            file.name
        )
    })
}
