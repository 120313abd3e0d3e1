//! OpenTelemetry SDK of a service: resource, tracer, log, exporters.
//!
//! The SDK reads the standard `OTEL_*` variables. Only `service.name` and `service.version` are set
//! here, since six services share a process.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{ExporterBuildError, LogExporter, SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt;

use crate::client::Http;
use crate::config;
use crate::service::Service;
use crate::simulate::Simulation;

/// The SDK of a service.
#[derive(Clone, Debug)]
pub(crate) struct Telemetry {
    pub(crate) service: Service,
    pub(crate) tracer: SdkTracer,
    /// The destination of the events of `tracing`.
    pub(crate) log: Dispatch,
    /// Default faults of a request.
    pub(crate) simulation: Arc<Simulation>,
    provider: SdkTracerProvider,
    logs: SdkLoggerProvider,
}

impl Telemetry {
    /// Starts the SDK of a service. `http` sends on the current tokio runtime.
    pub(crate) fn start(
        service: Service,
        http: &Http,
        simulation: &Arc<Simulation>,
    ) -> Result<Self, ExporterBuildError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(http.clone())
            .build()?;
        let provider = SdkTracerProvider::builder()
            .with_resource(resource(service))
            .with_batch_exporter(exporter)
            .build();
        let exporter = LogExporter::builder()
            .with_http()
            .with_http_client(http.clone())
            .build()?;
        let logs = SdkLoggerProvider::builder()
            .with_resource(resource(service))
            .with_batch_exporter(exporter)
            .build();
        let bridge = OpenTelemetryTracingBridge::new(&logs);
        let scope = InstrumentationScope::builder("shop")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let tracer = provider.tracer_with_scope(scope);
        Ok(Self {
            service,
            tracer,
            log: Dispatch::new(tracing_subscriber::registry().with(bridge)),
            simulation: Arc::clone(simulation),
            provider,
            logs,
        })
    }
}

/// Exports the remaining spans and log records of all services concurrently, for at most `limit`.
pub(crate) fn flush(services: &[Telemetry], limit: Duration) {
    thread::scope(|scope| {
        for telemetry in services {
            // Export errors are ignored, as at any other time.
            scope.spawn(move || telemetry.provider.shutdown_with_timeout(limit).ok());
            scope.spawn(move || telemetry.logs.shutdown_with_timeout(limit).ok());
        }
    });
}

fn resource(service: Service) -> Resource {
    Resource::builder()
        .with_service_name(service.name())
        .with_attribute(KeyValue::new("service.namespace", "shop"))
        .with_attribute(KeyValue::new("service.version", config::version(service)))
        .build()
}
