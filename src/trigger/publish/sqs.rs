//! SQS, and servers with its interface (AWS JSON 1.0 over HTTP).
//!
//! The trace context is in message attributes, and in the system attribute `AWSTraceHeader`, which
//! other instrumentations read.

use std::time::SystemTime;

use http::{HeaderName, HeaderValue, Method};
use serde_json::{Map, Value as Json, json};
use url::Url;

use super::error::{PublishProblem, Step};
use super::message::{Message, Receipt};
use crate::aws_signature::{CannotSign, Signer};
use crate::spec::{Body, Request, SqsQueue};
use crate::trace::{HttpResponse, Value};
use crate::trigger::{Session, TraceContext, TriggerError, http as client};

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
const OPERATION: &str = "AmazonSQS.SendMessage";

pub(super) async fn send(
    to: &SqsQueue,
    message: &Message<'_>,
    context: &TraceContext,
    session: &Session,
) -> Result<Receipt, TriggerError> {
    let body = content(to, message, context)?;
    let mut url = to.queue.clone();
    url.set_path("/");
    url.set_query(None);
    let mut request = Request::new(Method::POST, url.clone());
    request.headers = headers(to, &url, &body, message)?;
    request.body = Body::Text(body);
    request.timeout = message
        .publish
        .timeout
        .or(Some(super::message::DEFAULT_TIMEOUT));
    request.tls = message.publish.tls.clone().unwrap_or_default();
    message.progress.reach(Step::Sent);
    let response = client::send(&request, context, session).await;
    let response = response.map_err(|error| match error.is_refused() {
        true => message.failed(PublishProblem::Refused),
        false => error,
    })?;
    receipt(&response, to, message)
}

/// The request.
fn content(
    to: &SqsQueue,
    message: &Message<'_>,
    context: &TraceContext,
) -> Result<String, TriggerError> {
    let body = message.body.as_deref().unwrap_or_default();
    let Ok(text) = std::str::from_utf8(body) else {
        return Err(message.failed(PublishProblem::Rejected {
            answer: "the content is not text (UTF-8), and SQS has no other".to_owned(),
            help: Some("encode it, for example in base64"),
        }));
    };
    let attribute = |value: &str| json!({ "DataType": "String", "StringValue": value });
    let attributes = message.headers.iter();
    let attributes: Map<String, Json> = attributes
        .map(|(name, value)| (name.clone(), attribute(value)))
        .collect();
    let mut content = json!({
        "QueueUrl": to.queue.as_str(),
        "MessageBody": text,
        "MessageAttributes": attributes,
        "MessageSystemAttributes": { "AWSTraceHeader": attribute(&trace_header(context)) },
    });
    if let Some(group) = &to.group {
        content["MessageGroupId"] = json!(group);
    }
    if let Some(id) = &to.deduplication {
        content["MessageDeduplicationId"] = json!(id);
    }
    Ok(content.to_string())
}

/// The trace context in the format of X-Ray: `Root=1-…;Parent=…;Sampled=1`.
fn trace_header(context: &TraceContext) -> String {
    let trace = context.trace_id.to_string();
    let (time, rest) = trace.split_at(8);
    let sampled = u8::from(context.sampled);
    format!(
        "Root=1-{time}-{rest};Parent={};Sampled={sampled}",
        context.parent_id
    )
}

/// The headers of the request, signed if there are credentials.
fn headers(
    to: &SqsQueue,
    url: &Url,
    body: &str,
    message: &Message<'_>,
) -> Result<Vec<(HeaderName, HeaderValue)>, TriggerError> {
    let unsigned = [("content-type", CONTENT_TYPE), ("x-amz-target", OPERATION)];
    let Some(login) = &message.publish.login else {
        let headers = unsigned.map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        return Ok(headers.into());
    };
    let region = (region(to), "sqs");
    let signer = Signer::new(&login.user, &login.password, to.token.as_deref(), region);
    let signer = signer.map_err(|reason| match reason {
        CannotSign::NoTls => message.failed(PublishProblem::NoFeature("sqs")),
        CannotSign::Credentials => message.failed(PublishProblem::NotServed {
            why: "the credentials have blanks or control characters".to_owned(),
            help: "check `user` and `region`, or AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN and AWS_REGION",
        }),
    })?;
    let operation = (CONTENT_TYPE, Some(OPERATION));
    let signed = signer.headers(url, operation, body.as_bytes(), SystemTime::now());
    let signed = signed.iter();
    Ok(signed
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect())
}

/// The region of the spec, of the environment, or of the URL: `sqs.eu-central-1.amazonaws.com`.
fn region(to: &SqsQueue) -> &str {
    let host = to.queue.host_str().unwrap_or_default();
    let of_host = host
        .strip_prefix("sqs.")
        .and_then(|rest| rest.split_once(".amazonaws.com"))
        .map(|(region, _)| region);
    let region = to.region.as_deref().or(of_host);
    region.unwrap_or("us-east-1")
}

/// The id of the message, or the error of the server.
fn receipt(
    response: &HttpResponse,
    to: &SqsQueue,
    message: &Message<'_>,
) -> Result<Receipt, TriggerError> {
    let answer: Json = serde_json::from_slice(&response.body).unwrap_or_default();
    let text = |key: &str| {
        let text = answer[key].as_str().filter(|text| !text.is_empty());
        text.map(str::to_owned)
    };
    if let (200, Some(id)) = (response.status, text("MessageId")) {
        if text("MD5OfMessageAttributes").is_none() {
            return Err(message.failed(PublishProblem::Lost {
                answer: "not its attributes, which contain the trace context: there is no `MD5OfMessageAttributes` in its answer",
                help: "use a server that keeps message attributes",
            }));
        }
        let sequence = text("SequenceNumber").map(Value::from);
        let sequence = sequence.map(|number| ("sequence", number));
        return Ok([("message_id", Value::from(id))]
            .into_iter()
            .chain(sequence)
            .collect());
    }
    let Some(kind) = text("__type") else {
        let why = format!("it answers {} without the JSON of SQS", response.status);
        let help = "check the URL of the queue; the server must have the JSON protocol of SQS";
        return Err(message.failed(PublishProblem::NotServed { why, help }));
    };
    let kind = kind.rsplit('#').next().unwrap_or_default();
    let why = text("message").or_else(|| text("Message"));
    let answer = match why {
        Some(why) => format!("{kind}: {why}"),
        None => kind.to_owned(),
    };
    let is_about = |part: &str| kind.contains(part);
    Err(message.failed(if is_about("NonExistentQueue") || is_about("QueueDoesNotExist") {
        PublishProblem::NoPlace {
            name: to.queue.path().rsplit('/').next().unwrap_or_default().to_owned(),
            help: "create the queue, or correct its URL: spanspec creates none".to_owned(),
        }
    } else {
        let help = match response.status {
            401 | 403 => "check `user` and `password`, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and permit `sqs:SendMessage`",
            _ => "correct the message: SQS has limits for its size, its attributes and FIFO queues",
        };
        PublishProblem::Rejected {
            answer,
            help: Some(help),
        }
    }))
}
