//! Protobuf: messages that are cut off, too long, of wrong types, or deep.

use crate::target::Target;

const PROTOBUF: &str = "content-type: application/x-protobuf\r\n";

/// The endpoints, each with the numbers of the fields that lead to a record.
const SIGNALS: [(&str, [u8; 3]); 3] = [
    ("/v1/traces", [1, 2, 2]),
    ("/v1/logs", [1, 2, 2]),
    ("/v1/metrics", [1, 2, 2]),
];

pub(crate) fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A field with a length.
pub(crate) fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let length = varint(content.len() as u64);
    [&[number << 3 | 2][..], &length, content].concat()
}

/// An export of one span.
pub(crate) fn export() -> Vec<u8> {
    let name = field(1, &field(1, b"service.name"));
    let span = [
        field(1, &[7; 16]),
        field(2, &[8; 8]),
        field(5, b"honest"),
        field(
            9,
            &[field(1, b"key"), field(2, &field(1, b"value"))].concat(),
        ),
    ];
    let resource = field(1, &name);
    let scope = field(2, &field(2, &span.concat()));
    field(1, &[resource, scope].concat())
}

/// A message within these fields.
fn within(path: &[u8], message: &[u8]) -> Vec<u8> {
    let mut inner = message.to_vec();
    for number in path.iter().rev() {
        inner = field(*number, &inner);
    }
    inner
}

/// Fields that no message may have, or that end early.
fn damages() -> Vec<(&'static str, Vec<u8>)> {
    let deep = |open: &[u8], close: &[u8]| [open.repeat(20_000), close.repeat(20_000)].concat();
    vec![
        (
            "a tag of 11 bytes",
            [[0x8a; 10].to_vec(), vec![1, 0]].concat(),
        ),
        (
            "a length of 11 bytes",
            [vec![0x0a], vec![0x80; 10], vec![1]].concat(),
        ),
        (
            "a varint of 11 bytes",
            [vec![0x38], vec![0xff; 10], vec![1]].concat(),
        ),
        ("a varint without end", vec![0x38, 0xff, 0xff]),
        ("a length above the rest", vec![0x0a, 0x7f, 0]),
        ("a length of 2^63", [vec![0x0a], varint(1 << 63)].concat()),
        ("a length of 2^32", [vec![0x0a], varint(1 << 32)].concat()),
        ("field number 0", vec![0x02, 0]),
        ("field number 2^29", [varint(1 << 32 | 2), vec![0]].concat()),
        ("the largest tag", [varint(u64::MAX), vec![0]].concat()),
        ("wire type 6", vec![0x0e, 0]),
        ("wire type 7", vec![0x0f, 0]),
        ("a group without end", vec![0x0b, 0x10, 1]),
        ("an end without group", vec![0x0c]),
        ("the end of another group", vec![0x0b, 0x14]),
        ("an empty group", vec![0x0b, 0x0c]),
        ("an unknown group", vec![0xa3, 6, 0x08, 1, 0xa4, 6]),
        ("deep groups", deep(&[0xa3, 6], &[0xa4, 6])),
        ("deep groups without end", deep(&[0xa3, 6], &[])),
        ("a cut fixed64", vec![0x09, 1, 2, 3]),
        ("a cut fixed32", vec![0x0d, 1]),
        ("no UTF-8", field(5, &[0xff, 0xfe, 0x80])),
        ("empty names", [field(5, b""), field(3, b"")].concat()),
        ("a short trace id", field(1, &[1; 15])),
        ("a long span id", field(2, &[1; 9])),
        (
            "ids of zeros",
            [field(1, &[0; 16]), field(2, &[0; 8])].concat(),
        ),
        ("zeros", vec![0; 64]),
        ("ones", vec![0xff; 64]),
    ]
}

/// Each field with each wire type.
fn wrong_types() -> impl Iterator<Item = (String, Vec<u8>)> {
    let numbers = 1..=16_u8;
    numbers.flat_map(|number| {
        let contents: [(u8, &[u8]); 5] = [
            (0, &[1]),
            (1, &[1; 8]),
            (2, &[3, 8, 1, 0x7f]),
            (3, &[]),
            (5, &[1; 4]),
        ];
        contents.map(|(kind, content)| {
            let tag = varint(u64::from(number) << 3 | u64::from(kind));
            let name = format!("field {number} with wire type {kind}");
            (name, [tag, content.to_vec()].concat())
        })
    })
}

/// A value within 2,000 others, as a list or a map.
fn deep_value(list: bool) -> Vec<u8> {
    let mut value = field(1, b"x");
    for _ in 0..2_000 {
        value = match list {
            true => field(5, &field(1, &value)),
            false => field(6, &field(1, &[field(1, b"k"), field(2, &value)].concat())),
        };
    }
    let attribute = [field(1, b"deep"), field(2, &value)].concat();
    within(&[1, 1, 1], &attribute)
}

pub(crate) fn send(target: &Target) -> usize {
    let mut cases = 0;
    let whole = export();
    for (path, fields) in SIGNALS {
        let mut posts = target.posts(path, PROTOBUF);
        let mut expect = |body: &[u8], case: &str| {
            posts.expect(body, &[200, 400, 413], case);
            cases += 1;
        };
        for depth in 0..=fields.len() {
            for (name, damage) in damages() {
                let case = format!("{name} at depth {depth}");
                expect(&within(&fields[..depth], &damage), &case);
                let after = [&whole[..], &within(&fields[..depth], &damage)].concat();
                expect(&after, &format!("{case}, after a span"));
            }
            for (name, wrong) in wrong_types() {
                let case = format!("{name} at depth {depth}");
                expect(&within(&fields[..depth], &wrong), &case);
            }
        }
        for end in 0..whole.len() {
            expect(&whole[..end], &format!("cut off after {end} bytes"));
        }
        for at in 0..whole.len() {
            for change in [0x00, 0x7f, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] = change;
                expect(&changed, &format!("byte {at} is {change:#x}"));
            }
        }
        for list in [true, false] {
            expect(&deep_value(list), "a deep value");
        }
        expect(&[0x0a, 0].repeat(1 << 20), "empty messages");
        expect(
            &within(&[1, 2], &[0x12, 0].repeat(1 << 20)),
            "empty records",
        );
    }
    cases
}
