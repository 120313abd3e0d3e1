//! Error responses: RFC 9457, `application/problem+json`.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value as Json, json};

use super::judging_thread::NoJudgement;
use super::state::Api;
use crate::result::Trouble;
use crate::secret::Format;
use crate::spec::SpecErrors;

/// An error response.
#[derive(Debug)]
pub(super) struct Problem(Box<Facts>);

#[derive(Debug)]
struct Facts {
    status: StatusCode,
    /// The last part of the URN that identifies the problem.
    kind: &'static str,
    title: String,
    detail: String,
    more: Map<String, Json>,
    allow: Option<&'static str>,
}

impl Problem {
    fn new(
        status: StatusCode,
        kind: &'static str,
        title: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self(Box::new(Facts {
            status,
            kind,
            title: title.into(),
            detail: detail.into(),
            more: Map::new(),
            allow: None,
        }))
    }

    fn with(mut self, key: &str, value: impl Into<Json>) -> Self {
        self.0.more.insert(key.to_owned(), value.into());
        self
    }

    /// The request is invalid.
    pub(super) fn bad_request(title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", title, detail)
    }

    /// The content type is not JSON.
    pub(super) fn wrong_content_type(found: &str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "bad-request",
            format!("the content-type is {found}"),
            "send JSON, with content-type: application/json",
        )
    }

    /// The body, or a part of the path, cannot be read.
    pub(super) fn unread(status: StatusCode, why: &str) -> Self {
        let detail = "a body has 2 MiB at the most, and the path is UTF-8";
        Self::new(status, "bad-request", why.to_owned(), detail)
    }

    /// The spec is too long.
    pub(super) fn long_spec(length: usize, longest: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "bad-request",
            format!("the spec has {} KiB", length.div_ceil(1_024)),
            format!(
                "{} KiB is the most: divide it into several requests",
                longest >> 10
            ),
        )
    }

    /// The trace could not be judged.
    pub(super) fn no_judgement(why: NoJudgement) -> Self {
        match why {
            NoJudgement::TooMany => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "too many judgements wait for their traces",
                "judge fewer traces at the same time, or set a shorter `wait`",
            ),
            NoJudgement::NoThread => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "interrupted",
                "the judgement was interrupted",
                "send the request again; if it is interrupted each time, report it with the spec",
            ),
        }
    }

    /// The spec has errors.
    pub(super) fn wrong_spec(errors: &SpecErrors) -> Self {
        let listed = errors.0.iter().map(|error| {
            json!({
                "message": error.what,
                "line": error.at.line(),
                "column": error.at.column(),
                "label": error.label,
                "help": error.help,
            })
        });
        let listed: Vec<Json> = listed.collect();
        let title = match listed.len() {
            1 => "the spec has an error".to_owned(),
            many => format!("the spec has {many} errors"),
        };
        Self::new(
            StatusCode::BAD_REQUEST,
            "wrong-spec",
            title,
            errors.to_string(),
        )
        .with("errors", listed)
    }

    /// No span of the trace arrived.
    pub(super) fn no_trace(trace_id: String, trouble: &Trouble) -> Self {
        let lines: Vec<&str> = trouble
            .details
            .iter()
            .chain(&trouble.help)
            .map(String::as_str)
            .collect();
        Self::new(
            StatusCode::NOT_FOUND,
            "no-trace",
            trouble.what.clone(),
            lines.join("\n"),
        )
        .with("trace_id", trace_id)
        .with("seen", trouble.details.clone())
        .with("help", trouble.help.clone())
    }

    /// There is no such path.
    pub(super) fn no_path(path: &str, known: &[&str]) -> Self {
        let known: Vec<String> = known.iter().map(|path| format!("/api/v1{path}")).collect();
        Self::new(
            StatusCode::NOT_FOUND,
            "no-path",
            format!("nothing is served at {path}"),
            format!("there are {}", known.join(", ")),
        )
    }

    /// The path has another method.
    pub(super) fn wrong_method(method: &Method, allowed: &'static str) -> Self {
        let mut problem = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "wrong-method",
            format!("{method} is not answered here"),
            format!("send {allowed}"),
        );
        problem.0.allow = Some(allowed);
        problem
    }
}

const CONTENT_TYPE: &str = "application/problem+json";

/// Masks secrets in problems, which may quote the request.
pub(super) async fn mask(State(api): State<Api>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let content_type = response.headers().get(header::CONTENT_TYPE);
    if content_type.is_none_or(|found| found != CONTENT_TYPE) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let secrets = api.state().known.context.globals.hidden.clone();
    let text = String::from_utf8_lossy(&body);
    let masked = secrets.written(Format::Json, &text);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, masked.into())
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let facts = *self.0;
        let mut body = json!({
            "type": format!("urn:spanspec:problem:{}", facts.kind),
            "title": facts.title,
            "status": facts.status.as_u16(),
            "detail": facts.detail,
        });
        if let Some(members) = body.as_object_mut() {
            members.extend(facts.more);
        }
        let content_type = [(header::CONTENT_TYPE, CONTENT_TYPE)];
        let mut response = (facts.status, content_type, body.to_string()).into_response();
        if let Some(allow) = facts.allow {
            let allow = HeaderValue::from_static(allow);
            response.headers_mut().insert(header::ALLOW, allow);
        }
        response
    }
}
