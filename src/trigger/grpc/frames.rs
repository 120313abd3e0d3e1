//! Messages on the wire, each with a prefix of five bytes.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Length of the prefix: a flag for compression, and the length of the message.
const PREFIX: usize = 5;

/// All messages of a request, one after the other.
pub(super) fn framed(messages: &[Bytes]) -> Bytes {
    let size = messages.iter().map(|message| message.len() + PREFIX).sum();
    let mut body = BytesMut::with_capacity(size);
    for message in messages {
        body.put_u8(0);
        let length = u32::try_from(message.len()).expect("messages of a spec are small");
        body.put_u32(length);
        body.extend_from_slice(message);
    }
    body.freeze()
}

/// Collects the messages of a response.
#[derive(Debug, Default)]
pub(super) struct Frames {
    open: BytesMut,
    /// The complete messages.
    pub(super) messages: Vec<Bytes>,
}

/// A message is compressed, which was not offered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Compressed;

impl Frames {
    /// Appends bytes of the body.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Compressed> {
        self.open.extend_from_slice(bytes);
        while let Some(prefix) = self.open.first_chunk::<PREFIX>() {
            let [flag, length @ ..] = *prefix;
            if flag != 0 {
                return Err(Compressed);
            }
            let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
            if self.open.len() - PREFIX < length {
                break;
            }
            self.open.advance(PREFIX);
            self.messages.push(self.open.split_to(length).freeze());
        }
        Ok(())
    }

    /// Returns `true` if a message is not complete.
    pub(super) fn is_cut(&self) -> bool {
        !self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_the_same_in_any_pieces() {
        let sent = [
            Bytes::from_static(b"one"),
            Bytes::new(),
            Bytes::from_static(b"three"),
        ];
        let body = framed(&sent);
        for size in 1..=body.len() {
            let mut frames = Frames::default();
            for piece in body.chunks(size) {
                frames.push(piece).unwrap();
            }
            assert_eq!(frames.messages, sent);
            assert!(!frames.is_cut());
        }
    }

    #[test]
    fn a_part_of_a_message_is_cut() {
        let body = framed(&[Bytes::from_static(b"one")]);
        let mut frames = Frames::default();
        frames.push(&body[..body.len() - 1]).unwrap();
        assert!(frames.is_cut() && frames.messages.is_empty());
        assert_eq!(Frames::default().push(&[1, 0, 0, 0, 0]), Err(Compressed));
    }
}
