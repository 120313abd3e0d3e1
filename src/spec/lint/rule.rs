//! The rules, with their ids and levels.

use std::fmt;

/// The weight of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Not reported.
    Off,
    /// Worth knowing; changes no exit code.
    Note,
    /// Fails under `--strict`.
    Warning,
    /// Fails.
    Error,
}

impl Level {
    /// The words that settings accept.
    pub(crate) const ALL: [(&'static str, Self); 4] = [
        ("off", Self::Off),
        ("note", Self::Note),
        ("warn", Self::Warning),
        ("deny", Self::Error),
    ];

    /// The word in reports.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

macro_rules! rules {
    ($($name:ident $id:literal $level:ident $all:ident $title:literal,)*) => {
        /// A rule about traces.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $(#[doc = $title] $name,)*
        }

        impl Rule {
            /// All rules, in the order of the documentation.
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its id, as settings and reports write it.
            pub(crate) fn id(self) -> &'static str {
                match self {
                    $(Self::$name => $id,)*
                }
            }

            /// The finding, in one line.
            pub(crate) fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)*
                }
            }

            /// Its level among the recommended rules.
            pub(crate) fn recommended(self) -> Level {
                match self {
                    $(Self::$name => Level::$level,)*
                }
            }

            /// Its level among all rules.
            pub(crate) fn of_all(self) -> Level {
                match self {
                    $(Self::$name => Level::$all,)*
                }
            }
        }
    };
}

rules! {
    BrokenPropagation "broken-propagation" Error Error "a call whose callee began a new trace",
    ContextLostInCallback "context-lost-in-callback" Error Error "a call that began a new trace while a span of its service ran",
    MissingEntry "missing-entry" Warning Warning "a trace of which the first span is missing",
    Orphan "orphan" Warning Warning "a span whose parent is missing",
    AsyncWithoutLink "async-without-link" Warning Warning "a consumer that neither continues the trace of its message nor links to it",
    ClientWithoutServer "client-without-server" Warning Warning "a call of an instrumented service that recorded no span of it",
    TooManySpans "too-many-spans" Warning Warning "many equal children of one span, such as a query for each row",
    SpanPerFunction "span-per-function" Warning Warning "a service with very many very short internal spans",
    NameWithIds "name-with-ids" Warning Warning "span names that contain ids, so that each is unique",
    OverSampled "over-sampled" Warning Warning "more spans a second than a limit permits",
    NoServiceName "no-service-name" Error Error "a resource without `service.name`",
    UnknownService "unknown-service" Error Error "a service with the default name of the SDK",
    NoVersion "no-version" Off Note "a resource without `service.version`",
    UncorrelatedLogs "uncorrelated-logs" Warning Warning "log records inside spans without the id of the trace",
    ErrorWithoutStatus "error-without-status" Warning Warning "a failed operation whose span has no status error",
    StatusWithoutError "status-without-error" Warning Warning "a status error that the conventions reserve for something else",
    ExceptionSwallowed "exception-swallowed" Note Warning "a recorded exception on a span without status error",
    ClockSkew "clock-skew" Warning Warning "a callee that starts before its caller",
    UnendedDuration "unended-duration" Error Error "a span without a duration",
    ZeroDuration "zero-duration" Off Note "a call that took no time by the clock of the service",
    DroppedAttributes "dropped-attributes" Warning Warning "a span of which the SDK dropped parts",
    ConventionsOld "conventions-old" Off Note "attributes that the semantic conventions renamed",
    ConventionsMissing "conventions-missing" Warning Warning "a span without the essential attributes of its kind",
    SecretInAttribute "secret-in-attribute" Error Error "a credential in an attribute",
    PersonalData "personal-data" Warning Warning "an e-mail address or card number in an attribute",
    Weaver "weaver" Error Error "a finding of OpenTelemetry Weaver about a registry of conventions",
}

impl Rule {
    /// The rule with this id.
    pub(crate) fn of(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.id() == id)
    }

    /// Returns `true` if it examines all traffic, and never a single trace.
    pub(crate) fn is_about_all_traffic(self) -> bool {
        matches!(self, Self::OverSampled | Self::Weaver)
    }

    /// Returns `true` if it also needs the traces that arrived beside the judged one.
    pub(crate) fn needs_surroundings(self) -> bool {
        matches!(
            self,
            Self::BrokenPropagation
                | Self::ContextLostInCallback
                | Self::AsyncWithoutLink
                | Self::ClientWithoutServer
        )
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
