//! A hash of the requests of a spec, to compare a run with the run of its baseline.
//!
//! Checks, comments, budgets and the layout of the file do not change the hash, so that a baseline
//! remains valid.

use std::hash::Hasher;

use fnv::FnvHasher;

use super::{Spec, Step};
use crate::yaml::{Entry, Kind, Node, Scalar, Style};

impl Spec {
    /// A hash of the requests, in 16 hex digits: the triggers of setup and test, the case of the
    /// matrix, and `vars` of the spec, as written. It is the same on every machine.
    ///
    /// Values of variables do not count: ports and hosts differ from run to run, and a secret could
    /// be guessed from the hash. The content of files does not count either.
    #[must_use]
    pub fn fired_hash(&self) -> String {
        let mut hash = Fired(FnvHasher::default());
        hash.count(self.setup.len());
        self.setup.iter().for_each(|step| hash.step(step));
        self.steps.iter().for_each(|step| hash.step(step));
        hash.count(self.case.variables.len());
        for chosen in &self.case.variables {
            hash.text(&chosen.name);
            hash.node(&chosen.written);
        }
        let vars = &self.vars.entries;
        hash.sorted(vars.iter().map(|(name, node)| (name.as_str(), &**node)));
        format!("{:016x}", hash.0.finish())
    }
}

/// FNV-1a over a fixed encoding: `derive(Hash)` is not stable across versions and machines.
struct Fired(FnvHasher);

impl Fired {
    fn step(&mut self, step: &Step) {
        let Entry { key, value } = &step.draft.trigger;
        self.text(&key.text);
        self.node(value);
    }

    fn node(&mut self, node: &Node) {
        match &node.kind {
            Kind::Scalar(scalar) => self.scalar(scalar),
            Kind::List(items) => {
                self.kind(b'l');
                self.count(items.len());
                items.iter().for_each(|item| self.node(item));
            }
            Kind::Map(entries) => {
                self.kind(b'm');
                let entries = entries.iter();
                self.sorted(entries.map(|entry| (entry.key.text.as_str(), &entry.value)));
            }
        }
    }

    /// `42` and `"42"` are different JSON. The kind of quotes makes no difference.
    fn scalar(&mut self, scalar: &Scalar) {
        self.kind(match scalar.style {
            Style::Plain => b'p',
            Style::Quoted | Style::Block => b'q',
        });
        self.text(&scalar.text);
    }

    /// The order of keys makes no difference.
    fn sorted<'n>(&mut self, entries: impl Iterator<Item = (&'n str, &'n Node)>) {
        let mut entries: Vec<(&str, &Node)> = entries.collect();
        entries.sort_by_key(|(name, _)| *name);
        self.count(entries.len());
        for (name, node) in entries {
            self.text(name);
            self.node(node);
        }
    }

    /// With its length, so that `ab`, `c` and `a`, `bc` differ.
    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.write(text.as_bytes());
    }

    fn kind(&mut self, kind: u8) {
        self.0.write(&[kind]);
    }

    fn count(&mut self, count: usize) {
        self.0.write(&(count as u64).to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use std::sync::Arc;

    use crate::spec::{Context, Globals, Source, Spec};

    fn hash(text: &str) -> String {
        let source = Source::new("a.yaml", text);
        let specs = Spec::read_all(&source, Path::new("."), &Context::default()).unwrap();
        specs[0].fired_hash()
    }

    const ORDER: &str = r#"
vars: { sku: A1 }
setup: [{ request: POST http://a/seed }]
request: { post: http://a/orders, json: { sku: "${sku}", quantity: 2 } }
expect: { status: 201 }
"#;

    #[test]
    fn the_hash_is_the_same_on_every_machine_and_in_every_version() {
        assert_eq!(hash(ORDER), "597079f578e921cc");
    }

    #[test]
    fn what_is_only_asked_of_the_answer_does_not_count_nor_does_the_layout() {
        let same = r#"
# A comment, other quotes and another order.
name: placing an order
description: with two
tags: [orders]
repeat: { times: 200 }
budgets: [{ find: ship, p50: < 1s }]
expect: { status: 2xx, errors: 0 }
request:
  json:
    quantity: 2
    sku: '${sku}'
  post: http://a/orders
setup:
  - name: seeds
    request: POST http://a/seed
    expect: { status: 204 }
teardown: [{ request: DELETE http://a/seed }]
vars:
  sku: A1
"#;
        assert_eq!(hash(same), hash(ORDER));
    }

    #[test]
    fn whatever_is_fired_counts() {
        let changes = [
            ("sku: A1", "sku: A2"),
            ("http://a/seed", "http://a/sow"),
            ("post: http", "put: http"),
            ("quantity: 2", "quantity: 3"),
            ("quantity: 2", "quantity: \"2\""),
            ("http://a/orders", "http://a/order"),
        ];
        for (from, to) in changes {
            assert_ne!(hash(&ORDER.replace(from, to)), hash(ORDER), "{to}");
        }
    }

    #[test]
    fn cases_of_a_matrix_fire_different_things() {
        let text = format!("matrix: {{ number: [1, 2] }}\n{ORDER}");
        let source = Source::new("a.yaml", text);
        let specs = Spec::read_all(&source, Path::new("."), &Context::default()).unwrap();
        assert_ne!(specs[0].fired_hash(), specs[1].fired_hash());
        assert_eq!(specs[1].case_number, Some(2));
    }

    #[test]
    fn what_a_variable_in_a_matrix_stands_for_does_not_count() {
        let text = r#"
vars: { port: "${outside}" }
matrix: { url: ["http://a:${port}", "http://b:${outside}"] }
request: GET ${url}/orders
expect: { status: 2xx }
"#;
        let hashes = |outside: &str| -> Vec<String> {
            let context = Context {
                globals: Arc::new(Globals {
                    arguments: [("outside".to_owned(), outside.to_owned())].into(),
                    ..Globals::default()
                }),
                ..Context::default()
            };
            let source = Source::new("a.yaml", text);
            let specs = Spec::read_all(&source, Path::new("."), &context).unwrap();
            specs.iter().map(Spec::fired_hash).collect()
        };
        assert_eq!(hashes("4000"), hashes("4001"));
        assert_ne!(hashes("4000")[0], hashes("4000")[1]);
    }
}
