//! Selection of specs by `--filter`, `--tag` and `--shard`.

use std::hash::Hasher;

use crate::spec::Spec;
use crate::workspace::has_tags;

use super::arguments::{Shard, SpecArguments};

/// The specs that meet all arguments.
pub(super) fn select(specs: Vec<Spec>, arguments: &SpecArguments) -> Vec<Spec> {
    specs
        .into_iter()
        .filter(|spec| {
            is_named(spec, &arguments.filter)
                && has_tags(spec, &arguments.tag)
                && arguments.shard.is_none_or(|shard| is_of(shard, spec))
        })
        .collect()
}

/// The name of a spec among all specs: `specs/place-order.yaml › placing an order`.
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

/// Every spec is in exactly one shard, the same on every machine: FNV-1a of file and name.
fn is_of(shard: Shard, spec: &Spec) -> bool {
    let mut hasher = fnv::FnvHasher::default();
    hasher.write(full_name(spec).as_bytes());
    hasher.finish() % shard.of == shard.number - 1
}
