//! `shape` of `expect`.

use std::path::PathBuf;

use super::Reader;
use crate::spec::expect::{Check, Condition, Expect};
use crate::spec::keys;
use crate::spec::shape::{ExpectedShape, Shape};
use crate::spec::{AttributeKey, Source};
use crate::yaml::{Entry, Kind, Node};

/// The extension of shape files, by which `spanspec baseline` finds proposals.
const EXTENSION: &str = "txt";

impl Reader<'_> {
    pub(super) fn shape(&self, node: &Node) -> Option<Expect> {
        let Kind::Map(_) = &node.kind else {
            let expected = self.shape_file(node)?;
            return Some(self.one(Condition::Shape(Box::new(expected)), node));
        };
        let entries = self.map(node, "`shape`", keys::SHAPE)?;
        let Some(file) = node.get("file") else {
            return self.wrong(
                node.place,
                "`shape` has no `file`",
                "missing `file`",
                "add the file that contains the shape: `file: shapes/placed.txt`",
            );
        };
        let mut expected = self.shape_file(file)?;
        for Entry { key, value } in entries {
            match key.text.as_str() {
                "attributes" => expected.attributes = self.shape_attributes(value)?,
                "linked" => expected.follows_links = self.bool(value, "`linked`")?,
                _ => {}
            }
        }
        Some(self.one(Condition::Shape(Box::new(expected)), file))
    }

    /// The content of the file, which need not exist.
    fn shape_file(&self, node: &Node) -> Option<ExpectedShape> {
        let is_known = self.text(node, "`shape`")?.is_some();
        let path = self.path(node, "`shape`")?;
        let expected = ExpectedShape {
            name: self.name_of(&path),
            shape: None,
            attributes: Vec::new(),
            follows_links: false,
            accepts_orphans: false,
            path,
        };
        if !is_known {
            return Some(expected);
        }
        self.scope.add_file(&expected.path);
        if expected
            .path
            .extension()
            .is_none_or(|extension| extension != EXTENSION)
        {
            return self.wrong(
                node.place,
                format!("`{}` does not end with `.{EXTENSION}`", expected.name),
                "another extension",
                "write a path such as `shapes/placed.txt`",
            );
        }
        if !expected.path.exists() {
            self.errors.warn(
                node.place,
                format!("there is no shape in {} yet", expected.name),
                "does not exist",
                format!(
                    "`spanspec run` proposes it in {0}.new, and `spanspec baseline accept {0}` accepts it",
                    expected.name
                ),
            );
            return Some(expected);
        }
        let source = self.source_of(&expected.path, node)?;
        let shape = self.parsed_shape(&source)?;
        Some(ExpectedShape {
            shape: Some(shape),
            ..expected
        })
    }

    fn parsed_shape(&self, source: &Source) -> Option<Shape> {
        let errors = crate::yaml::ErrorList::new(source);
        let shape = match Shape::parse(source) {
            Ok(shape) => Some(shape),
            Err(error) => errors.note(error.at.place, error.what, error.label, error.help),
        };
        self.errors.adopt(errors, shape)
    }

    fn shape_attributes(&self, node: &Node) -> Option<Vec<AttributeKey>> {
        let items = self.not_empty(node, "`attributes`")?;
        self.all(items, |item| {
            let key = self.named(item, "a key")?;
            match AttributeKey::parse(&key) {
                Ok(key) => Some(key),
                Err(error) => self.wrong(
                    item.place,
                    error.to_string(),
                    "an attribute",
                    "write a key such as `http.route`, or alternatives: `a | b`",
                ),
            }
        })
    }
}

impl Expect {
    /// Shapes of traces in which parents may be missing contain the spans without parents.
    pub(super) fn with_orphans_in_shapes(mut self) -> Self {
        let accepts_orphans = self.tolerates_orphans();
        for Check { ask, .. } in &mut self.checks {
            if let Condition::Shape(expected) = ask {
                expected.accepts_orphans = accepts_orphans;
            }
        }
        self
    }

    /// The files with expected shapes, each with its name in messages.
    pub(crate) fn shape_files(&self) -> impl Iterator<Item = (&PathBuf, &str)> {
        self.checks.iter().filter_map(|check| match &check.ask {
            Condition::Shape(expected) => Some((&expected.path, expected.name.as_str())),
            _ => None,
        })
    }
}
