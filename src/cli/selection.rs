//! Which specs run.

use std::hash::Hasher;

use crate::spec::Spec;

use super::arguments::{Shard, SpecArguments};

/// The specs that every argument lets pass.
pub(super) fn select(specs: Vec<Spec>, arguments: &SpecArguments) -> Vec<Spec> {
    specs
        .into_iter()
        .filter(|spec| {
            is_named(spec, &arguments.filter)
                && is_tagged(spec, &arguments.tag)
                && arguments.shard.is_none_or(|shard| is_of(shard, spec))
        })
        .collect()
}

/// How a spec is called among all specs: `specs/place-order.yaml › placing an order`.
pub(super) fn full_name(spec: &Spec) -> String {
    format!("{} › {}", spec.at.source.name(), spec.name)
}

fn is_named(spec: &Spec, filters: &[String]) -> bool {
    let name = full_name(spec).to_lowercase();
    filters.is_empty()
        || filters
            .iter()
            .any(|filter| name.contains(&filter.to_lowercase()))
}

fn is_tagged(spec: &Spec, wanted: &[String]) -> bool {
    wanted.iter().all(|tag| match tag.strip_prefix('!') {
        Some(unwanted) => !spec.tags.iter().any(|tag| tag == unwanted),
        None => spec.tags.contains(tag),
    })
}

/// Every spec is of exactly one part, on every machine the same: FNV-1a of file and name.
fn is_of(shard: Shard, spec: &Spec) -> bool {
    let mut hasher = fnv::FnvHasher::default();
    hasher.write(full_name(spec).as_bytes());
    hasher.finish() % shard.of == shard.number - 1
}
