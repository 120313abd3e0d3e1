//! The functions of each version of the Collector, and those that are evaluated.

use crate::sampling::version::CollectorVersion;

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Bool,
    Concat,
    ContainsValue,
    ConvertCase,
    Double,
    Duration,
    HasPrefix,
    HasSuffix,
    Hours,
    Int,
    /// `Int` of old versions: a string that is no number is nil.
    IntOrNil,
    IsBool,
    IsDouble,
    IsEmpty,
    IsInt,
    IsList,
    IsMap,
    IsMatch,
    IsRootSpan,
    IsString,
    Len,
    Microseconds,
    Milliseconds,
    Minutes,
    Nanoseconds,
    Seconds,
    SpanId,
    String,
    Substring,
    ToLowerCase,
    ToUpperCase,
    TraceId,
}

/// A function with its arguments, in some versions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signature {
    pub(super) function: Function,
    name: &'static str,
    /// The names of the arguments.
    pub(super) arguments: &'static [&'static str],
    /// The number of those that are required.
    pub(super) required: usize,
    versions: Versions,
}

/// The versions of the Collector that have a function: minor versions of 0.
#[derive(Clone, Copy, Debug)]
enum Versions {
    All,
    From(u32),
    Before(u32),
}

/// The result of a look-up.
#[derive(Clone, Copy, Debug)]
pub(super) enum Known {
    Evaluated(Signature),
    /// The Collector has it, spanspec does not.
    Unsupported,
    /// The Collector has it from this version.
    Since(CollectorVersion),
    /// The Collector had it before this version.
    Until(CollectorVersion),
    Unknown,
}

impl Versions {
    /// `None` if the version has the function.
    fn missing(self, version: CollectorVersion) -> Option<Known> {
        match self {
            Self::From(minor) if version < CollectorVersion::of(minor) => {
                Some(Known::Since(CollectorVersion::of(minor)))
            }
            Self::Before(minor) if version >= CollectorVersion::of(minor) => {
                Some(Known::Until(CollectorVersion::of(minor)))
            }
            _ => None,
        }
    }
}

impl Signature {
    const fn new(
        function: Function,
        name: &'static str,
        arguments: &'static [&'static str],
        required: usize,
    ) -> Self {
        Self {
            function,
            name,
            arguments,
            required,
            versions: Versions::All,
        }
    }

    const fn since(mut self, minor: u32) -> Self {
        self.versions = Versions::From(minor);
        self
    }

    const fn until(mut self, minor: u32) -> Self {
        self.versions = Versions::Before(minor);
        self
    }
}

/// Each function. Read in `pkg/ottl/ottlfuncs` of v0.140.1 and of each version from v0.141.0 to v0.161.0.
const EVALUATED: &[Signature] = &[
    Signature::new(Function::Bool, "Bool", &["target"], 1).since(143),
    Signature::new(Function::Concat, "Concat", &["vals", "delimiter"], 2),
    Signature::new(
        Function::ContainsValue,
        "ContainsValue",
        &["target", "item"],
        2,
    ),
    Signature::new(
        Function::ConvertCase,
        "ConvertCase",
        &["target", "to_case"],
        2,
    ),
    Signature::new(Function::Double, "Double", &["target"], 1),
    Signature::new(Function::Duration, "Duration", &["duration"], 1),
    Signature::new(Function::HasPrefix, "HasPrefix", &["target", "prefix"], 2),
    Signature::new(Function::HasSuffix, "HasSuffix", &["target", "suffix"], 2),
    Signature::new(Function::Hours, "Hours", &["duration"], 1),
    Signature::new(Function::Int, "Int", &["target"], 1).since(160),
    Signature::new(Function::IntOrNil, "Int", &["target"], 1).until(160),
    Signature::new(Function::IsBool, "IsBool", &["target"], 1),
    Signature::new(Function::IsDouble, "IsDouble", &["target"], 1),
    Signature::new(Function::IsEmpty, "IsEmpty", &["target"], 1).since(157),
    Signature::new(Function::IsInt, "IsInt", &["target"], 1),
    Signature::new(Function::IsList, "IsList", &["target"], 1),
    Signature::new(Function::IsMap, "IsMap", &["target"], 1),
    Signature::new(Function::IsMatch, "IsMatch", &["target", "pattern"], 2),
    Signature::new(Function::IsRootSpan, "IsRootSpan", &[], 0),
    Signature::new(Function::IsString, "IsString", &["target"], 1),
    Signature::new(Function::Len, "Len", &["target"], 1),
    Signature::new(Function::Microseconds, "Microseconds", &["duration"], 1),
    Signature::new(Function::Milliseconds, "Milliseconds", &["duration"], 1),
    Signature::new(Function::Minutes, "Minutes", &["duration"], 1),
    Signature::new(Function::Nanoseconds, "Nanoseconds", &["duration"], 1),
    Signature::new(Function::Seconds, "Seconds", &["duration"], 1),
    Signature::new(Function::SpanId, "SpanID", &["target"], 1).since(142),
    Signature::new(Function::SpanId, "SpanID", &["bytes"], 1).until(142),
    Signature::new(Function::String, "String", &["target"], 1),
    Signature::new(
        Function::Substring,
        "Substring",
        &["target", "start", "length", "utf8_safe"],
        3,
    )
    .since(154),
    Signature::new(
        Function::Substring,
        "Substring",
        &["target", "start", "length"],
        3,
    )
    .until(154),
    Signature::new(Function::ToLowerCase, "ToLowerCase", &["target"], 1),
    Signature::new(Function::ToUpperCase, "ToUpperCase", &["target"], 1),
    Signature::new(Function::TraceId, "TraceID", &["target"], 1).since(142),
    Signature::new(Function::TraceId, "TraceID", &["bytes"], 1).until(142),
];

/// Functions of the Collector that are not evaluated.
const UNSUPPORTED: &[(&[&str], Versions)] = &[
    (
        &[
            "ConvertAttributesToElementsXML",
            "ConvertTextToElementsXML",
            "Day",
            "Decode",
            "ExtractGrokPatterns",
            "ExtractPatterns",
            "FNV",
            "Format",
            "FormatTime",
            "GetXML",
            "Hex",
            "Hour",
            "Index",
            "InsertXML",
            "IsValidLuhn",
            "Keys",
            "Log",
            "MD5",
            "Minute",
            "Month",
            "Murmur3Hash",
            "Murmur3Hash128",
            "Nanosecond",
            "Now",
            "ParseCSV",
            "ParseInt",
            "ParseJSON",
            "ParseKeyValue",
            "ParseSimplifiedXML",
            "ParseXML",
            "ProfileID",
            "RemoveXML",
            "Second",
            "SHA1",
            "SHA256",
            "SHA512",
            "SliceToMap",
            "Sort",
            "Split",
            "Time",
            "ToCamelCase",
            "ToKeyValueString",
            "ToSnakeCase",
            "Trim",
            "TruncateTime",
            "Unix",
            "UnixMicro",
            "UnixMilli",
            "UnixNano",
            "UnixSeconds",
            "URL",
            "UserAgent",
            "UUID",
            "UUIDv7",
            "Values",
            "Weekday",
            "XXH128",
            "XXH3",
            "Year",
        ],
        Versions::All,
    ),
    (
        &["CommunityID", "ParseSeverity", "TrimPrefix", "TrimSuffix"],
        Versions::From(141),
    ),
    (&["IsInCIDR"], Versions::From(146)),
    (&["Base64Encode"], Versions::From(147)),
    (&["Coalesce"], Versions::From(150)),
    (
        &[
            "All", "Any", "Filter", "Find", "MapEach", "MapKeys", "Reduce", "When",
        ],
        Versions::From(157),
    ),
    (&["Base64Decode"], Versions::Before(161)),
];

impl Function {
    /// The function with this name.
    pub(super) fn find(name: &str, version: CollectorVersion) -> Known {
        let evaluated = EVALUATED.iter().filter(|known| known.name == name);
        let evaluated = evaluated.map(|known| {
            let missing = known.versions.missing(version);
            missing.unwrap_or(Known::Evaluated(*known))
        });
        let others = UNSUPPORTED
            .iter()
            .filter(|(names, _)| names.contains(&name));
        let others = others.map(|(_, versions)| {
            let missing = versions.missing(version);
            missing.unwrap_or(Known::Unsupported)
        });
        let is_there = |known: &Known| matches!(known, Known::Evaluated(_) | Known::Unsupported);
        let all: Vec<Known> = evaluated.chain(others).collect();
        let found = all.iter().find(|known| is_there(known)).or(all.first());
        found.copied().unwrap_or(Known::Unknown)
    }

    /// The names of all functions.
    pub(super) fn names() -> Vec<&'static str> {
        let evaluated = EVALUATED.iter().map(|known| known.name);
        let others = UNSUPPORTED
            .iter()
            .flat_map(|(names, _)| names.iter().copied());
        evaluated.chain(others).collect()
    }

    pub(super) fn name(self) -> &'static str {
        let found = EVALUATED.iter().find(|known| known.function == self);
        found.map_or("", |known| known.name)
    }
}
