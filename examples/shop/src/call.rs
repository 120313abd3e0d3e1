//! The current span of a request, and its simulated faults.
//!
//! All spans of the shop are started here. The services define their names and attributes.

use std::borrow::Cow;
use std::sync::Arc;

use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{
    Link, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt, TraceFlags, TraceState,
    Tracer,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SdkTracer};
use tracing::Dispatch;

use crate::service::Service;
use crate::simulate::Simulation;
use crate::telemetry::Telemetry;

/// A step of a request. Its span ends when the last clone is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) service: Service,
    pub(crate) simulation: Arc<Simulation>,
    tracer: SdkTracer,
    log: Dispatch,
    span: Arc<OpenSpan>,
}

#[derive(Debug)]
struct OpenSpan(Context);

impl Drop for OpenSpan {
    fn drop(&mut self) {
        self.0.span().end();
    }
}

impl Call {
    /// Starts the first span of a service, below the trace context in `carrier`.
    pub(crate) fn accept(
        telemetry: &Telemetry,
        simulation: Simulation,
        carrier: &dyn Extractor,
        span: SpanBuilder,
    ) -> Self {
        let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), carrier);
        Self::open(telemetry, simulation, &parent, span)
    }

    /// Starts the first span of a new trace, with a link to the trace context in `carrier`.
    pub(crate) fn follow(
        telemetry: &Telemetry,
        simulation: Simulation,
        carrier: &dyn Extractor,
        span: SpanBuilder,
    ) -> Self {
        let cause = TraceContextPropagator::new().extract_with_context(&Context::new(), carrier);
        let cause = cause.span().span_context().clone();
        let links = if cause.is_valid() {
            vec![Link::with_context(cause)]
        } else {
            Vec::new()
        };
        Self::open(
            telemetry,
            simulation,
            &Context::new(),
            span.with_links(links),
        )
    }

    fn open(
        telemetry: &Telemetry,
        simulation: Simulation,
        parent: &Context,
        span: SpanBuilder,
    ) -> Self {
        let simulation = simulation.or(&telemetry.simulation);
        let tracer = telemetry.tracer.clone();
        let span = Arc::new(OpenSpan(context(&tracer, &simulation, parent, span)));
        Self {
            service: telemetry.service,
            simulation: Arc::new(simulation),
            tracer,
            log: telemetry.log.clone(),
            span,
        }
    }

    /// Starts a child of this span.
    pub(crate) fn start(
        &self,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        attributes: impl IntoIterator<Item = KeyValue>,
    ) -> Self {
        let span = SpanBuilder::from_name(name)
            .with_kind(kind)
            .with_attributes(attributes);
        let context = context(&self.tracer, &self.simulation, &self.span.0, span);
        Self {
            span: Arc::new(OpenSpan(context)),
            ..self.clone()
        }
    }

    /// The same span with the faults in the body of the request.
    pub(crate) fn simulating(&self, simulation: Simulation) -> Self {
        Self {
            simulation: Arc::new(simulation.or(&self.simulation)),
            ..self.clone()
        }
    }

    pub(crate) fn set(&self, key: &'static str, value: impl Into<Value>) {
        self.span.0.span().set_attribute(KeyValue::new(key, value));
    }

    pub(crate) fn event(&self, name: &'static str, attributes: Vec<KeyValue>) {
        self.span.0.span().add_event(name, attributes);
    }

    /// Writes events of `tracing` in this span, to the log of its service.
    pub(crate) fn log(&self, write: impl FnOnce()) {
        let _current = self.span.0.clone().attach();
        tracing::dispatcher::with_default(&self.log, write);
    }

    /// Sets the status to error. An empty message is omitted.
    pub(crate) fn fail(&self, message: impl Into<Cow<'static, str>>) {
        self.span.0.span().set_status(Status::error(message));
    }

    /// Writes the trace context of this span into `carrier`, for the response.
    pub(crate) fn name(&self, carrier: &mut dyn Injector) {
        TraceContextPropagator::new().inject_context(&self.span.0, carrier);
    }

    /// Writes the trace context of this span into `carrier`, except with the fault
    /// `lose_propagation`.
    pub(crate) fn inject(&self, to: Service, carrier: &mut dyn Injector) {
        if !self.simulation.loses_propagation(self.service, to) {
            TraceContextPropagator::new().inject_context(&self.span.0, carrier);
        }
    }
}

/// A context that contains `span`.
fn context(
    tracer: &SdkTracer,
    simulation: &Simulation,
    parent: &Context,
    span: SpanBuilder,
) -> Context {
    if simulation.drops(&span.name) {
        return parent.with_remote_span_context(dropped(parent));
    }
    parent.with_span(tracer.build_with_context(span, parent))
}

/// The context of a span that is never exported. Its id is the parent of its children.
fn dropped(parent: &Context) -> SpanContext {
    let (ids, span) = (RandomIdGenerator::default(), parent.span());
    let parent = span.span_context();
    let trace = if parent.is_valid() {
        parent.trace_id()
    } else {
        ids.new_trace_id()
    };
    let flags = if parent.is_valid() {
        parent.trace_flags()
    } else {
        TraceFlags::SAMPLED
    };
    SpanContext::new(trace, ids.new_span_id(), flags, false, TraceState::NONE)
}
