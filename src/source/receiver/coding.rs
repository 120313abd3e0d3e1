//! Content codings: the names that exporters use (`GZIP`, `x-gzip`, `identity`), and their decoders.

use std::io::{self, Read};

use axum::http::header::{CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use flate2::{Decompress, FlushDecompress, Status};

use super::body::{BodyError, MAX_BODY};

pub(super) const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// Normalizes the names in the headers that name a coding, and removes codings without an effect.
pub(super) fn normalize(headers: &mut HeaderMap) {
    for name in [CONTENT_ENCODING, GRPC_ENCODING] {
        if !headers.contains_key(&name) {
            continue;
        }
        let values = headers.get_all(&name).iter();
        let Ok(values) = values
            .map(HeaderValue::to_str)
            .collect::<Result<Vec<_>, _>>()
        else {
            continue;
        };
        let codings: Vec<String> = values.iter().flat_map(|value| codings(value)).collect();
        headers.remove(&name);
        // Always valid, since the characters come from a header.
        if let Ok(value) = HeaderValue::from_str(&codings.join(", "))
            && !codings.is_empty()
        {
            headers.insert(name, value);
        }
    }
}

fn codings(value: &str) -> impl Iterator<Item = String> {
    let codings = value
        .split(',')
        .map(|coding| coding.trim().to_ascii_lowercase());
    codings
        .filter(|coding| !coding.is_empty() && coding != "identity")
        .map(|coding| match &*coding {
            "x-gzip" => "gzip".to_owned(),
            _ => coding,
        })
}

/// The codings that exporters can use, for messages.
pub(super) const KNOWN: &str = if cfg!(feature = "zstd") {
    "gzip, zstd, deflate and identity"
} else {
    "gzip, deflate and identity"
};

/// A coding that compresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    #[cfg(feature = "zstd")]
    Zstd,
    Deflate,
}

impl Coding {
    /// The coding with this [normalized](normalize) name.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "gzip" => Some(Self::Gzip),
            #[cfg(feature = "zstd")]
            "zstd" => Some(Self::Zstd),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            #[cfg(feature = "zstd")]
            Self::Zstd => "zstd",
            Self::Deflate => "deflate",
        }
    }

    /// Decompresses a body, which may consist of several streams.
    ///
    /// # Errors
    /// When the body is too large after decompression, is cut off, or is followed by other data.
    pub(super) fn decode(self, body: &[u8]) -> Result<Vec<u8>, BodyError> {
        self.decode_at_most(body, MAX_BODY)?
            .ok_or(BodyError::TooLarge)
    }

    /// Decompresses a body. `None` if it has more than this number of bytes.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), as far as the body is read.
    pub(super) fn decode_at_most(
        self,
        body: &[u8],
        most: usize,
    ) -> Result<Option<Vec<u8>>, BodyError> {
        if body.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let decoded = match self {
            Self::Gzip => read_all(flate2::bufread::MultiGzDecoder::new(body), most),
            #[cfg(feature = "zstd")]
            Self::Zstd => {
                zstd::Decoder::with_buffer(body).and_then(|decoder| read_all(decoder, most))
            }
            Self::Deflate => inflate(body, most),
        };
        let decoded = decoded.map_err(|error| BodyError::Compressed(self.name(), error))?;
        Ok((decoded.len() <= most).then_some(decoded))
    }
}

/// Reads at most one byte more than this number.
fn read_all(decoder: impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut decoded = Vec::new();
    decoder.take(most as u64 + 1).read_to_end(&mut decoded)?;
    Ok(decoded)
}

/// Decompresses zlib streams. The reader of `flate2` accepts a stream that is cut off.
fn inflate(mut body: &[u8], most: usize) -> io::Result<Vec<u8>> {
    const CHUNK: usize = 64 << 10;
    let mut decoded = Vec::new();
    while !body.is_empty() {
        let mut stream = Decompress::new(true);
        loop {
            decoded.reserve(CHUNK);
            let before = stream.total_in();
            let status = stream.decompress_vec(body, &mut decoded, FlushDecompress::None)?;
            let read = usize::try_from(stream.total_in() - before).unwrap_or(body.len());
            body = &body[read..];
            if status == Status::StreamEnd || decoded.len() > most {
                break;
            }
            if body.is_empty() && decoded.len() < decoded.capacity() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        if decoded.len() > most {
            break;
        }
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn encoded(coding: Coding, bytes: &[u8]) -> Vec<u8> {
        let level = flate2::Compression::fast();
        match coding {
            Coding::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Coding::Deflate => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            #[cfg(feature = "zstd")]
            Coding::Zstd => zstd::encode_all(bytes, 1).unwrap(),
        }
    }

    #[test]
    fn all_streams_of_a_body_are_read_and_nothing_else_may_follow() {
        for coding in [
            Coding::Gzip,
            #[cfg(feature = "zstd")]
            Coding::Zstd,
            Coding::Deflate,
        ] {
            let (one, two) = (encoded(coding, b"one "), encoded(coding, &[b'x'; 200_000]));
            let joined = [&one[..], &encoded(coding, b""), &two].concat();
            let decoded = coding.decode(&joined).unwrap();
            let expected = [&b"one "[..], &[b'x'; 200_000]].concat();
            assert!(decoded == expected, "{coding:?}");
            for (damage, broken) in [
                ("garbage", [&one[..], b"garbage"].concat()),
                ("zeros", [&one[..], &[0; 8]].concat()),
                ("cut off", joined[..joined.len() - 1].to_vec()),
                ("cut off early", two[..two.len() / 2].to_vec()),
            ] {
                let found = coding.decode(&broken);
                let is_refused = matches!(found, Err(BodyError::Compressed(..)));
                assert!(is_refused, "{coding:?}: {damage}");
            }
        }
    }
}
