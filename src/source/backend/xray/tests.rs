use serde_json::json;

use super::*;
use crate::source::TraceSource;
use crate::source::backend::Backend;
use crate::source::backend::replay::{
    Answer, PLACED, REFUSED, Replay, answer, by_id, id, recorded, refusal, sent, settled, trouble,
};
use crate::trace::{SpanKind, StatusCode};

fn backend(server: &Replay) -> Backend {
    server.with("xray", |settings| {
        settings.variables = vec![
            ("AWS_ACCESS_KEY_ID", "AKID".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "s3cret".to_owned()),
        ];
    })
}

fn adapter(server: &Replay) -> XRay {
    let mut settings =
        crate::project::parse_source(&format!("xray=http://{}", server.address)).unwrap();
    settings.variables = vec![
        ("AWS_ACCESS_KEY_ID", "AKID".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "s3cret".to_owned()),
    ];
    XRay::new(&settings).unwrap()
}

/// An answer with these segments of the refused order.
fn traces(segments: &[serde_json::Value]) -> Answer {
    let trace = segment::id(id(REFUSED));
    let segments: Vec<serde_json::Value> = segments
        .iter()
        .map(|one| json!({ "Id": one["id"], "Document": one.to_string() }))
        .collect();
    answer(
        200,
        json!({ "Traces": [{ "Id": trace, "Segments": segments }] }).to_string(),
    )
}

fn segment_with(more: serde_json::Value) -> serde_json::Value {
    let mut all =
        json!({ "id": "00000000000000aa", "name": "shop", "start_time": 1.5, "end_time": 2.5 });
    all.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    all
}

#[tokio::test]
async fn x_ray_gives_back_ids_times_and_attributes_of_what_was_sent() {
    for (file, trace, body) in [
        (
            recorded!("backends/sent/placed.json"),
            PLACED,
            recorded!("backends/xray/batch-get-placed.json"),
        ),
        (
            recorded!("backends/sent/refused.json"),
            REFUSED,
            recorded!("backends/xray/batch-get-refused.json"),
        ),
    ] {
        let server = Replay::of([("/Traces", vec![answer(200, body)])]).await;
        let found = by_id(&settled(&backend(&server), trace).await);
        let sent = by_id(&sent(file, trace));
        assert_eq!(found.len(), sent.len());
        for (found, sent) in found.iter().zip(&sent) {
            assert_eq!(
                (found.span_id, found.parent_id),
                (sent.span_id, sent.parent_id)
            );
            assert_eq!((found.start, found.end), (sent.start, sent.end));
            assert_eq!(found.service(), sent.service());
            assert_eq!(
                found.status.code == StatusCode::Error,
                sent.status.code == StatusCode::Error
            );
            for (key, value) in found
                .attributes
                .iter()
                .filter(|(key, _)| !key.starts_with("xray."))
            {
                let expected = sent.attributes.get(key).unwrap();
                let is_same =
                    value.same(expected) || matches!(expected, crate::trace::Value::Bytes(_));
                assert!(is_same, "{key}: {value:?}");
            }
            if found.kind != SpanKind::Server {
                assert_eq!(found.name, sent.name);
            }
        }
        let asked = server.asked.lock().unwrap();
        let id = segment::id(id(trace));
        assert_eq!(
            asked[0].body,
            json!({ "TraceIds": [id], "NextToken": null }).to_string()
        );
        let authorization = asked[0].headers["authorization"].to_str().unwrap();
        assert!(authorization.contains(
            "/us-east-1/xray/aws4_request, SignedHeaders=content-type;host;x-amz-date, "
        ));
    }
}

#[tokio::test]
async fn subsegments_have_the_service_of_their_segment_or_a_guess() {
    let nested = segment_with(json!({
        "http": { "request": { "method": "GET" }, "response": { "status": 500 } }, "fault": true,
        "cause": { "exceptions": [{ "type": "E", "message": "no" }] },
        "annotations": { "order_id": "o1" },
        "subsegments": [{ "id": "00000000000000ab", "name": "call", "namespace": "remote", "start_time": 1.6, "end_time": 1.7 }],
    }));
    let apart = segment_with(
        json!({ "id": "00000000000000ac", "parent_id": "00000000000000ab", "type": "subsegment", "name": "work" }),
    );
    let inferred = segment_with(
        json!({ "id": "00000000000000ad", "parent_id": "00000000000000ab", "name": "DynamoDB", "inferred": true }),
    );
    let server = Replay::of([("/Traces", vec![traces(&[nested, apart, inferred])])]).await;
    let trace = settled(&backend(&server), REFUSED).await;
    let spans = by_id(&trace);
    let parts: Vec<_> = spans
        .iter()
        .map(|span| {
            (
                span.service(),
                span.kind,
                span.resource.attributes.dropped(),
            )
        })
        .collect();
    assert_eq!(
        parts,
        [
            ("shop", SpanKind::Server, 0),
            ("shop", SpanKind::Client, 0),
            ("shop", SpanKind::Internal, 1)
        ]
    );
    let attribute = |name| spans[0].attributes.get(name).map(|value| value.to_text());
    assert_eq!(
        attribute("xray.http.response.status").as_deref(),
        Some("500")
    );
    assert_eq!(attribute("xray.fault").as_deref(), Some("true"));
    assert_eq!(attribute("order_id").as_deref(), Some("o1"));
    assert_eq!(
        (&*spans[0].status.message, spans[0].events.len()),
        ("no", 1)
    );
    // The inferred one.
    assert_eq!(spans.len(), 3);
}

#[test]
fn a_segment_that_the_exporter_adds_for_a_service_is_no_span() {
    let metadata = json!({ "default": { "otel.resource.service.name": "worker" } });
    let added = segment_with(
        json!({ "id": "00000000000000b1", "parent_id": "00000000000000a1", "name": "worker", "metadata": metadata }),
    );
    let kind = json!({ "default": { "aws.span.kind": "LOCAL_ROOT" } });
    let call = segment_with(
        json!({ "id": "00000000000000a2", "parent_id": "00000000000000b1", "type": "subsegment", "name": "queue", "namespace": "remote", "metadata": kind }),
    );
    let work = segment_with(
        json!({ "id": "00000000000000a3", "parent_id": "00000000000000a2", "type": "subsegment", "name": "work" }),
    );
    let documents = [call, work, added].map(|one| one.to_string());
    let spans = segment::spans(id(PLACED), &documents, false).unwrap().ended;
    let parts: Vec<_> = spans
        .iter()
        .map(|span| {
            let parent = span.parent_id.map(|id| id.to_string());
            (span.span_id.to_string(), parent.unwrap(), span.service())
        })
        .collect();
    let part = |id: &str, parent: &str| (id.to_owned(), parent.to_owned(), "worker");
    assert_eq!(
        parts,
        [
            part("00000000000000a2", "00000000000000a1"),
            part("00000000000000a3", "00000000000000a2")
        ]
    );
}

#[test]
fn attributes_of_a_trace_with_annotations_may_have_been_dropped() {
    let annotated = json!({ "id": "00000000000000ab", "name": "work", "start_time": 1.5, "end_time": 2.5, "annotations": { "tag": "a" } });
    for (parts, expected) in [(json!([annotated]), [1, 1].as_slice()), (json!([]), &[0])] {
        let document = segment_with(json!({ "subsegments": parts })).to_string();
        let spans = segment::spans(id(PLACED), &[document], false).unwrap();
        let dropped = spans.ended.iter().map(|span| span.attributes.dropped());
        assert_eq!(dropped.collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn inferred_segments_are_spans_if_they_are_wanted() {
    let inferred = segment_with(json!({ "name": "DynamoDB", "inferred": true }));
    let server = Replay::of([("/Traces", vec![traces(&[inferred])])]).await;
    let mut adapter = adapter(&server);
    adapter.keeps_inferred = true;
    let span = &adapter.read(id(REFUSED)).await.unwrap().spans[0];
    assert_eq!(span.attributes.get("xray.inferred"), Some(&true.into()));
}

#[tokio::test]
async fn a_segment_in_progress_is_asked_for_again() {
    let begun = segment_with(json!({ "in_progress": true }));
    let also = json!({ "id": "00000000000000ab", "name": "shop", "start_time": 1.5 });
    let ended = segment_with(json!({}));
    let server = Replay::of([(
        "/Traces",
        vec![
            traces(std::slice::from_ref(&begun)),
            traces(&[also]),
            traces(&[ended]),
        ],
    )])
    .await;
    let backend_of_all = backend(&server);
    assert_eq!(settled(&backend_of_all, REFUSED).await.spans().len(), 1);
    let server = Replay::of([("/Traces", vec![traces(&[begun])])]).await;
    let error = adapter(&server).read(id(REFUSED)).await.unwrap_err();
    assert!(
        matches!(error, FetchError::Later { why, .. } if why.contains("the segment `shop` is in progress"))
    );
}

#[tokio::test]
async fn all_pages_are_read_and_a_cut_trace_leaves_a_hole() {
    let trace = segment::id(id(PLACED));
    let page = |span: &str, next: serde_json::Value, is_cut: bool| {
        let document = segment_with(json!({ "id": span })).to_string();
        let segments = json!([{ "Id": span, "Document": document }]);
        let traces = json!([{ "Id": trace, "LimitExceeded": is_cut, "Segments": segments }]);
        answer(
            200,
            json!({ "Traces": traces, "NextToken": next }).to_string(),
        )
    };
    let pages = vec![
        page("00000000000000aa", "n".into(), false),
        page("00000000000000ab", json!(null), true),
    ];
    let server = Replay::of([("/Traces", pages)]).await;
    let fetched = adapter(&server).read(id(PLACED)).await.unwrap();
    assert_eq!((fetched.spans.len(), fetched.holes.len()), (2, 1));
    assert!(
        server.asked.lock().unwrap()[1]
            .body
            .contains("\"NextToken\":\"n\"")
    );
    let server = Replay::of([("/Traces", vec![page("00000000000000aa", json!(null), true)])]).await;
    let hole = trouble(&backend(&server)).await;
    assert!(
        hole.ends_with("gave a part of the trace only: it exceeds the limit of X-Ray"),
        "{hole}"
    );
}

#[tokio::test]
async fn an_unknown_trace_is_not_there_yet() {
    let body = recorded!("backends/xray/batch-get-unknown.json");
    let server = Replay::of([("/Traces", vec![answer(200, body)])]).await;
    assert_eq!(
        adapter(&server).read(id(PLACED)).await.unwrap(),
        Fetched::default()
    );
}

#[tokio::test]
async fn refusals_of_aws_have_their_remedies() {
    let failure = |kind: &str| json!({ "__type": kind, "message": "because" }).to_string();
    for (first, expected) in [
        (
            answer(403, failure("com.amazonaws#UnrecognizedClientException")),
            "answers 403 Forbidden: UnrecognizedClientException: because; check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, the region of `source`, and the clock of this machine",
        ),
        (
            answer(403, failure("AccessDeniedException")),
            "answers 403 Forbidden: AccessDeniedException: because; permit `xray:BatchGetTraces` and `xray:GetTraceSummaries` for these credentials",
        ),
        (
            answer(400, failure("InvalidRequestException")),
            "answers 400 Bad Request: InvalidRequestException: because; check the region of `source`, and whether this account uses Transaction Search, whose traces have no such API",
        ),
        (
            answer(404, ""),
            "answers 404 Not Found; check the region or the address of `source`",
        ),
        (
            answer(200, "{\"Traces\":[{}]}"),
            "answers something unreadable: missing field `Id` at line 1 column 13: {\"Traces\":[{}]}; check the address of `source`, and the version of the backend",
        ),
    ] {
        let server = Replay::of([("/Traces", vec![first])]).await;
        let why = refusal(&backend(&server)).await;
        assert_eq!(
            why,
            format!("AWS X-Ray at http://{}/ {expected}", server.address)
        );
    }
    let broken = traces(&[segment_with(json!({ "start_time": "soon" }))]);
    let server = Replay::of([("/Traces", vec![broken])]).await;
    let error = adapter(&server).read(id(REFUSED)).await.unwrap_err();
    assert!(
        format!("{error:?}").contains("a segment document has the invalid start"),
        "{error:?}"
    );
    let throttled = answer(400, failure("ThrottledException"));
    let server = Replay::of([("/Traces", vec![throttled])]).await;
    assert!(matches!(
        adapter(&server).read(id(PLACED)).await,
        Err(FetchError::Later { .. })
    ));
}

#[test]
fn the_region_makes_the_address_and_variables_change_it() {
    let new = |variables: Vec<(&'static str, &str)>| {
        let mut settings = crate::project::parse_source("xray=eu-central-1").unwrap();
        settings.variables = variables
            .into_iter()
            .map(|(name, value)| (name, value.to_owned()))
            .collect();
        XRay::new(&settings)
    };
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "s3cret"),
    ];
    let plain = new(keys.to_vec()).unwrap();
    assert_eq!(
        plain.url.as_str(),
        "https://xray.eu-central-1.amazonaws.com/"
    );
    assert_eq!(
        format!("{:?}", plain.signer),
        "Signer { region: \"eu-central-1\", .. }"
    );
    let mut elsewhere = keys.to_vec();
    elsewhere.push(("AWS_ENDPOINT_URL_XRAY", "http://127.0.0.1:5555"));
    assert_eq!(
        new(elsewhere).unwrap().url.as_str(),
        "http://127.0.0.1:5555/"
    );
    let missing = new(vec![("AWS_ACCESS_KEY_ID", "AKID")]).unwrap_err();
    assert!(
        matches!(missing, FetchError::Refused { why, .. } if why == "no credentials for AWS X-Ray")
    );
}

#[tokio::test]
async fn a_search_reads_windows_of_six_hours_and_all_pages() {
    let more = json!({ "TraceSummaries": [{ "Id": "1-6b0af38e-ffffffffffffffffffffffff" }], "NextToken": "n" });
    let pages = vec![
        answer(200, more.to_string()),
        answer(200, recorded!("backends/xray/summaries.json")),
    ];
    let server = Replay::of([("/TraceSummaries", pages)]).await;
    let hour = 3_600_000_000_000;
    let query = SearchQuery {
        service: Some("shop".to_owned()),
        from: 100 * hour,
        to: 107 * hour,
        limit: 10,
        ..SearchQuery::default()
    };
    let found = adapter(&server).find(&query).await.unwrap();
    assert_eq!((found.traces.len(), found.is_cut), (4, false));
    let cut = adapter(&server)
        .find(&SearchQuery { limit: 2, ..query })
        .await
        .unwrap();
    assert_eq!((cut.traces.len(), cut.is_cut), (2, true));
    let asked = server.asked.lock().unwrap();
    let bodies: Vec<serde_json::Value> = asked
        .iter()
        .map(|one| serde_json::from_str(&one.body).unwrap())
        .collect();
    assert_eq!(
        (&bodies[0]["StartTime"], &bodies[0]["EndTime"]),
        (&json!(101 * 3_600), &json!(107 * 3_600))
    );
    assert_eq!(
        (&bodies[1]["NextToken"], &bodies[2]["EndTime"]),
        (&json!("n"), &json!(101 * 3_600))
    );
    assert_eq!(bodies[0]["FilterExpression"], "service(\"shop\")");
    assert_eq!(filter("a\" OR service(\"b"), None);
    assert!(TraceSource::search_gap(&backend(&server)).is_some());
}

#[tokio::test]
async fn a_search_does_not_leave_out_ids_that_cannot_be_read() {
    let found = json!({ "TraceSummaries": [{ "Id": "1-6b0af38e-ff" }] }).to_string();
    let server = Replay::of([("/TraceSummaries", vec![answer(200, found)])]).await;
    let query = SearchQuery {
        to: 1,
        limit: 10,
        ..SearchQuery::default()
    };
    let error = backend(&server).search(&query).await.unwrap_err();
    assert!(
        error
            .why
            .ends_with("answers with a trace whose id cannot be read: `1-6b0af38e-ff`"),
        "{error:?}"
    );
}

/// More pages than are read, each with a token.
fn endless(is_repeated: bool) -> Vec<Answer> {
    let page = |number: usize| {
        let token = if is_repeated { 0 } else { number };
        answer(200, json!({ "NextToken": token.to_string() }).to_string())
    };
    (0..=MOST_PAGES).map(page).collect()
}

#[tokio::test]
async fn the_reading_of_pages_ends() {
    let query = SearchQuery {
        to: 1,
        limit: 10,
        ..SearchQuery::default()
    };
    let pages = |is_repeated| {
        let pages = endless(is_repeated);
        Replay::of([("/Traces", pages.clone()), ("/TraceSummaries", pages)])
    };
    let server = pages(false).await;
    let xray = adapter(&server);
    let hole = &xray.read(id(PLACED)).await.unwrap().holes[0];
    assert!(hole.reason.ends_with("it has more than 100 pages"));
    assert!(xray.find(&query).await.unwrap().is_cut);
    assert_eq!(server.paths().len(), 2 * MOST_PAGES);
    let server = pages(true).await;
    let xray = adapter(&server);
    let errors = [
        xray.read(id(PLACED)).await.unwrap_err(),
        xray.find(&query).await.unwrap_err(),
    ];
    for error in errors {
        let error = format!("{error:?}");
        assert!(
            error.contains("a page that is its own next page"),
            "{error}"
        );
    }
    assert_eq!(server.paths().len(), 4);
}

#[tokio::test]
async fn a_time_with_a_huge_exponent_is_invalid() {
    let end = serde_json::value::RawValue::from_string("1e-2147483648".to_owned()).unwrap();
    let document = segment_with(json!({ "end_time": "END" })).to_string();
    let document = document.replace("\"END\"", end.get());
    let error = segment::spans(id(PLACED), &[document], false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a segment document has the invalid end `1e-2147483648`"
    );
}

/// A document as exporters write it.
fn document(span: &crate::trace::Span) -> serde_json::Value {
    let seconds = |nanos: u64| {
        let text = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
        serde_json::value::RawValue::from_string(text).unwrap()
    };
    let own = span
        .attributes
        .iter()
        .map(|(key, value)| (key.to_owned(), value.to_json()));
    let resource = span.resource.attributes.iter();
    let resource = resource.map(|(key, value)| (format!("otel.resource.{key}"), value.to_json()));
    let metadata: serde_json::Map<String, serde_json::Value> = own.chain(resource).collect();
    let is_part = span.kind != SpanKind::Server && span.parent_id.is_some();
    let text = serde_json::to_string(&json!({
        "id": span.span_id.to_string(), "name": "a", "trace_id": segment::id(span.trace_id),
        "parent_id": span.parent_id.map(|id| id.to_string()), "type": is_part.then_some("subsegment"),
        "fault": span.status.code == StatusCode::Error, "metadata": { "default": metadata },
        "start_time": "START", "end_time": "END",
    }))
    .unwrap();
    let text = text.replace("\"START\"", seconds(span.start).get());
    text.replace("\"END\"", seconds(span.end).get()).into()
}

proptest::proptest! {
    #[test]
    fn segments_give_back_ids_times_and_attributes_of_spans(sent in crate::source::backend::any_span::spans()) {
        let mut sent = sent;
        sent.end = sent.end.max(sent.start);
        let document = document(&sent);
        let document = document.as_str().unwrap().to_owned();
        let found = segment::spans(sent.trace_id, &[document], false).unwrap().ended;
        let found = &found[0];
        proptest::prop_assert_eq!((found.span_id, found.parent_id), (sent.span_id, sent.parent_id));
        proptest::prop_assert_eq!((found.start, found.end), (sent.start, sent.end));
        proptest::prop_assert_eq!(found.status.code == StatusCode::Error, sent.status.code == StatusCode::Error);
        proptest::prop_assert_eq!(found.attributes.iter().filter(|(key, _)| !key.starts_with("xray.")).count(), sent.attributes.iter().len());
        for (key, value) in sent.attributes.iter() {
            proptest::prop_assert_eq!(found.attributes.get(key).unwrap().to_json(), value.to_json());
        }
    }
}
