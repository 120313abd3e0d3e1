//! The order of specs that need others.
//!
//! `run` waits for specs; here they are only found.

use std::collections::{BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};

use super::{Need, Spec};
use crate::yaml::{SpecError, closest};

/// What a spec needs, as indexes into the specs, or the reason why that cannot be.
type Needed = Result<BTreeSet<usize>, Box<SpecError>>;

/// The needs of specs.
#[derive(Debug)]
pub(crate) struct NeedGraph {
    needed: Vec<Needed>,
    /// All specs. Each is after those that it needs, otherwise they have the order of their files.
    pub(crate) order: Vec<usize>,
}

impl NeedGraph {
    pub(crate) fn new(specs: &[Spec]) -> Self {
        let known = Known::new(specs);
        let each = specs.iter().enumerate();
        let needed = each
            .map(|(index, spec)| -> Needed {
                let mut all = BTreeSet::new();
                for need in &spec.needs {
                    all.extend(known.find(need, index)?);
                }
                Ok(all)
            })
            .collect();
        let mut graph = Self {
            needed,
            order: Vec::new(),
        };
        while let Err(cycle) = graph.sort() {
            graph.needed[cycle[0]] = Err(Box::new(of_cycle(&cycle, specs)));
        }
        graph
    }

    /// The specs that a spec needs. If they cannot be found, the reason.
    pub(crate) fn of(&self, index: usize) -> Result<&BTreeSet<usize>, &SpecError> {
        self.needed[index].as_ref().map_err(|error| &**error)
    }

    /// All errors.
    pub(crate) fn errors(&self) -> Vec<SpecError> {
        let errors = self.needed.iter().filter_map(|one| one.as_ref().err());
        errors.map(|error| SpecError::clone(error)).collect()
    }

    /// Adds to the selected specs all that they need.
    #[cfg(feature = "_pure")]
    pub(crate) fn complete(&self, selected: &mut [bool]) {
        // From the last one, so that a spec is selected before those that it needs are looked at.
        for &index in self.order.iter().rev() {
            if selected[index] {
                let needed = self.of(index).into_iter().flatten();
                needed.for_each(|needed| selected[*needed] = true);
            }
        }
    }

    /// Sets the order. If there is a cycle, returns it.
    fn sort(&mut self) -> Result<(), Vec<usize>> {
        let of = |index: usize| self.needed[index].iter().flatten().copied();
        let mut missing: Vec<usize> = (0..self.needed.len()).map(|at| of(at).count()).collect();
        let mut dependents: HashMap<usize, Vec<usize>> = HashMap::new();
        for index in 0..self.needed.len() {
            for needed in of(index) {
                dependents.entry(needed).or_default().push(index);
            }
        }
        let mut ready: BTreeSet<usize> =
            (0..missing.len()).filter(|at| missing[*at] == 0).collect();
        let mut order = Vec::new();
        while let Some(next) = ready.pop_first() {
            order.push(next);
            for &dependent in dependents.get(&next).into_iter().flatten() {
                missing[dependent] -= 1;
                if missing[dependent] == 0 {
                    ready.insert(dependent);
                }
            }
        }
        let Some(start) = missing.iter().position(|missing| *missing > 0) else {
            self.order = order;
            return Ok(());
        };
        // Each spec that is left needs one that is left, so that this path ends in a cycle.
        let mut path = vec![start];
        loop {
            let last = path[path.len() - 1];
            let next = of(last).find(|needed| missing[*needed] > 0);
            let next = next.expect("a spec that is left needs another one");
            if let Some(at) = path.iter().position(|one| *one == next) {
                return Err(path.split_off(at));
            }
            path.push(next);
        }
    }
}

/// The specs by their names and files.
struct Known<'s> {
    specs: &'s [Spec],
    names: HashMap<&'s str, Vec<usize>>,
    files: HashMap<String, Vec<usize>>,
}

impl<'s> Known<'s> {
    fn new(specs: &'s [Spec]) -> Self {
        let mut names: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut files: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, spec) in specs.iter().enumerate() {
            let full = spec.name.as_str();
            names.entry(full).or_default().push(index);
            let title = spec.name_without_case();
            if title != full {
                names.entry(title).or_default().push(index);
            }
            files.entry(file_of(spec)).or_default().push(index);
        }
        Self {
            specs,
            names,
            files,
        }
    }

    fn find(&self, need: &Need, of: usize) -> Result<Vec<usize>, Box<SpecError>> {
        let found = match &need.file {
            Some(file) => self.files.get(&plain(file)).cloned().unwrap_or_default(),
            None => self.named(need, of)?,
        };
        if found.contains(&of) {
            return wrong(need, "a spec cannot need itself", "itself", "remove it");
        }
        if found.is_empty() {
            return self.unknown(need);
        }
        Ok(found)
    }

    /// A name is that of a spec in the same file, or of specs in one other file.
    fn named(&self, need: &Need, of: usize) -> Result<Vec<usize>, Box<SpecError>> {
        let Some(found) = self.names.get(need.name.as_str()) else {
            return Ok(Vec::new());
        };
        let own = file_of(&self.specs[of]);
        let (near, far): (Vec<usize>, Vec<usize>) = found
            .iter()
            .partition(|at| file_of(&self.specs[**at]) == own);
        if !near.is_empty() {
            return Ok(near);
        }
        let files: BTreeSet<&str> = far
            .iter()
            .map(|at| self.specs[*at].at.source.name())
            .collect();
        if files.len() > 1 {
            let files: Vec<&str> = files.into_iter().collect();
            return wrong(
                need,
                format!(
                    "several files have a spec `{}`: {}",
                    need.name,
                    files.join(", ")
                ),
                "not unique",
                "name the file instead",
            );
        }
        Ok(far)
    }

    fn unknown(&self, need: &Need) -> Result<Vec<usize>, Box<SpecError>> {
        let more = "name it as in its `name`, or by its file, and run its file as well";
        let (what, help) = match &need.file {
            Some(file) => {
                let files: Vec<&str> = self.files.keys().map(String::as_str).collect();
                let help = match closest(file, &files) {
                    Some(other) => format!("did you mean `{other}`?"),
                    None => more.to_owned(),
                };
                (format!("no spec of this run is in the file {file}"), help)
            }
            None => {
                let help = match closest(&need.name, &self.titles()) {
                    Some(other) => format!("did you mean `{other}`?"),
                    None => more.to_owned(),
                };
                let what = format!("no spec of this run has the name `{}`", need.name);
                (what, help)
            }
        };
        wrong(need, what, "not found", help)
    }

    fn titles(&self) -> Vec<&'s str> {
        let titles = self.specs.iter().map(Spec::name_without_case);
        let titles: BTreeSet<&str> = titles.collect();
        titles.into_iter().collect()
    }
}

fn wrong<T>(
    need: &Need,
    what: impl Into<String>,
    label: &str,
    help: impl Into<String>,
) -> Result<T, Box<SpecError>> {
    Err(Box::new(SpecError {
        what: what.into(),
        at: need.at.clone(),
        label: label.to_owned(),
        help: Some(help.into()),
    }))
}

fn of_cycle(cycle: &[usize], specs: &[Spec]) -> SpecError {
    let first = &specs[cycle[0]];
    let names = cycle.iter().chain(cycle.first());
    let names: Vec<String> = names.map(|at| format!("`{}`", specs[*at].name)).collect();
    SpecError {
        what: format!("these specs need each other: {}", names.join(" → ")),
        at: first
            .needs
            .first()
            .map_or(&first.at, |need| &need.at)
            .clone(),
        label: "a cycle".to_owned(),
        help: Some("remove one of these `needs`".to_owned()),
    }
}

fn file_of(spec: &Spec) -> String {
    plain(spec.at.source.name())
}

/// A path without `.`, for comparison.
fn plain(path: &str) -> String {
    let parts = Path::new(path).components();
    let parts = parts.filter(|part| !matches!(part, Component::CurDir));
    parts.collect::<PathBuf>().display().to_string()
}
