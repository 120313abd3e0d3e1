//! Reads the parts of a step: trigger, captures and checks.
//!
//! In a `repeat`, a part without variables that differ between requests is read once.

use std::sync::{Arc, OnceLock};

use crate::spec::{Capture, Expect, Scope, SpecErrors, Step, Trigger};

/// Reads the parts of a step.
pub(crate) struct StepReader<'a> {
    pub(crate) step: &'a Step,
    trigger: OnceLock<Arc<Trigger>>,
    captures: OnceLock<Arc<[Capture]>>,
    expect: OnceLock<Arc<Expect>>,
}

impl<'a> StepReader<'a> {
    pub(crate) fn new(step: &'a Step) -> Self {
        Self {
            step,
            trigger: OnceLock::new(),
            captures: OnceLock::new(),
            expect: OnceLock::new(),
        }
    }

    pub(crate) fn trigger(&self, scope: &Scope) -> Result<Arc<Trigger>, SpecErrors> {
        once(&self.trigger, scope, || {
            self.step.trigger(scope).map(Arc::new)
        })
    }

    pub(super) fn captures(&self, scope: &Scope) -> Result<Arc<[Capture]>, SpecErrors> {
        once(&self.captures, scope, || {
            self.step.captures(scope).map(Arc::from)
        })
    }

    pub(super) fn expect(&self, scope: &Scope) -> Result<Arc<Expect>, SpecErrors> {
        once(&self.expect, scope, || {
            self.step.expect(scope).map(Arc::new)
        })
    }
}

fn once<T: Clone>(
    known: &OnceLock<T>,
    scope: &Scope,
    read: impl FnOnce() -> Result<T, SpecErrors>,
) -> Result<T, SpecErrors> {
    if let Some(known) = known.get() {
        return Ok(known.clone());
    }
    let (value, is_constant) = scope.read_once(read);
    let value = value?;
    if is_constant {
        // Another request may have set it, to the same value.
        let _ = known.set(value.clone());
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::spec::{Context, Source, Spec};
    use crate::trace::{TraceId, Value};

    fn spec(vars: &str, url: &str) -> Spec {
        let text = format!(
            "vars: {{ {vars} }}\nrequest: GET http://localhost/{url}\nexpect: {{ status: 200 }}\n"
        );
        let source = Source::new("specs/a.yaml", text);
        let specs = Spec::read_all(&source, Path::new("specs"), &Context::default());
        specs.unwrap().remove(0)
    }

    /// Returns `true` if two requests share their trigger.
    fn is_shared(scope: &Scope, spec: &Spec) -> bool {
        let reader = StepReader::new(&spec.steps[0]);
        let read = || {
            let mut scope = scope.clone();
            scope.set_trace_id(TraceId::random());
            reader.trigger(&scope).unwrap()
        };
        Arc::ptr_eq(&read(), &read())
    }

    #[test]
    fn a_trigger_without_variables_that_differ_between_requests_is_read_once() {
        let shared = |vars, url| {
            let spec = spec(vars, url);
            is_shared(&spec.scope().for_repeat(), &spec)
        };
        assert!(shared("", "orders"));
        assert!(shared("id: \"${uuid()}\"", "${id}/${unknown:-1}"));
        assert!(!shared("", "${uuid()}"));
        assert!(!shared("", "${unknown:-${now()}}"));
        assert!(!shared("", "${trace_id}"));
        assert!(!shared("id: \"${trace_id}\"", "${id}"));
    }

    #[test]
    fn a_capture_of_a_request_differs_between_requests_and_one_of_the_setup_does_not() {
        let spec = spec("order: \"1\"", "${order}");
        let mut scope = spec.scope();
        scope.set("order", Value::from("2"));
        let scope = scope.for_repeat();
        assert!(is_shared(&scope, &spec));
        let mut request = scope.clone();
        request.set("order", Value::from("3"));
        assert!(!is_shared(&request, &spec));
    }

    #[test]
    fn outside_a_repeat_each_step_is_read_again() {
        let spec = spec("", "orders");
        assert!(!is_shared(&spec.scope(), &spec));
    }
}
