use super::*;
use crate::trace::{CaseVerdict, Requirement, TraceId};

const LEVEL: u8 = 2;

fn case(name: &str) -> Case {
    let all = Selection {
        level: LEVEL,
        has_baggage: true,
        formats: Format::ALL.to_vec(),
    };
    let found = cases(&all).into_iter().find(|case| case.name == name);
    found.unwrap_or_else(|| panic!("{name}"))
}

/// All observers work.
const ALL: Observers = Observers {
    spans: true,
    urls: true,
    states: true,
    echo: true,
};

fn echo(headers: &[(&str, String)]) -> EchoCall {
    let headers = headers.iter();
    EchoCall {
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
    }
}

fn seen(echo: Vec<EchoCall>) -> Observation {
    Observation {
        answer: Answer::Status(200),
        echo,
        spans: Vec::new(),
    }
}

fn span(trace_id: TraceId, ids: &Ids, trace_state: &str) -> SeenSpan {
    SeenSpan {
        trace_id,
        parent_id: Some(ids.parents[0]),
        service: "shop".to_owned(),
        name: "GET /".to_owned(),
        trace_state: trace_state.to_owned(),
    }
}

fn sent_on(trace: TraceId, flags: &str) -> (&'static str, String) {
    (
        "traceparent",
        format!("00-{trace}-00f067aa0ba902b7-{flags}"),
    )
}

fn verdict(name: &str, ids: &Ids, seen: &Observation) -> (CaseVerdict, Requirement) {
    let result = judge(&case(name), LEVEL, ids, seen, ALL);
    (result.verdict, result.requirement)
}

#[test]
fn names_are_unique_and_levels_and_formats_select() {
    let names = all_names();
    let unique: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(unique.len(), names.len());
    let count = |level, has_baggage, formats: &[Format]| {
        let formats = formats.to_vec();
        cases(&Selection {
            level,
            has_baggage,
            formats,
        })
        .len()
    };
    let (first, second) = (count(1, false, &[]), count(2, false, &[]));
    assert!(first >= 45 && second > first, "{first} {second}");
    assert_eq!(count(2, false, &[Format::B3]), second + 1);
    assert_eq!(count(2, false, &[Format::B3, Format::XRay]), second + 3);
}

#[test]
fn templates_have_the_sizes_that_the_cases_are_about() {
    let ids = Ids::random();
    let value = |name: &str, header: &str| {
        let lines = header_lines(&case(name).headers, &ids);
        let prefix = format!("{header}:");
        let mut found = lines.iter().filter_map(|line| line.strip_prefix(&prefix));
        found.next().unwrap().trim().to_owned()
    };
    assert_eq!(value("baggage-8192-bytes", "baggage").len(), 8_192);
    assert_eq!(value("tracestate-512-characters", "tracestate").len(), 512);
    assert_eq!(
        value("tracestate-33-members", "tracestate")
            .split(',')
            .count(),
        33
    );
    assert_eq!(value("trace-id-too-short", "traceparent").len(), 54);
    let xray = header_lines(&case("format-xray").headers, &ids);
    let trace = ids.traces[Format::XRay.context()].to_string();
    assert!(
        xray[1].contains(&format!("Root=1-{}-{};", &trace[..8], &trace[8..])),
        "{xray:?}"
    );
}

#[test]
fn a_trace_that_goes_on_conforms_where_it_must_and_not_where_the_header_is_invalid() {
    let ids = Ids::random();
    let on = seen(vec![echo(&[sent_on(ids.traces[0], "01")])]);
    assert_eq!(
        verdict("traceparent-valid", &ids, &on).0,
        CaseVerdict::Conforming
    );
    for name in [
        "version-ff",
        "traceparent-twice",
        "parent-id-upper-case",
        "flags-too-long",
    ] {
        assert_eq!(
            verdict(name, &ids, &on),
            (CaseVerdict::Nonconforming, Requirement::Must),
            "{name}"
        );
    }
    let second = seen(vec![echo(&[sent_on(ids.traces[1], "01")])]);
    assert_eq!(
        verdict("traceparent-twice", &ids, &second).0,
        CaseVerdict::Nonconforming
    );
}

#[test]
fn a_new_trace_conforms_where_the_header_is_invalid_and_not_where_it_is_valid() {
    let ids = Ids::random();
    let new = seen(vec![echo(&[sent_on(TraceId::random(), "01")])]);
    assert_eq!(verdict("version-ff", &ids, &new).0, CaseVerdict::Conforming);
    assert_eq!(
        verdict("traceparent-valid", &ids, &new),
        (CaseVerdict::Nonconforming, Requirement::Must)
    );
    assert_eq!(
        verdict("version-future", &ids, &new),
        (CaseVerdict::Nonconforming, Requirement::Should)
    );
}

#[test]
fn an_id_that_is_made_of_an_invalid_one_is_no_new_trace() {
    let ids = Ids::random();
    let sent = ids.traces[0].to_string();
    for mangled in [format!("{}0", &sent[..31]), format!("0{}", &sent[..31])] {
        let seen = seen(vec![echo(&[sent_on(mangled.parse().unwrap(), "01")])]);
        assert_eq!(
            verdict("trace-id-too-short", &ids, &seen).0,
            CaseVerdict::Nonconforming
        );
    }
}

#[test]
fn one_observer_that_contradicts_is_enough() {
    let ids = Ids::random();
    let mut both = seen(vec![echo(&[sent_on(ids.traces[0], "01")])]);
    both.spans.push(span(TraceId::random(), &ids, ""));
    assert_eq!(
        verdict("traceparent-valid", &ids, &both).0,
        CaseVerdict::Nonconforming
    );
    assert_eq!(
        verdict("version-ff", &ids, &both).0,
        CaseVerdict::Nonconforming
    );
}

#[test]
fn silence_never_conforms() {
    let ids = Ids::random();
    for name in all_names() {
        let silent = seen(Vec::new());
        assert_eq!(
            verdict(name, &ids, &silent).0,
            CaseVerdict::Unobservable,
            "{name}"
        );
        let answer = |answer| Observation {
            answer,
            ..seen(Vec::new())
        };
        assert_eq!(
            verdict(name, &ids, &answer(Answer::Status(400))).0,
            CaseVerdict::Masked,
            "{name}"
        );
        assert_eq!(
            verdict(name, &ids, &answer(Answer::Closed)).0,
            CaseVerdict::Masked,
            "{name}"
        );
        assert_eq!(
            verdict(name, &ids, &answer(Answer::TimedOut)).0,
            CaseVerdict::Unobservable,
            "{name}"
        );
        assert_eq!(
            verdict(name, &ids, &answer(Answer::Status(500))).0,
            CaseVerdict::Nonconforming,
            "{name}"
        );
    }
}

#[test]
fn flags_are_judged_bit_by_bit_and_only_by_the_echo() {
    let ids = Ids::random();
    let with = |flags| seen(vec![echo(&[sent_on(ids.traces[0], flags)])]);
    assert_eq!(
        verdict("flags-02", &ids, &with("02")).0,
        CaseVerdict::Conforming
    );
    assert_eq!(
        verdict("flags-02", &ids, &with("03")).0,
        CaseVerdict::Conforming
    );
    assert_eq!(
        verdict("flags-03", &ids, &with("01")).0,
        CaseVerdict::Nonconforming
    );
    assert_eq!(
        verdict("flags-unknown", &ids, &with("fd")).0,
        CaseVerdict::Nonconforming
    );
    assert_eq!(
        verdict("flags-unknown", &ids, &with("03")).0,
        CaseVerdict::Conforming
    );
    let mut spans = seen(Vec::new());
    spans.spans.push(span(ids.traces[0], &ids, ""));
    assert_eq!(
        verdict("flags-01", &ids, &spans).0,
        CaseVerdict::Unobservable
    );
}

#[test]
fn members_of_the_tracestate_keep_their_order_and_own_ones_stand_left() {
    let ids = Ids::random();
    let with = |state: &str| {
        let state = ("tracestate", state.to_owned());
        seen(vec![echo(&[sent_on(ids.traces[0], "01"), state])])
    };
    for state in [
        "foo=1,bar=2,baz=3",
        "foo=1, bar=2 ,baz=3",
        "own=x,foo=1,bar=2,baz=3",
    ] {
        assert_eq!(
            verdict("tracestate-kept", &ids, &with(state)).0,
            CaseVerdict::Conforming,
            "{state}"
        );
    }
    for state in [
        "",
        "bar=2,foo=1,baz=3",
        "foo=1,bar=2",
        "foo=1,own=x,bar=2,baz=3",
        "foo=1,bar=2,baz=3,own=x",
    ] {
        assert_eq!(
            verdict("tracestate-kept", &ids, &with(state)).0,
            CaseVerdict::Nonconforming,
            "{state}"
        );
    }
    assert_eq!(
        verdict("tracestate-key-upper-case", &ids, &with("FOO=1")),
        (CaseVerdict::Nonconforming, Requirement::Should)
    );
    let restarted = seen(vec![echo(&[sent_on(TraceId::random(), "01")])]);
    // An invalid `tracestate` must not affect `traceparent`, however optional its own treatment is.
    assert_eq!(
        verdict("tracestate-key-upper-case", &ids, &restarted),
        (CaseVerdict::Nonconforming, Requirement::Must)
    );
}

#[test]
fn without_an_echo_the_tracestate_is_judged_if_spans_contain_it() {
    let ids = Ids::random();
    let mut only = seen(Vec::new());
    only.spans
        .push(span(ids.traces[0], &ids, "foo=1,bar=2,baz=3"));
    assert_eq!(
        verdict("tracestate-kept", &ids, &only).0,
        CaseVerdict::Conforming
    );
    let blind = Observers {
        states: false,
        ..ALL
    };
    let result = judge(&case("tracestate-kept"), LEVEL, &ids, &only, blind);
    assert_eq!(result.verdict, CaseVerdict::Unobservable);
}

#[test]
fn baggage_is_compared_decoded_with_its_properties() {
    let ids = Ids::random();
    let with = |baggage: &str| {
        let baggage = ("baggage", baggage.to_owned());
        seen(vec![echo(&[sent_on(ids.traces[0], "01"), baggage])])
    };
    let encoded = with("key2=Am%c3%a9lie, key1=a%20b%2cc%25");
    assert_eq!(
        verdict("baggage-percent-encoding", &ids, &encoded).0,
        CaseVerdict::Conforming
    );
    let plus = with("key2=Am%C3%A9lie,key1=a+b%2Cc%25");
    assert_eq!(
        verdict("baggage-percent-encoding", &ids, &plus).0,
        CaseVerdict::Nonconforming
    );
    assert_eq!(
        verdict("baggage-plus", &ids, &with("key1=a%2Bb")).0,
        CaseVerdict::Conforming
    );
    assert_eq!(
        verdict("baggage-plus", &ids, &with("key1=a%20b")).0,
        CaseVerdict::Nonconforming
    );
    let bare = with("key1=value1,key2=value2");
    assert_eq!(
        verdict("baggage-properties", &ids, &bare),
        (CaseVerdict::Nonconforming, Requirement::Should)
    );
}

#[test]
fn the_format_that_wins_is_named() {
    let ids = Ids::random();
    let wins = |context: usize| {
        let seen = seen(vec![echo(&[sent_on(ids.traces[context], "01")])]);
        judge(&case("formats-all"), LEVEL, &ids, &seen, ALL)
    };
    assert_eq!(wins(0).verdict, CaseVerdict::Conforming);
    let jaeger = wins(Format::Jaeger.context());
    assert_eq!(jaeger.verdict, CaseVerdict::Nonconforming);
    assert_eq!(jaeger.found, "the echo got the trace of jaeger");
}
