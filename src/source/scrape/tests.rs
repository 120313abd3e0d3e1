//! Series, from the text of an endpoint.

use super::*;
use crate::source::Store;
use crate::trace::{Exemplar, MetricRecords, PointValue, SeriesRecord};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn target(name: Option<&str>) -> ScrapeTarget {
    ScrapeTarget {
        service: "shop".to_owned(),
        telemetry_name: name.map(str::to_owned),
        url: "http://127.0.0.1:1/metrics".parse().unwrap(),
    }
}

/// The series of these lines of OpenMetrics, and the problems.
fn read(lines: &str) -> (MetricRecords, Vec<String>) {
    let text = format!("{lines}\n# EOF\n");
    let answer = target(None).export(text.as_bytes(), Format::OpenMetrics, 9);
    let answer = answer.unwrap_or_else(|error| panic!("{error}"));
    let mut watch = Store::new().watch_metrics();
    watch.take_in(answer.export);
    let holes = answer.holes.iter().map(|hole| hole.hole.reason.clone());
    (watch.read(), holes.collect())
}

fn lines(records: &MetricRecords) -> Vec<String> {
    let described = |record: &SeriesRecord| {
        let series = &record.series;
        let point = record.points.last().unwrap();
        let value = match point.value {
            PointValue::Int(int) => int.to_string(),
            PointValue::Double(double) => format!("{double:?}"),
            PointValue::Measurements { count, sum } => format!("{count} {sum:?}"),
        };
        let attributes = series.attributes.iter();
        let attributes: Vec<String> = attributes
            .map(|(name, value)| format!("{name}={}", value.as_str().unwrap()))
            .collect();
        format!(
            "{} {} {{{}}} {value} from {} at {} in {:?} of {}",
            series.kind.name(),
            series.name,
            attributes.join(","),
            point.start,
            point.time,
            series.scope.name,
            series.resource.service(),
        )
    };
    let mut lines: Vec<String> = records.series.iter().map(|one| described(one)).collect();
    lines.sort();
    lines
}

#[test]
fn samples_become_series_of_their_types() {
    let (records, problems) = read(
        "# TYPE orders counter\n\
        orders_total{b=\"2\",a=\"1\",empty=\"\"} 3.0\n\
        orders_created{a=\"1\",b=\"2\"} 1.5\n\
        # TYPE open gauge\n\
        open{otel_scope_name=\"cart\",otel_scope_version=\"1\"} 2.5 0.000000007\n\
        # TYPE took histogram\n\
        took_bucket{le=\"0.1\"} 1\n\
        took_bucket{le=\"+Inf\"} 4 # {trace_id=\"0AF7651916CD43DD8448EB211C80319C\",user=\"u\"} 2\n\
        took_count 4\n\
        took_sum 6.5\n\
        # TYPE bare histogram\n\
        bare_count 2\n\
        # TYPE bucketed histogram\n\
        bucketed_bucket{le=\"+Inf\"} 5\n\
        # TYPE rpc summary\n\
        rpc{quantile=\"0.9\"} NaN\n\
        rpc_count 7\n\
        rpc_sum 1\n\
        untyped NaN",
    );
    assert_eq!(problems, [""; 0]);
    assert_eq!(
        lines(&records),
        [
            "gauge open {} 2.5 from 0 at 7 in \"cart\" of shop",
            "gauge untyped {} NaN from 0 at 9 in \"\" of shop",
            "histogram bare {} 2 None from 0 at 9 in \"\" of shop",
            "histogram bucketed {} 5 None from 0 at 9 in \"\" of shop",
            "histogram took {} 4 Some(6.5) from 0 at 9 in \"\" of shop",
            "sum orders_total {a=1,b=2} 3 from 1500000000 at 9 in \"\" of shop",
            "summary rpc {} 7 Some(1.0) from 0 at 9 in \"\" of shop",
        ]
    );
    let exemplars: Vec<_> = records
        .series
        .iter()
        .flat_map(|one| &one.exemplars)
        .collect();
    let expected = Exemplar {
        trace_id: TRACE.parse().unwrap(),
        span_id: None,
        value: 2.into(),
        attributes: [("user", "u")].into_iter().collect(),
    };
    assert_eq!(exemplars, [&expected]);
}

#[test]
fn target_info_is_the_resource_and_a_start_of_the_process_that_of_its_series() {
    let (records, _) = read(
        "# TYPE target info\n\
        target_info{service_name=\"front\",host_name=\"a\"} 1\n\
        # TYPE process_start_time_seconds gauge\n\
        process_start_time_seconds 2\n\
        # TYPE a counter\n\
        a_total{job=\"nightly\"} 1",
    );
    assert_eq!(
        lines(&records),
        [
            "gauge process_start_time_seconds {} 2 from 2000000000 at 9 in \"\" of front",
            "sum a_total {job=nightly} 1 from 2000000000 at 9 in \"\" of front",
        ]
    );
    let resource = &records.series[0].series.resource;
    let host = resource.attributes.get("host_name").unwrap();
    assert_eq!(host.as_str(), Some("a"));
}

#[test]
fn a_collector_exposes_the_series_of_several_services() {
    let (records, _) = read(
        "# TYPE target info\n\
        target_info{job=\"shop/front\",instance=\"i1\"} 1\n\
        target_info{job=\"back\",instance=\"i2\"} 1\n\
        # TYPE a counter\n\
        a_total{job=\"shop/front\",instance=\"i1\"} 1\n\
        a_total{job=\"back\",instance=\"i2\"} 2\n\
        a_total{job=\"back\",instance=\"i3\"} 3",
    );
    assert_eq!(
        lines(&records),
        [
            "sum a_total {instance=i3,job=back} 3 from 0 at 9 in \"\" of shop",
            "sum a_total {} 1 from 0 at 9 in \"\" of front",
            "sum a_total {} 2 from 0 at 9 in \"\" of back",
        ]
    );
    assert_eq!(records.processes.len(), 3);
}

#[test]
fn samples_that_contradict_each_other_are_a_loss_of_their_metric() {
    let (records, problems) = read(
        "# TYPE a counter\na_total 1\na_total 2\n\
        # TYPE b counter\nb_total -1\n\
        # TYPE c histogram\nc_bucket{le=\"+Inf\"} 3\nc_count 4\nc_sum 1\n\
        # TYPE d histogram\nd_count 1.5\n\
        # TYPE e histogram\ne_sum 1.5\n\
        # TYPE f histogram\nf_bucket 1\n",
    );
    let problems: Vec<&str> = problems
        .iter()
        .filter_map(|problem| problem.split_once("each other: "))
        .map(|(_, problem)| problem)
        .collect();
    assert_eq!(
        problems,
        [
            "`a_total` occurs twice with the same labels",
            "the counter `b_total` is -1",
            "`c_count` is 4, but `c_bucket` up to infinity is 3",
            "`d_count` is 1.5, which is no count",
            "there is no `e_count`",
            "`f_bucket` has no label `le`",
        ]
    );
    assert_eq!(records.series.len(), 1);
}

#[test]
fn many_contradictions_are_a_loss_of_any_metric() {
    let lines = (0..200).map(|at| format!("a{at} 1\na{at} 1"));
    let (_, problems) = read(&lines.collect::<Vec<_>>().join("\n"));
    assert_eq!(problems.len(), 101);
    assert!(problems.last().unwrap().ends_with("many metrics"));
}

#[test]
fn a_message_shows_no_password() {
    let target = ScrapeTarget {
        url: "http://me:hunter22@127.0.0.1:1/metrics".parse().unwrap(),
        ..target(None)
    };
    let hole = target.hole("failed", String::new());
    assert_eq!(
        hole.hole.reason,
        "`scrape` of `shop`: GET http://127.0.0.1:1/metrics failed"
    );
}

/// A sample as an exporter writes it.
fn written(name: &str, labels: &[(String, String)], value: f64) -> String {
    let escaped = |value: &str| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        value.replace('\n', "\\n")
    };
    let labels = labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
    format!("{name}{{{}}} {value}", labels.collect::<Vec<_>>().join(","))
}

proptest::proptest! {
    #[test]
    fn a_counter_that_is_written_is_read(
        labels in proptest::collection::btree_map("[a-z][a-z0-9_]{0,5}", "[^\r]{1,8}", 0..5),
        value in 0.0..1e300,
        ids in proptest::prelude::any::<(u128, u64)>(),
    ) {
        let labels: Vec<(String, String)> = labels
            .into_iter()
            .filter(|(name, _)| !name.starts_with("otel_scope_"))
            .collect();
        let exemplar = [
            ("span_id".to_owned(), format!("{:016x}", ids.1)),
            ("trace_id".to_owned(), format!("{:032x}", ids.0)),
        ];
        let sample = written("a_total", &labels, value);
        let exemplar = written("", &exemplar, 1.0);
        let (records, problems) = read(&format!("# TYPE a counter\n{sample} # {exemplar}"));
        proptest::prop_assert!(problems.is_empty());
        let [record] = records.series.as_slice() else { panic!("{records:?}") };
        let found = record.series.attributes.iter();
        let mut found: Vec<(String, String)> = found
            .map(|(name, value)| (name.to_owned(), value.as_str().unwrap().to_owned()))
            .collect();
        found.sort();
        proptest::prop_assert_eq!(found, labels);
        let read = match record.points[0].value {
            PointValue::Int(int) => int as f64,
            PointValue::Double(double) => double,
            PointValue::Measurements { .. } => f64::NAN,
        };
        proptest::prop_assert_eq!(read.to_bits(), value.to_bits());
        let of_trace: Vec<_> = record.exemplars.iter().map(|one| one.trace_id.to_string()).collect();
        let expected = (ids.0 != 0).then(|| format!("{:032x}", ids.0));
        proptest::prop_assert_eq!(of_trace, Vec::from_iter(expected));
    }

    #[test]
    fn every_text_is_read_or_refused(text in "[#{}=\",a_ \\\\\n0-9TYPEcounter.+-]{0,80}") {
        for format in [Format::Prometheus, Format::OpenMetrics] {
            let _ = target(Some("shop")).export(text.as_bytes(), format, 9);
            let ended = format!("{text}\n# EOF\n");
            let _ = target(Some("shop")).export(ended.as_bytes(), format, 9);
        }
    }
}

/// The only hole of the last of these answers of an endpoint; nothing listens without one.
async fn last_hole(answers: &[&str]) -> MetricHole {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut target = target(Some("shop"));
    let port = listener.local_addr().unwrap().port();
    target.url.set_port(Some(port)).unwrap();
    let served = answers.join("\0");
    let server = (!answers.is_empty()).then(move || {
        tokio::spawn(async move {
            for answer in served.split('\0') {
                let (mut connection, _) = listener.accept().await.unwrap();
                let _ = connection.read(&mut [0; 4096]).await;
                connection.write_all(answer.as_bytes()).await.unwrap();
            }
        })
    });
    let watch = Store::new().watch_metrics();
    let mut scraper = Scraper::new(vec![target]);
    let mut holes = Vec::new();
    for _ in 0..answers.len().max(1) {
        holes = scraper.scrape(&watch, Duration::ZERO, Instant::now()).await;
    }
    if let Some(server) = server {
        server.await.unwrap();
    }
    let [hole] = holes.as_slice() else {
        panic!("{holes:?}");
    };
    hole.clone()
}

/// An answer with this text of OpenMetrics.
macro_rules! exposed {
    ($text:literal) => {
        concat!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/openmetrics-text\r\nconnection: close\r\n\r\n",
            $text,
            "# EOF\n"
        )
    };
}

#[tokio::test]
async fn a_loss_concerns_the_service_that_the_endpoint_named() {
    const FAILED: &str = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
    const FRONT: &str =
        exposed!("# TYPE target info\ntarget_info{service_name=\"front\"} 1\na 1\n");
    const UNNAMED: &str = exposed!("a 1\n");
    const EMPTY: &str = exposed!("");
    const SEVERAL: &str =
        exposed!("# TYPE target info\ntarget_info{job=\"back\"} 1\na{job=\"back\"} 1\nb 1\n");
    const BROKEN: &str =
        exposed!("# TYPE target info\ntarget_info{service_name=\"front\"} 1\na 1\nb 1\nb 2\n");
    let service = async |answers: &[&str]| last_hole(answers).await.service;
    assert_eq!(service(&[FRONT, FAILED]).await.as_deref(), Some("front"));
    assert_eq!(service(&[UNNAMED, FAILED]).await.as_deref(), Some("shop"));
    assert_eq!(service(&[BROKEN]).await.as_deref(), Some("front"));
    // It can be any.
    assert_eq!(service(&[FAILED]).await, None);
    assert_eq!(service(&[EMPTY, FAILED]).await, None);
    assert_eq!(service(&[SEVERAL, FAILED]).await, None);
}

#[tokio::test]
async fn an_answer_that_is_no_text_of_metrics_is_named() {
    for (answers, expected) in [
        (&[][..], "found no listener: connection refused"),
        (&[""], "failed: "),
        (
            &["HTTP/1.1 302 Found\r\nlocation: /login\r\ncontent-length: 0\r\n\r\n"],
            "answered 302 Found",
        ),
        (
            &["HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>"],
            "answered a web page",
        ),
        (
            &["HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n"],
            "answered 401 Unauthorized",
        ),
        (
            &["HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: application/json\r\n\r\n{}"],
            "answered `application/json`, which is no text format of metrics",
        ),
        (
            &["HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\na b"],
            "answered no valid metrics: the end is missing",
        ),
        // Fewer bytes than announced.
        (
            &["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\na 1\n"],
            "failed: ",
        ),
    ] {
        let hole = last_hole(answers).await.hole;
        let (_, found) = hole.reason.split_once("/metrics ").unwrap();
        assert!(found.starts_with(expected), "{found}");
    }
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_is_not_waited_for_long() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut target = target(None);
    target
        .url
        .set_port(Some(listener.local_addr().unwrap().port()))
        .unwrap();
    let scraper = Scraper::within(Vec::new(), Duration::from_millis(1));
    let failure = get(&scraper.client, &target.url).await.unwrap_err();
    assert!(
        failure.what.starts_with("had no answer within"),
        "{failure:?}"
    );
}
