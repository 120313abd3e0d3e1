//! The span that is open while a request is worked on, and the faults that the request asked for.
//!
//! Every span of the shop is started here. Which spans there are, and what they say, is written
//! where the work is done.

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

use crate::service::Service;
use crate::simulate::Simulation;
use crate::telemetry::Telemetry;

/// One step of a request. Its span ends when the last clone is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) service: Service,
    pub(crate) simulation: Arc<Simulation>,
    tracer: SdkTracer,
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
    /// The first span of a service for a request whose caller's trace context is in `carrier`.
    pub(crate) fn accept(
        telemetry: &Telemetry,
        simulation: Simulation,
        carrier: &dyn Extractor,
        span: SpanBuilder,
    ) -> Self {
        let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), carrier);
        Self::open(telemetry, simulation, &parent, span)
    }

    /// The first span of a trace of its own, which points to the one in `carrier` by a link.
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
            span,
        }
    }

    /// A child of this span.
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

    /// The same span, with the faults that the request's body asks for.
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

    /// Sets the status to error; an empty message is none.
    pub(crate) fn fail(&self, message: impl Into<Cow<'static, str>>) {
        self.span.0.span().set_status(Status::error(message));
    }

    /// Tells the caller, through `carrier`, which span answers.
    pub(crate) fn name(&self, carrier: &mut dyn Injector) {
        TraceContextPropagator::new().inject_context(&self.span.0, carrier);
    }

    /// Writes this span's trace context into `carrier`, unless the way to `to` is to lose it.
    pub(crate) fn inject(&self, to: Service, carrier: &mut dyn Injector) {
        if !self.simulation.loses_propagation(self.service, to) {
            TraceContextPropagator::new().inject_context(&self.span.0, carrier);
        }
    }
}

/// A context in which `span` is open.
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

/// A span that has an id, which its children will name, and is never exported.
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
