//! Spec files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::globals::{Globals, Variables};
use super::keys;
use super::matrix::{MatrixCase, cases};
use super::read::Reader;
use super::read::command::RunDefaults;
use super::read::expect::TraceChecks;
use super::scope::{Scope, Withheld};
use super::spec::{Spec, Step};
use super::steps::{StepNode, captured, start_of};
use super::{Budget, MAX_FILE_SIZE, Place, Repeat, ServiceSet, Source, Wait};
use crate::yaml::{self, Kind, Node};
use crate::yaml::{ErrorList, SpecError, SpecErrors, suggest};

/// Captures of a repeated request, used in `teardown`.
const OF_A_REQUEST: Withheld = Withheld {
    why: "has one value per request, but `teardown` runs once",
    help: "capture it in `setup`, for all requests and `teardown`",
};

/// Captures, used in `repeat` and `budgets`.
const NOT_FIXED: Withheld = Withheld {
    why: "has no value before the run, when `repeat` and `budgets` are read",
    help: Reader::FIX,
};

/// Defaults of the project file.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// Default of `wait`.
    pub wait: Wait,
    /// Default timeout of requests.
    pub request_timeout: Option<Duration>,
    /// Default settings of commands.
    pub(crate) run: Option<Arc<RunDefaults>>,
}

/// Input of a run that all specs share.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Variables from outside the file.
    pub globals: Arc<Globals>,
    /// Defaults of the project file.
    pub defaults: Defaults,
}

impl Spec {
    /// All specs of a file. Each case of a matrix is one spec.
    ///
    /// `dir` is the folder of the file, the base of relative paths.
    ///
    /// # Errors
    /// All errors in the file.
    pub fn read_all(
        source: &Source,
        dir: &Path,
        context: &Context,
    ) -> Result<Vec<Self>, SpecErrors> {
        Self::read_file(source, dir, context).map(|(specs, _)| specs)
    }

    /// The same, with warnings.
    ///
    /// # Errors
    /// All errors in the file.
    pub(crate) fn read_file(
        source: &Source,
        dir: &Path,
        context: &Context,
    ) -> Result<(Vec<Self>, Vec<SpecError>), SpecErrors> {
        let errors = ErrorList::new(source);
        if source.text().len() > MAX_FILE_SIZE {
            let wrong = errors.note(
                Place::default(),
                format!("this file is larger than {} MiB", MAX_FILE_SIZE >> 20),
                "",
                "check that it is a spec; move large request data to a `body_file`".to_owned(),
            );
            return errors.check(wrong);
        }
        let documents = yaml::parse(&errors);
        let file = FileReader {
            errors: &errors,
            dir,
            context,
        };
        let read = documents.iter().filter_map(|root| {
            file.look_for_unused_vars(root);
            file.document(root)
        });
        let specs: Vec<Self> = read.flatten().collect();
        if specs.is_empty() && errors.is_empty() {
            let help = "add `request: GET http://…` and `expect:`".to_owned();
            errors.note::<()>(Place::default(), "this file has no spec", "empty", help);
        }
        file.refuse_duplicate_names(&specs);
        let warnings = errors.take_warnings();
        errors.check(Some((specs, warnings)))
    }
}

pub(super) struct FileReader<'a> {
    pub(super) errors: &'a ErrorList,
    pub(super) dir: &'a Path,
    pub(super) context: &'a Context,
}

/// The parts of a document that all its cases share.
struct Parts<'n> {
    root: &'n Node,
    name: Option<String>,
    setup: Vec<StepNode<'n>>,
    steps: Vec<StepNode<'n>>,
    teardown: Vec<StepNode<'n>>,
}

impl<'a> FileReader<'a> {
    pub(super) fn document(&self, root: &Node) -> Option<Vec<Spec>> {
        let globals = Arc::clone(&self.context.globals);
        let scope = Scope::new(globals, Variables::default());
        let reader = self.reader(&scope);
        reader.map(root, "a spec", keys::SPEC)?;
        reader.refuse_idle_budgets(root);
        let vars = self.vars(root, &reader);
        let scope = Scope::new(
            Arc::clone(&self.context.globals),
            vars.clone().unwrap_or_default(),
        );
        // Before any message that could contain a value.
        scope.hide_secrets();
        let reader = self.reader(&scope);
        let cases = cases(root, &reader);
        let parts = self.parts(root, &reader);
        let (vars, cases, parts) = (vars?, cases?, parts?);
        let specs: Vec<Option<Spec>> = cases
            .into_iter()
            .enumerate()
            .map(|(index, case)| {
                let number = root.get("matrix").map(|_| index + 1);
                let spec = self.spec(&parts, case, &vars)?;
                Some(Spec {
                    case_number: number,
                    ..spec
                })
            })
            .collect();
        specs.into_iter().collect()
    }

    pub(super) fn reader<'r>(&'r self, scope: &'r Scope) -> Reader<'r> {
        Reader::new(self.errors, scope, self.dir)
    }

    pub(super) fn vars(&self, root: &Node, reader: &Reader<'_>) -> Option<Variables> {
        let entries = match root.get("vars") {
            Some(node) => variables(node, reader)?,
            None => Vec::new(),
        };
        Some(Variables {
            entries,
            source: Some(self.errors.source().clone()),
        })
    }

    fn parts<'n>(&self, root: &'n Node, reader: &Reader<'_>) -> Option<Parts<'n>> {
        let name = reader.optional(root, "name", |name| reader.named(name, "a name"));
        let setup = self.steps(root, "setup", TraceChecks::Refused, reader);
        let teardown = self.steps(root, "teardown", TraceChecks::Refused, reader);
        let steps = match root.get("steps") {
            Some(node) => self.explicit_steps(root, node, reader),
            None => Some(vec![self.only_step(root, reader)]),
        };
        Some(Parts {
            root,
            // The error is recorded; the rest can be read without.
            name: name.flatten(),
            setup: setup?,
            steps: steps?,
            teardown: teardown?,
        })
    }

    fn spec(&self, parts: &Parts<'_>, case: MatrixCase, vars: &Variables) -> Option<Spec> {
        let mut scope = Scope::new(Arc::clone(&self.context.globals), vars.clone());
        case.set_in(&mut scope);
        let root = parts.root;
        if root.get("needs").is_some() {
            scope.set_after_others();
        }
        let services = self.services(root, &mut scope);
        let reader = self.reader(&scope);
        let profiles = reader.optional(root, "profiles", |node| self.left_out(node, &reader));
        if let Some(Some(Some(_))) = profiles {
            scope.set_idle();
        }
        let reader = self.reader(&scope);
        let tags = reader.optional(root, "tags", |node| reader.texts(node, "a tag"));
        let skip = reader.optional(root, "skip", |node| self.skip(node, &reader));
        let needs = reader.optional(root, "needs", |node| reader.needs(node));
        let lock = reader.optional(root, "lock", |node| reader.named(node, "a lock"));
        let ignored = reader.optional(root, "mutate", |node| reader.ignored_faults(node));
        let description = reader.optional(root, "description", |node| reader.text(node, "text"));
        let repeated = self.repeated(parts, &scope);
        let setup = self.read_steps(&parts.setup, root, &mut scope);
        let is_repeated = root.get("repeat").or_else(|| root.get("search")).is_some();
        let before = is_repeated.then(|| scope.clone());
        let steps = self.read_steps(&parts.steps, root, &mut scope);
        if let Some(mut before) = before {
            before.withhold(captured(&parts.steps), OF_A_REQUEST);
            scope = before;
        }
        let teardown = self.read_steps(&parts.teardown, root, &mut scope);
        let (repeat, budgets) = repeated?;
        let not_started = self.not_started(services.as_ref());
        let is_elsewhere = services.as_ref().is_some_and(ServiceSet::is_empty);
        let is_measured = budgets.iter().any(Budget::is_about_trace);
        let mut measured = budgets.iter().filter_map(|budget| budget.find());
        let counts_exceptions = measured.any(|find| find.has_exceptions());
        let steps = steps.map(|steps| {
            let awaits = |step: Step| Step {
                is_about_trace: step.is_about_trace || is_measured,
                needs_logs: step.needs_logs || counts_exceptions,
                is_elsewhere,
                left_out: Arc::clone(&not_started),
                ..step
            };
            steps.into_iter().map(awaits).collect()
        });
        let left_out = profiles?.flatten();
        Some(Spec {
            name: self.case_name(parts.name.as_deref(), &case),
            at: self.errors.source().at(start_of(root)),
            description: description?.flatten(),
            tags: tags?.unwrap_or_default(),
            is_of_other_profiles: left_out.is_some(),
            skip: skip?.or(left_out),
            needs: needs?.unwrap_or_default(),
            lock: lock?,
            services: services?,
            setup: setup?,
            steps: steps?,
            teardown: teardown?,
            repeat,
            budgets,
            ignored_faults: ignored?.unwrap_or_default(),
            case_number: None,
            case,
            vars: vars.clone(),
            globals: Arc::clone(&self.context.globals),
        })
    }

    /// `services`. The ports and spans of others cannot be used.
    fn services(&self, root: &Node, scope: &mut Scope) -> Option<ServiceSet> {
        let declared = self.context.globals.declared.as_deref();
        let reader = self.reader(scope);
        let services = reader.optional(root, "services", |node| {
            reader.needed_services(node, declared)
        })?;
        let services = services.unwrap_or(ServiceSet::All);
        scope.withhold_ports(&services);
        scope.leave_out(&services);
        Some(services)
    }

    fn not_started(&self, services: Option<&ServiceSet>) -> Arc<[String]> {
        let declared = self.context.globals.declared.iter().flatten();
        let names = declared.map(|one| one.name.clone());
        let is_left_out = |name: &String| services.is_some_and(|services| !services.has(name));
        names.filter(is_left_out).collect()
    }

    /// `repeat` and `budgets`. Both apply to all requests, so that captures are not allowed.
    fn repeated(&self, parts: &Parts<'_>, scope: &Scope) -> Option<(Option<Repeat>, Vec<Budget>)> {
        let mut scope = scope.clone();
        scope.withhold(captured(&parts.setup), NOT_FIXED);
        scope.withhold(captured(&parts.steps), NOT_FIXED);
        let reader = self.reader(&scope);
        let repeat = match parts.root.get("search") {
            Some(search) => {
                reader.refuse_beside_search(parts.root);
                reader.found(search).map(Some)
            }
            None => reader.optional(parts.root, "repeat", |node| reader.repeat(node)),
        };
        let budgets = reader.optional(parts.root, "budgets", |node| reader.budgets(node));
        let budgets = budgets?.unwrap_or_default();
        match parts.root.get("search") {
            Some(_) => reader.refuse_response_times(&budgets)?,
            None => reader.refuse_versions_of_requests(&budgets)?,
        }
        reader.refuse_unsampled(parts.root, &budgets);
        Some((repeat?, budgets))
    }

    fn skip(&self, node: &Node, reader: &Reader<'_>) -> Option<String> {
        let reason = reader.named(node, "a reason")?;
        if matches!(reason.as_str(), "true" | "false") {
            return reader.wrong(
                node.place,
                "`skip` must be a reason, not a boolean",
                "not a reason",
                "write a reason such as `skip: waits for the new payment API`, or remove `skip` to run the spec",
            );
        }
        Some(reason)
    }

    /// The reason to skip the spec under the chosen profile.
    #[expect(
        clippy::option_option,
        reason = "the outer one is an error, as in all readers"
    )]
    fn left_out(&self, node: &Node, reader: &Reader<'_>) -> Option<Option<String>> {
        let (list, is_excluded) = match &node.kind {
            Kind::Map(_) => {
                reader.map(node, "`profiles`", keys::PROFILE_NAMES)?;
                (node.get("not").unwrap_or(node), true)
            }
            Kind::List(_) | Kind::Scalar(_) => (node, false),
        };
        let names = reader.texts(list, "a profile")?;
        if names.is_empty() {
            return reader.wrong(
                list.place,
                "`profiles` names no profile",
                "empty",
                "add the name of a profile, or remove `profiles` to run the spec under each; `skip` leaves it out",
            );
        }
        let globals = &self.context.globals;
        let known: Vec<&str> = globals.profiles.iter().map(String::as_str).collect();
        if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
            let help = match known.as_slice() {
                [] => "the project file has no `profiles`".to_owned(),
                known => suggest(unknown, known),
            };
            return reader.wrong(
                node.place,
                format!("unknown profile `{unknown}`"),
                "unknown",
                help,
            );
        }
        let is_named = globals
            .profile
            .as_ref()
            .is_some_and(|chosen| names.contains(chosen));
        let runs = is_named != is_excluded;
        Some((!runs).then(|| match (&globals.profile, is_excluded) {
            (Some(chosen), _) => format!("does not run under the profile {chosen}"),
            (None, _) => format!(
                "runs under the profile {} only (--profile)",
                names.join(" or ")
            ),
        }))
    }

    pub(super) fn case_name(&self, name: Option<&str>, case: &MatrixCase) -> String {
        let stem = || {
            let name = PathBuf::from(self.errors.source().name());
            name.file_stem()
                .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
        };
        let name = name.map_or_else(stem, str::to_owned);
        match case.name() {
            Some(case) => format!("{name} [{case}]"),
            None => name,
        }
    }

    fn refuse_duplicate_names(&self, specs: &[Spec]) {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for spec in specs {
            if let Some(line) = seen.insert(&spec.name, spec.at.line()) {
                self.errors.note::<()>(
                    spec.at.place,
                    format!("duplicate name `{}` in this file", spec.name),
                    "again",
                    format!(
                        "set a different `name`; the first spec with this name is on line {line}"
                    ),
                );
            }
        }
    }
}

/// The entries of `vars`. Invalid names are reported and left out.
pub(crate) fn variables(node: &Node, reader: &Reader<'_>) -> Option<Vec<(String, Arc<Node>)>> {
    let named = reader.any_map(node, "`vars`")?.iter().filter(|entry| {
        let is_name = super::template::is_name(&entry.key.text);
        if !is_name {
            reader.wrong::<()>(
                entry.key.place,
                format!("invalid variable name `{}`", entry.key.text),
                "invalid name",
                "use letters, digits, `_`, `-` and `.`",
            );
        }
        is_name
    });
    Some(
        named
            .map(|entry| (entry.key.text.clone(), Arc::new(entry.value.clone())))
            .collect(),
    )
}
