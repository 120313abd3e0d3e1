//! The cases.
//!
//! Each is a request with header lines that a sentence of a specification is about. The requirement is that of the
//! sentence. What only the W3C's test suite requires in its strict mode is a SHOULD.

use super::expand::CONTEXTS;
use crate::trace::Requirement::{self, Must, Should};

/// A trace context in another format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The header `b3`.
    B3,
    /// The headers `X-B3-…`.
    B3Multi,
    /// The header `uber-trace-id`.
    Jaeger,
    /// The header `X-Amzn-Trace-Id`.
    XRay,
}

impl Format {
    pub(crate) const ALL: [Self; 4] = [Self::B3, Self::B3Multi, Self::Jaeger, Self::XRay];

    /// Its name in `OTEL_PROPAGATORS`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::B3 => "b3",
            Self::B3Multi => "b3multi",
            Self::Jaeger => "jaeger",
            Self::XRay => "xray",
        }
    }

    fn case(self) -> &'static str {
        match self {
            Self::B3 => "format-b3",
            Self::B3Multi => "format-b3multi",
            Self::Jaeger => "format-jaeger",
            Self::XRay => "format-xray",
        }
    }

    /// The index of its context among the ids of a request. The first context is that of `traceparent`.
    pub(crate) fn context(self) -> usize {
        1 + self as usize
    }

    fn headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::B3 => &[("b3", " {t2}-{p2}-1")],
            Self::B3Multi => &[
                ("X-B3-TraceId", " {t3}"),
                ("X-B3-SpanId", " {p3}"),
                ("X-B3-Sampled", " 1"),
            ],
            Self::Jaeger => &[("uber-trace-id", " {t4}:{p4}:0:1")],
            Self::XRay => &[("X-Amzn-Trace-Id", " Root={x5};Parent={p5};Sampled=1")],
        }
    }
}

/// The requirement on the trace context that the service uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The service continues the trace.
    Continued,
    /// The service continues the trace, and sends another parent id on.
    NewParent,
    /// The service starts a trace of its own.
    Restarted,
    /// As `Restarted`, and it sends no member of this list on.
    RestartedWithout(&'static str),
    /// The trace is continued, and these bits of the flags that are sent on have these values.
    Flags { mask: u8, value: u8 },
    /// The trace is continued, with these members in this order; others stand left of them.
    Kept(&'static str),
    /// The trace is continued, without a member that has a key of this list.
    Discarded(&'static str),
    /// The trace is continued, with at most this number of members.
    AtMost(usize),
    /// The trace is continued, with one of these lists.
    AnyOf(&'static [&'static str]),
    /// The members of the baggage are sent on, with decoded values and properties.
    Baggage(&'static str),
    /// `traceparent` wins over other formats.
    Wins,
}

impl Rule {
    /// Returns `true` if only the echo can show it.
    pub(crate) fn needs_echo(&self) -> bool {
        matches!(
            self,
            Self::Flags { .. } | Self::NewParent | Self::Baggage(_)
        )
    }
}

/// The part of a specification that a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    HeaderName,
    Value,
    Version,
    TraceId,
    ParentId,
    Flags,
    Sampled,
    Random,
    OtherFlags,
    Versioning,
    MutatingParent,
    StateName,
    StateValue,
    StateKey,
    StateMember,
    StateLimits,
    MutatingState,
    Processing,
    Baggage,
    BaggageLimits,
    BaggageValue,
    OtherFormat,
}

impl Section {
    /// Title and address, for a level of Trace Context.
    pub(crate) fn place(self, level: u8) -> (&'static str, String) {
        let (title, anchor) = match self {
            Self::HeaderName => ("traceparent: header name", "header-name"),
            Self::Value => (
                "traceparent: header field values",
                "traceparent-header-field-values",
            ),
            Self::Version => ("traceparent: version", "version"),
            Self::TraceId => ("traceparent: trace-id", "trace-id"),
            Self::ParentId => ("traceparent: parent-id", "parent-id"),
            Self::Flags => ("traceparent: trace-flags", "trace-flags"),
            Self::Sampled => ("traceparent: sampled flag", "sampled-flag"),
            Self::Random => ("traceparent: random trace id flag", "random-trace-id-flag"),
            Self::OtherFlags => ("traceparent: other flags", "other-flags"),
            Self::Versioning => ("versioning of traceparent", "versioning-of-traceparent"),
            Self::MutatingParent => (
                "mutating the traceparent field",
                "mutating-the-traceparent-field",
            ),
            Self::StateName => ("tracestate: header name", "header-name-0"),
            Self::StateValue => (
                "tracestate: header field values",
                "tracestate-header-field-values",
            ),
            Self::StateKey => ("tracestate: key", "key"),
            Self::StateMember => ("tracestate: value", "value"),
            Self::StateLimits => ("tracestate: limits", "tracestate-limits"),
            Self::MutatingState => (
                "mutating the tracestate field",
                "mutating-the-tracestate-field",
            ),
            Self::Processing => ("processing model", "processing-model"),
            Self::Baggage => ("baggage: definition", "definition"),
            Self::BaggageLimits => ("baggage: limits", "limits"),
            Self::BaggageValue => ("baggage: value", "value"),
            Self::OtherFormat => ("no specification orders formats", ""),
        };
        let base = match self {
            Self::Baggage | Self::BaggageLimits | Self::BaggageValue => {
                "https://www.w3.org/TR/baggage/#".to_owned()
            }
            Self::OtherFormat => return (title, String::new()),
            _ => format!("https://www.w3.org/TR/trace-context-{level}/#"),
        };
        (title, base + anchor)
    }
}

/// A case.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The level of Trace Context that introduced it; 0 for other specifications.
    pub(crate) level: u8,
    pub(crate) requirement: Requirement,
    pub(crate) section: Section,
    /// Names, and templates of what follows the colon.
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) rule: Rule,
    /// The request is one that a server must accept.
    pub(crate) is_legal: bool,
}

impl Case {
    /// Number of distinct contexts in its headers.
    pub(crate) fn contexts(&self) -> usize {
        let has_second = self.headers.iter().any(|(_, value)| value.contains("{t2}"));
        match self.rule {
            Rule::Wins => CONTEXTS,
            _ => 1 + usize::from(has_second),
        }
    }
}

/// The cases to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    /// The level of Trace Context, 1 or 2.
    pub(crate) level: u8,
    pub(crate) has_baggage: bool,
    pub(crate) formats: Vec<Format>,
}

/// The cases of a selection, in the order of reports.
pub(crate) fn cases(selection: &Selection) -> Vec<Case> {
    let mut all: Vec<Case> = TRACE_CONTEXT
        .iter()
        .filter(|row| row.level <= selection.level)
        .map(Row::case)
        .collect();
    if selection.has_baggage {
        all.extend(BAGGAGE.iter().map(Row::case));
    }
    all.extend(
        selection
            .formats
            .iter()
            .map(|format| of_formats(format.case(), &[*format])),
    );
    if selection.formats.len() > 1 {
        all.push(of_formats("formats-all", &selection.formats));
    }
    all
}

/// The names of all cases.
pub(crate) fn all_names() -> Vec<&'static str> {
    let all = Selection {
        level: 2,
        has_baggage: true,
        formats: Format::ALL.to_vec(),
    };
    cases(&all).into_iter().map(|case| case.name).collect()
}

fn of_formats(name: &'static str, formats: &[Format]) -> Case {
    let headers = formats.iter().flat_map(|format| format.headers());
    let headers = std::iter::once(&("traceparent", " 00-{t}-{p}-01")).chain(headers);
    Case {
        name,
        level: 0,
        requirement: Should,
        section: Section::OtherFormat,
        headers: headers.copied().collect(),
        rule: Rule::Wins,
        is_legal: true,
    }
}

struct Row {
    name: &'static str,
    level: u8,
    requirement: Requirement,
    section: Section,
    headers: &'static [(&'static str, &'static str)],
    rule: Rule,
}

impl Row {
    fn case(&self) -> Case {
        let is_legal = !matches!(
            self.rule,
            Rule::Restarted | Rule::RestartedWithout(_) | Rule::Discarded(_) | Rule::AtMost(_)
        );
        Case {
            name: self.name,
            level: self.level,
            requirement: self.requirement,
            section: self.section,
            headers: self.headers.to_vec(),
            rule: self.rule.clone(),
            is_legal: is_legal || self.headers.is_empty(),
        }
    }
}

const fn row(
    name: &'static str,
    (level, requirement): (u8, Requirement),
    section: Section,
    headers: &'static [(&'static str, &'static str)],
    rule: Rule,
) -> Row {
    Row {
        name,
        level,
        requirement,
        section,
        headers,
        rule,
    }
}

const VALID: (&str, &str) = ("traceparent", " 00-{t}-{p}-01");

const TRACE_CONTEXT: &[Row] = &[
    row(
        "traceparent-valid",
        (1, Must),
        Section::Value,
        &[VALID],
        Rule::Continued,
    ),
    row(
        "traceparent-new-parent",
        (1, Must),
        Section::MutatingParent,
        &[VALID],
        Rule::NewParent,
    ),
    row(
        "traceparent-missing",
        (1, Should),
        Section::MutatingParent,
        &[],
        Rule::Restarted,
    ),
    row(
        "traceparent-twice",
        (1, Must),
        Section::Value,
        &[VALID, ("traceparent", " 00-{t2}-{p2}-01")],
        Rule::Restarted,
    ),
    row(
        "traceparent-upper-case-name",
        (1, Must),
        Section::HeaderName,
        &[("TRACEPARENT", " 00-{t}-{p}-01")],
        Rule::Continued,
    ),
    row(
        "traceparent-mixed-case-name",
        (1, Must),
        Section::HeaderName,
        &[("TrAcEpArEnT", " 00-{t}-{p}-01")],
        Rule::Continued,
    ),
    row(
        "traceparent-name-with-dash",
        (1, Must),
        Section::HeaderName,
        &[("trace-parent", " 00-{t}-{p}-01")],
        Rule::Restarted,
    ),
    row(
        "traceparent-name-with-dot",
        (1, Must),
        Section::HeaderName,
        &[("trace.parent", " 00-{t}-{p}-01")],
        Rule::Restarted,
    ),
    row(
        "traceparent-white-space",
        (1, Must),
        Section::Value,
        &[("traceparent", " \t 00-{t}-{p}-01 \t ")],
        Rule::Continued,
    ),
    row(
        "traceparent-no-white-space",
        (1, Must),
        Section::Value,
        &[("traceparent", "00-{t}-{p}-01")],
        Rule::Continued,
    ),
    row(
        "traceparent-empty",
        (1, Must),
        Section::Value,
        &[("traceparent", "")],
        Rule::Restarted,
    ),
    row(
        "traceparent-more-data",
        (1, Must),
        Section::Value,
        &[("traceparent", " 00-{t}-{p}-01-more")],
        Rule::Restarted,
    ),
    row(
        "traceparent-trailing-dot",
        (1, Must),
        Section::Value,
        &[("traceparent", " 00-{t}-{p}-01.")],
        Rule::Restarted,
    ),
    row(
        "traceparent-without-flags",
        (1, Must),
        Section::Value,
        &[("traceparent", " 00-{t}-{p}")],
        Rule::Restarted,
    ),
    row(
        "version-ff",
        (1, Must),
        Section::Version,
        &[("traceparent", " ff-{t}-{p}-01")],
        Rule::Restarted,
    ),
    row(
        "version-future",
        (1, Should),
        Section::Versioning,
        &[("traceparent", " cc-{t}-{p}-01")],
        Rule::Continued,
    ),
    row(
        "version-future-more-data",
        (1, Should),
        Section::Versioning,
        &[("traceparent", " cc-{t}-{p}-01-what-comes-later")],
        Rule::Continued,
    ),
    row(
        "version-future-dot",
        (1, Must),
        Section::Versioning,
        &[("traceparent", " cc-{t}-{p}-01.what-comes-later")],
        Rule::Restarted,
    ),
    row(
        "version-future-too-short",
        (1, Should),
        Section::Versioning,
        &[("traceparent", " cc-{t}-{p}")],
        Rule::Restarted,
    ),
    row(
        "version-illegal-character",
        (1, Must),
        Section::Version,
        &[("traceparent", " .0-{t}-{p}-01")],
        Rule::Restarted,
    ),
    row(
        "version-too-long",
        (1, Must),
        Section::Version,
        &[("traceparent", " 000-{t}-{p}-01")],
        Rule::Restarted,
    ),
    row(
        "version-too-short",
        (1, Must),
        Section::Version,
        &[("traceparent", " 0-{t}-{p}-01")],
        Rule::Restarted,
    ),
    row(
        "trace-id-zero",
        (1, Must),
        Section::TraceId,
        &[("traceparent", " 00-00000000000000000000000000000000-{p}-01")],
        Rule::Restarted,
    ),
    row(
        "trace-id-illegal-character",
        (1, Must),
        Section::TraceId,
        &[("traceparent", " 00-{t-}.-{p}-01")],
        Rule::Restarted,
    ),
    row(
        "trace-id-upper-case",
        (1, Must),
        Section::TraceId,
        &[("traceparent", " 00-{T}-{p}-01")],
        Rule::Restarted,
    ),
    row(
        "trace-id-too-long",
        (1, Must),
        Section::TraceId,
        &[("traceparent", " 00-{t}0-{p}-01")],
        Rule::Restarted,
    ),
    row(
        "trace-id-too-short",
        (1, Must),
        Section::TraceId,
        &[("traceparent", " 00-{t-}-{p}-01")],
        Rule::Restarted,
    ),
    row(
        "parent-id-zero",
        (1, Must),
        Section::ParentId,
        &[("traceparent", " 00-{t}-0000000000000000-01")],
        Rule::Restarted,
    ),
    row(
        "parent-id-illegal-character",
        (1, Must),
        Section::ParentId,
        &[("traceparent", " 00-{t}-{p-}.-01")],
        Rule::Restarted,
    ),
    row(
        "parent-id-upper-case",
        (1, Must),
        Section::ParentId,
        &[("traceparent", " 00-{t}-{P}-01")],
        Rule::Restarted,
    ),
    row(
        "parent-id-too-long",
        (1, Must),
        Section::ParentId,
        &[("traceparent", " 00-{t}-{p}0-01")],
        Rule::Restarted,
    ),
    row(
        "parent-id-too-short",
        (1, Must),
        Section::ParentId,
        &[("traceparent", " 00-{t}-{p-}-01")],
        Rule::Restarted,
    ),
    row(
        "flags-illegal-character",
        (1, Must),
        Section::Flags,
        &[("traceparent", " 00-{t}-{p}-.1")],
        Rule::Restarted,
    ),
    row(
        "flags-too-long",
        (1, Must),
        Section::Flags,
        &[("traceparent", " 00-{t}-{p}-001")],
        Rule::Restarted,
    ),
    row(
        "flags-too-short",
        (1, Must),
        Section::Flags,
        &[("traceparent", " 00-{t}-{p}-1")],
        Rule::Restarted,
    ),
    row(
        "flags-upper-case",
        (1, Must),
        Section::Flags,
        &[("traceparent", " 00-{t}-{p}-0B")],
        Rule::Restarted,
    ),
    row(
        "flags-00",
        (1, Should),
        Section::Sampled,
        &[("traceparent", " 00-{t}-{p}-00")],
        Rule::Flags {
            mask: 0b01,
            value: 0,
        },
    ),
    row(
        "flags-01",
        (1, Should),
        Section::Sampled,
        &[VALID],
        Rule::Flags {
            mask: 0b01,
            value: 0b01,
        },
    ),
    row(
        "flags-unknown",
        (1, Must),
        Section::OtherFlags,
        &[("traceparent", " 00-{t}-{p}-fd")],
        Rule::Flags {
            mask: 0b1111_1100,
            value: 0,
        },
    ),
    row(
        "flags-02",
        (2, Must),
        Section::Random,
        &[("traceparent", " 00-{t}-{p}-02")],
        Rule::Flags {
            mask: 0b10,
            value: 0b10,
        },
    ),
    row(
        "flags-03",
        (2, Must),
        Section::Random,
        &[("traceparent", " 00-{t}-{p}-03")],
        Rule::Flags {
            mask: 0b10,
            value: 0b10,
        },
    ),
    row(
        "flags-random-unset",
        (2, Must),
        Section::Random,
        &[VALID],
        Rule::Flags {
            mask: 0b10,
            value: 0,
        },
    ),
    row(
        "tracestate-kept",
        (1, Must),
        Section::MutatingState,
        &[VALID, ("tracestate", " foo=1,bar=2,baz=3")],
        Rule::Kept("foo=1,bar=2,baz=3"),
    ),
    row(
        "tracestate-alone",
        (1, Must),
        Section::Processing,
        &[("tracestate", " foo=1,bar=2")],
        Rule::RestartedWithout("foo=1,bar=2"),
    ),
    row(
        "tracestate-beside-invalid",
        (1, Must),
        Section::Processing,
        &[
            ("traceparent", " ff-{t}-{p}-01"),
            ("tracestate", " foo=1,bar=2"),
        ],
        Rule::RestartedWithout("foo=1,bar=2"),
    ),
    row(
        "tracestate-upper-case-name",
        (1, Must),
        Section::StateName,
        &[VALID, ("TRACESTATE", " foo=1,bar=2")],
        Rule::Kept("foo=1,bar=2"),
    ),
    row(
        "tracestate-name-with-dash",
        (1, Must),
        Section::StateName,
        &[VALID, ("trace-state", " foo=1")],
        Rule::Discarded("foo=1"),
    ),
    row(
        "tracestate-empty",
        (1, Must),
        Section::StateValue,
        &[VALID, ("tracestate", "")],
        Rule::Continued,
    ),
    row(
        "tracestate-several-headers",
        (1, Must),
        Section::StateValue,
        &[
            VALID,
            ("tracestate", " foo=1,bar=2"),
            ("tracestate", " rojo=1,congo=2"),
            ("tracestate", " baz=3"),
        ],
        Rule::Kept("foo=1,bar=2,rojo=1,congo=2,baz=3"),
    ),
    row(
        "tracestate-several-headers-one-empty",
        (1, Must),
        Section::StateValue,
        &[
            VALID,
            ("tracestate", ""),
            ("tracestate", " foo=1"),
            ("tracestate", ""),
        ],
        Rule::Kept("foo=1"),
    ),
    row(
        "tracestate-empty-members",
        (1, Must),
        Section::StateValue,
        &[VALID, ("tracestate", " foo=1,,bar=2,")],
        Rule::Kept("foo=1,bar=2"),
    ),
    row(
        "tracestate-white-space",
        (1, Must),
        Section::StateValue,
        &[
            VALID,
            ("tracestate", " \t foo=1 \t , \t bar=2, \t baz=3 \t "),
        ],
        Rule::Kept("foo=1,bar=2,baz=3"),
    ),
    row(
        "tracestate-32-members",
        (1, Must),
        Section::StateValue,
        &[VALID, ("tracestate", " {members:32}")],
        Rule::Kept("{members:32}"),
    ),
    row(
        "tracestate-33-members",
        (1, Should),
        Section::StateValue,
        &[VALID, ("tracestate", " {members:33}")],
        Rule::AtMost(32),
    ),
    row(
        "tracestate-512-characters",
        (1, Should),
        Section::StateLimits,
        &[VALID, ("tracestate", " a={value:253},b={value:254}")],
        Rule::Kept("a={value:253},b={value:254}"),
    ),
    row(
        "tracestate-duplicate-keys",
        (1, Should),
        Section::MutatingState,
        &[VALID, ("tracestate", " foo=1,foo=2,bar=3")],
        Rule::AnyOf(&["foo=1,bar=3", "foo=2,bar=3", "foo=1,foo=2,bar=3"]),
    ),
    row(
        "tracestate-key-characters",
        (1, Must),
        Section::StateKey,
        &[VALID, ("tracestate", " {key-characters}=1,bar=2")],
        Rule::Kept("{key-characters}=1,bar=2"),
    ),
    row(
        "tracestate-key-of-tenant",
        (1, Must),
        Section::StateKey,
        &[VALID, ("tracestate", " 0tenant@system=1,bar=2")],
        Rule::Kept("0tenant@system=1,bar=2"),
    ),
    row(
        "tracestate-key-several-ats",
        (2, Must),
        Section::StateKey,
        &[VALID, ("tracestate", " foo@=1,foo@@bar=2,foo@bar@baz=3")],
        Rule::Kept("foo@=1,foo@@bar=2,foo@bar@baz=3"),
    ),
    row(
        "tracestate-key-digit",
        (2, Must),
        Section::StateKey,
        &[VALID, ("tracestate", " 1foo=1,bar=2")],
        Rule::Kept("1foo=1,bar=2"),
    ),
    row(
        "tracestate-key-starts-with-at",
        (1, Should),
        Section::StateKey,
        &[VALID, ("tracestate", " @foo=1,bar=2")],
        Rule::Discarded("@foo=1"),
    ),
    row(
        "tracestate-key-upper-case",
        (1, Should),
        Section::StateKey,
        &[VALID, ("tracestate", " FOO=1")],
        Rule::Discarded("FOO=1"),
    ),
    row(
        "tracestate-key-illegal-character",
        (1, Should),
        Section::StateKey,
        &[VALID, ("tracestate", " foo.bar=1")],
        Rule::Discarded("foo.bar=1"),
    ),
    row(
        "tracestate-key-with-space",
        (1, Should),
        Section::StateKey,
        &[VALID, ("tracestate", " foo =1")],
        Rule::Discarded("foo =1"),
    ),
    row(
        "tracestate-key-256-characters",
        (1, Must),
        Section::StateKey,
        &[VALID, ("tracestate", " foo=1,{key:256}=2")],
        Rule::Kept("foo=1,{key:256}=2"),
    ),
    row(
        "tracestate-key-257-characters",
        (1, Should),
        Section::StateKey,
        &[VALID, ("tracestate", " {key:257}=1")],
        Rule::Discarded("{key:257}=1"),
    ),
    row(
        "tracestate-value-characters",
        (1, Must),
        Section::StateMember,
        &[VALID, ("tracestate", " foo={value-characters},bar=2")],
        Rule::Kept("foo={value-characters},bar=2"),
    ),
    row(
        "tracestate-value-256-characters",
        (1, Must),
        Section::StateMember,
        &[VALID, ("tracestate", " foo={value:256},bar=2")],
        Rule::Kept("foo={value:256},bar=2"),
    ),
    row(
        "tracestate-value-257-characters",
        (1, Should),
        Section::StateMember,
        &[VALID, ("tracestate", " foo={value:257}")],
        Rule::Discarded("foo={value:257}"),
    ),
    row(
        "tracestate-value-with-equals",
        (1, Should),
        Section::StateMember,
        &[VALID, ("tracestate", " foo=bar=baz")],
        Rule::Discarded("foo=bar=baz"),
    ),
    row(
        "tracestate-value-empty",
        (1, Should),
        Section::StateMember,
        &[VALID, ("tracestate", " foo=,bar=3")],
        Rule::Discarded("foo="),
    ),
    row(
        "tracestate-without-value",
        (1, Should),
        Section::StateMember,
        &[VALID, ("tracestate", " foo")],
        Rule::Discarded("foo"),
    ),
];

const BAGGAGE: &[Row] = &[
    row(
        "baggage-kept",
        (0, Should),
        Section::Baggage,
        &[VALID, ("baggage", " key1=value1,key2=value2")],
        Rule::Baggage("key1=value1,key2=value2"),
    ),
    row(
        "baggage-several-headers",
        (0, Should),
        Section::Baggage,
        &[
            VALID,
            ("baggage", " key1=value1"),
            ("baggage", " key2=value2"),
        ],
        Rule::Baggage("key1=value1,key2=value2"),
    ),
    row(
        "baggage-white-space",
        (0, Should),
        Section::Baggage,
        &[VALID, ("baggage", " key1 = value1 \t , key2\t=\tvalue2")],
        Rule::Baggage("key1=value1,key2=value2"),
    ),
    row(
        "baggage-percent-encoding",
        (0, Must),
        Section::BaggageValue,
        &[VALID, ("baggage", " key1=a%20b%2Cc%25,key2=Am%C3%A9lie")],
        Rule::Baggage("key1=a%20b%2Cc%25,key2=Am%C3%A9lie"),
    ),
    row(
        "baggage-plus",
        (0, Must),
        Section::BaggageValue,
        &[VALID, ("baggage", " key1=a+b")],
        Rule::Baggage("key1=a+b"),
    ),
    row(
        "baggage-equals-in-value",
        (0, Must),
        Section::BaggageValue,
        &[VALID, ("baggage", " key1=a=b==")],
        Rule::Baggage("key1=a=b=="),
    ),
    row(
        "baggage-properties",
        (0, Should),
        Section::Baggage,
        &[VALID, ("baggage", " key1=value1;p1;p2=v2,key2=value2")],
        Rule::Baggage("key1=value1;p1;p2=v2,key2=value2"),
    ),
    row(
        "baggage-64-members",
        (0, Must),
        Section::BaggageLimits,
        &[VALID, ("baggage", " {bag:64}")],
        Rule::Baggage("{bag:64}"),
    ),
    row(
        "baggage-8192-bytes",
        (0, Must),
        Section::BaggageLimits,
        &[VALID, ("baggage", " key1={value:4090},key2={value:4091}")],
        Rule::Baggage("key1={value:4090},key2={value:4091}"),
    ),
    row(
        "baggage-without-traceparent",
        (0, Should),
        Section::Baggage,
        &[("baggage", " key1=value1")],
        Rule::Baggage("key1=value1"),
    ),
];
