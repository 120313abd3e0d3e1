//! Coverage as JSON. `docs/coverage.schema.json` describes it.

use serde_json::{Value as Json, json};

use super::Coverage;
use super::specs::Unchecked;
use crate::coverage::{Edge, Item};
use crate::trace::Tie;
use crate::workspace::shown;

/// The version of the format.
const SCHEMA_VERSION: u32 = 1;

pub(super) fn render(coverage: &Coverage) -> String {
    let comparison = coverage.comparison.as_ref();
    let services = coverage.seen.services.iter().map(|(name, forms)| {
        let spans = forms.iter().map(|(form, facts)| {
            json!({
                "name": form.name,
                "kind": form.kind.as_str(),
                "spans": facts.spans,
                "attributes": facts.attributes,
            })
        });
        json!({ "name": name, "spans": spans.collect::<Vec<_>>() })
    });
    let document = json!({
        "schema_version": SCHEMA_VERSION,
        "traces": coverage.traces,
        "spans": coverage.spans,
        "list": shown(&coverage.list),
        "accepted": coverage.is_accepted,
        "services": services.collect::<Vec<_>>(),
        "edges": coverage.seen.edges.iter().map(edge).collect::<Vec<_>>(),
        "vanished": comparison.map(|_| items(coverage.vanished())),
        "not_judged": comparison.map(|comparison| items(&comparison.unknown)),
        "reasons": comparison.map_or(&coverage.refused, |comparison| &comparison.reasons),
        "new": comparison.map(|comparison| items(&comparison.new)),
        "unchecked": coverage.unchecked.as_ref().map(unchecked),
        "notes": coverage.notes,
    });
    format!("{document:#}\n")
}

fn unchecked(unchecked: &Unchecked) -> Json {
    let others = unchecked.not_examined.iter();
    let others = others.map(|(spec, why)| json!({ "spec": spec, "reason": why }));
    json!({
        "items": items(&unchecked.items),
        "specs": unchecked.specs,
        "not_examined": others.collect::<Vec<_>>(),
        "faults_not_judged": unchecked.not_judged,
        "checks_not_judged": unchecked.checks_left,
    })
}

fn items(items: &[Item]) -> Json {
    items.iter().map(item).collect()
}

fn item(item: &Item) -> Json {
    match item {
        Item::Service(service) => json!({ "type": "service", "service": service }),
        Item::Span(service, form) => json!({
            "type": "span",
            "service": service,
            "name": form.name,
            "kind": form.kind.as_str(),
        }),
        Item::Attribute(service, form, key) => json!({
            "type": "attribute",
            "service": service,
            "name": form.name,
            "kind": form.kind.as_str(),
            "attribute": key,
        }),
        Item::Edge(of) => {
            let mut object = edge(of);
            object["type"] = json!("edge");
            object
        }
    }
}

fn edge(edge: &Edge) -> Json {
    json!({
        "from": edge.from,
        "to": edge.to,
        "tie": match edge.tie {
            Tie::Parent => "child",
            Tie::Link => "link",
        },
    })
}
