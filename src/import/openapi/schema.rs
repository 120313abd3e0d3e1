//! Expectations of the schema of a response: properties, items, types, values and bounds.

use super::reference::References;
use super::values::{Property, kind, parts, properties, value};
use crate::import::http_expect::HttpExpect;
use crate::import::matcher::{both, equal, keyed, regex, syntax};
use crate::import::{Map, Node, Written};
use crate::spec::{JsonPath, member};

/// Maximum nesting.
const MAX_DEPTH: usize = 12;

/// Maximum number of conditions, to keep specs short.
const MOST: usize = 100;

/// Keys of a schema that no matcher expresses.
const UNSUPPORTED: [&str; 14] = [
    "not",
    "multipleOf",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "patternProperties",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
    "if",
    "contains",
    "prefixItems",
    "unevaluatedProperties",
    "additionalProperties",
];

/// Keys of alternatives and values, which are checked unless the schema is a part of `allOf`.
const ALTERNATIVES: [&str; 4] = ["oneOf", "anyOf", "const", "enum"];

/// Rules that apply to values of one type only.
const RULES: [&str; 10] = [
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "required",
];

/// Returns `true` if a schema requires more than a type.
pub(super) fn has_rules(schema: &Node) -> bool {
    let mut keys = RULES.iter().chain(&ALTERNATIVES);
    keys.any(|key| schema.get(key).is_some())
}

/// Adds the conditions of a schema on the value at a path.
pub(super) fn expect<'a>(
    schema: &'a Node,
    references: &mut References<'a>,
    expect: &mut HttpExpect,
) {
    let before = expect.json.len();
    let mut conditions = Conditions {
        references,
        left: MOST,
        open: Vec::new(),
    };
    conditions.add(schema, "$", 0, expect);
    if expect.json.len() == before {
        expect.json("$", syntax("exists"));
    }
}

struct Conditions<'r, 'a> {
    references: &'r mut References<'a>,
    /// Number of further conditions.
    left: usize,
    /// The offsets of the schemas that contain the current one.
    open: Vec<usize>,
}

impl<'a> Conditions<'_, 'a> {
    /// Adds the conditions on the value at a path, with a path for each required property.
    fn add(&mut self, schema: &'a Node, path: &str, depth: usize, expect: &mut HttpExpect) {
        let Some(resolved) = self.resolved(schema) else {
            return;
        };
        // Paths have a maximum length.
        let is_long = JsonPath::parse(&member(path, "property")).is_err();
        let start = resolved.at.place.start;
        let is_open = self.open.contains(&start);
        if is_open || is_long || depth >= MAX_DEPTH || !self.is_plain_object(resolved) {
            let matcher = self.matcher(schema, depth);
            return expect.json(path, matcher);
        }
        self.open.push(start);
        self.report(resolved);
        self.report_parts(resolved);
        let mut has_required = false;
        for property in self.properties(resolved) {
            let path = member(path, property.name);
            has_required |= property.is_required;
            match property.schema {
                Some(schema) if property.is_required => self.add(schema, &path, depth + 1, expect),
                _ => {
                    if let Some(matcher) = self.property(&property, depth + 1) {
                        expect.json(&path, matcher);
                    }
                }
            }
        }
        // The conditions on its properties imply that it is a map.
        if !has_required {
            expect.json(path, of_type("map"));
        }
        self.open.pop();
    }

    /// The schema to which a reference leads. Reports rules beside the reference.
    fn resolved(&mut self, schema: &'a Node) -> Option<&'a Node> {
        if schema.get("$ref").is_some() {
            self.report(schema);
            self.report_keys(schema, &RULES);
            self.report_keys(schema, &ALTERNATIVES);
        }
        self.references.resolve(schema)
    }

    fn is_plain_object(&mut self, schema: &'a Node) -> bool {
        let mut others = ALTERNATIVES.iter().chain(&["$ref"]);
        let is_plain = others.all(|key| schema.get(key).is_none()) && !is_nullable(schema);
        is_plain && kind(schema, self.references).as_deref() == Some("object")
    }

    /// The properties that a response can have.
    fn properties(&mut self, schema: &'a Node) -> Vec<Property<'a>> {
        let mut all = properties(schema, self.references);
        all.retain(|property| {
            let schema = property
                .schema
                .and_then(|schema| self.references.resolve(schema));
            schema.is_none_or(|schema| schema.text_of("writeOnly") != Some("true"))
        });
        all
    }

    /// The condition of a property. `None` if it accepts all values, and none.
    fn property(&mut self, property: &Property<'a>, depth: usize) -> Option<Written> {
        match property.schema {
            None => Some(syntax("exists")),
            Some(schema) if property.is_required => Some(self.matcher(schema, depth)),
            Some(schema) => self.optional(schema, depth),
        }
    }

    /// The condition of a property that may be missing. `None` if it accepts all values.
    fn optional(&mut self, schema: &'a Node, depth: usize) -> Option<Written> {
        let matcher = self.matcher(schema, depth);
        if matcher == syntax("exists") {
            return None;
        }
        Some(or(syntax("absent"), matcher))
    }

    /// The condition of a schema on one value.
    fn matcher(&mut self, schema: &'a Node, depth: usize) -> Written {
        let reference = schema;
        let Some(schema) = self.resolved(schema) else {
            return syntax("exists");
        };
        let start = schema.at.place.start;
        if self.open.contains(&start) {
            let text = "this schema contains itself: the contract ends here";
            self.references.remarks.lost(&reference.at, text);
            return match kind(schema, self.references).as_deref() {
                Some("object") if !is_nullable(schema) => of_type("map"),
                _ => syntax("exists"),
            };
        }
        if self.left == 0 || depth > MAX_DEPTH {
            let text = match self.left {
                0 => format!("the contract has the first {MOST} conditions of the schema"),
                _ => format!("the contract ends at a depth of {MAX_DEPTH}"),
            };
            self.references.remarks.lost(&schema.at, text);
            return syntax("exists");
        }
        self.left -= 1;
        self.open.push(start);
        let matcher = self.of_resolved(schema, depth);
        self.open.pop();
        let is_null = matcher == of_type("null") || matcher == syntax("exists");
        match is_nullable(schema) && !is_null {
            true => or(syntax("null"), matcher),
            false => matcher,
        }
    }

    fn of_resolved(&mut self, schema: &'a Node, depth: usize) -> Written {
        if let Some(constant) = schema.get("const") {
            return equal(&value(constant));
        }
        if let Some(values) = schema.get("enum") {
            let values = values.items().iter().map(|one| equal(&value(one)));
            return values.collect::<Vec<_>>().into();
        }
        self.report(schema);
        let plain = self.without_alternatives(schema, depth);
        ["oneOf", "anyOf"].iter().fold(plain, |matcher, key| {
            match self.alternatives(schema, key, depth) {
                Some(any) => one_of(any, &matcher),
                None => matcher,
            }
        })
    }

    /// The conditions of the alternatives. `None` if they accept all values, or are not checked.
    fn alternatives(&mut self, schema: &'a Node, key: &str, depth: usize) -> Option<Vec<Written>> {
        let any = schema.get(key)?;
        if schema.get("properties").is_some() {
            self.references.remarks.lost(
                &any.at,
                format!("`{key}` beside `properties` is not checked"),
            );
            return None;
        }
        let matchers = any.items().iter().map(|one| self.matcher(one, depth + 1));
        let matchers: Vec<Written> = matchers.collect();
        if key == "oneOf" && matchers.len() > 1 {
            let text = "`oneOf` is checked as `anyOf`: several alternatives may match";
            self.references.remarks.note(&any.at, text);
        }
        Some(matchers).filter(|matchers| !matchers.contains(&syntax("exists")))
    }

    fn without_alternatives(&mut self, schema: &'a Node, depth: usize) -> Written {
        let name = kind(schema, self.references);
        if name.as_deref() == Some("object") {
            return self.object(schema, depth);
        }
        let parts = schema.get("allOf").map_or(&[][..], Node::items);
        let parts = parts.iter().map(|part| self.matcher(part, depth + 1));
        let parts: Vec<Written> = parts.collect();
        let mut own_keys = RULES.iter().chain(&["type", "items"]);
        let own = match parts.is_empty() || own_keys.any(|key| schema.get(key).is_some()) {
            true => self.scalar_or_array(schema, name.as_deref(), depth),
            false => syntax("exists"),
        };
        parts.into_iter().fold(own, both)
    }

    fn scalar_or_array(&mut self, schema: &'a Node, name: Option<&str>, depth: usize) -> Written {
        match name {
            Some("array") => self.array(schema, depth),
            Some("string") => self.text(schema),
            Some("integer") => number(schema, "int"),
            Some("number") => number(schema, "number"),
            Some("boolean") => of_type("bool"),
            Some("null") => of_type("null"),
            _ => {
                self.report_keys(schema, &RULES);
                syntax("exists")
            }
        }
    }

    fn object(&mut self, schema: &'a Node, depth: usize) -> Written {
        self.report_parts(schema);
        let mut paths = Map::new();
        for property in self.properties(schema) {
            if let Some(matcher) = self.property(&property, depth + 1) {
                let path = member("$", property.name);
                let matcher = match paths.get(&path) {
                    Some(before) => both(before.clone(), matcher),
                    None => matcher,
                };
                paths.put(&path, matcher);
            }
        }
        match paths.is_empty() {
            true => of_type("map"),
            // `json` also accepts a string with JSON.
            false => both(of_type("map"), keyed("json", paths)),
        }
    }

    fn array(&mut self, schema: &'a Node, depth: usize) -> Written {
        let array = with_length(of_type("array"), schema, ["minItems", "maxItems"]);
        let items = schema
            .get("items")
            .map(|items| self.matcher(items, depth + 1));
        let Some(items) = items.filter(|items| *items != syntax("exists")) else {
            return array;
        };
        let least = schema
            .text_of("minItems")
            .and_then(|least| least.parse().ok());
        let all = keyed("all", items);
        match least.unwrap_or(0_u64) {
            // `all` does not accept an empty array.
            0 => {
                let all = with_length(all, schema, ["minItems", "maxItems"]);
                let empty = both(of_type("array"), keyed("length", syntax("0")));
                vec![empty, all].into()
            }
            _ => both(all, array),
        }
    }

    fn text(&mut self, schema: &'a Node) -> Written {
        let matcher = match schema.text_of("pattern") {
            Some(pattern) if ::regex::Regex::new(pattern).is_ok() => regex(pattern),
            Some(_) => {
                self.report_keys(schema, &["pattern"]);
                of_type("string")
            }
            None => of_type("string"),
        };
        with_length(matcher, schema, ["minLength", "maxLength"])
    }

    /// Reports what no matcher expresses.
    fn report(&mut self, schema: &'a Node) {
        self.report_keys(schema, &UNSUPPORTED);
    }

    /// Reports the rules of the schemas that a schema combines, except their properties.
    fn report_parts(&mut self, schema: &'a Node) {
        let parts = parts(schema, self.references);
        for part in parts.iter().filter(|part| !std::ptr::eq(**part, schema)) {
            self.report(part);
            self.report_keys(part, &ALTERNATIVES);
        }
    }

    fn report_keys(&mut self, schema: &'a Node, keys: &[&str]) {
        for key in keys {
            let Some(node) = schema.get(key) else {
                continue;
            };
            // The defaults.
            let is_idle = match *key {
                "additionalProperties" | "unevaluatedProperties" => {
                    node.text() == Some("true")
                        || node.text().is_none() && node.entries().is_empty()
                }
                "uniqueItems" => node.text() == Some("false"),
                "minProperties" => node.text() == Some("0"),
                _ => false,
            };
            if !is_idle {
                let text = format!("`{key}` of a schema is not checked");
                self.references.remarks.lost(&node.at, text);
            }
        }
    }
}

fn of_type(name: &str) -> Written {
    keyed("type", syntax(name))
}

/// One more alternative.
fn or(first: Written, matcher: Written) -> Written {
    let mut any = vec![first];
    match matcher {
        Written::List(matchers) => any.extend(matchers),
        matcher => any.push(matcher),
    }
    any.into()
}

/// A matcher for each alternative, with the conditions that all of them share.
fn one_of(alternatives: Vec<Written>, shared: &Written) -> Written {
    let matchers = alternatives.into_iter();
    let matchers = matchers.map(|matcher| both(matcher, shared.clone()));
    matchers.collect::<Vec<_>>().into()
}

/// A matcher with bounds of the length.
fn with_length(matcher: Written, schema: &Node, [least, most]: [&str; 2]) -> Written {
    let (least, most) = (schema.text_of(least), schema.text_of(most));
    let least = least.filter(|least| *least != "0");
    if least.is_none() && most.is_none() {
        return matcher;
    }
    let (least, most) = (least.unwrap_or("0"), most.unwrap_or_default());
    both(matcher, keyed("length", syntax(format!("{least}..{most}"))))
}

/// A number of a type, with its bounds.
fn number(schema: &Node, name: &str) -> Written {
    let bounds = [
        ("minimum", "exclusiveMinimum", "gte", "gt"),
        ("maximum", "exclusiveMaximum", "lte", "lt"),
    ];
    let mut matcher = of_type(name);
    for (inclusive, exclusive, with, without) in bounds {
        let is_exclusive = schema.text_of(exclusive) == Some("true");
        if let Some(bound) = schema.text_of(inclusive) {
            let key = if is_exclusive { without } else { with };
            matcher = both(matcher, keyed(key, syntax(bound)));
        }
        // A number since 3.1, a boolean before.
        let bound = schema.text_of(exclusive);
        if let Some(bound) = bound.filter(|bound| !matches!(*bound, "true" | "false")) {
            matcher = both(matcher, keyed(without, syntax(bound)));
        }
    }
    matcher
}

/// `nullable: true` of 3.0, or a list of types with `null` of 3.1.
fn is_nullable(schema: &Node) -> bool {
    let types = schema.get("type").map_or(&[][..], Node::items);
    // The reader of YAML takes a plain `null` as a value.
    let has_null = types
        .iter()
        .any(|one| one.text() == Some("null") || one.text().is_none());
    schema.text_of("nullable") == Some("true") || has_null
}
