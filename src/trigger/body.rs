//! Bodies of requests and responses.

use std::io::{self, Read};
use std::path::Path;

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::RequestBuilder;
use reqwest::multipart::{Form, Part as FormPart};

use super::TriggerError;
use crate::spec::{Body, Part, PartContent};

/// Maximum size of a response in bytes, before and after decompression: 64 MiB.
pub(super) const LIMIT: usize = 64 * 1024 * 1024;

/// An encoded body, which can be sent again after a redirect.
#[derive(Clone, Debug)]
pub(super) enum EncodedBody {
    None,
    Bytes {
        bytes: bytes::Bytes,
        content_type: Option<&'static str>,
    },
    Multipart(Vec<LoadedPart>),
}

#[derive(Clone, Debug)]
pub(super) struct LoadedPart {
    part: Part,
    bytes: Vec<u8>,
}

impl EncodedBody {
    /// Reads files and encodes fields.
    pub(super) async fn load(body: &Body) -> Result<Self, TriggerError> {
        Ok(match body {
            Body::None => Self::None,
            Body::Json(value) => Self::bytes(value.to_json_text(), Some("application/json")),
            Body::Text(text) => Self::bytes(text.clone(), None),
            Body::File(path) => Self::bytes(read(path).await?, None),
            Body::Form(fields) => {
                Self::bytes(encode(fields), Some("application/x-www-form-urlencoded"))
            }
            Body::Multipart(parts) => Self::multipart(parts).await?,
        })
    }

    fn bytes(bytes: impl Into<bytes::Bytes>, content_type: Option<&'static str>) -> Self {
        Self::Bytes {
            bytes: bytes.into(),
            content_type,
        }
    }

    async fn multipart(parts: &[Part]) -> Result<Self, TriggerError> {
        let mut loaded = Vec::with_capacity(parts.len());
        for part in parts {
            let bytes = match &part.content {
                PartContent::Text(text) => text.clone().into_bytes(),
                PartContent::File(path) => read(path).await?,
            };
            let part = part.clone();
            loaded.push(LoadedPart { part, bytes });
        }
        Ok(Self::Multipart(loaded))
    }

    /// The `content-type` of the body, unless the request has one. A multipart body sets its own,
    /// which contains the boundary.
    pub(super) fn describe(&self, headers: &mut HeaderMap) {
        match self {
            Self::Bytes {
                content_type: Some(kind),
                ..
            } if !headers.contains_key(CONTENT_TYPE) => {
                headers.insert(CONTENT_TYPE, http::HeaderValue::from_static(kind));
            }
            Self::Multipart(_) => {
                headers.remove(CONTENT_TYPE);
            }
            _ => {}
        }
    }

    /// Adds the body to a request.
    pub(super) fn attach(&self, request: RequestBuilder) -> Result<RequestBuilder, TriggerError> {
        Ok(match self {
            Self::None => request,
            Self::Bytes { bytes, .. } => request.body(bytes.clone()),
            Self::Multipart(parts) => request.multipart(form(parts)?),
        })
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, TriggerError> {
    tokio::fs::read(path)
        .await
        .map_err(|source| TriggerError::BodyFile {
            path: path.to_owned(),
            source,
        })
}

fn encode(fields: &[(String, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

fn form(parts: &[LoadedPart]) -> Result<Form, TriggerError> {
    parts.iter().try_fold(Form::new(), |form, loaded| {
        Ok(form.part(loaded.part.name.clone(), loaded.form_part()?))
    })
}

impl LoadedPart {
    fn form_part(&self) -> Result<FormPart, TriggerError> {
        let content_type = self.content_type();
        let part = FormPart::bytes(self.bytes.clone())
            .mime_str(content_type)
            .map_err(|source| TriggerError::PartType {
                part: self.part.name.clone(),
                content_type: content_type.to_owned(),
                source,
            })?;
        Ok(match self.file_name() {
            Some(name) => part.file_name(name),
            None => part,
        })
    }

    fn content_type(&self) -> &str {
        match (&self.part.content_type, &self.part.content) {
            (Some(written), _) => written,
            (None, PartContent::Text(_)) => "text/plain",
            (None, PartContent::File(_)) => "application/octet-stream",
        }
    }

    fn file_name(&self) -> Option<String> {
        let own = || match &self.part.content {
            PartContent::Text(_) => None,
            PartContent::File(path) => Some(path.file_name()?.to_string_lossy().into_owned()),
        };
        self.part.file_name.clone().or_else(own)
    }
}

/// Decodes `content-encoding`: gzip, deflate, and zstd with its feature, also combined. Bytes with
/// other encodings stay as received.
pub(super) fn decompress(headers: &HeaderMap, body: Vec<u8>) -> io::Result<Vec<u8>> {
    let encodings = headers.get_all(CONTENT_ENCODING).iter();
    let names: Vec<_> = encodings
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    names
        .iter()
        .rev()
        .try_fold(body, |body, name| decode(name, body))
}

fn decode(name: &str, body: Vec<u8>) -> io::Result<Vec<u8>> {
    let unread = body.as_slice();
    match name {
        _ if body.is_empty() => Ok(body),
        "gzip" | "x-gzip" => drain(flate2::read::MultiGzDecoder::new(unread)),
        "deflate" => drain(flate2::read::ZlibDecoder::new(unread)),
        #[cfg(feature = "zstd")]
        "zstd" => drain(zstd::Decoder::with_buffer(unread)?),
        _ => Ok(body),
    }
}

fn drain(decoder: impl Read) -> io::Result<Vec<u8>> {
    let mut decoded = Vec::new();
    decoder.take(LIMIT as u64 + 1).read_to_end(&mut decoded)?;
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_undone_last_first() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, "deflate, gzip".parse().unwrap());
        let mut deflated = Vec::new();
        let level = flate2::Compression::default();
        flate2::read::ZlibEncoder::new(&b"hello"[..], level)
            .read_to_end(&mut deflated)
            .unwrap();
        let mut gzipped = Vec::new();
        flate2::read::GzEncoder::new(&deflated[..], level)
            .read_to_end(&mut gzipped)
            .unwrap();
        assert_eq!(decompress(&headers, gzipped).unwrap(), b"hello");
    }

    #[cfg(feature = "zstd")]
    #[test]
    fn zstd_is_decoded() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, "zstd".parse().unwrap());
        let body = zstd::encode_all(&b"hello"[..], 3).unwrap();
        assert_eq!(decompress(&headers, body).unwrap(), b"hello");
    }

    #[test]
    fn an_unknown_encoding_leaves_the_bytes() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, "br".parse().unwrap());
        assert_eq!(decompress(&headers, vec![1, 2]).unwrap(), [1, 2]);
    }
}
