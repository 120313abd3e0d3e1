//! The tests that libtest's arguments select.
//!
//! A test that reports errors must not disappear because its name matches no filter: the specs
//! that it stands for could have matched. libtest-mimic filters by names only, so the choice is
//! made here and handed over as a list of names to skip.

use std::collections::BTreeSet;

use libtest_mimic::{Arguments, Trial};

use crate::spec::{Names, ServiceSet, Spec};

/// The name of the test that reports errors, after the file's.
const ERRORS: &str = "errors";

/// A test, and the filters that select it.
pub(super) struct Candidate {
    trial: Trial,
    reach: Reach,
    /// Its spec, if that is skipped.
    skipped: Option<Spec>,
    /// The services that it needs.
    services: ServiceSet,
}

/// The filters that select a test.
enum Reach {
    /// Those that match its name.
    Name,
    /// Those that match a file or one of its specs.
    File { file: String, specs: Names },
    /// All filters.
    Everything,
}

impl Candidate {
    /// A spec.
    pub(super) fn spec(trial: Trial, spec: &Spec) -> Self {
        Self {
            trial,
            reach: Reach::Name,
            skipped: spec.skip.is_some().then(|| spec.clone()),
            services: spec.services.clone(),
        }
    }

    /// The errors of a spec file.
    pub(super) fn errors_of_file(file: String, specs: Names, text: String) -> Self {
        Self {
            trial: failing(&file, text),
            reach: Reach::File { file, specs },
            skipped: None,
            services: ServiceSet::none(),
        }
    }

    /// Errors that concern all tests: of the project, of the environment, of a missing folder.
    pub(super) fn errors_of_all(of: &str, text: String) -> Self {
        Self {
            trial: failing(of, text),
            reach: Reach::Everything,
            skipped: None,
            services: ServiceSet::none(),
        }
    }

    /// Runs a spec, and reports no errors.
    pub(super) fn is_spec(&self) -> bool {
        matches!(self.reach, Reach::Name)
    }

    fn is_selected(&self, arguments: &Arguments) -> bool {
        match &self.reach {
            Reach::Name => !arguments.is_filtered_out(&self.trial),
            Reach::File { file, specs } => {
                let is_matched = |filter: &String| matches(filter, arguments.exact, file, specs);
                let is_skipped = |skip: &String| skips(skip, arguments.exact, file);
                arguments.filter.as_ref().is_none_or(is_matched)
                    && !arguments.skip.iter().any(is_skipped)
            }
            Reach::Everything => true,
        }
    }

    /// The tests that stand for it in a list. A runner that filters the list, as nextest does,
    /// must find the specs of a file with errors by their names.
    fn listed(self) -> Vec<Trial> {
        let mut trials = Vec::new();
        if let Reach::File { file, specs } = &self.reach {
            let names = specs.known.iter().map(|spec| test_name(file, spec));
            let names: BTreeSet<String> = names.collect();
            trials.extend(names.into_iter().map(|name| Trial::test(name, || Ok(()))));
        }
        trials.insert(0, self.trial);
        trials
    }

    /// Under `--ignored`, errors are reported too. A list must not call them ignored: nextest
    /// would leave them out.
    fn run(self, arguments: &Arguments) -> Trial {
        match self.reach {
            Reach::Name => self.trial,
            Reach::File { .. } | Reach::Everything => {
                self.trial.with_ignored_flag(arguments.ignored)
            }
        }
    }
}

fn failing(of: &str, text: String) -> Trial {
    Trial::test(format!("{of}::{ERRORS}"), move || {
        Err(text.trim_end().into())
    })
}

/// The specs that are skipped among the tests that are selected. nextest runs no process for
/// them, but asks for their list: then they are those of the list.
pub(super) fn skipped(arguments: &Arguments, all: &[Candidate]) -> Vec<Spec> {
    let runs_them = arguments.ignored || arguments.include_ignored;
    if arguments.list != arguments.ignored || (runs_them && !arguments.list) {
        return Vec::new();
    }
    let selected = all.iter().filter(|one| one.is_selected(arguments));
    selected.filter_map(|one| one.skipped.clone()).collect()
}

/// The services that the tests need that will run.
pub(super) fn services(arguments: &Arguments, all: &[Candidate]) -> ServiceSet {
    let runs = |one: &&Candidate| {
        let is_due = match &one.skipped {
            Some(_) => arguments.ignored || arguments.include_ignored,
            None => !arguments.ignored,
        };
        is_due && one.is_selected(arguments)
    };
    let run = all.iter().filter(runs);
    run.fold(ServiceSet::none(), |services, one| {
        services.union(&one.services)
    })
}

/// All tests, and arguments that leave out those that are not selected.
pub(super) fn select(arguments: &Arguments, all: Vec<Candidate>) -> (Arguments, Vec<Trial>) {
    let (selected, left_out): (Vec<Candidate>, Vec<Candidate>) =
        all.into_iter().partition(|one| one.is_selected(arguments));
    let selected = selected.into_iter();
    let mut trials: Vec<Trial> = match arguments.list {
        true => selected.flat_map(Candidate::listed).collect(),
        false => selected.map(|one| one.run(arguments)).collect(),
    };
    let left_out: Vec<Trial> = left_out.into_iter().map(|one| one.trial).collect();
    let arguments = Arguments {
        filter: None,
        exact: true,
        skip: left_out
            .iter()
            .map(|trial| trial.name().to_owned())
            .collect(),
        ..arguments.clone()
    };
    // libtest-mimic counts them.
    trials.extend(left_out);
    (arguments, trials)
}

/// The file whose tests an exact name can mean.
pub(super) fn is_file_of(exact: &str, file: &str) -> bool {
    exact
        .strip_prefix(file)
        .is_some_and(|rest| rest.starts_with("::"))
}

/// The name of a spec's test. It is on one line, as a list of tests requires.
pub(super) fn test_name(file: &str, spec: &str) -> String {
    let words: Vec<&str> = spec.split_whitespace().collect();
    format!("{file}::{}", words.join(" "))
}

fn matches(filter: &str, is_exact: bool, file: &str, specs: &Names) -> bool {
    if is_exact {
        return is_file_of(filter, file);
    }
    let names_another_file = || filter.contains(".yaml") || filter.contains(".yml");
    test_name(file, ERRORS).contains(filter)
        || specs
            .known
            .iter()
            .any(|spec| test_name(file, spec).contains(filter))
        || (specs.has_unknown && !names_another_file())
}

/// A skipped file is one that the skip names; `--skip mistakes` hides no errors.
fn skips(skip: &str, is_exact: bool, file: &str) -> bool {
    let name = test_name(file, ERRORS);
    if is_exact {
        return skip == name;
    }
    test_name(file, "").contains(skip) || (skip.contains(file) && name.contains(skip))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(arguments: &[&str], specs: Names) -> bool {
        let arguments = Arguments::from_iter(std::iter::once(&"test").chain(arguments));
        let errors = Candidate::errors_of_file("specs/ship.yaml".to_owned(), specs, String::new());
        errors.is_selected(&arguments)
    }

    fn shipped() -> Names {
        Names {
            known: vec!["an order is\n  shipped [n=1]".to_owned()],
            has_unknown: false,
        }
    }

    #[test]
    fn errors_match_what_names_the_file_or_a_spec_of_it() {
        for filter in [
            "ship.yaml",
            "shipped",
            "is shipped [n",
            "yaml::an order",
            "specs/ship.yaml::errors",
        ] {
            assert!(selected(&[filter], shipped()), "{filter}");
        }
        for filter in ["paid", "specs/pay.yaml"] {
            assert!(!selected(&[filter], shipped()), "{filter}");
        }
        assert!(selected(&["--exact", "specs/ship.yaml::gone"], shipped()));
        assert!(!selected(&["--exact", "specs/pay.yaml::x"], shipped()));
    }

    #[test]
    fn only_services_of_tests_that_run_are_started() {
        let text = "services: [db]\nskip: later\nrequest: GET http://a/\nexpect: { status: 200 }\n---\nname: b\nservices: [shop]\nrequest: GET http://a/\nexpect: { status: 200 }\n";
        let source = crate::spec::Source::new("a.yaml", text);
        let context = crate::spec::Context::default();
        let specs = Spec::read_all(&source, std::path::Path::new("."), &context).unwrap();
        let services = |arguments: &[&str]| {
            let arguments = Arguments::from_iter(std::iter::once(&"test").chain(arguments));
            let candidates = specs.iter().map(|spec| {
                let trial = Trial::test(test_name("a.yaml", &spec.name), || Ok(()));
                Candidate::spec(trial.with_ignored_flag(spec.skip.is_some()), spec)
            });
            super::services(&arguments, &candidates.collect::<Vec<_>>())
        };
        let only =
            |names: &[&str]| ServiceSet::Only(names.iter().map(ToString::to_string).collect());
        assert_eq!(services(&[]), only(&["shop"]));
        assert_eq!(services(&["--ignored"]), only(&["db"]));
        assert_eq!(services(&["--include-ignored"]), only(&["db", "shop"]));
        assert_eq!(services(&["::c"]), ServiceSet::none());
    }

    #[test]
    fn names_that_cannot_be_read_match_what_names_no_other_file() {
        assert!(selected(&["paid"], Names::unknown()));
        assert!(!selected(&["specs/pay.yaml"], Names::unknown()));
    }

    #[test]
    fn errors_are_skipped_by_the_name_of_their_file_only() {
        assert!(!selected(&["--skip", "ship.yaml"], shipped()));
        assert!(!selected(&["--skip", "specs/ship.yaml::errors"], shipped()));
        assert!(selected(&["--skip", "errors"], shipped()));
        assert!(selected(&["--skip", "an order"], shipped()));
    }
}
