//! Policies of policies: `and`, `not`, `drop` and `composite`.

use super::super::finding::LintRule;
use super::super::keys::{Nest, unquoted};
use super::super::value::Value;
use super::draft::Draft;
use super::{Policies, shown_name};
use crate::sampling::policy::{Allocation, Composite, Policy, Rule};
use crate::sampling::version::Since;
use crate::yaml::{Location, did_you_mean};

impl Policies<'_> {
    /// The policies inside of one; `None` if one of them cannot be read.
    pub(super) fn sub_policies(
        &self,
        draft: &Draft<'_>,
        key: &str,
        nest: Nest,
    ) -> Option<Vec<Policy>> {
        let items = draft.get(key).map(Value::items).unwrap_or_default();
        if items.is_empty() && draft.get(key).is_none_or(|list| list.data.is_list()) {
            let why = match nest {
                Nest::And => "keeps every trace: it has no condition",
                Nest::Drop => "drops every trace: it has no condition",
                _ => "",
            };
            if !why.is_empty() {
                self.always(draft, key, why, &format!("add policies as `{key}`"));
            }
        }
        let read: Vec<Option<Policy>> = items.iter().map(|item| self.read(item, nest)).collect();
        read.into_iter().collect()
    }

    pub(super) fn not(&self, draft: &Draft<'_>) -> Option<Rule> {
        let Some(inner) = draft.get("not_sub_policy") else {
            let what = "has no policy that it inverts";
            let finding = draft.finding(LintRule::UnknownPolicy, draft.kind_at, what);
            self.note(finding.help("add it as `not: { not_sub_policy: { name: …, type: … } }`"));
            return None;
        };
        let inner = self.read(inner, Nest::Not)?;
        Some(Rule::Not(Box::new(inner)))
    }

    pub(super) fn composite(&self, draft: &Draft<'_>) -> Option<Rule> {
        let max = draft.integer("max_total_spans_per_second");
        let order = draft.texts("policy_order");
        let policies = self.sub_policies(draft, "composite_sub_policy", Nest::Composite)?;
        if max <= 0 {
            self.never(
                draft,
                "max_total_spans_per_second",
                "it permits no span a second",
                "set `max_total_spans_per_second`",
            );
        } else if policies.is_empty() {
            self.never(
                draft,
                "composite_sub_policy",
                "it has no `composite_sub_policy`",
                "add policies as `composite_sub_policy`",
            );
        }
        let entries = draft
            .get("rate_allocation")
            .map(Value::items)
            .unwrap_or_default();
        let allocations: Vec<Allocation> = entries
            .iter()
            .map(|entry| Allocation {
                policy: entry
                    .get("policy")
                    .and_then(Value::text)
                    .unwrap_or_default()
                    .to_owned(),
                percent: entry.get("percent").map_or(0, Value::as_integer),
            })
            .collect();
        let names: Vec<&str> = policies.iter().map(|policy| policy.name.as_str()).collect();
        self.look_at_order(draft, &order, &names);
        self.look_at_sub_names(draft, &policies);
        self.look_at_allocations(draft, entries, &allocations, &policies, max);
        Some(Rule::Composite(Composite {
            max_total_spans_per_second: max,
            policies,
            rate_allocation: allocations,
        }))
    }

    fn look_at_sub_names(&self, draft: &Draft<'_>, policies: &[Policy]) {
        for (number, policy) in policies.iter().enumerate() {
            let earlier = policies[..number]
                .iter()
                .find(|other| other.name == policy.name);
            if let Some(earlier) = earlier {
                let what = "has two sub-policies of one name, which have one allocation";
                let finding = draft
                    .finding(LintRule::PolicyName, &policy.at, what)
                    .warning();
                self.note(
                    finding
                        .also(&earlier.at, "the other")
                        .help("give each a name of its own"),
                );
            }
        }
    }

    /// The Collector asks the sub-policies in the order in which they are defined.
    fn look_at_order(&self, draft: &Draft<'_>, order: &[(String, Location)], names: &[&str]) {
        let mut is_complete = true;
        for (name, at) in order
            .iter()
            .filter(|(name, _)| !names.contains(&name.as_str()))
        {
            is_complete = false;
            let what = format!(
                "has no sub-policy `{}`, which `policy_order` names",
                unquoted(at.text())
            );
            let help = did_you_mean(name, names).unwrap_or_else(|| "remove the name".to_owned());
            self.note(draft.finding(LintRule::PolicyOrder, at, what).help(help));
        }
        let ordered: Vec<&str> = order.iter().map(|(name, _)| name.as_str()).collect();
        if order.is_empty() || !is_complete || ordered == names {
            return;
        }
        let what = "asks its sub-policies in the order of `composite_sub_policy`, and not of `policy_order`";
        let finding = draft.finding(LintRule::PolicyOrder, draft.place("policy_order"), what);
        self.note(
            finding
                .label("the Collector does not read it")
                .help("define the sub-policies in this order, all of them"),
        );
    }

    fn look_at_allocations(
        &self,
        draft: &Draft<'_>,
        entries: &[Value],
        allocations: &[Allocation],
        policies: &[Policy],
        max: i64,
    ) {
        let names: Vec<&str> = policies.iter().map(|policy| policy.name.as_str()).collect();
        for (entry, allocation) in entries.iter().zip(allocations) {
            let policy = entry.get("policy");
            if !names.contains(&allocation.policy.as_str()) {
                let at = policy.map_or(entry.place(), |policy| &policy.at);
                let written = policy.map(Value::written).unwrap_or_default();
                let what = format!(
                    "has no sub-policy `{}`, to which `rate_allocation` gives a share",
                    unquoted(&written)
                );
                let help = did_you_mean(&allocation.policy, &names)
                    .unwrap_or_else(|| "remove the entry".to_owned());
                self.note(draft.finding(LintRule::Allocation, at, what).help(help));
            } else if allocation.percent <= 0 {
                let at = entry
                    .get("percent")
                    .map_or(entry.place(), |percent| &percent.at);
                let written = policy.map(Value::written).unwrap_or_default();
                let what = format!(
                    "gives `{}` 0 percent, which means an equal share",
                    unquoted(&written)
                );
                let finding = draft.finding(LintRule::Allocation, at, what);
                self.note(finding.help("remove the sub-policy, or give it a share"));
            }
        }
        let share = |policy: &Policy| {
            let given = allocations.iter().rfind(|one| one.policy == policy.name);
            match given.filter(|one| one.percent > 0) {
                Some(one) => one.percent as f64,
                None => 100.0 / policies.len() as f64,
            }
        };
        let is_listed = |policy: &Policy| allocations.iter().any(|one| one.policy == policy.name);
        let mut total = 0.0;
        for policy in policies {
            if !is_listed(policy) && !self.version.has(Since::Shards) {
                let what = format!(
                    "has a sub-policy {} without `rate_allocation`, which keeps no trace in {}",
                    shown_name(policy),
                    self.version
                );
                let finding = draft.finding(LintRule::Allocation, &policy.at, what);
                self.note(finding.help("add its share to `rate_allocation`"));
                continue;
            }
            total += share(policy);
        }
        // Shares of a third each have a sum of 99.99….
        if total > 100.5 && max > 0 {
            let what = format!(
                "gives its sub-policies {total:.0} percent of `max_total_spans_per_second`: the maximum is of each alone"
            );
            let at = draft.place("rate_allocation");
            let finding = draft.finding(LintRule::Allocation, at, what);
            let unlisted = policies.iter().filter(|policy| !is_listed(policy)).count();
            let help = match unlisted {
                0 => "lower the shares to a sum of 100".to_owned(),
                _ => format!(
                    "a sub-policy without `rate_allocation` has 100 / {} percent: give each a share, with a sum of 100",
                    policies.len()
                ),
            };
            self.note(finding.help(help));
        }
    }
}
