use super::*;
use crate::trace::{Attributes, Event, Span, SpanId, SpanKind, TraceId, Value};

fn span() -> Span {
    let trace = "0af7651916cd43dd8448eb211c80319c"
        .parse::<TraceId>()
        .unwrap();
    let mut span = Span::new(
        trace,
        "b7ad6b7169203331".parse::<SpanId>().unwrap(),
        "GET /cart",
    );
    span.kind = SpanKind::Server;
    span.start = 1_000_000_000;
    span.end = 1_250_000_000;
    span.status.code = crate::trace::StatusCode::Error;
    span.status.message = "boom".to_owned();
    span.trace_state = "vendor=keep,other=1".to_owned();
    span.flags = 257;
    let map = Value::Map(vec![("a".to_owned(), Value::Int(1))]);
    let list = Value::Array(vec![Value::Int(1), Value::from("x")]);
    let attributes: Vec<(&str, Value)> = vec![
        ("route", Value::from("/cart")),
        ("size", Value::Int(500)),
        ("ratio", Value::Double(0.5)),
        ("debug", Value::Bool(true)),
        ("map", map),
        ("list", list),
        ("empty", Value::from("")),
        ("name", Value::from("grün")),
    ];
    span.attributes = attributes.into_iter().collect();
    let event: Attributes = [("exception.type", "Timeout")].into_iter().collect();
    span.events.push(Event {
        name: "exception".to_owned(),
        time: 1_100_000_000,
        attributes: event,
    });
    span
}

const LATEST: CollectorVersion = CollectorVersion::LATEST;

fn holds(condition: &str) -> Result<bool, Stop> {
    holds_in("0.161.0", condition)
}

fn holds_in(version: &str, condition: &str) -> Result<bool, Stop> {
    let span = span();
    let condition = Condition::parse(condition, Context::Span, version.parse().unwrap())
        .unwrap_or_else(|problem| panic!("{condition}: {problem:?}"));
    condition.holds(Record {
        span: &span,
        event: None,
        fidelity: Fidelity::Whole,
    })
}

fn is_true(condition: &str) -> bool {
    holds(condition).unwrap_or_else(|stop| panic!("{condition}: {stop:?}"))
}

fn problem(condition: &str, context: Context) -> (String, String) {
    let problem = Condition::parse(condition, context, LATEST).unwrap_err();
    (condition[problem.at].to_owned(), problem.what)
}

#[test]
fn conditions_that_hold() {
    for condition in [
        r#"name == "GET /cart""#,
        r#"span.name == "GET /cart""#,
        "status.code == STATUS_CODE_ERROR",
        "status.code == 2 and status.message == \"boom\"",
        "kind == SPAN_KIND_SERVER",
        r#"kind.string == "Server" and kind.deprecated_string == "SPAN_KIND_SERVER""#,
        r#"attributes["route"] == "/cart""#,
        r#"attributes["size"] >= 500 and attributes["size"] < 500.5"#,
        r#"attributes["missing"] == nil"#,
        r#"attributes["missing"] != "x""#,
        r#"not (attributes["missing"] == "x")"#,
        r#"attributes["map"]["a"] == 1 and attributes["list"][1] == "x""#,
        r#"attributes["map"]["b"] == nil"#,
        r#"attributes["list"] == [1, "x"]"#,
        r#"attributes["map"] == {"a": 1}"#,
        r#"IsMatch(attributes["route"], "^/c.rt$")"#,
        r#"IsMatch(attributes["size"], "^5\\d+$")"#,
        r#"not IsMatch(attributes["missing"], ".*")"#,
        r#"IsString(attributes["route"]) and not IsString(attributes["size"])"#,
        r#"IsInt(attributes["size"]) and IsDouble(attributes["ratio"]) and IsBool(attributes["debug"])"#,
        r#"IsMap(attributes["map"]) and IsList(attributes["list"])"#,
        r#"Substring(name, 0, 3) == "GET""#,
        r#"Len(attributes["list"]) == 2 and Len(name) == 9 and Len(events) == 1"#,
        "IsRootSpan()",
        r#"Concat(attributes["list"], "-") == "1-x" and Concat(attributes["missing"], "-") == """#,
        r#"Concat([attributes["route"], attributes["size"], attributes["missing"]], "-") == "/cart-500-<nil>""#,
        r#"ConvertCase(name, "lower") == "get /cart""#,
        r#"Int("5") == 5 and Double("0.5") == attributes["ratio"] and String(attributes["ratio"]) == "0.5""#,
        "end_time_unix_nano - start_time_unix_nano == 250000000",
        r#"end_time - start_time > Duration("200ms")"#,
        "Milliseconds(end_time - start_time) == 250",
        "(end_time_unix_nano - start_time_unix_nano) / 1000000 > 200",
        r#"trace_state["vendor"] == "keep" and trace_state["missing"] == """#,
        r#"trace_id == TraceID(0x0af7651916cd43dd8448eb211c80319c)"#,
        r#"trace_id.string == "0af7651916cd43dd8448eb211c80319c""#,
        r#"parent_span_id.string == "0000000000000000""#,
        "flags == 257",
        r#"attributes["debug"] == true"#,
        r#"resource.attributes["service.name"] == nil"#,
        r#"instrumentation_scope.name == "" and scope.version == """#,
        "true and not false",
        r#"-attributes["size"] == -500"#,
        r#"ContainsValue(attributes["list"], 1)"#,
        r#"HasPrefix(name, "GET") and HasSuffix(name, "cart")"#,
        r#"((attributes["size"] == 500))"#,
        r#"attributes["a"]["b"] == 1 or true"#,
        r#"IsEmpty(attributes["empty"])"#,
    ] {
        assert!(is_true(condition), "{condition}");
    }
}

#[test]
fn values_of_different_types_differ_and_have_no_order() {
    for condition in [
        r#"attributes["size"] == "500""#,
        r#"attributes["route"] > 1"#,
        r#"attributes["missing"] < 1"#,
        r#"attributes["missing"] >= 1"#,
        r#"attributes["debug"] == 1"#,
        "trace_id == 0x0af7651916cd43dd8448eb211c80319c",
        r#"attributes["list"] == [1.0, "x"]"#,
        r#"attributes["map"] == nil"#,
    ] {
        assert!(!is_true(condition), "{condition}");
    }
    assert!(is_true("nil == nil and nil <= nil and not (nil < nil)"));
}

#[test]
fn errors_of_the_collector_are_errors() {
    for condition in [
        r#"attributes["list"][7] == 1"#,
        r#"attributes["route"]["x"] == 1"#,
        r#"Substring(name, 0, 99) == "x""#,
        r#"attributes["size"] / 0 == 1"#,
        r#"attributes["route"] + 1 == 1"#,
        r#"Int(attributes["route"]) == 1"#,
        r#"Duration(attributes["route"]) == Duration("1s")"#,
        r#"end_time - start_time > Duration("soon")"#,
        r#"Concat(attributes["size"], "") == """#,
        r#"Len(attributes["size"]) == 1"#,
        r#"Len(name)"#,
    ] {
        assert!(
            matches!(holds(condition), Err(Stop::Error(_))),
            "{condition}"
        );
    }
    let unknown = holds(r#"ConvertCase(attributes["name"], "upper") == "x""#);
    assert!(matches!(unknown, Err(Stop::Unknown(_))));
}

#[test]
fn a_problem_has_its_place() {
    for (condition, at, what) in [
        (r#"attributes["x"] = 1"#, "=", "`=` compares nothing"),
        ("nam == 1", "nam", "a span has no field `nam`"),
        (
            r#"name == 'x'"#,
            "'",
            "a string is written in double quotes",
        ),
        (
            r#"ParseJSON(name)["x"] == 1"#,
            "ParseJSON",
            "OTTL function `ParseJSON` is not evaluated by spanspec",
        ),
        (
            "IsMatsch(name, \"x\")",
            "IsMatsch",
            "no function `IsMatsch`",
        ),
        (
            "kind == SPAN_KIND_SERVR",
            "SPAN_KIND_SERVR",
            "no constant `SPAN_KIND_SERVR`",
        ),
        (
            r#"IsMatch(name, "(")"#,
            r#"IsMatch(name, "(")"#,
            "a `(` has no `)`",
        ),
        (r#"name == "\d""#, r"\d", "unknown escape in a string"),
        ("name ==", "", "the condition ends too early"),
        ("name", "name", "a value is no condition"),
        ("name == 1)", ")", "unexpected text"),
        ("set(name, 1)", "set", "`set` is no function of conditions"),
        (
            "IsString(5)",
            "IsString(5)",
            "`IsString` does not take an integer here",
        ),
        (
            "attributes.x == 1",
            "attributes.x",
            "a span has no field `attributes.x`",
        ),
    ] {
        let found = problem(condition, Context::Span);
        assert_eq!(found, (at.to_owned(), what.to_owned()), "{condition}");
    }
    assert_eq!(
        problem("IsRootSpan()", Context::SpanEvent).1,
        "conditions on events have no function `IsRootSpan`"
    );
}

#[test]
fn an_invalid_part_is_named_before_one_that_is_not_evaluated() {
    let problem =
        Condition::parse("ParseJSON(name) == 1 and nam == 2", Context::Span, LATEST).unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Invalid);
    let unsupported = Condition::parse(
        "Any(attributes[\"list\"], (x) => x == 1)",
        Context::Span,
        LATEST,
    )
    .unwrap_err();
    assert_eq!(unsupported.kind, ProblemKind::Unsupported);
}

#[test]
fn conditions_on_events_read_the_event_and_its_span() {
    let span = span();
    let holds = |condition: &str| {
        let condition = Condition::parse(condition, Context::SpanEvent, LATEST).unwrap();
        condition.holds(Record {
            span: &span,
            event: Some(&span.events[0]),
            fidelity: Fidelity::Whole,
        })
    };
    assert_eq!(holds(r#"name == "exception""#), Ok(true));
    assert_eq!(
        holds(r#"spanevent.attributes["exception.type"] == "Timeout""#),
        Ok(true)
    );
    assert_eq!(holds(r#"attributes["route"] == nil"#), Ok(true));
    assert_eq!(holds(r#"span.attributes["route"] == "/cart""#), Ok(true));
    assert_eq!(
        holds("time - span.start_time == Duration(\"100ms\")"),
        Ok(true)
    );
}

#[test]
fn the_index_of_an_event_is_an_error() {
    let span = span();
    let condition = Condition::parse("event_index == 0", Context::SpanEvent, LATEST).unwrap();
    let holds = condition.holds(Record {
        span: &span,
        event: Some(&span.events[0]),
        fidelity: Fidelity::Whole,
    });
    assert!(matches!(holds, Err(Stop::Error(_))), "{holds:?}");
}

/// The kind of the problem in the version before a change, and in the version with it.
fn kinds(condition: &str, minor: u32) -> [Option<ProblemKind>; 2] {
    [minor - 1, minor].map(|minor| {
        let version = format!("0.{minor}.0").parse().unwrap();
        let parsed = Condition::parse(condition, Context::Span, version);
        parsed.err().map(|problem| problem.kind)
    })
}

#[test]
fn an_old_version_refuses_what_came_later() {
    for (condition, since) in [
        (
            r#"trace_id == TraceID("0af7651916cd43dd8448eb211c80319c")"#,
            142,
        ),
        (r#"Bool(attributes["debug"]) == true"#, 143),
        (r#"-attributes["size"] == -500"#, 144),
        ("attributes[\"size\"] -1 > 3", 144),
        ("attributes[\"ratio\"] < 5.", 144),
        ("- 1 < 3", 144),
        ("flags == 257", 145),
        (r#"Substring(name, 0, 3, true) == "GET""#, 154),
        (r#"IsEmpty(attributes["empty"])"#, 157),
        (r#"Concat(attributes["list"], "-") == "1-x""#, 161),
    ] {
        let kinds = kinds(condition, since);
        assert_eq!(kinds, [Some(ProblemKind::Invalid), None], "{condition}");
    }
    let version = "0.140.1".parse().unwrap();
    let problem = Condition::parse("IsEmpty(name)", Context::Span, version).unwrap_err();
    assert_eq!(
        problem.what,
        "the Collector 0.140.1 has no function `IsEmpty`"
    );
    assert_eq!(problem.help.as_deref(), Some("use 0.157.0 or later"));
    let problem = Condition::parse("attributes[\"a\"] -1 > 3", Context::Span, version).unwrap_err();
    assert_eq!(problem.what, "a number directly after a value");
}

#[test]
fn a_function_that_is_not_evaluated_is_refused_where_the_collector_does_not_have_it() {
    let invalid = Some(ProblemKind::Invalid);
    let unsupported = Some(ProblemKind::Unsupported);
    let coalesce = r#"Coalesce([name]) == "a""#;
    assert_eq!(kinds(coalesce, 150), [invalid, unsupported]);
    let decode = r#"Base64Decode("YQ==") == "a""#;
    assert_eq!(kinds(decode, 161), [unsupported, invalid]);
    assert_eq!(
        kinds("otelcol.client.metadata != nil", 147),
        [invalid, unsupported]
    );
}

#[test]
fn what_an_old_version_decides_in_a_way_of_its_own_is_not_evaluated() {
    let unsupported = Some(ProblemKind::Unsupported);
    assert_eq!(kinds(r#"name == "nil""#, 141), [unsupported, None]);
    let invalid = Some(ProblemKind::Invalid);
    assert_eq!(kinds("IsString(5)", 141), [unsupported, invalid]);
    assert_eq!(kinds("[1 2] == nil", 160), [unsupported, invalid]);
    assert_eq!(kinds(r#"Double("x") == 1"#, 141), [unsupported, invalid]);
    assert_eq!(kinds(r#"Int("x") == nil"#, 141), [None, None]);
    assert_eq!(kinds(r#"Int("x") == nil"#, 160), [None, invalid]);
}

#[test]
fn a_string_that_is_no_integer_is_nil_in_old_versions() {
    let condition = r#"Int(attributes["route"]) == nil"#;
    assert_eq!(holds_in("0.159.0", condition), Ok(true));
    assert!(matches!(
        holds_in("0.160.0", condition),
        Err(Stop::Error(_))
    ));
    let double = r#"Double(attributes["route"]) == nil"#;
    assert!(matches!(holds_in("0.140.1", double), Err(Stop::Error(_))));
}

#[test]
fn a_literal_hides_errors_of_parts_before_it_from_some_version() {
    let condition = r#"attributes["route"]["x"] == 1 or true"#;
    assert!(matches!(
        holds_in("0.142.0", condition),
        Err(Stop::Error(_))
    ));
    assert_eq!(holds_in("0.143.0", condition), Ok(true));
    assert_eq!(holds_in("0.142.0", "not (name == nil) and true"), Ok(true));
}

#[test]
fn nesting_ends() {
    let deep = format!("{}true{}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(Condition::parse(&deep, Context::Span, LATEST).is_err());
    let lists = format!("{}{} == 1", "[".repeat(5_000), "]".repeat(5_000));
    assert!(Condition::parse(&lists, Context::Span, LATEST).is_err());
}
