//! The layout of the service graph: places of services and routes of calls.

use dagre::graph::{Graph, GraphOptions};
use dagre::layout::types::LabelPos;
use dagre::{EdgeLabel, LayoutOptions, NodeLabel, RankDir};
use serde::Serialize;

use super::super::look;
use crate::trace::{Calls, Nanos, Service, ServiceGraph, Tie};

/// Larger graphs are shown as a table only.
const MOST_SERVICES: usize = 60;
const MOST_CALLS: usize = 160;

/// In pixels; the style sheet contains the same values.
const NODE_HEIGHT: f64 = 52.0;
const COLUMN: f64 = 7.6;
const LABEL_HEIGHT: f64 = 32.0;
const MARGIN: f64 = 12.0;

/// The graph in pixels.
#[derive(Serialize)]
pub(super) struct GraphLayout {
    /// `None` if the graph is too large.
    size: Option<(f64, f64)>,
    services: Vec<GraphNode>,
    calls: Vec<GraphEdge>,
}

#[derive(Serialize)]
struct GraphNode {
    name: String,
    spans: usize,
    errors: usize,
    p50: Option<Nanos>,
    /// Left, top, width, height.
    place: Option<[f64; 4]>,
}

#[derive(Serialize)]
struct GraphEdge {
    from: usize,
    to: usize,
    tie: &'static str,
    count: usize,
    errors: usize,
    p50: Option<Nanos>,
    points: Vec<(f64, f64)>,
    /// Centre of its label.
    label: Option<(f64, f64)>,
}

impl From<ServiceGraph> for GraphLayout {
    fn from(graph: ServiceGraph) -> Self {
        let mut picture = Self {
            size: None,
            services: graph.services.iter().map(node).collect(),
            calls: graph.calls.iter().map(edge).collect(),
        };
        let is_small = graph.services.len() <= MOST_SERVICES && graph.calls.len() <= MOST_CALLS;
        if is_small && !graph.services.is_empty() {
            picture.lay_out();
        }
        picture
    }
}

fn node(service: &Service) -> GraphNode {
    GraphNode {
        name: service.name.clone(),
        spans: service.spans,
        errors: service.errors,
        p50: service.p50,
        place: None,
    }
}

fn edge(calls: &Calls) -> GraphEdge {
    GraphEdge {
        from: calls.from,
        to: calls.to,
        tie: match calls.tie {
            Tie::Parent => "call",
            Tie::Link => "link",
        },
        count: calls.count,
        errors: calls.errors,
        p50: calls.p50,
        points: Vec::new(),
        label: None,
    }
}

impl GraphLayout {
    fn lay_out(&mut self) {
        // Numbers instead of names, which could contain markup.
        let mut graph = Graph::with_options(GraphOptions {
            directed: true,
            multigraph: true,
            compound: false,
        });
        for (at, node) in self.services.iter().enumerate() {
            let label = NodeLabel {
                width: width(node),
                height: NODE_HEIGHT,
                ..NodeLabel::default()
            };
            graph.set_node(at.to_string(), Some(label));
        }
        for edge in &self.calls {
            let label = EdgeLabel {
                width: label_width(edge),
                height: LABEL_HEIGHT,
                labelpos: LabelPos::Center,
                ..EdgeLabel::default()
            };
            let (from, to) = (edge.from.to_string(), edge.to.to_string());
            graph.set_edge(from, to, Some(label), Some(edge.tie));
        }
        dagre::layout(&mut graph, Some(options()));
        self.take_over(&graph);
    }

    fn take_over(&mut self, graph: &Graph<NodeLabel, EdgeLabel>) {
        let (mut right, mut bottom) = (0.0_f64, 0.0_f64);
        let mut reach = |x: f64, y: f64| {
            right = right.max(x);
            bottom = bottom.max(y);
        };
        for (at, node) in self.services.iter_mut().enumerate() {
            if let Some(laid) = graph.node(&at.to_string())
                && let (Some(x), Some(y)) = (laid.x, laid.y)
            {
                let (left, top) = (x - laid.width / 2.0, y - laid.height / 2.0);
                node.place = Some([left, top, laid.width, laid.height].map(whole));
                reach(left + laid.width, top + laid.height);
            }
        }
        for edge in &mut self.calls {
            let (from, to) = (edge.from.to_string(), edge.to.to_string());
            if let Some(laid) = graph.edge(&from, &to, Some(edge.tie)) {
                edge.points = laid
                    .points
                    .iter()
                    .map(|point| (whole(point.x), whole(point.y)))
                    .collect();
                edge.label = laid.x.zip(laid.y).map(|(x, y)| (whole(x), whole(y)));
                edge.points.iter().for_each(|&(x, y)| reach(x, y));
                if let Some((x, y)) = edge.label {
                    reach(x + laid.width / 2.0, y + laid.height / 2.0);
                }
            }
        }
        self.size = Some((whole(right + MARGIN), whole(bottom + MARGIN)));
    }
}

fn options() -> LayoutOptions {
    LayoutOptions {
        rankdir: RankDir::LR,
        nodesep: 36.0,
        edgesep: 24.0,
        ranksep: 72.0,
        marginx: MARGIN,
        marginy: MARGIN,
        ..LayoutOptions::default()
    }
}

/// Wide enough for the name and the numbers below it.
#[expect(clippy::cast_precision_loss, reason = "a name has no 2^52 columns")]
fn width(node: &GraphNode) -> f64 {
    let least = if node.errors > 0 { 25 } else { 17 };
    look::width(&node.name).clamp(least, 34) as f64 * COLUMN + 34.0
}

/// The number of calls, and of errors if there are some.
fn label_width(edge: &GraphEdge) -> f64 {
    if edge.errors > 0 { 124.0 } else { 84.0 }
}

fn whole(pixels: f64) -> f64 {
    pixels.round()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn graph(services: usize, pairs: &[(usize, usize)]) -> ServiceGraph {
        let service = |at: usize| Service {
            name: format!("service {at}"),
            spans: 1,
            errors: 0,
            p50: Some(1),
        };
        let mut pairs = pairs.to_vec();
        pairs.sort_unstable();
        pairs.dedup();
        let calls = pairs.iter().flat_map(|&(from, to)| {
            [Tie::Parent, Tie::Link].map(|tie| Calls {
                from,
                to,
                tie,
                count: 1,
                errors: 0,
                p50: Some(1),
            })
        });
        ServiceGraph {
            services: (0..services).map(service).collect(),
            calls: calls.collect(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_graph_finds_room_with_circles_and_calls_of_oneself(
            pairs in prop::collection::vec((0_usize..7, 0_usize..7), 0..20)
        ) {
            let picture = GraphLayout::from(graph(7, &pairs));
            let (right, bottom) = picture.size.unwrap();
            for node in &picture.services {
                let [left, top, width, height] = node.place.unwrap();
                prop_assert!(left >= 0.0 && left + width <= right);
                prop_assert!(top >= 0.0 && top + height <= bottom);
            }
            for edge in &picture.calls {
                prop_assert!(edge.points.len() >= 2, "{} {}", edge.from, edge.to);
                prop_assert!(edge.label.is_some());
            }
        }
    }

    #[test]
    fn a_graph_that_is_no_picture_any_more_keeps_its_numbers() {
        let picture = GraphLayout::from(graph(MOST_SERVICES + 1, &[(0, 1)]));
        assert!(picture.size.is_none() && picture.calls.len() == 2);
    }
}
