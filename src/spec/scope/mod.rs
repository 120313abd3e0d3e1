//! Variables of a spec. `lookup` finds them, `filling` substitutes them.

mod filling;
mod lookup;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

pub(crate) use lookup::Withheld;

use self::lookup::Definition;
use super::lint::Settings as LintSettings;
use super::{DeclaredService, Globals, ServiceSet, Variables};
use crate::secret::{parts, values_in};
use crate::trace::{TraceId, Value};
use crate::yaml::ErrorList;

/// Ports of services that are not started for the spec.
const NOT_STARTED: Withheld = Withheld {
    why: "is a port of a service that is not started for this spec",
    help: "add the service to `services` of the spec",
};

/// The variables of one attempt of a spec.
#[derive(Clone, Debug)]
pub struct Scope {
    globals: Arc<Globals>,
    /// Captures and variables of the matrix. `None` for a name without a value yet.
    own: BTreeMap<String, Option<Value>>,
    /// Names that are defined elsewhere, but cannot be used here.
    withheld: BTreeMap<String, Withheld>,
    /// The `service.name` of services that are not started for the spec, with their names.
    left_out: BTreeMap<String, String>,
    vars: Variables,
    trace_id: Option<TraceId>,
    /// Values of `uuid()` and other functions, by file and offset of the occurrence.
    occurrences: RefCell<HashMap<(String, usize, usize), Value>>,
    /// Values of `vars`, each evaluated once per attempt.
    evaluated: RefCell<BTreeMap<String, Filled>>,
    /// Names that were used and have no value yet.
    awaited: RefCell<BTreeSet<String>>,
    /// Names of `own` that were used.
    used: RefCell<BTreeSet<String>>,
    /// The `vars` that all requests of a `repeat` share; `None` outside a `repeat`.
    shared: Option<Arc<BTreeSet<String>>>,
    /// Names that one request of a `repeat` has set.
    varying: BTreeSet<String>,
    /// A value was used that may differ between requests.
    has_varied: Cell<bool>,
    /// The spec is not run, so that undefined variables are no error.
    is_idle: bool,
    /// The spec runs after others, whose captures it does not get.
    is_after_others: bool,
}

/// A scalar with its variables substituted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filled {
    /// The scalar was exactly one variable; the value has its type.
    Value(Value),
    /// The scalar had no variable, or variables within other text.
    Text(String),
    /// A variable has no value yet.
    Awaited,
}

/// A part of a scalar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    /// Text of the file.
    Text(String),
    /// The value of a variable.
    Value(String),
}

impl Piece {
    /// Its text.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Value(text) => text,
        }
    }

    pub(crate) fn literal(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Value(_) => "",
        }
    }

    pub(crate) fn value(&self) -> Option<&str> {
        match self {
            Self::Text(_) => None,
            Self::Value(value) => Some(value),
        }
    }
}

impl Scope {
    /// The variables of a fresh attempt.
    #[must_use]
    pub fn new(globals: Arc<Globals>, vars: Variables) -> Self {
        Self {
            globals,
            own: BTreeMap::new(),
            withheld: BTreeMap::new(),
            left_out: BTreeMap::new(),
            vars,
            trace_id: None,
            occurrences: RefCell::default(),
            evaluated: RefCell::default(),
            awaited: RefCell::default(),
            used: RefCell::default(),
            shared: None,
            varying: BTreeSet::new(),
            has_varied: Cell::default(),
            is_idle: false,
            is_after_others: false,
        }
    }

    /// Declares that the spec is not run, so that undefined variables are no error.
    pub(crate) fn set_idle(&mut self) {
        self.is_idle = true;
    }

    /// Declares that the spec runs after others, whose captures it does not get.
    pub(crate) fn set_after_others(&mut self) {
        self.is_after_others = true;
    }

    /// The variables of a `repeat`; each request gets a clone. Captures of a request, and values of
    /// `${uuid()}` and similar functions, belong to the request. All requests share the values of
    /// `vars`.
    #[must_use]
    pub fn for_repeat(&self) -> Self {
        self.evaluate_vars();
        let shared = self.evaluated.borrow().keys().cloned().collect();
        Self {
            occurrences: RefCell::default(),
            awaited: RefCell::default(),
            shared: Some(Arc::new(shared)),
            has_varied: Cell::default(),
            ..self.clone()
        }
    }

    /// The result of `read`, and `true` if it is the same for all requests of a `repeat`.
    #[cfg(feature = "run")]
    pub(crate) fn read_once<T>(&self, read: impl FnOnce() -> T) -> (T, bool) {
        self.has_varied.set(self.shared.is_none());
        let value = read();
        (value, !self.has_varied.get())
    }

    /// Evaluates all `vars` that can be evaluated. Errors are reported at their use.
    fn evaluate_vars(&self) {
        let awaited = self.awaited.take();
        let vars = self.vars.entries.iter();
        for (name, _) in vars.chain(&self.globals.project.entries) {
            if self.evaluated.borrow().contains_key(name) {
                continue;
            }
            let Definition::Node(node, Some(source)) = self.find(name) else {
                continue;
            };
            match self.fill_node(name, node, &ErrorList::new(source)) {
                None | Some(Filled::Awaited) => {}
                Some(filled) => drop(self.evaluated.borrow_mut().insert(name.clone(), filled)),
            }
        }
        self.awaited.replace(awaited);
    }

    /// The names of the receivers of the project file.
    pub(crate) fn receivers(&self) -> Vec<String> {
        let ports = self.globals.services.keys();
        let names = ports.filter_map(|port| port.strip_prefix("receivers.")?.strip_suffix(".otlp"));
        names.map(str::to_owned).collect()
    }

    /// `lint` of the project file.
    pub(crate) fn lint(&self) -> &LintSettings {
        &self.globals.lint
    }

    /// Remembers a file that a spec names.
    pub(crate) fn add_file(&self, path: &Path) {
        self.globals.files.add(path);
    }

    /// The variables from outside of the file.
    #[cfg(feature = "_pure")]
    pub(crate) fn globals(&self) -> Arc<Globals> {
        Arc::clone(&self.globals)
    }

    /// Sets `${trace_id}` for the next step.
    pub fn set_trace_id(&mut self, id: TraceId) {
        self.trace_id = Some(id);
    }

    /// Sets a capture or a variable of the matrix.
    pub fn set(&mut self, name: impl Into<String>, value: Value) {
        let name = name.into();
        self.note_varying(&name);
        self.own.insert(name, Some(value));
    }

    /// Declares a name without a value yet.
    pub fn expect(&mut self, name: impl Into<String>) {
        let name = name.into();
        self.note_varying(&name);
        self.own.entry(name).or_insert(None);
    }

    /// Returns `true` if a capture or a variable of the matrix was used.
    pub(crate) fn has_used(&self, name: &str) -> bool {
        self.used.borrow().contains(name)
    }

    fn note_use(&self, name: &str) {
        if self.own.contains_key(name) && !self.has_used(name) {
            self.used.borrow_mut().insert(name.to_owned());
        }
    }

    fn note_varying(&mut self, name: &str) {
        if self.shared.is_some() {
            self.varying.insert(name.to_owned());
        }
    }

    /// Declares names that are defined elsewhere, but cannot be used here.
    pub(crate) fn withhold<'n>(&mut self, names: impl Iterator<Item = &'n str>, why: Withheld) {
        self.withheld
            .extend(names.map(|name| (name.to_owned(), why)));
    }

    /// Declares that the ports of services that are not started for the spec cannot be used.
    pub(crate) fn withhold_ports(&mut self, started: &ServiceSet) {
        let globals = Arc::clone(&self.globals);
        let declared = globals.declared.iter().flatten();
        for other in declared.filter(|one| !started.has(&one.name)) {
            let prefix = format!("services.{}.", other.name);
            let ports = globals.services.keys().map(String::as_str);
            self.withhold(ports.filter(|name| name.starts_with(&prefix)), NOT_STARTED);
        }
    }

    /// Declares that the spans of services that are not started for the spec cannot be expected.
    pub(crate) fn leave_out(&mut self, started: &ServiceSet) {
        let is_started = |one: &&DeclaredService| started.has(&one.name);
        let declared = self.globals.declared.iter().flatten();
        let (started, others): (Vec<_>, Vec<_>) = declared.partition(is_started);
        for other in others {
            let name = &other.telemetry_name;
            if !started.iter().any(|one| one.telemetry_name == *name) {
                self.left_out.insert(name.clone(), other.name.clone());
            }
        }
    }

    /// The name of the service with this `service.name`, if it is not started for the spec.
    pub(crate) fn left_out(&self, service_name: &str) -> Option<&str> {
        self.left_out.get(service_name).map(String::as_str)
    }

    /// The name of a service that is not started for the spec and whose `service.name` matches, if that of
    /// no other service of the project does.
    pub(crate) fn only_left_out(&self, matches: impl Fn(&str) -> bool) -> Option<&str> {
        let mut declared = self.globals.declared.iter().flatten();
        let starts = |name: &String| !self.left_out.contains_key(name);
        if declared.any(|one| starts(&one.telemetry_name) && matches(&one.telemetry_name)) {
            return None;
        }
        let mut left_out = self.left_out.iter();
        let (_, name) = left_out.find(|(service_name, _)| matches(service_name))?;
        Some(name)
    }

    /// Returns `true` if the user declared the name as secret.
    #[must_use]
    pub fn is_secret(&self, name: &str) -> bool {
        self.globals.secrets.contains(name)
    }

    /// Adds the values of secret names to the masked values.
    pub(crate) fn hide_secrets(&self) {
        self.globals.hidden.add(self.secrets());
    }

    /// Adds values to the masked values.
    pub(crate) fn hide(&self, values: impl Iterator<Item = String>) {
        self.globals.hidden.add(values);
    }

    /// Adds the values of secret names in a text with errors, which quote its lines.
    pub(crate) fn hide_in(&self, text: &str) {
        let names = self.globals.secrets.iter();
        self.hide(names.flat_map(|name| values_in(text, name)));
    }

    /// All values of secret names, for masking. Of a list or map, each value in it as well.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let names = self.globals.secrets.iter();
        let values = names.flat_map(|name| self.values_of(name));
        values.filter(|secret| !secret.is_empty()).collect()
    }

    /// The values of a name: in each `vars`, because `X: Bearer ${X}` refers to the next one, and beyond
    /// them.
    fn values_of(&self, name: &str) -> Vec<String> {
        let (mut found, mut open) = (Vec::new(), vec![name]);
        loop {
            match self.find_beyond(name, open.len() - 1) {
                Definition::Node(node, source) => {
                    let filled = source
                        .and_then(|source| self.fill_open(node, &ErrorList::new(source), &open));
                    match filled {
                        Some(Filled::Value(value)) => found.extend(parts(&value)),
                        Some(Filled::Text(text)) => found.push(text),
                        Some(Filled::Awaited) | None => {}
                    }
                    open.push(name);
                }
                Definition::Value(value) => {
                    found.extend(parts(&value));
                    return found;
                }
                Definition::Awaited | Definition::Withheld(_) | Definition::Missing => {
                    return found;
                }
            }
        }
    }

    /// The number of a port of a service, if it is known.
    #[cfg(feature = "run")]
    pub(crate) fn service_port(&self, name: &str) -> Option<u16> {
        match self.globals.services.get(name)? {
            Some(Value::Int(number)) => u16::try_from(*number).ok(),
            _ => None,
        }
    }

    /// The names without a value that were used since the last call.
    pub(crate) fn take_awaited(&self) -> BTreeSet<String> {
        let awaited = self.awaited.take();
        match self.is_idle {
            true => BTreeSet::new(),
            false => awaited,
        }
    }
}
