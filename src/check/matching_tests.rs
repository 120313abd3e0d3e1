use proptest::prelude::*;

use super::*;
use crate::spec::{Comparison, Limits};

fn json(text: &str) -> Value {
    Value::from_json(text.as_bytes()).unwrap()
}

fn equal_to(text: &str) -> Matcher {
    Matcher::Equal(json(text))
}

fn not(matcher: Matcher) -> Matcher {
    Matcher::Not(Box::new(matcher))
}

fn between(least: i64, greatest: i64) -> Matcher {
    Matcher::Between(Some(Value::Int(least)), Some(Value::Int(greatest)))
}

fn is_met(matcher: &Matcher, value: &str) -> bool {
    meets(matcher, Some(&json(value)))
}

/// Neither the matcher nor its negation is met.
fn does_not_apply(matcher: Matcher, value: &str) -> bool {
    !is_met(&matcher, value) && !is_met(&not(matcher), value)
}

#[test]
fn what_is_absent_satisfies_nothing_but_absence() {
    let paypal = equal_to("\"paypal\"");
    assert!(meets(&Matcher::Absent, None));
    assert!(meets(&not(Matcher::Exists), None));
    assert!(!meets(&not(Matcher::Absent), None));
    assert!(!meets(&not(paypal.clone()), None));
    assert!(!meets(&not(not(paypal.clone())), None));
    assert!(!meets(&Matcher::OneOf(vec![not(paypal.clone())]), None));
    assert!(does_not_apply(Matcher::All(Box::new(paypal)), "[]"));
    assert!(!meets(&Matcher::Exists, None) && is_met(&Matcher::Exists, "null"));
}

#[test]
fn a_part_of_a_structure_leaves_the_rest_open() {
    let whole = json(r#"{"order": {"sku": "A1", "lines": [1, 2, 3]}, "x": 1}"#);
    assert!(includes(&whole, &json(r#"{"order": {"lines": [1, 3]}}"#)));
    assert!(!includes(&whole, &json(r#"{"order": {"lines": [3, 1]}}"#)));
    assert!(!includes(&whole, &json(r#"{"order": {"sku": "B2"}}"#)));
}

#[test]
fn a_number_in_quotes_is_no_number() {
    let limit = Matcher::Compare(Comparison::Less, Value::Int(3));
    assert!(is_met(&limit, "2.9") && does_not_apply(limit, "\"2\""));
    let any = Matcher::Between(Some(Value::Int(1)), None);
    assert!(is_met(&any, "2") && does_not_apply(any, "\"2\""));
}

#[test]
fn a_matcher_that_cannot_judge_a_value_does_not_hold_under_not_either() {
    let failed = || equal_to("\"failed\"");
    for value in [
        "null",
        r#"{"a": 1}"#,
        "\"failed\"",
        "[null]",
        r#"[{"state": "failed"}]"#,
    ] {
        assert!(
            does_not_apply(Matcher::Any(Box::new(failed())), value),
            "{value}"
        );
    }
    assert!(does_not_apply(between(500, 599), "\"503\""));
    assert!(does_not_apply(equal_to("\"3\""), "3"));
    assert!(does_not_apply(equal_to("3"), "\"3\""));
    assert!(does_not_apply(Matcher::Length(Limits::at_least(1)), "null"));
    assert!(does_not_apply(Matcher::StartsWith("3".to_owned()), "3"));
    assert!(does_not_apply(
        Matcher::Contains(Value::from("failed")),
        r#"[{"state": "failed"}]"#
    ));
    assert!(does_not_apply(Matcher::Contains(Value::Int(1)), "\"1\""));
    assert!(does_not_apply(
        Matcher::Includes(json(r#"{"id": "3"}"#)),
        r#"{"id": 3}"#
    ));
    assert!(does_not_apply(
        equal_to(r#"[{"id": "3"}]"#),
        r#"[{"id": 3}]"#
    ));
    assert!(does_not_apply(
        Matcher::Number(Box::new(equal_to("3"))),
        "\"three\""
    ));
    assert!(does_not_apply(Matcher::SameItems(vec![json("1")]), "\"1\""));
}

#[test]
fn null_is_compared_with_a_value_of_any_type() {
    let null = equal_to("null");
    assert!(is_met(&null, "null") && is_met(&not(null.clone()), "3"));
    assert!(is_met(&not(null), "\"null\""));
}

#[test]
fn where_it_does_not_apply_makes_no_difference_to_where_the_not_stands() {
    let range = || between(500, 599);
    let listed = Matcher::OneOf(vec![not(range())]);
    let beside = Matcher::Every(vec![not(range()), Matcher::Exists]);
    let of_list = not(Matcher::OneOf(vec![range(), between(400, 499)]));
    let of_map = not(Matcher::Every(vec![range(), Matcher::Exists]));
    for matcher in [listed, beside, of_list, of_map] {
        assert!(
            !is_met(&matcher, "\"503\"") && is_met(&matcher, "204"),
            "{matcher}"
        );
        assert!(!is_met(&matcher, "503"), "{matcher}");
    }
}

#[test]
fn a_list_may_have_an_alternative_for_each_type() {
    let three = not(Matcher::OneOf(vec![equal_to("3"), equal_to("\"3\"")]));
    assert!(!is_met(&three, "3") && !is_met(&three, "\"3\""));
    assert!(is_met(&three, "4") && is_met(&three, "\"4\"") && is_met(&three, "\"x\""));
    // An alternative that would match in another type prevents a pass.
    let error = not(Matcher::OneOf(vec![
        between(500, 599),
        equal_to("\"none\""),
    ]));
    assert!(!is_met(&error, "\"503\"") && is_met(&error, "\"204\""));
}

#[test]
fn a_string_can_be_read_as_a_number() {
    let positive = Matcher::Number(Box::new(Matcher::Compare(
        Comparison::Greater,
        Value::Int(0),
    )));
    for value in [
        "\"12.50\"",
        "12.50",
        "\" 1e2 \"",
        "\"18446744073709551616\"",
    ] {
        assert!(is_met(&positive, value), "{value}");
    }
    assert!(!is_met(&positive, "\"-1\"") && is_met(&not(positive.clone()), "\"-1\""));
    assert!(does_not_apply(positive, "true"));
}

#[test]
fn json_is_asked_of_structures_as_of_strings() {
    let path = JsonPath::parse("$.price").unwrap();
    let above = Matcher::Compare(Comparison::Greater, Value::Int(0));
    let priced = Matcher::Json(vec![(path, above)]);
    assert!(is_met(&priced, r#""{\"price\": 5}""#) && is_met(&priced, r#"{"price": 5}"#));
    let all = Matcher::All(Box::new(priced));
    assert!(is_met(&all, r#"[{"price": 5}, {"price": 1}]"#));
    assert!(!is_met(&all, r#"[{"price": 5}, {}]"#));
    assert!(does_not_apply(all, r#"["no JSON"]"#));
}

#[test]
fn the_same_items_may_stand_in_any_order() {
    let items = Matcher::SameItems(vec![json("1"), json("\"a\""), json("1")]);
    assert!(is_met(&items, "[1, 1.0, \"a\"]") && is_met(&items, "[\"a\", 1, 1]"));
    for other in [
        "[1, \"a\"]",
        "[1, \"a\", \"a\"]",
        "[1, \"a\", 2]",
        "[1, 1, \"a\", 1]",
        "[]",
    ] {
        assert!(!is_met(&items, other), "{other}");
    }
    assert!(is_met(&not(items), "[1]"));
}

#[test]
fn of_a_header_that_comes_several_times_no_value_may_match_what_stands_under_not() {
    let contains = |text: &str| Matcher::Contains(Value::from(text));
    let several =
        |matcher: &Matcher, values: &[&str]| answer_of_several(matcher, values).is_match();
    let values = ["alpha; secure", "beta"];
    assert!(several(&contains("beta"), &values));
    let none = not(contains("alpha"));
    for matcher in [
        none.clone(),
        Matcher::OneOf(vec![none.clone()]),
        Matcher::Every(vec![none.clone(), contains("beta")]),
        Matcher::Every(vec![Matcher::OneOf(vec![none.clone()]), contains("beta")]),
        Matcher::Number(Box::new(not(equal_to("1")))),
    ] {
        assert!(!several(&matcher, &values), "{matcher}");
    }
    assert!(several(&none, &["beta", "gamma"]));
    let numbers = Matcher::Number(Box::new(not(between(500, 599))));
    assert!(!several(&numbers, &["204", "503"]) && several(&numbers, &["204", "404"]));
    // All keys of a map must be met by the same value.
    let both = Matcher::Every(vec![contains("alpha"), contains("beta")]);
    assert!(!several(&both, &values) && several(&both, &["alpha beta", "x"]));
    assert!(!several(&none, &[]) && several(&Matcher::Absent, &[]));
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-2_i64..4).prop_map(Value::Int),
        prop::sample::select(&[0.5, 1.0, f64::NAN, f64::INFINITY][..]).prop_map(Value::Double),
        prop::sample::select(&["1.0", "1e400", "0.1", "18446744073709551615"][..])
            .prop_map(|text| Value::number(text).unwrap()),
        prop::sample::select(&["", "a", "1", "true", "[1]", "{\"a\": 1}"][..])
            .prop_map(Value::from),
        Just(Value::Bytes(vec![1])),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::vec(("[ab]", inner), 0..2).prop_map(|entries| {
                let entries: std::collections::BTreeMap<String, Value> =
                    entries.into_iter().collect();
                Value::Map(entries.into_iter().collect())
            }),
        ]
    })
}

fn matchers() -> impl Strategy<Value = Matcher> {
    let path = |path: &str| JsonPath::parse(path).unwrap();
    let paths = [path("$"), path("$.a"), path("$.a[*]"), path("$..b")];
    let leaf = prop_oneof![
        values().prop_map(Matcher::Equal),
        Just(Matcher::Regex(regex::Regex::new("^[a1]").unwrap())),
        (
            prop::sample::select(vec![Comparison::Less, Comparison::GreaterOrEqual]),
            -1_i64..3
        )
            .prop_map(|(side, limit)| Matcher::Compare(side, Value::Int(limit))),
        Just(between(0, 2)),
        Just(Matcher::Exists),
        Just(Matcher::Absent),
        values().prop_map(Matcher::Contains),
        values().prop_map(Matcher::Includes),
        Just(Matcher::StartsWith("a".to_owned())),
        Just(Matcher::Length(Limits::at_least(1))),
        Just(Matcher::Type(ValueType::Number)),
        prop::collection::vec(values(), 0..3).prop_map(Matcher::SameItems),
    ];
    leaf.prop_recursive(3, 12, 3, move |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            boxed.clone().prop_map(Matcher::Not),
            boxed.clone().prop_map(Matcher::Any),
            boxed.clone().prop_map(Matcher::All),
            boxed.prop_map(Matcher::Number),
            prop::collection::vec(inner.clone(), 1..3).prop_map(Matcher::OneOf),
            prop::collection::vec(inner.clone(), 1..3).prop_map(Matcher::Every),
            (prop::sample::select(paths.to_vec()), inner)
                .prop_map(|(path, matcher)| Matcher::Json(vec![(path, matcher)])),
        ]
    })
}

proptest! {
    #[test]
    fn no_matcher_holds_together_with_its_opposite(
        matcher in matchers(), value in prop::option::of(values())
    ) {
        let value = value.as_ref();
        let holds = meets(&matcher, value);
        let misfit = answer(&matcher, MatchInput::of(value)).misfit();
        prop_assert!(value.is_some() || holds == matcher.allows_absence());
        let opposite = not(matcher.clone());
        prop_assert!(!(holds && meets(&opposite, value)));
        // For a value that it can judge, exactly one of the two is met.
        if value.is_some() && misfit.is_none() {
            prop_assert!(holds != meets(&opposite, value));
        }
        // The help never panics.
        prop_assert!(misfit.is_none_or(|misfit| misfit.help(&opposite, Default::default()).is_none_or(|help| !help.is_empty())));
    }

    #[test]
    fn no_header_meets_a_matcher_and_its_opposite(
        matcher in matchers(), values in prop::collection::vec("[a1]{0,2}", 0..3)
    ) {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let opposite = not(matcher.clone());
        let both = answer_of_several(&matcher, &values).is_match()
            && answer_of_several(&opposite, &values).is_match();
        prop_assert!(!both);
    }
}
