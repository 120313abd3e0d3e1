//! Selection of specs by `--filter`, `--tag` and `--shard`.

use std::collections::BTreeMap;
use std::hash::Hasher;
use std::path::{Component, Path, PathBuf};

use crate::budget::baseline::{path_within, real_path};
use crate::spec::Spec;
use crate::workspace::{Workspace, has_tags, with_needed};

use super::arguments::{Shard, SpecArguments};

/// The specs that meet all arguments, and those that they need. `project` is the folder of the project file.
pub(super) fn select(specs: Vec<Spec>, project: &Path, arguments: &SpecArguments) -> Vec<Spec> {
    with_needed(specs, |spec| {
        let name = full_name(spec, project);
        is_named(&name, &arguments.filter)
            && has_tags(spec, &arguments.tag)
            && arguments.shard.is_none_or(|shard| is_of(shard, &name))
    })
}

/// Returns `true` if the arguments select all specs of the project.
pub(super) fn selects_all(arguments: &SpecArguments) -> bool {
    arguments.specs.is_empty()
        && arguments.filter.is_empty()
        && arguments.tag.is_empty()
        && arguments.shard.is_none()
}

/// The name of a spec among all specs, the same in every working directory: `specs/place-order.yaml ›
/// placing an order`. The path is relative to the project file.
pub(super) fn full_name(spec: &Spec, project: &Path) -> String {
    let file = Path::new(spec.at.source.name());
    let path = path_within(project, file).unwrap_or_else(|| from_outside(project, file));
    let path = path.to_string_lossy().replace('\\', "/");
    format!("{path} › {}", spec.name)
}

/// The path of a file outside of the folder, which begins with `..`.
fn from_outside(folder: &Path, file: &Path) -> PathBuf {
    let folder = folder.canonicalize();
    let (Ok(folder), Some(file)) = (folder, real_path(file)) else {
        return file.to_owned();
    };
    let both = folder.components().zip(file.components());
    let shared = both.take_while(|(one, other)| one == other).count();
    let up = folder.components().skip(shared);
    let down = file.components().skip(shared);
    up.map(|_| Component::ParentDir).chain(down).collect()
}

/// The reason why no spec is selected.
pub(super) fn nothing_selected(known: usize, arguments: &SpecArguments) -> String {
    let flags = [
        ("--filter", !arguments.filter.is_empty()),
        ("--tag", !arguments.tag.is_empty()),
        ("--shard", arguments.shard.is_some()),
    ];
    let given = flags.iter().filter(|(_, is_given)| *is_given);
    let given: Vec<&str> = given.map(|(flag, _)| *flag).collect();
    let given = given.join(" and ");
    match known {
        0 if arguments.specs.is_empty() => {
            "no spec was found: name files or folders, or `specs` in spanspec.yaml".to_owned()
        }
        0 => format!(
            "no spec was found in {}: name a spec file, or a folder with *.yaml files",
            arguments.specs.join(" ")
        ),
        1 => format!("the only spec was not selected by {given}"),
        _ => {
            format!(
                "none of {known} specs was selected by {given}; `spanspec run --list` lists all"
            )
        }
    }
}

/// The reason why none of the specs can be measured. `verb` is `calibrated` or `compared`.
pub(super) fn nothing_to_measure(
    workspace: &Workspace,
    arguments: &SpecArguments,
    verb: &str,
) -> String {
    let project = &workspace.project.dir;
    let selected = select(workspace.specs.clone(), project, arguments);
    let mut reasons: BTreeMap<Unmeasurable, usize> = BTreeMap::new();
    for spec in &selected {
        *reasons.entry(Unmeasurable::of(spec)).or_default() += 1;
    }
    let mut remedies: Vec<&str> = reasons.keys().map(|one| one.remedy()).collect();
    remedies.dedup();
    let remedy = remedies.join(", or ");
    match selected.as_slice() {
        [] => nothing_selected(workspace.specs.len(), arguments),
        [spec] => {
            let (name, reason) = (full_name(spec, project), Unmeasurable::of(spec).of_one());
            format!("{name} cannot be {verb}, because it {reason}: {remedy}")
        }
        _ => {
            let of = |(reason, specs): (&Unmeasurable, &usize)| match specs {
                1 => format!("1 {}", reason.of_one()),
                _ => format!("{specs} {}", reason.of_several()),
            };
            let (known, reasons) = (selected.len(), reasons.iter().map(of));
            let reasons = reasons.collect::<Vec<String>>().join(", ");
            format!("none of {known} specs can be {verb}, because {reasons}: {remedy}")
        }
    }
}

/// The reason why a spec cannot be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unmeasurable {
    OtherProfile,
    Skipped,
    NoRepeat,
    Search,
    NoBudgets,
    NothingCompared,
}

impl Unmeasurable {
    fn of(spec: &Spec) -> Self {
        if spec.is_of_other_profiles {
            Self::OtherProfile
        } else if spec.skip.is_some() {
            Self::Skipped
        } else if spec.repeat.is_none() {
            Self::NoRepeat
        } else if spec.is_search() {
            Self::Search
        } else if spec.budgets.is_empty() {
            Self::NoBudgets
        } else {
            Self::NothingCompared
        }
    }

    fn of_one(self) -> &'static str {
        match self {
            Self::OtherProfile => "runs under other profiles",
            Self::Skipped => "has `skip`",
            Self::NoRepeat => "has no `repeat`",
            Self::Search => "sends nothing (`search`)",
            Self::NoBudgets => "has no `budgets`",
            Self::NothingCompared => "has only budgets with `regression: none`",
        }
    }

    fn of_several(self) -> &'static str {
        match self {
            Self::OtherProfile => "run under other profiles",
            Self::Skipped => "have `skip`",
            Self::NoRepeat => "have no `repeat`",
            Self::Search => "send nothing (`search`)",
            Self::NoBudgets => "have no `budgets`",
            Self::NothingCompared => "have only budgets with `regression: none`",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::OtherProfile => "choose one with `--profile`",
            Self::Skipped => "remove `skip`",
            Self::NoRepeat | Self::NoBudgets => {
                "add `repeat: { times: 200 }` and `budgets: [{ find: SPAN, p50: < 100ms }]`"
            }
            Self::Search => "select a spec with `repeat`",
            Self::NothingCompared => "remove `regression: none`",
        }
    }
}

fn is_named(name: &str, filters: &[String]) -> bool {
    let name = name.to_lowercase();
    filters.is_empty()
        || filters
            .iter()
            .any(|filter| name.contains(&filter.to_lowercase()))
}

/// Every spec is in exactly one shard, the same on every machine: FNV-1a of file and name.
fn is_of(shard: Shard, name: &str) -> bool {
    let mut hasher = fnv::FnvHasher::default();
    hasher.write(name.as_bytes());
    hasher.finish() % shard.of == shard.number - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_outside_of_the_project_has_a_path_from_its_folder() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for folder in ["shop", "common/specs"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        let found = from_outside(&root.join("shop"), &root.join("common/specs/a.yaml"));
        assert_eq!(found, Path::new("../common/specs/a.yaml"));
    }
}
