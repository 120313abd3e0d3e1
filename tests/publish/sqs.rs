//! SQS.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::post;

use super::*;
use crate::support::serve;

async fn receives(status: u16, answer: &'static str) -> Result<String, String> {
    let status = StatusCode::from_u16(status).unwrap();
    let app = Router::new().route("/", post(move || async move { (status, answer) }));
    let address = serve(app).await;
    send(format!(
        "{{ sqs: 'http://{address}/123456789012/orders', json: 1 }}"
    ))
    .await
}

#[tokio::test]
async fn a_message_has_an_id_and_the_attributes_with_the_trace_context() {
    let receipt = receives(200, r#"{"MessageId":"m-1","MD5OfMessageAttributes":"0"}"#).await;
    assert_eq!(receipt.unwrap(), r#"{"message_id":"m-1"}"#);
    let error = receives(200, r#"{"MessageId":"m-1"}"#).await.unwrap_err();
    assert!(
        error.contains("took the message, but not its attributes"),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_without_an_id_is_an_error() {
    for (status, answer, found) in [
        (200, "<html>", "it answers 200 without the JSON of SQS"),
        (
            200,
            r#"{"Failed":[{"Id":"1","Code":"InternalError"}]}"#,
            "it answers 200 without the JSON of SQS",
        ),
        (
            200,
            r#"{"MessageId":""}"#,
            "it answers 200 without the JSON of SQS",
        ),
        (
            400,
            r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}"#,
            "has no `orders` (queue orders)",
        ),
        (
            403,
            r#"{"__type":"AccessDenied","message":"no"}"#,
            "rejected the message: AccessDenied: no (queue orders) (help: check `user` and `password`",
        ),
        (
            500,
            r#"{"MessageId":"m-1","MD5OfMessageAttributes":"0"}"#,
            "it answers 500",
        ),
    ] {
        let error = receives(status, answer).await.unwrap_err();
        assert!(error.contains(found), "{error}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_so_that_no_message_is_sent_twice() {
    let app = Router::new().route("/", post(|| async { Redirect::temporary("/again") }));
    let address = serve(app).await;
    let error = send(format!(
        "{{ sqs: 'http://{address}/123456789012/orders', json: 1 }}"
    ));
    let error = error.await.unwrap_err();
    assert!(error.contains("it answers 307"), "{error}");
}
