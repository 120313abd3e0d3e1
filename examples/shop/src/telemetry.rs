//! One service's own OpenTelemetry SDK: its resource, its tracer, its exporter.
//!
//! What is traced is decided in `call`. The standard `OTEL_*` variables apply as the SDK reads
//! them; only `service.name` and `service.version` are ours, since six services share a process.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use crate::client::Http;
use crate::config;
use crate::service::Service;
use crate::simulate::Simulation;

/// What a service needs to trace its work.
#[derive(Clone, Debug)]
pub(crate) struct Telemetry {
    pub(crate) service: Service,
    pub(crate) tracer: SdkTracer,
    /// The faults of requests that bring none of their own.
    pub(crate) simulation: Arc<Simulation>,
    provider: SdkTracerProvider,
}

impl Telemetry {
    /// Starts a service's SDK. Needs the tokio runtime that `http` sends from.
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
        let scope = InstrumentationScope::builder("shop")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let tracer = provider.tracer_with_scope(scope);
        Ok(Self {
            service,
            tracer,
            simulation: Arc::clone(simulation),
            provider,
        })
    }
}

/// Exports what is left of every service, side by side, and gives up after `limit`.
pub(crate) fn flush(services: &[Telemetry], limit: Duration) {
    thread::scope(|scope| {
        for telemetry in services {
            // A collector that is gone is no reason to complain while leaving.
            scope.spawn(move || telemetry.provider.shutdown_with_timeout(limit).ok());
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
