//! A selector of Tracetest as `find`.

use super::expression::Comparator;
use super::matcher::{Kind, exactly, matcher};
use super::operand::Operand;
use super::selector::{Filter, FilterOperator, Level, Pick, Selector};
use crate::import::matcher::{both, not, syntax};
use crate::import::{Map, Written};

/// Spans to find.
#[derive(Clone, Debug, Default)]
pub(super) struct Find {
    /// The value of `find`.
    pub(super) conditions: Map,
    /// Spans of which there must be exactly one, so that the selection is the same.
    pub(super) guards: Vec<Map>,
    pub(super) notes: Vec<String>,
}

impl Find {
    /// The value of `find`: a name alone is written without its key.
    pub(super) fn written(&self) -> Written {
        short(&self.conditions)
    }

    /// Converts a selector. `Err` is the reason why it has no equivalent.
    pub(super) fn of(selector: &Selector) -> Result<Self, String> {
        match selector.chains.as_slice() {
            [] => Ok(Self::default()),
            [chain] => of_chain(chain),
            chains => of_chains(chains),
        }
    }
}

/// A name alone, or the map.
pub(super) fn short(conditions: &Map) -> Written {
    let mut values = conditions.values();
    match (values.next(), values.next()) {
        (Some(("name", Written::Text(name))), None)
            if !name.starts_with('$') && !name.is_empty() =>
        {
            Written::Text(name.clone())
        }
        _ => conditions.clone().into(),
    }
}

fn of_chains(chains: &[Vec<Level>]) -> Result<Find, String> {
    let mut find = Find::default();
    let mut alternatives: Vec<Written> = Vec::new();
    for chain in chains {
        if chain.iter().any(|level| level.pick.is_some()) {
            return Err(
                "a pseudo-class in one of several selectors: write an assertion for each"
                    .to_owned(),
            );
        }
        let one = of_chain(chain)?;
        find.notes.extend(one.notes);
        if one.conditions.is_empty() {
            return Ok(Find {
                conditions: Map::new(),
                ..find
            });
        }
        let written: Written = one.conditions.into();
        if !alternatives.contains(&written) {
            alternatives.push(written);
        }
    }
    find.conditions = match alternatives.as_slice() {
        [Written::Map(one)] => one.clone(),
        _ => Map::flow("any_of", alternatives),
    };
    Ok(find)
}

fn of_chain(chain: &[Level]) -> Result<Find, String> {
    let Some((selected, ancestors)) = chain.split_last() else {
        return Ok(Find::default());
    };
    let mut find = Find::default();
    if selected.is_trigger() {
        return Err("the trigger's own span among others".to_owned());
    }
    // Each span is below the trigger's own span, and `span[]` includes that one.
    let (implied, ancestors): (Vec<&Level>, Vec<&Level>) = ancestors
        .iter()
        .partition(|level| level.is_trigger() || level.filters.is_empty());
    if implied.iter().any(|level| level.pick.is_some()) {
        return Err("a pseudo-class of `span[]` or of the trigger's own span".to_owned());
    }
    let mut below: Option<Map> = None;
    let mut guards = Vec::new();
    for level in &ancestors {
        let mut conditions = of_level(level, &mut find.notes)?;
        if let Some(outer) = &below {
            conditions.put("below", short(outer));
        }
        guards.push(conditions.clone());
        below = Some(conditions);
    }
    find.conditions = of_level(selected, &mut find.notes)?;
    if let Some(outer) = &below {
        find.conditions.put("below", short(outer));
    }
    let levels: Vec<&Level> = ancestors.iter().copied().chain([selected]).collect();
    if let Some(pick) = picked(&levels)? {
        if levels.len() > 1 && selected.pick.is_some() {
            // Tracetest picks one below each ancestor.
            find.guards = guards;
        }
        if levels.len() > 1 && selected.pick.is_none() {
            find.notes.push(
                "the pseudo-class of the ancestor picks among the selected spans, as Tracetest does"
                    .to_owned(),
            );
        }
        find.notes.push(
            "`take` goes by the start time; Tracetest's pseudo-classes go by the order of the tree"
                .to_owned(),
        );
        find.conditions.put(
            "take",
            match pick {
                Pick::First => syntax("first"),
                Pick::Last => syntax("last"),
                Pick::Nth(number) => syntax(number.to_string()),
            },
        );
    }
    Ok(find)
}

/// Which of the selected spans is taken. A pseudo-class of the outermost span is applied last, to the
/// selection; that of an inner one to the spans below one ancestor.
fn picked(levels: &[&Level]) -> Result<Option<Pick>, String> {
    let picks: Vec<(usize, Pick)> = levels
        .iter()
        .enumerate()
        .filter_map(|(at, level)| Some((at, level.pick?)))
        .collect();
    let innermost = levels.len() - 1;
    let picks_one = |pick: &Pick| matches!(pick, Pick::First | Pick::Last | Pick::Nth(1));
    match picks.as_slice() {
        [] => Ok(None),
        [(_, Pick::Nth(0))] => Err("`nth_child(0)`, which selects no span".to_owned()),
        [(at, pick)] if *at == 0 || *at == innermost => Ok(Some(*pick)),
        // One ancestor has one such span, of which the outer pseudo-class picks that one.
        [(0, outer), (at, pick)] if *at == innermost && picks_one(outer) => Ok(Some(*pick)),
        _ => Err("several pseudo-classes in one selector".to_owned()),
    }
}

fn of_level(level: &Level, notes: &mut Vec<String>) -> Result<Map, String> {
    let mut conditions = FlowMap::default();
    for filter in &level.filters {
        if is_implied(filter, level) {
            continue;
        }
        if filter.property == "tracetest.span.type"
            && filter.value == "general"
            && level.filters.len() > 1
        {
            notes.push(
                "`tracetest.span.type=\"general\"` is left out: the other conditions select the span".to_owned(),
            );
            continue;
        }
        let (keys, written) = condition(filter, notes)?;
        conditions.add(&keys, written)?;
    }
    Ok(conditions.0)
}

/// Conditions in braces.
#[derive(Default)]
struct FlowMap(Map);

impl FlowMap {
    /// Adds a condition. `Err` if there is another one that it cannot be combined with.
    fn add(&mut self, keys: &[String], written: Written) -> Result<(), String> {
        match keys {
            [key, inner] => {
                let mut map = match self.0.get(key) {
                    Some(Written::Map(map)) => map.clone(),
                    _ => Map::default(),
                };
                let value = combined(map.get(inner), written, inner)?;
                flow_put(&mut map, inner, value);
                flow_put(&mut self.0, key, map.into());
            }
            _ => {
                let key = &keys[0];
                let value = combined(self.0.get(key), written, key)?;
                flow_put(&mut self.0, key, value);
            }
        }
        Ok(())
    }
}

fn combined(before: Option<&Written>, written: Written, key: &str) -> Result<Written, String> {
    let is_part =
        |matcher: &Written| matches!(matcher, Written::Map(map) if map.get("contains").is_some());
    match before {
        None => Ok(written),
        Some(before) if *before == written => Ok(written),
        Some(before) if is_part(before) && is_part(&written) => Ok(both(before.clone(), written)),
        Some(_) => Err(format!("several conditions on `{key}`")),
    }
}

fn flow_put(map: &mut Map, key: &str, value: Written) {
    match map.is_empty() {
        true => *map = Map::flow(key, value),
        false => map.put(key, value),
    }
}

/// Returns `true` for a type that another condition requires as well: a span with `http.method` has the
/// type `http` in Tracetest.
fn is_implied(filter: &Filter, level: &Level) -> bool {
    let prefix = match filter.value.as_str() {
        "http" => "http.",
        "database" => "db.",
        "rpc" => "rpc.",
        "messaging" => "messaging.",
        "faas" => "faas.",
        _ => return false,
    };
    filter.property == "tracetest.span.type"
        && filter.operator == FilterOperator::Equals
        && level.filters.iter().any(|other| {
            other.property.starts_with(prefix)
                && other.operator != FilterOperator::Differs
                && !other.value.is_empty()
        })
}

fn condition(filter: &Filter, notes: &mut Vec<String>) -> Result<(Vec<String>, Written), String> {
    let name = match filter.property.as_str() {
        "kind" => "tracetest.span.kind",
        name => name,
    };
    if name == "tracetest.span.duration" || name.starts_with("tracetest.response.") {
        return Err(format!("`{name}` in a selector"));
    }
    let attribute = super::expression::Expr {
        first: super::expression::Term::Attribute(name.to_owned()),
        rest: Vec::new(),
        filters: Vec::new(),
    };
    use super::subject::{ResponseKind, Subject};
    let Some(Ok(Subject::Span(position))) = Subject::of(&attribute, ResponseKind::None) else {
        return Err(format!("`{name}` in a selector"));
    };
    notes.extend(position.note.clone());
    if position.kind == Kind::SpanType
        && filter.operator == FilterOperator::Equals
        && filter.value != "general"
    {
        notes.push(
            "`type` goes by attributes that the conventions require, such as http.request.method; in Tracetest each attribute `http.…` makes a span `http`"
                .to_owned(),
        );
    }
    let operand = Operand::Literal(filter.value.clone());
    let written = match filter.operator {
        // Tracetest takes a missing attribute as an empty text.
        FilterOperator::Equals if filter.value.is_empty() && position.kind == Kind::Attribute => {
            vec![exactly(""), syntax("absent")].into()
        }
        FilterOperator::Equals => matcher(Comparator::Equals, &operand, position.kind)?,
        FilterOperator::Contains if filter.value.is_empty() => {
            return Err("`contains \"\"`, which every span meets".to_owned());
        }
        FilterOperator::Contains => matcher(Comparator::Contains, &operand, position.kind)?,
        FilterOperator::Differs => not(matcher(Comparator::Equals, &operand, position.kind)?),
    };
    Ok((position.keys, written))
}
