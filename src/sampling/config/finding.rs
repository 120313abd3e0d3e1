//! Findings about a configuration: each has a rule with an id, and a place.

use crate::yaml::Location;

/// A problem of a configuration.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) rule: LintRule,
    pub(crate) level: Level,
    /// The fact; one line, no full stop.
    pub(crate) what: String,
    pub(crate) at: Location,
    /// The label at the caret; may be empty.
    pub(crate) label: String,
    /// An instruction.
    pub(crate) help: String,
    /// A related place, such as the first use of a name.
    pub(crate) also: Option<(Location, String)>,
}

/// The consequence of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// The Collector refuses the configuration, or panics.
    Error,
    /// The Collector accepts it, but decides otherwise than it reads.
    Warning,
}

/// The rules, with their ids for messages, `--allow` and the documentation.
macro_rules! rules {
    ($($variant:ident $id:literal $level:ident $doc:literal,)*) => {
        /// A rule of `spanspec sampling lint`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum LintRule {
            $(#[doc = $doc] $variant,)*
        }

        impl LintRule {
            /// All rules, in the order of the documentation.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The id, such as `unknown-key`.
            pub(crate) fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// The consequence, if it does not depend on the case.
            pub(crate) fn level(self) -> Level {
                match self { $(Self::$variant => Level::$level,)* }
            }
        }
    };
}

rules! {
    UnknownKey "unknown-key" Error "A key that its block does not have.",
    DuplicateKey "duplicate-key" Error "A key that occurs twice in a map.",
    WrongType "wrong-type" Error "A value of a type that the Collector does not convert.",
    BadVariable "bad-variable" Error "A `${…}` that the Collector cannot expand.",
    UnknownPolicy "unknown-policy" Error "A type of policy that does not exist, or not in this version.",
    PolicyName "policy-name" Error "A policy without a name, or with the name of another.",
    Nesting "nesting" Error "A type of policy that is not permitted inside of this one.",
    StatusCode "status-code" Error "A status code other than OK, ERROR and UNSET, or none.",
    BadRegex "bad-regex" Error "A regular expression that RE2 does not accept.",
    BadCondition "bad-condition" Error "An OTTL condition that cannot be parsed, or none.",
    NoBounds "no-bounds" Error "A `numeric_attribute` without bounds, which makes the Collector panic.",
    BadValue "bad-value" Error "A value that the Collector does not accept for this key.",
    StatefulPolicy "stateful-policy" Error "A policy that `span-ingest` does not permit.",
    UndefinedComponent "undefined-component" Error "A component of a pipeline that is not defined.",
    Pipeline "pipeline" Error "A pipeline that the Collector does not build.",
    WrongBlock "wrong-block" Warning "A block that does not belong to the type of its policy, and has no effect.",
    MissingBlock "missing-block" Warning "A policy without the block of its type.",
    NeverSamples "never-samples" Warning "Values with which a policy keeps no trace.",
    AlwaysSamples "always-samples" Warning "Values with which a policy keeps or drops every trace.",
    ZeroBound "zero-bound" Warning "A bound of zero, which means no bound.",
    BooleanPresence "boolean-default" Warning "A `boolean_attribute` without `value`, which matches false.",
    RegexDisabled "regex-disabled" Warning "A value that looks like a pattern, and is compared as it is.",
    UnanchoredRegex "unanchored-regex" Warning "A pattern that looks like a whole value or a glob, and is found anywhere.",
    Percentage "percentage" Warning "A percentage below 0 or above 100.",
    Allocation "allocation" Warning "Shares of a `composite` that do not mean what they read.",
    PolicyOrder "policy-order" Warning "A `policy_order`, which the Collector does not read, other than the order of the policies.",
    InvertedMatch "inverted-match" Warning "An inverted match, which does not keep what it reads.",
    DropBesideInverted "drop-beside-inverted" Warning "A drop policy whose vote cancels an inverted match.",
    NoEffect "no-effect" Warning "A policy that decides nothing, because another keeps all traces.",
    UnknownStrategy "unknown-strategy" Warning "A strategy of Jaeger of an unknown type, or of one that operations do not have.",
    NoDefault "no-default" Warning "A file of Jaeger without `default_strategy`.",
    NoPolicies "no-policies" Warning "A `tail_sampling` without policies, which keeps no trace.",
    CacheSize "cache-size" Warning "A decision cache smaller than `num_traces`.",
    DecisionWait "decision-wait" Warning "A wait of less than a second, or a number without a unit.",
    Truncated "truncated" Warning "A fraction where the Collector takes an integer.",
    UnresolvedVariable "unresolved-variable" Warning "A variable that is not set here.",
    BatchBefore "batch-before" Warning "A `batch` processor before tail sampling.",
    ContextAfter "context-after" Warning "A processor after tail sampling that it should precede.",
    UnusedProcessor "unused-processor" Warning "A sampler in no pipeline.",
    SeveralSamplers "several-samplers" Warning "Several samplers in one pipeline.",
    Replicas "replicas" Warning "Several replicas, whose spans no exporter distributes by trace id.",
    NotEvaluated "not-evaluated" Warning "A policy that `replay` does not evaluate: of an extension, or an OTTL condition.",
    UnknownValue "unknown-value" Warning "A value that spanspec does not know, or a pattern that it does not translate.",
    Documents "documents" Warning "Documents after the first, which the Collector does not read.",
}

impl Finding {
    pub(super) fn new(rule: LintRule, at: &Location, what: impl Into<String>) -> Self {
        Self {
            rule,
            level: rule.level(),
            what: what.into(),
            at: at.clone(),
            label: String::new(),
            help: String::new(),
            also: None,
        }
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    pub(super) fn also(mut self, at: &Location, label: impl Into<String>) -> Self {
        self.also = Some((at.clone(), label.into()));
        self
    }

    /// The same fact as a warning: in this case, the Collector accepts it.
    pub(super) fn warning(mut self) -> Self {
        self.level = Level::Warning;
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_is_documented() {
        let page = include_str!("../../../docs/sampling.md");
        for rule in LintRule::ALL {
            let row = format!("| `{}` |", rule.id());
            assert!(page.contains(&row), "{row}");
        }
    }

    #[test]
    fn ids_are_unique() {
        let ids: BTreeSet<&str> = LintRule::ALL.iter().map(|rule| rule.id()).collect();
        assert_eq!(ids.len(), LintRule::ALL.len());
    }
}
