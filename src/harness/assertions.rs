//! The macros that assert something of a trace.

/// Asserts that a trace has such spans, and that each of them is like this.
///
/// First comes the trace, then what to look for: a name, or a description such as
/// `span("x").below("y")` or `service("order")`. Every key behind it is checked on every span
/// that is found, as in a spec. All failures are in one panic, with the trace.
///
/// ```
/// use spanspec::prelude::*;
///
/// # let trace = &spanspec::otlp::read(br#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"order"}}]},"scopeSpans":[{"spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b1","name":"POST /orders","kind":2,"startTimeUnixNano":"1","endTimeUnixNano":"9"},{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b2","parentSpanId":"00f067aa0ba902b1","name":"process_payment","startTimeUnixNano":"2","endTimeUnixNano":"5","attributes":[{"key":"payment.method","value":{"stringValue":"card"}},{"key":"attempts","value":{"intValue":"1"}}],"status":{"code":1}}]}]}]}"#)?[0];
/// assert_span!(trace, "process_payment");
/// assert_span!(
///     trace,
///     "process_payment",
///     below: service("order"),
///     attributes: { "payment.method" => "card", "attempts" => 1..=3 },
///     status: ok,
///     duration: ..ms(600),
/// );
/// assert_span!(trace, service("order"), count: 2, status: not error);
/// # Ok::<(), spanspec::otlp::ReadError>(())
/// ```
///
/// | key | value |
/// |---|---|
/// | `name`, `service`, `scope`, `status_message`, `event` | anything that a string can be compared with |
/// | `kind` | `internal`, `server`, `client`, `producer`, `consumer`, `unspecified` |
/// | `type` | `http`, `rpc`, `db`, `messaging`, `faas`, `gen_ai` |
/// | `status` | `ok`, `error`, `unset`, or `not error` |
/// | `attributes`, `resource` | `{ "key" => value }` |
/// | `duration`, `self_time` | `..ms(600)`, `ms(100)..=secs(2)` |
/// | `below`, `above`, `child_of`, `parent_of`, `after`, `before`, `linked_to`, `caused_by` | a name or description |
/// | `links`, `count` | `2`, `1..`, `..=3` |
#[macro_export]
macro_rules! assert_span {
    ($trace:expr, $find:expr $(, $($keys:tt)*)?) => {
        match &$trace {
            trace => {
                #[allow(unused_mut, reason = "without keys nothing is added to it")]
                let mut assertion = $crate::internal::harness::SpanAssertion::new(
                    "assert_span!",
                    (::core::file!(), ::core::line!(), ::core::column!()),
                    (trace, ::core::stringify!($trace)),
                    ($find, ::core::stringify!($find)),
                );
                $crate::__span_keys!(each assertion; $($($keys)*)?);
                assertion.each_holds();
            }
        }
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "assert_span! takes a trace and what to look for: assert_span!(trace, \"process_payment\", status: ok)"
        )
    };
}

/// Asserts that a trace has no span that meets all of this. Keys are those of
/// [`assert_span!`](crate::assert_span), without `count`.
///
/// It does not pass where a span nearly meets all of it, in a way that looks like an error in the
/// assertion: an attribute has another type (`"503"` is not in `500..=599`) or another name, or
/// the service is unknown or has a similar name.
///
/// ```
/// use spanspec::prelude::*;
///
/// # let trace = &spanspec::otlp::read(br#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"order"}}]},"scopeSpans":[{"spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b1","name":"POST /orders","kind":2,"startTimeUnixNano":"1","endTimeUnixNano":"9"}]}]}]}"#)?[0];
/// assert_no_span!(trace, "ship");
/// assert_no_span!(trace, any_span(), type: db, below: service("gateway"));
/// # Ok::<(), spanspec::otlp::ReadError>(())
/// ```
#[macro_export]
macro_rules! assert_no_span {
    ($trace:expr, $find:expr $(, $($keys:tt)*)?) => {
        match &$trace {
            trace => {
                #[allow(unused_mut, reason = "without keys nothing is added to it")]
                let mut assertion = $crate::internal::harness::SpanAssertion::new(
                    "assert_no_span!",
                    (::core::file!(), ::core::line!(), ::core::column!()),
                    (trace, ::core::stringify!($trace)),
                    ($find, ::core::stringify!($find)),
                );
                $crate::__span_keys!(none assertion; $($($keys)*)?);
                assertion.none_is_there();
            }
        }
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "assert_no_span! takes a trace and what must not be there: assert_no_span!(trace, \"ship\")"
        )
    };
}

/// The keys of an assertion, one after the other. `each` or `none` of the spans meet them.
#[doc(hidden)]
#[macro_export]
macro_rules! __span_keys {
    ($m:ident $a:ident;) => {};
    ($m:ident $a:ident; attributes: { $($key:expr => $value:expr),* $(,)? } $(, $($rest:tt)*)?) => {
        $a.open("attributes");
        $($a.entry(
            ::core::stringify!($key),
            ::core::stringify!($value),
            $crate::any_span().attribute($key, $value),
        );)*
        $a.close();
        $crate::__span_keys!($m $a; $($($rest)*)?);
    };
    ($m:ident $a:ident; resource: { $($key:expr => $value:expr),* $(,)? } $(, $($rest:tt)*)?) => {
        $a.open("resource");
        $($a.entry(
            ::core::stringify!($key),
            ::core::stringify!($value),
            $crate::any_span().resource($key, $value),
        );)*
        $a.close();
        $crate::__span_keys!($m $a; $($($rest)*)?);
    };
    ($m:ident $a:ident; attributes: $($other:tt)*) => {
        ::core::compile_error!("write attributes as `attributes: { \"key\" => value }`")
    };
    ($m:ident $a:ident; resource: $($other:tt)*) => {
        ::core::compile_error!("write attributes of the resource as `resource: { \"key\" => value }`")
    };
    ($m:ident $a:ident; status: not $code:ident $(, $($rest:tt)*)?) => {
        $a.key(
            "status",
            ::core::concat!("not ", ::core::stringify!($code)),
            $crate::any_span().status_other_than($crate::__span_status!($code)),
        );
        $crate::__span_keys!($m $a; $($($rest)*)?);
    };
    ($m:ident $a:ident; status: $code:tt $(, $($rest:tt)*)?) => {
        $a.key(
            "status",
            ::core::stringify!($code),
            $crate::any_span().status($crate::__span_status!($code)),
        );
        $crate::__span_keys!($m $a; $($($rest)*)?);
    };
    ($m:ident $a:ident; kind: $kind:tt $(, $($rest:tt)*)?) => {
        $a.key(
            "kind",
            ::core::stringify!($kind),
            $crate::any_span().kind($crate::__span_kind!($kind)),
        );
        $crate::__span_keys!($m $a; $($($rest)*)?);
    };
    ($m:ident $a:ident; type: $kind:tt $(, $($rest:tt)*)?) => {
        $a.key(
            "type",
            ::core::stringify!($kind),
            $crate::any_span().of_type($crate::__span_type!($kind)),
        );
        $crate::__span_keys!($m $a; $($($rest)*)?);
    };
    (none $a:ident; count: $($other:tt)*) => {
        ::core::compile_error!(
            "assert_no_span! has no `count`, for it permits no span at all: to limit their number, write `assert_span!(…, count: ..=2)`"
        )
    };
    ($m:ident $a:ident; count: $count:expr $(, $($rest:tt)*)?) => {
        $a.count(::core::stringify!($count), $count);
        $crate::__span_keys!($m $a; $($($rest)*)?);
    };
    ($m:ident $a:ident; times: $($other:tt)*) => {
        ::core::compile_error!(
            "`times` belongs to the other span of a relation, as in `below: service(\"gateway\").times(0)`; the number of spans is `count`"
        )
    };
    // An unknown key is an unknown method, for which the compiler suggests a similar one.
    ($m:ident $a:ident; $key:ident: $value:expr $(, $($rest:tt)*)?) => {
        $a.key(
            ::core::stringify!($key),
            ::core::stringify!($value),
            $crate::any_span().$key($value),
        );
        $crate::__span_keys!($m $a; $($($rest)*)?);
    };
    ($m:ident $a:ident; $($other:tt)+) => {
        ::core::compile_error!(::core::concat!(
            "what must hold of the spans is written as `key: value`, and this is not: ",
            ::core::stringify!($($other)+)
        ))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __span_status {
    (ok) => {
        $crate::StatusCode::Ok
    };
    (error) => {
        $crate::StatusCode::Error
    };
    (unset) => {
        $crate::StatusCode::Unset
    };
    ($other:tt) => {
        ::core::compile_error!("a status is `ok`, `error` or `unset`, or `not error`")
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __span_kind {
    (internal) => {
        $crate::SpanKind::Internal
    };
    (server) => {
        $crate::SpanKind::Server
    };
    (client) => {
        $crate::SpanKind::Client
    };
    (producer) => {
        $crate::SpanKind::Producer
    };
    (consumer) => {
        $crate::SpanKind::Consumer
    };
    (unspecified) => {
        $crate::SpanKind::Unspecified
    };
    ($other:tt) => {
        ::core::compile_error!(
            "a kind is `internal`, `server`, `client`, `producer`, `consumer` or `unspecified`"
        )
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __span_type {
    (http) => {
        $crate::SpanType::Http
    };
    (rpc) => {
        $crate::SpanType::Rpc
    };
    (db) => {
        $crate::SpanType::Db
    };
    (messaging) => {
        $crate::SpanType::Messaging
    };
    (faas) => {
        $crate::SpanType::Faas
    };
    (gen_ai) => {
        $crate::SpanType::GenAi
    };
    ($other:tt) => {
        ::core::compile_error!("a type is `http`, `rpc`, `db`, `messaging`, `faas` or `gen_ai`")
    };
}

/// Asserts that a trace is as a file says: one that has what stands below `expect` in a spec, or a
/// whole spec, of which only `expect` counts. What it asks of a response is left out there.
///
/// ```no_run
/// use spanspec::prelude::*;
///
/// # let trace = spanspec::Trace::assemble(spanspec::TraceId::random(), spanspec::Origin::Foreign, []);
/// # let order_id = "order-7";
/// assert_trace!(trace, "specs/fragments/charged.yaml");
/// assert_trace!(trace, "specs/place-order.yaml", { "order_id" => order_id });
/// ```
///
/// Paths start from the package's folder. After the path come values of variables, above all of
/// captures. A value that no check uses is an error.
#[macro_export]
macro_rules! assert_trace {
    ($trace:expr, $path:expr $(,)?) => {
        $crate::assert_trace!($trace, $path, {})
    };
    ($trace:expr, $path:expr, { $($name:expr => $value:expr),* $(,)? } $(,)?) => {
        $crate::internal::harness::assert_file(
            &$trace,
            ::core::env!("CARGO_MANIFEST_DIR"),
            ::core::convert::AsRef::<::std::path::Path>::as_ref(&$path),
            &[$(($name, $crate::Value::from($value))),*],
        )
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "assert_trace! takes a trace, a file and perhaps variables: assert_trace!(trace, \"specs/charged.yaml\", { \"order_id\" => id })"
        )
    };
}
