//! `lint` of the project file: levels and limits of the rules about traces, and accepted findings.

use crate::instrumentation::{IgnoredFindings, Level, Rule, Settings};
use crate::spec::lint::WeaverSettings;
use crate::spec::{Node, Reader, Refusal, keys};

/// Reads the settings.
pub(super) fn lint(node: &Node, reader: &Reader<'_>) -> Option<Settings> {
    reader.map(node, "`lint`", keys::LINT)?;
    let preset = reader.optional(node, "rules", |node| reader.rule_set(node, "`rules`"));
    let levels = reader.optional(node, "levels", |node| levels(node, reader));
    let limits = reader.optional(node, "limits", |node| limits(node, reader));
    let ignored = reader.optional(node, "ignore", |node| {
        reader.all(reader.list(node, "`ignore`")?, |entry| {
            ignored(entry, reader)
        })
    });
    let weaver = reader.optional(node, "weaver", |node| weaver(node, reader));
    Some(Settings {
        weaver: weaver?,
        preset: preset?.unwrap_or_default(),
        levels: levels?.unwrap_or_default().into_iter().collect(),
        ignored: ignored?.unwrap_or_default(),
        ..limits?.unwrap_or_default()
    })
}

fn weaver(node: &Node, reader: &Reader<'_>) -> Option<WeaverSettings> {
    reader.map(node, "`weaver`", keys::WEAVER)?;
    let Some(registry) = node.get("registry") else {
        let help = "add the registry: `registry: registry/`, or the URL of a Git repository";
        return missing(node, reader, "registry", help);
    };
    let registry = reader.named(registry, "a registry");
    let fail_on = reader.optional(node, "fail_on", |node| reader.weaver_level(node));
    let registry = registry?;
    let path = reader.dir.join(&registry);
    Some(WeaverSettings {
        registry: match path.exists() {
            true => path.display().to_string(),
            false => registry,
        },
        fail_on: fail_on?.unwrap_or_default(),
    })
}

fn levels(node: &Node, reader: &Reader<'_>) -> Option<Vec<(Rule, Level)>> {
    let entries = reader.any_map(node, "`levels`")?;
    reader.all(entries, |entry| reader.rule_level(entry, Level::Off))
}

fn limits(node: &Node, reader: &Reader<'_>) -> Option<Settings> {
    reader.map(node, "`limits`", keys::LINT_LIMITS)?;
    let usual = Settings::default();
    let whole = |key: &str, usual: usize| {
        let read = reader.optional(node, key, |node| {
            reader.parse(node, &format!("`{key}`"), usual, |text| {
                text.parse().map_err(|_| {
                    Refusal::new(
                        format!("`{key}` cannot be `{text}`"),
                        "write a whole number",
                    )
                })
            })
        });
        Some(read?.unwrap_or(usual))
    };
    let rate = reader.optional(node, "spans_per_second", |node| {
        reader.parse(node, "`spans_per_second`", 1.0, |text| {
            let rate = text.parse().ok();
            rate.filter(|rate: &f64| rate.is_finite() && *rate > 0.0)
                .ok_or_else(|| {
                    let what = format!("`spans_per_second` cannot be `{text}`");
                    Refusal::new(what, "write a number above 0, such as `500`")
                })
        })
    });
    Some(Settings {
        equal_children: whole("equal_children", usual.equal_children)?,
        spans_per_trace: whole("spans_per_trace", usual.spans_per_trace)?,
        spans_per_second: rate?,
        ..usual
    })
}

fn ignored(node: &Node, reader: &Reader<'_>) -> Option<IgnoredFindings> {
    reader.map(node, "an entry of `ignore`", keys::IGNORED_FINDINGS)?;
    let rule = match node.get("rule") {
        Some(rule) => reader.rule(rule),
        None => missing(
            node,
            reader,
            "rule",
            "add the rule whose findings are accepted: `rule: too-many-spans`",
        ),
    };
    let Some(reason) = node.get("reason") else {
        return missing(
            node,
            reader,
            "reason",
            "add the reason why these findings are accepted: `reason: …`",
        );
    };
    let reason = reader.named(reason, "a reason");
    let service = reader.optional(node, "service", |node| reader.named(node, "a service"));
    let contains = reader.optional(node, "contains", |node| reader.named(node, "a text"));
    Some(IgnoredFindings {
        rule: rule?,
        service: service?,
        contains: contains?,
        reason: reason?,
        at: reader.at(node.place),
    })
}

fn missing<T>(node: &Node, reader: &Reader<'_>, key: &str, help: &str) -> Option<T> {
    reader.wrong(node.place, format!("missing `{key}`"), "this entry", help)
}
