//! The text that is being read, of which strings without escapes become parts without a copy.

use std::cell::{Cell, RefCell};

use bytes::Bytes;

/// The consequence of an error in an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AttributeErrors {
    /// The request cannot be read.
    FailRequest,
    /// The attribute is dropped. Each one is read twice.
    DropAttribute,
}

thread_local! {
    /// The text that this thread reads. serde has no place for it.
    static TEXT: RefCell<Bytes> = const { RefCell::new(Bytes::new()) };
    static ERRORS: Cell<AttributeErrors> = const { Cell::new(AttributeErrors::DropAttribute) };
}

/// Reads this text, which is UTF-8. Its strings keep it in memory.
pub(super) fn within<T>(text: &Bytes, errors: AttributeErrors, read: impl FnOnce(&str) -> T) -> T {
    struct Restored(Bytes, AttributeErrors);
    impl Drop for Restored {
        fn drop(&mut self) {
            TEXT.replace(std::mem::take(&mut self.0));
            ERRORS.set(self.1);
        }
    }
    let _restored = Restored(TEXT.replace(text.clone()), ERRORS.replace(errors));
    read(str::from_utf8(text).unwrap_or_default())
}

/// A part of the text that is being read, or a copy of another text.
pub(super) fn part(of: &[u8]) -> Bytes {
    TEXT.with_borrow(|text| {
        let (all, part) = (text.as_ptr_range(), of.as_ptr_range());
        match all.start <= part.start && part.end <= all.end && !of.is_empty() {
            true => text.slice_ref(of),
            false => Bytes::copy_from_slice(of),
        }
    })
}

/// The consequence of an error in an attribute of the text that is being read.
pub(super) fn attribute_errors() -> AttributeErrors {
    ERRORS.get()
}
