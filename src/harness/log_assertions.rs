//! The macros that assert something of the log records of a trace.

/// Asserts that a trace has such log records, and that each of them is like this.
///
/// First comes the trace, then the records to look for: a body, or a description such as
/// `log("card declined").service("payment")` or `any_log()`. Every key after it is checked on every
/// record that is found, as in a spec. All failures are in one panic, with the trace.
///
/// ```
/// use spanspec::prelude::*;
///
/// # let trace = &spanspec::otlp::read(br#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"payment"}}]},"scopeSpans":[{"spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b1","name":"process_payment","startTimeUnixNano":"1","endTimeUnixNano":"9"}]}]}],"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"payment"}}]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"5","severityNumber":13,"body":{"stringValue":"card declined"},"attributes":[{"key":"attempt","value":{"intValue":"1"}}],"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b1"}]}]}]}"#)?[0];
/// assert_log!(trace, "card declined");
/// assert_log!(
///     trace,
///     contains("declined"),
///     service: "payment",
///     severity: warn..,
///     attributes: { "attempt" => 1 },
///     on: "process_payment",
///     count: 1,
/// );
/// # Ok::<(), spanspec::otlp::ReadError>(())
/// ```
///
/// | key | value |
/// |---|---|
/// | `severity` | `trace`, `debug`, `info`, `warn`, `error`, `fatal`, or a range: `warn..`, `..=info`, `debug..=warn` |
/// | `body` | a string or a matcher |
/// | `service`, `event`, `scope` | anything that a string can be compared with |
/// | `attributes`, `resource` | `{ "key" => value }` |
/// | `on` | the span in which it was written: a name or description |
/// | `count` | `2`, `1..`, `..=3` |
#[macro_export]
macro_rules! assert_log {
    ($trace:expr, $find:expr $(, $($keys:tt)*)?) => {
        match &$trace {
            trace => {
                #[allow(unused_mut, reason = "without keys nothing is added to it")]
                let mut assertion = $crate::internal::harness::LogAssertion::new(
                    "assert_log!",
                    (::core::file!(), ::core::line!(), ::core::column!()),
                    (trace, ::core::stringify!($trace)),
                    ($find, ::core::stringify!($find)),
                );
                $crate::__log_keys!(each assertion; $($($keys)*)?);
                assertion.each_holds();
            }
        }
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "assert_log! takes a trace and what to look for: assert_log!(trace, \"card declined\", severity: warn)"
        )
    };
}

/// Asserts that a trace has no log record that meets all of this. Keys are those of
/// [`assert_log!`](crate::assert_log), without `count`.
///
/// It panics too if it cannot be known: log records were lost or arrived too late, the trace is
/// from a file without log records, or a record has no severity number.
///
/// ```
/// use spanspec::prelude::*;
///
/// # let trace = &spanspec::otlp::read(br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b1","name":"process_payment","startTimeUnixNano":"1","endTimeUnixNano":"9"}]}]}],"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":9,"body":{"stringValue":"paid"},"traceId":"4bf92f3577b34da6a3ce929d0e0e4736"}]}]}]}"#)?[0];
/// assert_no_log!(trace, any_log(), severity: error..);
/// # Ok::<(), spanspec::otlp::ReadError>(())
/// ```
#[macro_export]
macro_rules! assert_no_log {
    ($trace:expr, $find:expr $(, $($keys:tt)*)?) => {
        match &$trace {
            trace => {
                #[allow(unused_mut, reason = "without keys nothing is added to it")]
                let mut assertion = $crate::internal::harness::LogAssertion::new(
                    "assert_no_log!",
                    (::core::file!(), ::core::line!(), ::core::column!()),
                    (trace, ::core::stringify!($trace)),
                    ($find, ::core::stringify!($find)),
                );
                $crate::__log_keys!(none assertion; $($($keys)*)?);
                assertion.none_is_there();
            }
        }
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "assert_no_log! takes a trace and what must not be there: assert_no_log!(trace, any_log(), severity: error..)"
        )
    };
}

/// The keys of an assertion, one after the other. `each` or `none` of the log records meet them.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_keys {
    ($m:ident $a:ident;) => {};
    ($m:ident $a:ident; attributes: { $($key:expr => $value:expr),* $(,)? } $(, $($rest:tt)*)?) => {
        $a.open("attributes");
        $($a.entry(
            ::core::stringify!($key),
            ::core::stringify!($value),
            $crate::any_log().attribute($key, $value),
        );)*
        $a.close();
        $crate::__log_keys!($m $a; $($($rest)*)?);
    };
    ($m:ident $a:ident; resource: { $($key:expr => $value:expr),* $(,)? } $(, $($rest:tt)*)?) => {
        $a.open("resource");
        $($a.entry(
            ::core::stringify!($key),
            ::core::stringify!($value),
            $crate::any_log().resource($key, $value),
        );)*
        $a.close();
        $crate::__log_keys!($m $a; $($($rest)*)?);
    };
    ($m:ident $a:ident; attributes: $($other:tt)*) => {
        ::core::compile_error!("write attributes as `attributes: { \"key\" => value }`")
    };
    ($m:ident $a:ident; resource: $($other:tt)*) => {
        ::core::compile_error!("write attributes of the resource as `resource: { \"key\" => value }`")
    };
    ($m:ident $a:ident; severity: ..= $to:ident $(, $($rest:tt)*)?) => {
        $a.key(
            "severity",
            ::core::concat!("..=", ::core::stringify!($to)),
            $crate::any_log().severity(..=$crate::__severity!($to)),
        );
        $crate::__log_keys!($m $a; $($($rest)*)?);
    };
    ($m:ident $a:ident; severity: $from:ident ..= $to:ident $(, $($rest:tt)*)?) => {
        $a.key(
            "severity",
            ::core::concat!(::core::stringify!($from), "..=", ::core::stringify!($to)),
            $crate::any_log().severity($crate::__severity!($from)..=$crate::__severity!($to)),
        );
        $crate::__log_keys!($m $a; $($($rest)*)?);
    };
    ($m:ident $a:ident; severity: $from:ident .. $(, $($rest:tt)*)?) => {
        $a.key(
            "severity",
            ::core::concat!(::core::stringify!($from), ".."),
            $crate::any_log().severity($crate::__severity!($from)..),
        );
        $crate::__log_keys!($m $a; $($($rest)*)?);
    };
    ($m:ident $a:ident; severity: $one:ident $(, $($rest:tt)*)?) => {
        $a.key(
            "severity",
            ::core::stringify!($one),
            $crate::any_log().severity($crate::__severity!($one)),
        );
        $crate::__log_keys!($m $a; $($($rest)*)?);
    };
    ($m:ident $a:ident; severity: $($other:tt)*) => {
        ::core::compile_error!(
            "a severity is `trace`, `debug`, `info`, `warn`, `error` or `fatal`, or a range such as `warn..`, `..=info` or `debug..=warn`"
        )
    };
    (none $a:ident; count: $($other:tt)*) => {
        ::core::compile_error!(
            "assert_no_log! has no `count`, for it permits no log record at all: to limit their number, write `assert_log!(…, count: ..=2)`"
        )
    };
    ($m:ident $a:ident; count: $count:expr $(, $($rest:tt)*)?) => {
        $a.count(::core::stringify!($count), $count);
        $crate::__log_keys!($m $a; $($($rest)*)?);
    };
    // An unknown key is an unknown method, for which the compiler suggests a similar one.
    ($m:ident $a:ident; $key:ident: $value:expr $(, $($rest:tt)*)?) => {
        $a.key(
            ::core::stringify!($key),
            ::core::stringify!($value),
            $crate::any_log().$key($value),
        );
        $crate::__log_keys!($m $a; $($($rest)*)?);
    };
    ($m:ident $a:ident; $($other:tt)+) => {
        ::core::compile_error!(::core::concat!(
            "what must hold of the log records is written as `key: value`, and this is not: ",
            ::core::stringify!($($other)+)
        ))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __severity {
    (trace) => {
        $crate::Severity::Trace
    };
    (debug) => {
        $crate::Severity::Debug
    };
    (info) => {
        $crate::Severity::Info
    };
    (warn) => {
        $crate::Severity::Warn
    };
    (error) => {
        $crate::Severity::Error
    };
    (fatal) => {
        $crate::Severity::Fatal
    };
    ($other:ident) => {
        ::core::compile_error!(
            "a severity is `trace`, `debug`, `info`, `warn`, `error` or `fatal`, or a range such as `warn..`, `..=info` or `debug..=warn`"
        )
    };
}
