//! The messages that all signals share.

use super::FieldKind::{
    Attributes, Base64, Bool, Double, Int64, Message, Messages, Text, Texts, Uint32,
};
use super::{Shape, field};

pub(in super::super) static RESOURCE: Shape = Shape::message(
    "a resource",
    &[
        field(1, "attributes", Attributes),
        field(2, "droppedAttributesCount", Uint32),
        field(3, "entityRefs", Messages(&ENTITY)),
    ],
);

static ENTITY: Shape = Shape::message(
    "an item of `entityRefs`",
    &[
        field(1, "schemaUrl", Text),
        field(2, "type", Text),
        field(3, "idKeys", Texts),
        field(4, "descriptionKeys", Texts),
    ],
);

pub(in super::super) static SCOPE: Shape = Shape::message(
    "a scope",
    &[
        field(1, "name", Text),
        field(2, "version", Text),
        field(3, "attributes", Attributes),
        field(4, "droppedAttributesCount", Uint32),
    ],
);

/// A `KeyValue`.
pub(in super::super) static KEY_VALUE: Shape = Shape::message(
    "an attribute",
    &[
        field(1, "key", Text),
        field(2, "value", Message(&ANY_VALUE)),
    ],
);

/// The same, of which only the key is read.
pub(in super::super) static KEY: Shape = Shape::message("an attribute", &[field(1, "key", Text)]);

pub(in super::super) static ANY_VALUE: Shape = Shape::one_of(
    "an attribute value such as {\"stringValue\": \"text\"}",
    &[
        field(1, "stringValue", Text),
        field(2, "boolValue", Bool),
        field(3, "intValue", Int64),
        field(4, "doubleValue", Double),
        field(5, "arrayValue", Message(&ARRAY_VALUE)),
        field(6, "kvlistValue", Message(&KEY_VALUE_LIST)),
        field(7, "bytesValue", Base64),
    ],
);

static ARRAY_VALUE: Shape = Shape::message(
    "an array value such as {\"values\": []}",
    &[field(1, "values", Messages(&ANY_VALUE))],
);

static KEY_VALUE_LIST: Shape = Shape::message(
    "a map value such as {\"values\": []}",
    &[field(1, "values", Messages(&KEY_VALUE))],
);
