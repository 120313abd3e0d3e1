//! Each written spec is read by our reader.

use proptest::prelude::*;

use super::expect;

/// Texts that YAML or the language interpret.
const VALUES: [&str; 22] = [
    "\"a\"",
    "\"\"",
    "5",
    "1.50",
    "\"007\"",
    "true",
    "\"exists\"",
    "\"=~ x\"",
    "\"> 5\"",
    "\"${x}\"",
    "\"$${x\"",
    "\"${var:X}\"",
    "var:X",
    "'{\"k\": [1, {\"a b\": null}]}'",
    "\"[]\"",
    "200ms",
    "\"1..\"",
    "\" a \"",
    "\"a\nb\"",
    "\"!= 3\"",
    "\"http\"",
    "\"server\"",
];

const SUBJECTS: [&str; 18] = [
    "attr:a",
    "attr:a | json_path '$.x.y'",
    "attr:a | json_path '$..x'",
    "attr:a | json_path '$.x[*]' | length",
    "attr:a | json_path '$.x[*]' | get_index last",
    "attr:a | length",
    "attr:a | type",
    "attr:a | regex 'x+'",
    "attr:a | regex 'x+' | length",
    "attr:name",
    "attr:service.name",
    "attr:tracetest.span.duration",
    "attr:tracetest.span.kind",
    "attr:tracetest.span.status_code",
    "attr:tracetest.selected_spans.count",
    "attr:span.events",
    "attr:tracetest.response.status",
    "attr:tracetest.response.body | json_path '$.x[?(@.y == 1)]'",
];

const COMPARATORS: [&str; 8] = [
    "=",
    "!=",
    "<",
    ">=",
    "contains",
    "not-contains",
    "startsWith",
    "==",
];

const PROPERTIES: [&str; 10] = [
    "name",
    "kind",
    "service.name",
    "a",
    "a.b",
    "k8s.pod.name",
    "tracetest.span.type",
    "http.method",
    "tracetest.span.name",
    "tracetest.span.status_code",
];

fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(texts)
}

fn level() -> impl Strategy<Value = String> {
    let filter = (
        one_of(&PROPERTIES),
        one_of(&["=", "contains", "!="]),
        one_of(&VALUES).prop_filter("no variable", |value| !value.starts_with("var:")),
    );
    let filters = prop::collection::vec(filter.prop_map(|(p, o, v)| format!("{p} {o} {v}")), 0..3);
    (filters, one_of(&["", ":first", ":last", ":nth_child(2)"]))
        .prop_map(|(filters, pick)| format!("span[{}]{pick}", filters.join(" ")))
}

fn selector() -> impl Strategy<Value = String> {
    let chain = prop::collection::vec(level(), 1..3).prop_map(|levels| levels.join(" "));
    let trigger = Just("span[name = \"Tracetest trigger\"]".to_owned());
    let chains = prop::collection::vec(chain, 1..3).prop_map(|chains| chains.join(", "));
    prop_oneof![3 => chains, 1 => trigger]
}

fn assertion() -> impl Strategy<Value = String> {
    (one_of(&SUBJECTS), one_of(&COMPARATORS), one_of(&VALUES))
        // A variable must have a value of the type that is compared.
        .prop_filter("no variable", |(subject, _, value)| {
            let is_typed = ["tracetest", "length", "type"]
                .iter()
                .any(|word| subject.contains(word));
            !(is_typed && value.contains("var:"))
        })
        .prop_map(|(subject, comparator, value)| format!("{subject} {comparator} {value}"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_written_spec_is_read_without_errors(
        selector in selector(),
        assertions in prop::collection::vec(assertion(), 1..6),
    ) {
        let assertions: Vec<&str> = assertions.iter().map(String::as_str).collect();
        expect(&selector, &assertions);
    }
}
