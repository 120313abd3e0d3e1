//! Settings of a run under `cargo test`, which has no arguments for spanspec: the environment
//! variables of the flags of `spanspec run`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::budget::baseline::Mismatch;
use crate::project::parse_address;
use crate::report::TestAttempt;
use crate::source::remote::RECEIVER_VARIABLE;
use crate::spec::{MOST_CONFIRMATIONS, Spec, parse_duration};
use crate::step::{Budgeting, Update};
use crate::workspace::has_tags;

/// The variables that are read, each understood.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) config: Option<PathBuf>,
    pub(super) vars: BTreeMap<String, String>,
    pub(super) var_files: Vec<PathBuf>,
    pub(super) secrets: Vec<String>,
    pub(super) tags: Vec<String>,
    pub(super) listen: Vec<SocketAddr>,
    /// A receiver in another process, which has started the services too.
    pub(super) receiver: Option<String>,
    /// The folder of results, for `spanspec merge`.
    pub(super) results: Option<PathBuf>,
    /// The test of this process, for results.
    pub(super) test: TestAttempt,
    pub(super) timeout: Option<Duration>,
    pub(super) retries: usize,
    pub(super) jobs: Option<usize>,
    pub(super) save_traces: Option<PathBuf>,
    pub(super) save_no_traces: bool,
    /// Settings of budgets; the folder of the project is added later.
    pub(super) budgets: Budgeting,
    /// Of libtest: how many tests run side by side.
    pub(super) test_threads: Option<usize>,
    /// All of it, which variables in specs are looked up in.
    pub(super) all: BTreeMap<String, String>,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// With a line for each variable that cannot be understood.
    pub(super) fn of_process() -> Result<Self, Vec<String>> {
        let (mut all, mut wrong) = (BTreeMap::new(), Vec::new());
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else {
                continue;
            };
            match value.into_string() {
                Ok(value) => drop(all.insert(name, value)),
                Err(_) if name.starts_with("SPANSPEC_") => {
                    wrong.push(format!("{name}: the value is not UTF-8"));
                }
                Err(_) => {}
            }
        }
        if wrong.is_empty() {
            Self::read(all)
        } else {
            Err(wrong)
        }
    }

    fn read(all: BTreeMap<String, String>) -> Result<Self, Vec<String>> {
        let mut reader = Reader {
            all: &all,
            wrong: Vec::new(),
        };
        let settings = Self {
            config: reader.text("SPANSPEC_CONFIG").map(PathBuf::from),
            vars: reader.vars(),
            var_files: reader
                .text("SPANSPEC_VAR_FILE")
                .map(PathBuf::from)
                .into_iter()
                .collect(),
            secrets: reader.list("SPANSPEC_SECRET"),
            tags: reader.tags(),
            listen: reader.addresses(),
            receiver: reader.text(RECEIVER_VARIABLE).map(str::to_owned),
            results: reader.text("SPANSPEC_RESULTS").map(PathBuf::from),
            test: reader.test(),
            timeout: reader.parsed("SPANSPEC_TIMEOUT", parse_duration),
            retries: reader.number("SPANSPEC_RETRIES", 0).unwrap_or(0),
            jobs: reader.number("SPANSPEC_JOBS", 1),
            save_traces: reader.text("SPANSPEC_SAVE_TRACES").map(PathBuf::from),
            save_no_traces: reader.is_on("SPANSPEC_NO_SAVE_TRACES"),
            budgets: reader.budgets(),
            test_threads: reader.number("RUST_TEST_THREADS", 1),
            all: BTreeMap::new(),
        };
        let wrong = reader.wrong;
        if wrong.is_empty() {
            Ok(Self { all, ..settings })
        } else {
            Err(wrong)
        }
    }

    /// The error text for tags that select none of these specs.
    pub(super) fn nothing_selected(&self, specs: &[Spec]) -> String {
        let count = match specs.len() {
            1 => "not the only spec".to_owned(),
            count => format!("none of {count} specs"),
        };
        let known: BTreeSet<&str> = specs
            .iter()
            .flat_map(|spec| spec.tags.iter().map(String::as_str))
            .collect();
        let known: Vec<&str> = known.into_iter().collect();
        let help = match known.as_slice() {
            [] => "no spec has `tags`".to_owned(),
            known => format!("the tags of these specs are {}", known.join(", ")),
        };
        let tags = self.tags.join(",");
        format!("error: SPANSPEC_TAG={tags} selects {count}\n   help: {help}\n")
    }

    /// Tests the tags of a spec.
    pub(super) fn selects(&self, spec: &Spec) -> bool {
        has_tags(spec, &self.tags)
    }
}

/// A tag, or a tag after `!`. Blanks around either do not count.
fn parse_tag(text: &str) -> Result<String, String> {
    let text = text.trim();
    let (sign, tag) = match text.strip_prefix('!') {
        Some(tag) => ("!", tag.trim()),
        None => ("", text),
    };
    if tag.is_empty() {
        return Err(format!("`{text}` names no tag: write `smoke` or `!slow`"));
    }
    Ok(format!("{sign}{tag}"))
}

struct Reader<'a> {
    all: &'a BTreeMap<String, String>,
    wrong: Vec<String>,
}

impl<'a> Reader<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        let text = self.all.get(name)?;
        (!text.is_empty()).then_some(text)
    }

    /// Commas stand between.
    fn list(&self, name: &str) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        text.split(',')
            .filter(|one| !one.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn tags(&mut self) -> Vec<String> {
        let tags = self.list("SPANSPEC_TAG");
        tags.iter()
            .filter_map(|tag| match parse_tag(tag) {
                Ok(tag) => Some(tag),
                Err(why) => {
                    self.wrong.push(format!("SPANSPEC_TAG: {why}"));
                    None
                }
            })
            .collect()
    }

    fn parsed<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        match parse(self.text(name)?) {
            Ok(value) => Some(value),
            Err(why) => {
                self.wrong.push(format!("{name}: {why}"));
                None
            }
        }
    }

    fn number(&mut self, name: &str, least: usize) -> Option<usize> {
        self.parsed(name, |text| match usize::from_str(text) {
            Ok(number) if number >= least => Ok(number),
            _ => Err(format!("`{text}` is not a number from {least} on")),
        })
    }

    /// As the flag of the same name reads it.
    fn is_on(&mut self, name: &str) -> bool {
        let on = self.parsed(name, |text| {
            bool::from_str(text).map_err(|_| format!("`{text}` is neither true nor false"))
        });
        on.unwrap_or(false)
    }

    fn addresses(&mut self) -> Vec<SocketAddr> {
        let given = self.list("SPANSPEC_LISTEN");
        given
            .iter()
            .filter_map(|one| match parse_address(one) {
                Ok(address) => Some(address),
                Err(why) => {
                    self.wrong.push(format!("SPANSPEC_LISTEN: {why}"));
                    None
                }
            })
            .collect()
    }

    /// nextest runs each test in a process of its own, and each attempt at it.
    fn test(&self) -> TestAttempt {
        let names = [
            "NEXTEST_RUN_ID",
            "NEXTEST_BINARY_ID",
            "NEXTEST_TEST_NAME",
            "NEXTEST_STRESS_CURRENT",
        ];
        let attempt = self.text("NEXTEST_ATTEMPT");
        let attempt = attempt.and_then(|number| number.parse().ok());
        let id = self.text("NEXTEST_RUN_ID").map(|_| {
            let parts = names.iter().filter_map(|name| self.text(name));
            parts.collect::<Vec<_>>().join(" ")
        });
        TestAttempt {
            id,
            attempt: attempt.unwrap_or(1),
        }
    }

    fn budgets(&mut self) -> Budgeting {
        let update = self.parsed("SPANSPEC_UPDATE_BASELINES", |text| match text {
            "auto" => Ok(None),
            "always" => Ok(Some(Update::Always)),
            "never" => Ok(Some(Update::Never)),
            _ => Err(format!("`{text}` is none of auto, always and never")),
        });
        let usual = Update::usual(self.text("CI"));
        let mismatch = match self.is_on("SPANSPEC_ALLOW_ENV_MISMATCH") {
            true => Mismatch::Allowed,
            false => Mismatch::Refused,
        };
        let confirm = self.parsed("SPANSPEC_CONFIRM", |text| match text.parse() {
            Ok(number) if number <= MOST_CONFIRMATIONS => Ok(number),
            _ => Err(format!(
                "`{text}` is not a number from 0 to {MOST_CONFIRMATIONS}"
            )),
        });
        Budgeting {
            confirm,
            is_strict: self.is_on("SPANSPEC_STRICT"),
            folder: self.text("SPANSPEC_BASELINE").map(PathBuf::from),
            update: update.flatten().unwrap_or(usual),
            mismatch,
            machine: self.text("SPANSPEC_MACHINE").map(str::to_owned),
            ..Budgeting::default()
        }
    }

    fn vars(&mut self) -> BTreeMap<String, String> {
        let pair = self.parsed("SPANSPEC_VAR", |text| match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            _ => Err(format!(
                "`{text}` gives no variable a value: write NAME=VALUE"
            )),
        });
        pair.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
        let pairs = pairs.iter();
        Settings::read(
            pairs
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }

    #[test]
    fn every_variable_that_cannot_be_understood_is_told() {
        let wrong = read(&[
            ("SPANSPEC_JOBS", "0"),
            ("SPANSPEC_TIMEOUT", "30"),
            ("SPANSPEC_VAR", "x"),
        ])
        .unwrap_err();
        let names: Vec<&str> = wrong
            .iter()
            .filter_map(|one| Some(one.split_once(':')?.0))
            .collect();
        assert_eq!(names, ["SPANSPEC_VAR", "SPANSPEC_TIMEOUT", "SPANSPEC_JOBS"]);
    }

    #[test]
    fn what_is_on_or_off_is_true_or_false_as_on_the_command_line() {
        let strict = |text| read(&[("SPANSPEC_STRICT", text)]).map(|all| all.budgets.is_strict);
        assert_eq!(strict("true"), Ok(true));
        assert_eq!(strict("false"), Ok(false));
        assert_eq!(strict(""), Ok(false));
        for name in [
            "SPANSPEC_STRICT",
            "SPANSPEC_ALLOW_ENV_MISMATCH",
            "SPANSPEC_NO_SAVE_TRACES",
        ] {
            let wrong = read(&[(name, "1")]).unwrap_err();
            assert_eq!(wrong, [format!("{name}: `1` is neither true nor false")]);
        }
    }

    #[test]
    fn baselines_are_proposed_but_for_ci_where_nothing_is_written_unless_asked() {
        let update = |pairs: &[(&str, &str)]| read(pairs).unwrap().budgets.update;
        assert_eq!(update(&[]), Update::Proposed);
        assert_eq!(update(&[("CI", "false")]), Update::Proposed);
        assert_eq!(update(&[("CI", "true")]), Update::NeverInCi);
        let asked = ("SPANSPEC_UPDATE_BASELINES", "always");
        assert_eq!(update(&[("CI", "true"), asked]), Update::Always);
        let wrong = read(&[("SPANSPEC_UPDATE_BASELINES", "yes")]).unwrap_err();
        assert_eq!(
            wrong,
            ["SPANSPEC_UPDATE_BASELINES: `yes` is none of auto, always and never"]
        );
    }

    #[test]
    fn an_attempt_of_nextest_belongs_to_its_test() {
        let test = |attempt| {
            let pairs = [
                ("NEXTEST_RUN_ID", "1c5d"),
                ("NEXTEST_TEST_NAME", "specs/pay.yaml::paid"),
                ("NEXTEST_ATTEMPT", attempt),
            ];
            read(&pairs).unwrap().test
        };
        assert_eq!((test("1").attempt, test("2").attempt), (1, 2));
        assert_eq!(test("1").id.as_deref(), Some("1c5d specs/pay.yaml::paid"));
        assert_eq!(read(&[]).unwrap().test.id, None);
    }

    #[test]
    fn a_tag_without_a_name_is_an_error() {
        for tags in ["!", "smoke,!", "smoke, ! ", " ,smoke"] {
            let wrong = read(&[("SPANSPEC_TAG", tags)]).unwrap_err();
            assert!(wrong[0].contains("names no tag"), "{tags}: {wrong:?}");
        }
        let spaced = read(&[("SPANSPEC_TAG", "smoke, ! slow")]).unwrap();
        assert_eq!(spaced.tags, ["smoke", "!slow"]);
    }

    #[test]
    fn an_empty_variable_is_one_that_is_not_set() {
        let settings = read(&[("SPANSPEC_JOBS", ""), ("SPANSPEC_TAG", "smoke,,!slow")]).unwrap();
        assert_eq!(settings.jobs, None);
        assert_eq!(settings.tags, ["smoke", "!slow"]);
    }
}
