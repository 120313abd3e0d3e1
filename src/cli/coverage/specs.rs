//! The entries that no check of the specs notices.

use std::path::PathBuf;

use crate::coverage::{Checked, Inventory, Item};
use crate::workspace::{Ports, Search, Workspace};

use super::super::coverage_arguments::CoverageArguments;
use super::super::exit::Exit;
use super::super::load::{fail_load, project_search};
use super::super::mutate::saved;
use super::super::output;

/// The result of the examination of specs.
pub(super) struct Unchecked {
    pub(super) items: Vec<Item>,
    /// Number of specs that were examined.
    pub(super) specs: usize,
    /// Other specs, each with the reason.
    pub(super) not_examined: Vec<(String, String)>,
    /// Number of faults that were not judged.
    pub(super) not_judged: usize,
    /// Number of checks that cannot be judged again.
    pub(super) checks_left: usize,
}

/// Judges the saved traces of specs with faults, as `spanspec mutate --traces` does.
pub(super) fn unchecked(
    arguments: &CoverageArguments,
    specs: &[String],
    seen: &Inventory,
) -> Result<Unchecked, Exit> {
    let search = Search {
        specs: specs.to_vec(),
        ..project_search(&arguments.project, Ports::Unknown)
    };
    let workspace = Workspace::load(&search).map_err(|error| fail_load(&error))?;
    let folders: Vec<PathBuf> = arguments
        .traces
        .iter()
        .filter(|path| path.is_dir())
        .cloned()
        .collect();
    let mut checked = Checked::default();
    let (mut examined, mut not_examined) = (0, Vec::new());
    for spec in &workspace.specs {
        let result = saved(spec, &folders)
            .evidence
            .and_then(|steps| steps.iter().try_for_each(|step| checked.add(step)));
        match result {
            Ok(()) => examined += 1,
            Err(why) => {
                let name = format!("{} › {}", spec.at.source.name(), spec.name);
                not_examined.push((output::secrets().text(&name), why));
            }
        }
    }
    Ok(Unchecked {
        items: checked.unchecked(seen),
        specs: examined,
        not_examined,
        not_judged: checked.not_judged,
        checks_left: checked.checks_left,
    })
}
