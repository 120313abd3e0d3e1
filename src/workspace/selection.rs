//! Settings of the user that apply to specs of any file.

use std::time::Duration;

use crate::spec::{NeedGraph, Spec};

/// Returns `true` if the spec meets all of these conditions: a tag, or `!` before a tag that the
/// spec must not have.
pub(crate) fn has_tags(spec: &Spec, conditions: &[String]) -> bool {
    conditions.iter().all(|tag| match tag.strip_prefix('!') {
        Some(unwanted) => !spec.tags.iter().any(|tag| tag == unwanted),
        None => spec.tags.contains(tag),
    })
}

/// The selected specs, and all that they need.
#[cfg(feature = "cli")]
pub(crate) fn with_needed(specs: Vec<Spec>, is_selected: impl Fn(&Spec) -> bool) -> Vec<Spec> {
    let mut selected: Vec<bool> = specs.iter().map(is_selected).collect();
    NeedGraph::new(&specs).complete(&mut selected);
    let each = specs.into_iter().zip(selected);
    each.filter_map(|(spec, is_selected)| is_selected.then_some(spec))
        .collect()
}

/// The specs, with a timeout that overrides their own.
pub(crate) fn with_timeout(mut specs: Vec<Spec>, timeout: Option<Duration>) -> Vec<Spec> {
    if let Some(timeout) = timeout {
        let steps = specs.iter_mut().flat_map(|spec| spec.steps.iter_mut());
        steps.for_each(|step| step.wait.timeout = Some(timeout));
    }
    specs
}
