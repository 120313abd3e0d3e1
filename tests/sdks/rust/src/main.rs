//! Sends each kind of value with the SDK for Rust, whose exporters read `OTEL_EXPORTER_OTLP_PROTOCOL` themselves.
//!
//! Attributes of spans can be neither bytes nor maps in this SDK.

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use opentelemetry::logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity};
use opentelemetry::metrics::{Counter, Gauge, Histogram, MeterProvider};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{
    Link, SpanContext, SpanKind, Status, TraceContextExt, TraceFlags, TraceState, Tracer,
    TracerProvider,
};
use opentelemetry::{Array, Context, Key, KeyValue, SpanId, StringValue, TraceId, Value};
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter};
use opentelemetry_sdk::logs::{SdkLogger, SdkLoggerProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

struct Client {
    tracer: SdkTracer,
    logger: SdkLogger,
    parcels: Counter<u64>,
    weight: Histogram<f64>,
    level: Gauge<f64>,
    largest: Gauge<i64>,
}

fn values() -> Vec<KeyValue> {
    vec![
        KeyValue::new("text", "Zoë 東京 🚚 \"\\\n"),
        KeyValue::new("text.empty", ""),
        KeyValue::new("yes", true),
        KeyValue::new("no", false),
        KeyValue::new("int.max", i64::MAX),
        KeyValue::new("int.min", i64::MIN),
        KeyValue::new("double", 0.1),
        KeyValue::new("double.max", f64::MAX),
        KeyValue::new("double.min", 5e-324),
        KeyValue::new(
            "texts",
            Value::Array(Array::String(vec!["ä".into(), "".into()])),
        ),
        KeyValue::new("bools", Value::Array(Array::Bool(vec![true, false]))),
        KeyValue::new("ints", Value::Array(Array::I64(vec![i64::MAX, i64::MIN]))),
        KeyValue::new("doubles", Value::Array(Array::F64(vec![0.5, -1e-9]))),
        KeyValue::new("list.empty", Value::Array(Array::String(vec![]))),
    ]
}

fn list(values: impl IntoIterator<Item = AnyValue>) -> AnyValue {
    AnyValue::ListAny(Box::new(values.into_iter().collect()))
}

fn map<const N: usize>(entries: [(&'static str, AnyValue); N]) -> AnyValue {
    let entries = entries
        .into_iter()
        .map(|(key, value)| (Key::from(key), value));
    AnyValue::Map(Box::new(entries.collect::<HashMap<_, _>>()))
}

fn bytes(bytes: &[u8]) -> AnyValue {
    AnyValue::Bytes(Box::new(bytes.to_vec()))
}

fn any(value: Value) -> AnyValue {
    match value {
        Value::Bool(value) => value.into(),
        Value::I64(value) => value.into(),
        Value::F64(value) => value.into(),
        Value::String(value) => AnyValue::String(value),
        Value::Array(Array::Bool(values)) => list(values.into_iter().map(AnyValue::from)),
        Value::Array(Array::I64(values)) => list(values.into_iter().map(AnyValue::from)),
        Value::Array(Array::F64(values)) => list(values.into_iter().map(AnyValue::from)),
        Value::Array(Array::String(values)) => list(values.into_iter().map(AnyValue::String)),
        other => panic!("a value of another type: {other:?}"),
    }
}

impl Client {
    fn values(&self, parent: &Context) {
        let trace = TraceId::from_hex("0af7651916cd43dd8448eb211c80319c").expect("32 hex digits");
        let span = SpanId::from_hex("b7ad6b7169203331").expect("16 hex digits");
        let other = SpanContext::new(
            trace,
            span,
            TraceFlags::default(),
            true,
            TraceState::default(),
        );
        let link = Link::new(
            other,
            vec![KeyValue::new("why", "früher"), KeyValue::new("count", 7)],
            0,
        );
        let builder = self
            .tracer
            .span_builder("values")
            .with_attributes(values())
            .with_links(vec![link]);
        let context = parent.with_span(self.tracer.build_with_context(builder, parent));
        let span = context.span();
        span.add_event(
            "geprüft ✓",
            vec![KeyValue::new("attempt", 2), KeyValue::new("note", "„gut“")],
        );
        span.set_status(Status::error("leider voll 🚚"));
        let _current = context.clone().attach();
        self.log();
        self.measure(&span.span_context().trace_id().to_string());
        span.end();
    }

    fn log(&self) {
        let mut record = self.logger.create_log_record();
        record.set_severity_number(Severity::Warn);
        record.set_body("Bestellung 42 – gepackt 📦".into());
        record.add_attributes(values().into_iter().map(|pair| (pair.key, any(pair.value))));
        record.add_attribute("bytes", bytes(&[0, 255, 128, 1]));
        let items = list([1.into(), "two".into(), 3.5.into(), true.into()]);
        record.add_attribute("map", map([("ä", map([("b", items)]))]));
        record.add_attribute(
            "mixed",
            list([1.into(), "two".into(), list([false.into()])]),
        );
        self.logger.emit(record);
        let mut event = self.logger.create_log_record();
        event.set_severity_number(Severity::Info);
        event.set_event_name("packed");
        let items = list([true.into(), "c".into()]);
        event.set_body(map([
            ("ä", 1.into()),
            ("b", items),
            ("d", bytes(&[0, 255])),
        ]));
        self.logger.emit(event);
    }

    fn measure(&self, request: &str) {
        self.parcels.add(3, &[KeyValue::new("route", "Köln")]);
        for kilograms in [1.5, 7.0] {
            self.weight.record(
                kilograms,
                &[KeyValue::new(
                    "request",
                    StringValue::from(request.to_string()),
                )],
            );
        }
        self.level.record(0.1, &[]);
        self.largest.record(i64::MAX, &[]);
    }

    fn serve(&self, stream: TcpStream) -> Result<(), Box<dyn Error>> {
        let mut lines = BufReader::new(&stream).lines();
        let first = lines.next().ok_or("no request")??;
        let mut headers = HashMap::new();
        for line in lines {
            let line = line?;
            let Some((name, value)) = line.split_once(": ") else {
                break;
            };
            headers.insert(name.to_lowercase(), value.to_string());
        }
        if first.starts_with("GET /values ") {
            let parent = TraceContextPropagator::new().extract(&headers);
            let builder = self
                .tracer
                .span_builder("GET /values")
                .with_kind(SpanKind::Server);
            let context = parent.with_span(self.tracer.build_with_context(builder, &parent));
            self.values(&context);
            context.span().end();
        }
        Ok(write!(
            &stream,
            "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"
        )?)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // The exporters of gRPC need a runtime.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let _entered = runtime.enter();
    let traces = SdkTracerProvider::builder()
        .with_batch_exporter(SpanExporter::builder().build()?)
        .build();
    let logs = SdkLoggerProvider::builder()
        .with_batch_exporter(LogExporter::builder().build()?)
        .build();
    let metrics = SdkMeterProvider::builder()
        .with_periodic_exporter(MetricExporter::builder().build()?)
        .build();
    let meter = metrics.meter("client");
    let client = Client {
        tracer: traces.tracer("client"),
        logger: logs.logger("client"),
        parcels: meter.u64_counter("parcels").with_unit("{parcel}").build(),
        weight: meter.f64_histogram("weight").with_unit("kg").build(),
        level: meter.f64_gauge("level").build(),
        largest: meter.i64_gauge("largest").build(),
    };
    let port: u16 = std::env::var("PORT")?.parse()?;
    for stream in TcpListener::bind(("127.0.0.1", port))?.incoming() {
        client.serve(stream?)?;
    }
    Ok(())
}
