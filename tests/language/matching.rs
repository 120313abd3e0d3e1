//! Matchers.

use spanspec::{Attributes, Span, Value};

use super::{answers, holds, http, refusal, span, trace};

fn with(value: Option<Value>) -> Span {
    Span {
        attributes: value
            .map(|value| ("k", value))
            .into_iter()
            .collect::<Attributes>(),
        ..span(1, 0, "s", "a", 0, 1)
    }
}

fn asks(matcher: &str) -> String {
    format!("  spans:\n    - find: a\n      attributes:\n        k: {matcher}\n")
}

/// Returns `true` if an attribute of this value meets a matcher.
fn meets(matcher: &str, value: impl Into<Value>) -> bool {
    holds(&asks(matcher), &trace([with(Some(value.into()))]))
}

/// Returns `true` if a missing attribute meets a matcher.
fn absent_meets(matcher: &str) -> bool {
    holds(&asks(matcher), &trace([with(None)]))
}

fn json(text: &str) -> Value {
    serde_json::from_str::<serde_json::Value>(text)
        .unwrap()
        .into()
}

#[test]
fn a_bare_value_is_equality() {
    assert!(meets("card", "card") && !meets("card", "cards") && !meets("card", "Card"));
    assert!(meets("true", true) && !meets("true", "true"));
    assert!(meets("null", Value::Null) && !meets("null", "null"));
    assert!(!meets("null", "") && !absent_meets("null"));
}

#[test]
fn a_number_equals_a_number_whatever_its_type_and_never_a_text() {
    assert!(meets("42", 42) && meets("42", 42.0) && meets("42.0", 42));
    assert!(!meets("42", "42") && !meets("\"42\"", 42) && meets("\"42\"", "42"));
    assert!(meets("1.10", 1.1) && !meets("1.10", "1.10") && meets("\"1.10\"", "1.10"));
    // No double represents 2^53 + 1.
    assert!(!meets("9007199254740993", 9_007_199_254_740_992.0));
}

#[test]
fn an_expression_is_found_anywhere_in_a_text_and_in_nothing_else() {
    assert!(meets("=~ [0-9]+", "o-17") && !meets("=~ ^[0-9]+$", "o-17"));
    assert!(meets("=~ ^[0-9]+$", "17") && !meets("=~ ^[0-9]+$", 17));
    assert!(
        meets("\"=~ ^[0-9]+$\"", "17"),
        "quotes are forced by braces"
    );
}

#[test]
fn comparisons_and_ranges_include_what_they_say() {
    assert!(meets("< 3", 2) && !meets("< 3", 3) && meets("<= 3", 3) && meets("< 3", 2.9));
    assert!(meets("'> 3'", 4) && !meets("'> 3'", 3) && meets("'>= 3'", 3));
    assert!(meets("2..4", 2) && meets("2..4", 4) && !meets("2..4", 5) && meets("2..4", 3.5));
    assert!(meets("1..", 1) && !meets("1..", 0) && meets("..5", 5) && !meets("..5", 6));
    assert!(meets("-5..-1", -3) && !meets("0.5..1.5", 0));
    assert!(!meets("< 3", "2") && !meets("1..", "2") && !meets("..5", Value::Null));
    assert!(!meets("..5", f64::NAN) && !meets("'> 0'", f64::NAN));
}

#[test]
fn what_is_there_exists_even_if_null_or_empty() {
    for value in [Value::Null, "".into(), Value::Array(Vec::new())] {
        assert!(meets("exists", value.clone()) && !meets("absent", value));
    }
    assert!(!absent_meets("exists") && absent_meets("absent"));
}

#[test]
fn what_is_absent_satisfies_nothing_but_absence() {
    for matcher in [
        "{ not: paypal }",
        "{ not: { contains: a } }",
        "{ not: absent }",
        "{ not: { not: exists } }",
        "{ all: x }",
        "{ not: { all: x } }",
        "{ length: 0.. }",
        "=~ .*",
        "..5",
        "[a, b]",
    ] {
        assert!(!absent_meets(matcher), "{matcher}");
    }
    assert!(absent_meets("absent") && absent_meets("{ not: exists }"));
    assert!(absent_meets("[card, absent]") && meets("[card, absent]", "card"));
}

#[test]
fn times_are_compared_in_any_offset() {
    let noon = "2026-11-28T12:00:00+00:00";
    assert!(meets("{ after: 2026-11-28T12:59:59+01:00 }", noon));
    assert!(!meets("{ after: \"2026-11-28T12:00:00Z\" }", noon));
    assert!(meets(
        "{ after: 2026-11-28T11:00:00Z, before: 2026-11-28T12:00:00.5Z }",
        noon
    ));
    assert!(!meets("{ before: 2026-11-28T12:00:00Z }", "yesterday"));
    assert!(!meets(
        "{ not: { before: 2026-11-28T12:00:00Z } }",
        "yesterday"
    ));
    assert!(meets("{ not: { before: 2026-11-28T12:00:00Z } }", noon));
    assert!(!meets("{ after: 2026-11-28T12:00:00Z }", 3));
}

#[test]
fn a_list_is_one_of_them() {
    assert!(meets("[card, invoice]", "invoice") && !meets("[card, invoice]", "paypal"));
    assert!(meets("[=~ ^c, 1..3, { starts_with: i }]", "card"));
    assert!(meets("[=~ ^c, 1..3, { starts_with: i }]", 3));
    assert!(meets("[=~ ^c, 1..3, { starts_with: i }]", "invoice"));
}

#[test]
fn not_turns_a_matcher_round_for_what_is_there() {
    assert!(meets("{ not: paypal }", "card") && !meets("{ not: paypal }", "paypal"));
    assert!(meets("{ not: [a, b] }", "c") && !meets("{ not: [a, b] }", "b"));
    assert!(meets("{ not: =~ ^o }", "x") && meets("{ not: 1..3 }", 4));
}

#[test]
fn texts_contain_start_and_end_literally() {
    assert!(meets("{ contains: a.c }", "xa.cx") && !meets("{ contains: a.c }", "abc"));
    assert!(meets("{ starts_with: \"<\" }", "<h1>") && meets("{ ends_with: \"1..\" }", "x1.."));
    assert!(
        !meets("{ contains: 1 }", "1"),
        "a number is no part of a text"
    );
    assert!(
        meets("{ contains: exists }", "it exists"),
        "no matcher within"
    );
}

#[test]
fn an_array_contains_an_equal_element() {
    let array = json(r#"["a", 1, {"b": 2}]"#);
    assert!(meets("{ contains: a }", array.clone()) && meets("{ contains: 1.0 }", array.clone()));
    assert!(meets("{ contains: { b: 2 } }", array.clone()) && !meets("{ contains: b }", array));
}

#[test]
fn any_and_all_look_over_arrays_and_over_nothing_find_nothing() {
    let array = json(r#"["A1", "A2"]"#);
    assert!(meets("{ all: =~ ^A }", array.clone()) && !meets("{ all: A1 }", array.clone()));
    assert!(meets("{ any: A2 }", array.clone()) && !meets("{ any: B }", array));
    let none = || Value::Array(Vec::new());
    assert!(!meets("{ all: =~ ^A }", none()) && !meets("{ any: =~ ^A }", none()));
    assert!(!meets("{ all: =~ ^A }", "A1") && !meets("{ any: =~ ^A }", "A1"));
}

#[test]
fn equals_takes_its_value_literally() {
    assert!(meets("{ equals: exists }", "exists") && !meets("{ equals: exists }", "x"));
    assert!(meets("{ equals: \"=~ a\" }", "=~ a") && meets("{ equals: 1.. }", "1.."));
    assert!(meets("{ equals: [a, 1] }", json(r#"["a", 1.0]"#)));
    assert!(meets(
        "{ equals: { b: 1, a: 2 } }",
        json(r#"{"a": 2, "b": 1}"#)
    ));
    assert!(!meets("{ equals: { a: 2 } }", json(r#"{"a": 2, "b": 1}"#)));
    assert!(meets("{ equals: [] }", Value::Array(Vec::new())));
}

#[test]
fn includes_is_a_part_of_a_structure() {
    let whole = json(r#"{"order": {"sku": "A1", "n": [1, 2, 3]}, "x": 1}"#);
    assert!(meets(
        "{ includes: { order: { n: [1, 3] } } }",
        whole.clone()
    ));
    assert!(!meets(
        "{ includes: { order: { n: [3, 1] } } }",
        whole.clone()
    ));
    assert!(!meets("{ includes: { order: { sku: B2 } } }", whole));
}

#[test]
fn lengths_count_characters_elements_and_entries() {
    assert!(meets("{ length: 2 }", "äö") && meets("{ length: 2..3 }", json("[1, 2, 3]")));
    assert!(meets("{ length: 1 }", json(r#"{"a": 1}"#)) && !meets("{ length: 2 }", 42));
    assert!(meets("{ length: 3 }", Value::Bytes(vec![0, 1, 2])));
    assert!(meets("{ length: 0 }", "") && !meets("{ length: 1.. }", ""));
}

#[test]
fn types_are_those_of_otlp() {
    for (name, value) in [
        ("string", Value::from("a")),
        ("bool", Value::Bool(true)),
        ("int", Value::Int(1)),
        ("double", Value::Double(1.0)),
        ("bytes", Value::Bytes(Vec::new())),
        ("array", Value::Array(Vec::new())),
        ("map", Value::Map(Vec::new())),
        ("null", Value::Null),
    ] {
        assert!(
            meets(&format!("{{ type: {name} }}"), value.clone()),
            "{name}"
        );
        let is_number = matches!(name, "int" | "double");
        assert_eq!(meets("{ type: number }", value), is_number, "{name}");
    }
}

#[test]
fn the_words_for_comparisons_are_the_signs() {
    assert!(meets("{ gt: 2, lt: 4 }", 3) && !meets("{ gt: 2, lt: 4 }", 4));
    assert!(meets("{ gte: 2, lte: 4 }", 4) && !meets("{ gte: 2 }", 1));
}

#[test]
fn several_keys_must_all_hold() {
    assert!(meets("{ starts_with: o, length: 4 }", "o-17"));
    assert!(!meets("{ starts_with: o, length: 5 }", "o-17"));
}

#[test]
fn a_json_text_is_looked_into() {
    let text = r#"{"card": {"brand": "amex"}, "items": []}"#;
    let within = |paths: &str| format!("{{ json: {{ {paths} }} }}");
    assert!(meets(&within("$.card.brand: amex"), text));
    assert!(meets(
        &within("$.card.number: absent, $.card: exists"),
        text
    ));
    assert!(!meets(&within("$.card.brand: visa"), text));
    assert!(!meets(&within("$.card: exists"), "no JSON"));
    assert!(!meets(&within("$.card.number: absent"), "no JSON"));
    assert!(!absent_meets(&within("$.card.number: absent")));
}

#[test]
fn only_true_and_false_are_booleans() {
    for text in ["NO", "yes", "on", "True", "FALSE", "y"] {
        assert!(
            meets(text, text) && !meets(text, true) && !meets(text, false),
            "{text}"
        );
    }
}

#[test]
fn a_singular_path_gives_its_value_and_any_other_the_list_of_its_nodes() {
    let body = |paths: &str| answers(&format!("  json:\n    {paths}\n"), http());
    assert!(body("$.order.id: o-1") && body("$['order']['id']: o-1") && body("$.lines[0].n: 2"));
    assert!(body("$.lines[*].sku: { all: =~ ^A }") && body("$.lines[*].n: { any: 1 }"));
    assert!(body("$.lines[*].sku: { equals: [A1, A2] }") && body("$.lines[*]: { length: 2 }"));
    assert!(body("$..sku: { contains: A2 }") && body("$.lines[?@.n > 1].sku: { equals: [A1] }"));
    assert!(body("$: { includes: { order: { id: o-1 } } }"));
}

#[test]
fn a_path_that_finds_nothing_is_absent() {
    let body = |paths: &str| answers(&format!("  json:\n    {paths}\n"), http());
    assert!(body("$.order.total: absent") && !body("$.order.total: exists"));
    assert!(body("$..total: absent") && !body("$..total: exists"));
    assert!(!body("$..total: { all: 1 }") && !body("$..total: { not: { any: 1 } }"));
    assert!(body("$..total: { length: 0 }"));
}

#[test]
fn a_single_value_against_a_path_that_gives_a_list_is_refused() {
    for matcher in [
        "A1",
        "=~ ^A",
        "< 3",
        "1..3",
        "{ starts_with: A }",
        "{ not: A1 }",
    ] {
        let text = format!("request: GET http://a/\nexpect:\n  json:\n    $..sku: {matcher}\n");
        assert!(
            refusal(&text).contains("`$..sku` yields a list"),
            "{matcher}"
        );
    }
}

#[test]
fn a_matcher_that_does_not_apply_holds_no_more_under_not() {
    for matcher in [
        "{ not: 500..599 }",
        "{ not: { gte: 500 } }",
        "[{ not: 500..599 }]",
        "{ not: [500..599, timeout] }",
        "{ not: { gte: 500 }, length: 3 }",
    ] {
        assert!(!meets(matcher, "503"), "{matcher}");
    }
    assert!(!meets("{ not: \"3\" }", 3) && !meets("{ not: 3 }", "3"));
    for value in [
        "null",
        "{\"a\": 1}",
        "[{\"state\": \"failed\"}]",
        "\"failed\"",
    ] {
        assert!(!meets("{ not: { any: failed } }", json(value)), "{value}");
    }
    assert!(meets("{ not: { number: 500..599 } }", "204"));
    assert!(!meets("{ not: { number: 500..599 } }", "503"));
    assert!(meets("{ not: null }", "card") && !meets("{ not: null }", Value::Null));
}

#[test]
fn a_list_under_not_may_name_a_value_in_each_of_its_types() {
    assert!(meets("{ not: [3, \"3\"] }", 4) && meets("{ not: [3, \"3\"] }", "4"));
    assert!(!meets("{ not: [3, \"3\"] }", 3) && !meets("{ not: [3, \"3\"] }", "3"));
}

#[test]
fn a_string_is_read_as_a_number_on_request() {
    for matcher in [
        "{ number: 503 }",
        "{ number: 500..599 }",
        "{ number: \"> 502\" }",
        "{ number: { gte: 500, lt: 600 } }",
    ] {
        assert!(
            meets(matcher, "503") && meets(matcher, 503) && !meets(matcher, "50"),
            "{matcher}"
        );
    }
    assert!(!meets("{ number: 1.. }", "many") && !meets("{ not: { number: 1.. } }", "many"));
    assert!(meets(
        "{ all: { number: \"> 0\" } }",
        json("[\"1\", \"2.5\"]")
    ));
}

#[test]
fn each_element_is_asked_for_what_is_in_it() {
    let prices = "{ all: { json: { $.price: { gt: 0 } } } }";
    assert!(meets(prices, json("[{\"price\": 5}]")));
    assert!(!meets(prices, json("[{\"price\": 5}, {\"id\": 2}]")));
}

#[test]
fn the_same_items_in_any_order() {
    assert!(meets("{ same_items: [a, 1] }", json("[1, \"a\"]")));
    assert!(!meets("{ same_items: [a, 1] }", json("[1, \"a\", 1]")));
    assert!(!meets("{ same_items: [a] }", "a") && !meets("{ not: { same_items: [a] } }", "a"));
    assert!(meets("{ same_items: [] }", json("[]")));
}

#[test]
fn numbers_are_compared_to_the_last_digit() {
    let is = |matcher: &str, body: &str| {
        let mut response = http();
        response.body = format!("{{\"n\": {body}}}").into_bytes();
        answers(&format!("  json: {{ $.n: {matcher} }}\n"), response)
    };
    assert!(is("12345678901234567890", "12345678901234567890"));
    assert!(!is("12345678901234567890", "12345678901234567891"));
    assert!(is("0.1000000000000000055", "0.10000000000000000550"));
    assert!(!is("0.1000000000000000055", "0.1") && !is("0.1", "0.1000000000000000055"));
    assert!(!is("1234.123456789012349999", "1234.123456789012345678"));
    assert!(is(
        "\"> 1234.123456789012345677\"",
        "1234.123456789012345678"
    ));
    assert!(is("1", "1.0") && is("100", "1e2") && is("1e400", "10e399"));
    assert!(is("{ type: int }", "18446744073709551615") && is("{ type: double }", "1.5"));
    // An attribute is a double, and cannot be closer to the written number.
    assert!(meets("0.1000000000000000055", 0.1) && !meets("\"< 0.1\"", 0.1));
}

#[test]
fn a_number_beyond_all_doubles_does_not_spoil_the_rest_of_the_body() {
    let mut response = http();
    response.body = br#"{"id": 7, "far": 1e400}"#.to_vec();
    assert!(answers(
        "  json: { $.id: 7, $.far: { gt: 1e399 } }\n",
        response
    ));
}

#[test]
fn a_path_whose_beginning_is_not_there_is_absent() {
    let is = |path: &str, matcher: &str, body: &str| {
        let mut response = http();
        response.body = body.as_bytes().to_vec();
        answers(&format!("  json:\n    \"{path}\": {matcher}\n"), response)
    };
    let failed = "$.items[?@.state == 'failed']";
    for body in [
        "{\"data\": []}",
        "{\"error\": \"down\"}",
        "{\"items\": null}",
        "[]",
    ] {
        assert!(is(failed, "absent", body), "{body}");
        for matcher in [
            "{ length: 0 }",
            "{ equals: [] }",
            "{ not: { any: exists } }",
            "{ same_items: [] }",
        ] {
            assert!(!is(failed, matcher, body), "{matcher} {body}");
        }
    }
    let body = "{\"items\": [{\"state\": \"ok\"}]}";
    assert!(is(failed, "{ length: 0 }", body) && is(failed, "{ equals: [] }", body));
    assert!(is("$..password", "absent", "{\"data\": []}"));
}

#[test]
fn of_a_header_that_comes_several_times_no_value_may_match_what_not_refuses() {
    let header = |matcher: &str| {
        let mut response = http();
        response.headers = vec![
            ("x-a".to_owned(), "alpha; secure".to_owned()),
            ("x-a".to_owned(), "beta".to_owned()),
        ];
        answers(&format!("  headers: {{ x-a: {matcher} }}\n"), response)
    };
    for matcher in [
        "{ not: { contains: alpha } }",
        "{ not: { contains: alpha }, contains: beta }",
        "[{ not: { contains: alpha } }]",
        "[gamma, { not: { contains: alpha } }]",
        "{ not: [gamma, { contains: alpha }] }",
    ] {
        assert!(!header(matcher), "{matcher}");
    }
    assert!(header("{ contains: beta }") && header("{ not: { contains: gamma }, contains: beta }"));
}

#[test]
fn what_a_variable_left_empty_is_refused() {
    let refused = |expect: &str| {
        refusal(&format!(
            "vars: {{ EMPTY: \"\" }}\nrequest: GET http://a/\nexpect: {{ {expect} }}\n"
        ))
    };
    for expect in [
        "body: { contains: \"${EMPTY}\" }",
        "body: { starts_with: \"${EMPTY}\" }",
        "body: \"=~ ${EMPTY}\"",
        "body: \"=~ ^${EMPTY}\"",
        "body: { not: \"${EMPTY}\" }",
        "json: { $.a: { not: [b, \"${EMPTY}\"] } }",
    ] {
        assert!(refused(expect).contains("variable is empty"), "{expect}");
    }
    // Few values are equal to an empty string.
    assert!(answers("  body: { not: \"\" }\n", http()));
}

#[test]
fn a_matcher_that_no_value_or_every_value_meets_is_refused() {
    let refused = |expect: &str| {
        refusal(&format!(
            "vars: {{ EMPTY: \"\" }}\nrequest: GET http://a/\nexpect: {{ {expect} }}\n"
        ))
    };
    let find = |find: &str| format!("spans: [{{ find: {{ {find} }}, count: 0 }}]");
    for (expect, why) in [
        (
            "json: { $: { json: {} } }".to_owned(),
            "an empty `json` asks nothing",
        ),
        (
            find("attributes: { x: { gte: 5, lt: 3 } }"),
            "no value meets both",
        ),
        (
            find("attributes: { x: { gt: 5, lte: 5 } }"),
            "no value meets both",
        ),
        (
            find("attributes: { x: { type: int, starts_with: b } }"),
            "no value meets both",
        ),
        (
            find("name: a, duration: { gte: 5s, lt: 1s }"),
            "nothing is >= 5s and < 1s",
        ),
        (
            "span_count: { gte: 5, lt: 3 }".to_owned(),
            "nothing is >= 5 and < 3",
        ),
        (find("name: \"${EMPTY}\""), "this name is empty"),
        (find("service: \"${EMPTY}\""), "this name is empty"),
        (find("name: [a, \"${EMPTY}\"]"), "this name is empty"),
        (find("above: \"${EMPTY}\""), "this name is empty"),
        (find("events: [\"${EMPTY}\"]"), "this name is empty"),
        (find("name: \"\""), "this name is empty"),
    ] {
        let told = refused(&expect);
        assert!(told.contains(why), "{expect}: {told}");
    }
    for matcher in [
        "{ gte: 5, lte: 5 }",
        "{ type: number, gt: 0, lt: 30 }",
        "{ type: double, gt: 0 }",
        "{ type: string, number: 5 }",
        "{ type: int, not: 5 }",
    ] {
        super::expect(&asks(matcher));
    }
}

#[test]
fn a_not_within_a_length_holds_for_each_value_of_a_header() {
    let mut response = http();
    let header = |value: &str| ("x-a".to_owned(), value.to_owned());
    response.headers = vec![header("alpha"), header("beta")];
    let holds = |matcher: &str| {
        answers(
            &format!("  headers: {{ x-a: {matcher} }}\n"),
            response.clone(),
        )
    };
    assert!(!holds("{ length: { not: 5 } }") && !holds("{ length: { not: 4 } }"));
    assert!(holds("{ length: { not: 6 } }") && holds("{ length: < 5 }"));
    response.headers = vec![header("{\"a\":[1]}"), header("{\"a\":[2,3]}")];
    let json = "  headers: { x-a: { json: { $.a: { length: { not: 1 } } } } }\n";
    assert!(!answers(json, response));
}
