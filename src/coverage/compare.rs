//! Compares what traces show with a recorded list.

use super::inventory::{Inventory, Item, Unknown};
use crate::check::other_names;

/// The differences between a recorded list and traces.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// Entries of the list that no trace shows.
    pub(crate) vanished: Vec<Item>,
    /// Entries of the list that no trace shows, and that may be there nevertheless.
    pub(crate) unknown: Vec<Item>,
    /// The reasons for that.
    pub(crate) reasons: Vec<String>,
    /// Entries that are not on the list.
    pub(crate) new: Vec<Item>,
}

/// Compares a list with what traces show. Of a service or span that vanished or is new, the parts are left
/// out.
pub(crate) fn compare(list: &Inventory, seen: &Inventory, unknown: &Unknown) -> Comparison {
    let mut found = Comparison {
        new: missing(seen, list),
        ..Comparison::default()
    };
    for item in missing(list, seen) {
        let mut reasons = unknown.reasons(&item).to_vec();
        if let Item::Attribute(service, form, _) = &item
            && seen
                .form(service, form)
                .is_some_and(|facts| facts.has_dropped)
        {
            reasons.push(format!("attributes of {service} › {form} were dropped"));
        }
        if reasons.is_empty() {
            found.vanished.push(item);
            continue;
        }
        found.unknown.push(item);
        for reason in reasons {
            if !found.reasons.contains(&reason) {
                found.reasons.push(reason);
            }
        }
    }
    found
}

/// The entries of one inventory that another does not have.
fn missing(of: &Inventory, other: &Inventory) -> Vec<Item> {
    let mut all = Vec::new();
    for (service, forms) in &of.services {
        if !other.services.contains_key(service) {
            all.push(Item::Service(service.clone()));
            continue;
        }
        for (form, facts) in forms {
            let Some(others) = other.form(service, form) else {
                all.push(Item::Span(service.clone(), form.clone()));
                continue;
            };
            let is_there = |key: &str| {
                let has = |name: &str| others.attributes.contains(name);
                has(key) || other_names(key).any(has)
            };
            let keys = facts.attributes.iter().filter(|key| !is_there(key));
            all.extend(keys.map(|key| Item::Attribute(service.clone(), form.clone(), key.clone())));
        }
    }
    let edges = of.edges.difference(&other.edges).cloned();
    all.extend(edges.map(Item::Edge));
    all
}
