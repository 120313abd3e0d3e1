//! Finds entries of `vars` to which nothing refers, and the errors in them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Variables;
use super::file::FileReader;
use super::matrix::is_from_file;
use super::scope::Scope;
use super::template::names;
use crate::yaml::{Entry, Kind, Node};

impl FileReader<'_> {
    /// Warns of each entry of `vars` that nothing uses, and evaluates it: otherwise its errors would
    /// never be reported.
    pub(super) fn look_for_unused_vars(&self, root: &Node) {
        let (Some(vars), Kind::Map(entries)) = (root.get("vars"), &root.kind) else {
            return;
        };
        let Kind::Map(vars) = &vars.kind else { return };
        // Values in a file may use them.
        if root.get("matrix").is_some_and(is_from_file) {
            return;
        }
        let mut used = BTreeSet::new();
        let elsewhere = entries.iter().filter(|entry| entry.key.text != "vars");
        elsewhere.for_each(|entry| add_names(&entry.value, &mut used));
        let globals = &self.context.globals;
        for (_, node) in &globals.project.entries {
            add_names(node, &mut used);
        }
        used.extend(globals.secrets.iter().map(String::as_str));
        let unused = vars.iter().filter(|var| {
            let mut used = used.clone();
            let others = vars.iter().filter(|other| other.key.text != var.key.text);
            others.for_each(|other| add_names(&other.value, &mut used));
            !used.contains(var.key.text.as_str())
        });
        let unused: Vec<&Entry> = unused.collect();
        for var in &unused {
            let name = &var.key.text;
            self.errors.warn(
                var.key.place,
                format!("nothing uses the variable `{name}`"),
                "unused",
                format!("remove it, or write `${{{name}}}` where its value belongs"),
            );
        }
        self.evaluate(root, &unused);
    }

    /// Evaluates variables to find their errors.
    fn evaluate(&self, root: &Node, vars: &[&Entry]) {
        let globals = Arc::clone(&self.context.globals);
        let unread = Scope::new(Arc::clone(&globals), Variables::default());
        // Errors in the form of `vars` are reported with the document.
        let Some(variables) = self.vars(root, &self.reader(&unread)) else {
            return;
        };
        let mut scope = Scope::new(globals, variables);
        // Before any message that could contain a value.
        scope.hide_secrets();
        let mut names = BTreeSet::new();
        add_definitions(root, &mut names);
        names.into_iter().for_each(|name| scope.expect(name));
        for var in vars {
            scope.evaluate_var(&var.key.text, &var.value, self.errors);
        }
    }
}

/// The names in `${…}` below a node.
fn add_names<'n>(node: &'n Node, all: &mut BTreeSet<&'n str>) {
    match &node.kind {
        Kind::Scalar(scalar) => all.extend(names(&scalar.text)),
        Kind::List(items) => items.iter().for_each(|item| add_names(item, all)),
        Kind::Map(entries) => entries
            .iter()
            .for_each(|entry| add_names(&entry.value, all)),
    }
}

/// The names that captures and the matrix of a spec define.
fn add_definitions(root: &Node, all: &mut BTreeSet<String>) {
    let mut add_keys = |node: &Node| {
        if let Kind::Map(entries) = &node.kind {
            all.extend(entries.iter().map(|entry| entry.key.text.clone()));
        }
    };
    match root.get("matrix") {
        Some(Node {
            kind: Kind::List(cases),
            ..
        }) => cases.iter().for_each(&mut add_keys),
        matrix => matrix.into_iter().for_each(&mut add_keys),
    }
    root.get("capture").into_iter().for_each(&mut add_keys);
    for key in ["setup", "steps", "teardown"] {
        if let Some(Node {
            kind: Kind::List(steps),
            ..
        }) = root.get(key)
        {
            let captures = steps.iter().filter_map(|step| step.get("capture"));
            captures.for_each(&mut add_keys);
        }
    }
}
