//! Bodies of requests and responses.

use std::io::{self, Read};
use std::path::Path;

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::RequestBuilder;
use reqwest::multipart::{Form, Part as FormPart};

use super::{TriggerError, charset};
use crate::spec::{Body, Part, PartContent};
use crate::trace::Undecoded;

/// Maximum size of a response in bytes, before and after decompression: 64 MiB.
pub(super) const LIMIT: usize = 64 * 1024 * 1024;

/// Size of the buffer of a decoder in bytes.
const BUFFER: usize = 4096;

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

    /// The bytes of a message, which has no forms, and their content type.
    pub(super) fn into_bytes(self) -> (Option<bytes::Bytes>, Option<&'static str>) {
        match self {
            Self::Bytes {
                bytes,
                content_type,
            } => (Some(bytes), content_type),
            Self::None | Self::Multipart(_) => (None, None),
        }
    }

    pub(super) fn bytes(
        bytes: impl Into<bytes::Bytes>,
        content_type: Option<&'static str>,
    ) -> Self {
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

/// The body of a response, decoded as far as possible.
pub(super) struct DecodedBody {
    pub(super) bytes: Vec<u8>,
    /// The encoding that is unknown.
    pub(super) undecoded: Option<Undecoded>,
}

/// Decodes the `content-encoding` and the charset of the `content-type`. The bytes of an unknown one
/// stay as received. A body that `is_open` may end anywhere.
pub(super) fn decode(headers: &HeaderMap, body: Vec<u8>, is_open: bool) -> io::Result<DecodedBody> {
    let (bytes, unknown) = decompress(headers, body, is_open)?;
    if let Some(name) = unknown {
        let undecoded = Some(Undecoded::Encoding(name));
        return Ok(DecodedBody { bytes, undecoded });
    }
    let (bytes, unknown) = charset::to_utf8(headers, bytes);
    Ok(DecodedBody {
        bytes,
        undecoded: unknown.map(Undecoded::Charset),
    })
}

/// Decodes `content-encoding`: gzip, deflate, br, and zstd with its feature, also combined. Returns
/// the bytes before the first unknown encoding, with its name.
fn decompress(
    headers: &HeaderMap,
    body: Vec<u8>,
    is_open: bool,
) -> io::Result<(Vec<u8>, Option<String>)> {
    let encodings = headers.get_all(CONTENT_ENCODING).iter();
    let names: Vec<_> = encodings
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let mut body = body;
    for name in names.iter().rev() {
        match decompress_one(name, &body, is_open)? {
            Some(decoded) => body = decoded,
            None => return Ok((body, Some(name.clone()))),
        }
    }
    Ok((body, None))
}

/// `None` if the encoding is unknown.
fn decompress_one(name: &str, body: &[u8], is_open: bool) -> io::Result<Option<Vec<u8>>> {
    let drained = |decoder| drain(decoder, is_open).map(Some);
    match name {
        "identity" | "" => Ok(Some(body.to_vec())),
        _ if body.is_empty() => Ok(Some(Vec::new())),
        "gzip" | "x-gzip" => drained(&mut flate2::read::MultiGzDecoder::new(body)),
        "deflate" => drained(&mut flate2::read::ZlibDecoder::new(body)),
        "br" => {
            let body = body.chain(EndOfBody);
            drained(&mut brotli_decompressor::Decompressor::new(body, BUFFER))
        }
        #[cfg(feature = "zstd")]
        "zstd" => drained(&mut zstd::Decoder::with_buffer(body)?),
        _ => Ok(None),
    }
}

/// The error at the end of a body that is cut, which the decoder of `br` would report as invalid data.
struct EndOfBody;

impl Read for EndOfBody {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

fn drain(decoder: &mut dyn Read, is_open: bool) -> io::Result<Vec<u8>> {
    let mut decoded = Vec::new();
    let read = decoder.take(LIMIT as u64 + 1).read_to_end(&mut decoded);
    match read {
        Err(error) if is_open && error.kind() == io::ErrorKind::UnexpectedEof => Ok(decoded),
        read => read.map(|_| decoded),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(encoding: &str, body: &[u8]) -> (Vec<u8>, Option<String>) {
        let headers = HeaderMap::from_iter([(CONTENT_ENCODING, encoding.parse().unwrap())]);
        decompress(&headers, body.to_vec(), false).unwrap()
    }

    fn gzipped(body: &[u8]) -> Vec<u8> {
        let mut gzipped = Vec::new();
        flate2::read::GzEncoder::new(body, flate2::Compression::default())
            .read_to_end(&mut gzipped)
            .unwrap();
        gzipped
    }

    #[test]
    fn encodings_are_undone_last_first() {
        let mut deflated = Vec::new();
        flate2::read::ZlibEncoder::new(&b"hello"[..], flate2::Compression::default())
            .read_to_end(&mut deflated)
            .unwrap();
        let body = gzipped(&deflated);
        assert_eq!(decoded("deflate, gzip", &body), (b"hello".to_vec(), None));
    }

    #[cfg(feature = "zstd")]
    #[test]
    fn zstd_is_decoded() {
        let body = zstd::encode_all(&b"hello"[..], 3).unwrap();
        assert_eq!(decoded("zstd", &body), (b"hello".to_vec(), None));
    }

    /// As other encoders write it.
    const HELLO_IN_BROTLI: [u8; 9] = [0x0b, 0x02, 0x80, b'h', b'e', b'l', b'l', b'o', 0x03];

    #[test]
    fn brotli_is_decoded() {
        assert_eq!(decoded("br", &HELLO_IN_BROTLI), (b"hello".to_vec(), None));
    }

    #[test]
    fn an_unknown_encoding_leaves_the_bytes_and_is_named() {
        assert_eq!(
            decoded("compress", &[1, 2]),
            (vec![1, 2], Some("compress".to_owned()))
        );
        assert_eq!(decoded("identity", &[1, 2]), (vec![1, 2], None));
    }

    #[test]
    fn a_stream_that_is_cut_is_decoded_as_far_as_it_arrived() {
        let gzipped = gzipped(b"hello");
        for (encoding, body) in [("gzip", &gzipped[..]), ("br", &HELLO_IN_BROTLI)] {
            let headers = HeaderMap::from_iter([(CONTENT_ENCODING, encoding.parse().unwrap())]);
            let cut = &body[..body.len() - 1];
            assert!(decode(&headers, cut.to_vec(), false).is_err());
            let decoded = decode(&headers, cut.to_vec(), true).unwrap();
            assert_eq!(decoded.bytes, b"hello", "{encoding}");
        }
        let headers = HeaderMap::from_iter([(CONTENT_ENCODING, "br".parse().unwrap())]);
        assert!(decode(&headers, vec![0xff; 100], true).is_err());
    }
}
