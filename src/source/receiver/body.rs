//! Reads request bodies, with limits of size, time and memory.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::room::{NoRoom, Place, Room};

/// Maximum size of a decompressed request, as OTLP recommends.
pub(super) const MAX_BODY: usize = 64 << 20;

/// Number of bytes of a request that is too large that are read and discarded, so that the client,
/// which still sends, gets the answer.
const MAX_DRAIN: usize = 256 << 20;

/// A body could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("more than {} MiB after decompression", MAX_BODY >> 20)]
    TooLarge,
    #[error("not here after {} s", .0.as_secs())]
    TooSlow(Duration),
    #[error("no memory for the body, with those of other requests")]
    NoRoom,
    #[error("failed to read the body: {0}")]
    Broken(String),
    #[error("failed to decompress the body as {0}: {1}")]
    Compressed(&'static str, io::Error),
}

/// A whole body, which has its place until it is dropped.
pub(super) struct WholeBody {
    pub(super) bytes: Bytes,
    _place: Place,
}

/// Reads the whole body.
pub(super) async fn read(
    body: Body,
    longest: Duration,
    room: &Arc<Room>,
) -> Result<WholeBody, BodyError> {
    let place = room.enter();
    let bytes = timeout(longest, collect(body, &place))
        .await
        .unwrap_or(Err(BodyError::TooSlow(longest)))?;
    place.is_whole();
    Ok(WholeBody {
        bytes,
        _place: place,
    })
}

async fn collect(mut body: Body, place: &Place) -> Result<Bytes, BodyError> {
    let mut first = Bytes::new();
    let mut all = Vec::new();
    loop {
        let next = tokio::select! {
            next = next_data(&mut body) => next?,
            () = place.revoked() => return Err(BodyError::NoRoom),
        };
        let Some(data) = next else {
            break;
        };
        if first.len() + all.len() + data.len() > MAX_BODY {
            drain(body).await;
            return Err(BodyError::TooLarge);
        }
        place.take(data.len()).await?;
        // Most bodies arrive in one piece, which needs no copy.
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
    }
    Ok(if all.is_empty() { first } else { all.into() })
}

impl From<NoRoom> for BodyError {
    fn from(NoRoom: NoRoom) -> Self {
        Self::NoRoom
    }
}

async fn drain(mut body: Body) {
    let mut drained = 0;
    while drained < MAX_DRAIN
        && let Ok(Some(data)) = next_data(&mut body).await
    {
        drained += data.len();
    }
}

async fn next_data(body: &mut Body) -> Result<Option<Bytes>, BodyError> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| BodyError::Broken(innermost(&error)))?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// The text of the innermost cause. The outer errors of a body add no information.
fn innermost(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.last().map_or_else(String::new, ToString::to_string)
}
