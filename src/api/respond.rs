//! Responses with a JSON body.

use axum::http::header;
use axum::response::{IntoResponse, Response};

pub(super) fn json(value: &impl serde::Serialize) -> Response {
    let body = serde_json::to_string(value).expect("these are structs and maps with text keys");
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
