//! Calls over gRPC whose answer is a stream of messages.

use http_body_util::BodyExt;
use percent_encoding::percent_decode_str;
use prost::Message;
use reqwest::header::HeaderMap;
use reqwest::{Body, StatusCode};
use url::Url;

use super::{FetchError, HttpClient, MOST_BYTES, TIMEOUT};

/// Codes of gRPC that adapters tell apart.
const OK: &str = "0";
const INVALID_ARGUMENT: &str = "3";
const NOT_FOUND: &str = "5";
const PERMISSION_DENIED: &str = "7";
const UNIMPLEMENTED: &str = "12";
const UNAUTHENTICATED: &str = "16";

impl HttpClient {
    /// The messages of the answer to a call. None for something that the backend does not have.
    pub(in crate::source::backend) async fn call(
        &self,
        method: Url,
        message: &impl Message,
    ) -> Result<Vec<Vec<u8>>, FetchError> {
        let message = message.encode_to_vec();
        // A frame begins with a flag for compression and the length.
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let frame = [&[0], length.to_be_bytes().as_slice(), &message].concat();
        let request = self.client.post(method.clone());
        let request = request.headers(self.headers.clone());
        let request = request
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        let response = match request.body(frame).send().await {
            Ok(response) => response,
            Err(error) if !error.is_timeout() && has_http_1(&method).await => {
                return Err(self.refused(
                    "does not answer in HTTP/2, which gRPC needs, but in HTTP/1.1",
                    "write `http://` in the address of `source`, or the port of gRPC",
                ));
            }
            Err(error) => return Err(self.unreachable(&error)),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        if status != StatusCode::OK {
            return Err(self.failed(status, &headers, b""));
        }
        // It is among the headers if there is no message.
        if headers.contains_key("grpc-status") {
            return self.ended(&headers, Vec::new());
        }
        let mut body = Body::from(response);
        let (mut bytes, mut trailers) = (Vec::new(), None);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| self.unreachable(&error))?;
            match frame.into_data() {
                Ok(data) if bytes.len() + data.len() > MOST_BYTES => return Err(self.too_large()),
                Ok(data) => bytes.extend_from_slice(&data),
                Err(frame) => trailers = frame.into_trailers().ok(),
            }
        }
        let messages = messages(&bytes);
        match (messages, trailers) {
            (Some(messages), Some(trailers)) => self.ended(&trailers, messages),
            _ => Err(FetchError::Later {
                why: format!("the answer of {} is not complete", self.name),
                after: None,
                help: "check that a proxy in front of it passes gRPC on".to_owned(),
            }),
        }
    }

    /// The messages, if the call ended well.
    fn ended(
        &self,
        trailers: &HeaderMap,
        messages: Vec<Vec<u8>>,
    ) -> Result<Vec<Vec<u8>>, FetchError> {
        let text = |name| trailers.get(name).and_then(|value| value.to_str().ok());
        let code = text("grpc-status").unwrap_or_default();
        let reason =
            percent_decode_str(text("grpc-message").unwrap_or_default()).decode_utf8_lossy();
        let what = format!("answers with gRPC status {code}: {reason}");
        match code {
            OK => Ok(messages),
            NOT_FOUND => Ok(Vec::new()),
            UNAUTHENTICATED | PERMISSION_DENIED => Err(self.refused(
                &what,
                "check the credentials: `headers` of `source`, and their variables",
            )),
            INVALID_ARGUMENT | UNIMPLEMENTED => Err(self.refused(
                &what,
                "check the address of `source`, and the version of the backend",
            )),
            _ => Err(FetchError::Later {
                why: format!("{} {what}", self.name),
                after: None,
                help: "check that it is well, and its storage".to_owned(),
            }),
        }
    }

    /// A client for gRPC; without TLS, a server cannot tell that it has HTTP/2.
    pub(super) fn grpc(builder: reqwest::ClientBuilder, url: &Url) -> reqwest::ClientBuilder {
        match url.scheme() {
            "grpc" => builder.http2_prior_knowledge(),
            _ => builder,
        }
    }
}

/// Returns `true` if a server without TLS answers in HTTP/1.1.
async fn has_http_1(method: &Url) -> bool {
    let builder = reqwest::Client::builder().http1_only().timeout(TIMEOUT);
    // A proxy would answer for a server that does not.
    match builder.no_proxy().build() {
        Ok(client) if method.scheme() == "http" => client.head(method.clone()).send().await.is_ok(),
        _ => false,
    }
}

/// The messages of a stream. None if the last one is cut off, or one is compressed.
fn messages(mut bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut messages = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<5>() {
        let [0, length @ ..] = *head else {
            return None;
        };
        let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
        let (message, rest) = rest.split_at_checked(length)?;
        messages.push(message.to_vec());
        bytes = rest;
    }
    bytes.is_empty().then_some(messages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_are_cut_off_or_compressed_are_not_read() {
        let stream = b"\0\0\0\0\x01a\0\0\0\0\x02bc";
        let expected = vec![b"a".to_vec(), b"bc".to_vec()];
        assert_eq!(messages(stream), Some(expected));
        assert_eq!(messages(b""), Some(Vec::new()));
        assert_eq!(messages(&stream[..12]), None);
        assert_eq!(messages(&stream[..8]), None);
        assert_eq!(messages(b"\x01\0\0\0\x01a"), None);
    }
}
