use std::path::Path;

use super::*;
use crate::check::NoNumber;
use crate::spec::{Context, Source, Spec};
use crate::trace::{Attributes, Losses, Origin, Resource, SpanId, TraceId, Value};

const ROWS: &str = "db.response.returned_rows";

fn budget(text: &str) -> Budget {
    let text = format!("search: {{ find: a, since: 1h }}\nbudgets: [{{ {text} }}]\n");
    let source = Source::new("a.yaml", text);
    let specs = Spec::read_all(&source, Path::new("."), &Context::default());
    specs.unwrap().remove(0).budgets.remove(0)
}

fn count() -> Budget {
    budget("find: SELECT, measure: count, p50: <= 4, regression: none")
}

fn rows(measure: &str) -> Budget {
    budget(&format!(
        "find: SELECT, measure: {{ {measure}: {ROWS} }}, p50: <= 4, regression: none"
    ))
}

/// A span of a version of inventory, below its entry.
fn select(number: u8, version: &str, attributes: Attributes) -> Span {
    let id = |number: u8| SpanId::from_bytes([number; 8]);
    let resource = [("service.name", "inventory"), ("service.version", version)];
    Span {
        parent_id: id(1),
        start: 1_000,
        end: 2_000,
        attributes,
        resource: Resource {
            attributes: resource.into_iter().collect(),
        }
        .into(),
        ..Span::new(
            TraceId::from_bytes([1; 16]).unwrap(),
            id(number).unwrap(),
            if number == 1 { "GET /" } else { "SELECT" },
        )
    }
}

fn with_rows(number: u8, rows: impl Into<Value>) -> Span {
    select(number, "2.3.0", [(ROWS, rows.into())].into_iter().collect())
}

fn trace(spans: impl IntoIterator<Item = Span>) -> Trace {
    let entry = Span {
        parent_id: None,
        ..select(1, "2.3.0", Attributes::default())
    };
    Trace::assemble(
        entry.trace_id,
        Origin::Foreign,
        spans.into_iter().chain([entry]),
    )
}

fn value(budget: &Budget, trace: &Trace) -> Result<Option<f64>, Unjudged> {
    sample(budget, None, Some(trace)).map(|sample| sample.map(|sample| sample.value))
}

#[test]
fn a_count_is_that_of_the_selected_spans_and_0_without_one() {
    let one = || Attributes::default();
    let some = trace([select(2, "2.3.0", one()), select(3, "2.3.0", one())]);
    assert_eq!(value(&count(), &some), Ok(Some(2.0)));
    let none = sample(&count(), None, Some(&trace([]))).unwrap().unwrap();
    assert_eq!((none.value, none.is_found), (0.0, false));
}

#[test]
fn of_several_spans_the_largest_value_counts_and_a_sum_has_all() {
    let some = trace([with_rows(2, 3_i64), with_rows(3, 12.5), with_rows(4, 7_i64)]);
    assert_eq!(value(&rows("attribute"), &some), Ok(Some(12.5)));
    assert_eq!(value(&rows("sum"), &some), Ok(Some(22.5)));
    assert_eq!(value(&rows("attribute"), &trace([])), Ok(None));
    assert_eq!(value(&rows("sum"), &trace([])), Ok(Some(0.0)));
}

#[test]
fn one_span_without_a_number_leaves_the_measurement_open() {
    let why = |second: Span| {
        let spans = trace([with_rows(2, 3_i64), second]);
        let [attribute, sum] =
            ["attribute", "sum"].map(|measure| value(&rows(measure), &spans).unwrap_err());
        assert_eq!(attribute, sum);
        attribute
    };
    let no_number = |second| match why(second) {
        Unjudged::NoNumber(_, key, why) => (key, why),
        other => panic!("{other}"),
    };
    let expected = |why| (ROWS.to_owned(), why);
    let absent = select(3, "2.3.0", Attributes::default());
    assert_eq!(no_number(absent.clone()), expected(NoNumber::Absent));
    let text = no_number(with_rows(3, "12"));
    assert_eq!(text, expected(NoNumber::OtherType("string")));
    let nan = no_number(with_rows(3, f64::NAN));
    assert_eq!(nan, expected(NoNumber::NotFinite));
    assert_eq!(
        no_number(with_rows(3, -1_i64)),
        expected(NoNumber::Negative)
    );
    let dropped = Span {
        attributes: Attributes::default().with_dropped(2),
        ..absent
    };
    assert!(matches!(why(dropped), Unjudged::Dropped(..)));
}

#[test]
fn dropped_attributes_that_the_selector_needs_leave_a_count_open() {
    let budget = budget(
        "find: { attributes: { db.system: mysql } }, measure: count, p50: <= 4, regression: none",
    );
    let dropped = select(2, "2.3.0", Attributes::default().with_dropped(1));
    let why = value(&budget, &trace([dropped])).unwrap_err();
    assert!(matches!(why, Unjudged::Dropped(..)), "{why}");
}

#[test]
fn a_source_without_types_has_numbers_in_strings_and_one_without_attributes_none() {
    let losing = |field: Field| {
        let losses: Losses = [field].into_iter().collect();
        value(
            &rows("sum"),
            &trace([with_rows(2, "12")]).with_losses(losses),
        )
    };
    assert_eq!(losing(Field::AttributeTypes), Ok(Some(12.0)));
    let lost = losing(Field::Attributes);
    assert_eq!(lost, Err(Unjudged::Lost(Field::Attributes)));
}

#[test]
fn a_trace_without_such_a_span_can_be_of_any_version() {
    let compare = budget("find: SELECT, measure: count, compare: service.version");
    let side = |spans: Vec<Span>| {
        sample(&compare, None, Some(&trace(spans)))
            .unwrap()
            .unwrap()
            .side
    };
    let of = |number, version| select(number, version, Attributes::default());
    let known = Side::Version("2.4.0".to_owned());
    assert_eq!(side(vec![of(2, "2.4.0"), of(3, "2.4.0")]), known);
    assert_eq!(side(vec![of(2, "2.3.0"), of(3, "2.4.0")]), Side::Unknown);
    assert_eq!(side(Vec::new()), Side::Unknown);
}
