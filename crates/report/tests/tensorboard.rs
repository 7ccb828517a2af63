//! Event files, read back by a decoder that shares nothing with the writer.

use std::fs;
use std::path::Path;

use retort_report::tensorboard::EventWriter;

/// A field of a protobuf message.
#[derive(Debug, PartialEq)]
enum Field {
    Varint(u64),
    Double(f64),
    Bytes(Vec<u8>),
    Float(f32),
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            break;
        }
    }
    value
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(len);
    *bytes = rest;
    taken
}

fn message(mut bytes: &[u8]) -> Vec<(u64, Field)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let field = match key & 7 {
            0 => Field::Varint(varint(&mut bytes)),
            1 => Field::Double(f64::from_le_bytes(take(&mut bytes, 8).try_into().unwrap())),
            2 => {
                let len = varint(&mut bytes) as usize;
                Field::Bytes(take(&mut bytes, len).to_vec())
            }
            5 => Field::Float(f32::from_le_bytes(take(&mut bytes, 4).try_into().unwrap())),
            other => panic!("wire type {other}"),
        };
        fields.push((key >> 3, field));
    }
    fields
}

fn bytes(fields: &[(u64, Field)], number: u64) -> &[u8] {
    let found = fields.iter().find(|(at, _)| *at == number);
    match found {
        Some((_, Field::Bytes(bytes))) => bytes,
        other => panic!("field {number} of {fields:?} is {other:?}"),
    }
}

/// CRC-32C bit by bit, as its polynomial defines it.
fn masked_crc(data: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 & 0_u32.wrapping_sub(crc & 1));
        }
    }
    (!crc).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn events(path: &Path) -> Vec<Vec<(u64, Field)>> {
    let file = fs::read(path).unwrap();
    let mut rest = file.as_slice();
    let mut events = Vec::new();
    while !rest.is_empty() {
        let length = take(&mut rest, 8);
        let check = u32::from_le_bytes(take(&mut rest, 4).try_into().unwrap());
        assert_eq!(check, masked_crc(length));
        let data = take(
            &mut rest,
            u64::from_le_bytes(length.try_into().unwrap()) as usize,
        );
        let check = u32::from_le_bytes(take(&mut rest, 4).try_into().unwrap());
        assert_eq!(check, masked_crc(data));
        events.push(message(data));
    }
    events
}

#[test]
fn scalars_and_texts_are_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::create(folder.path()).unwrap();
    let values = [("loss/train", 0.125), ("grad", f64::NAN)];
    writer.scalars(300, &values).unwrap();
    let long = "think ".repeat(1000);
    writer.text(u64::MAX, "sample", &long).unwrap();
    writer.flush().unwrap();

    let events = events(writer.path());
    assert_eq!(events.len(), 3);
    assert!(matches!(events[0][0], (1, Field::Double(time)) if time > 1.7e9));
    assert_eq!(bytes(&events[0], 3), b"brain.Event:2");

    assert_eq!(events[1][1], (2, Field::Varint(300)));
    let summary = message(bytes(&events[1], 5));
    assert_eq!(summary.len(), 2);
    let [first, second] = [0, 1].map(|at: usize| match &summary[at] {
        (1, Field::Bytes(value)) => message(value),
        other => panic!("{other:?}"),
    });
    assert_eq!(bytes(&first, 1), b"loss/train");
    assert_eq!(first[1], (2, Field::Float(0.125)));
    assert_eq!(bytes(&second, 1), b"grad");
    assert!(matches!(second[1], (2, Field::Float(value)) if value.is_nan()));

    assert_eq!(events[2][1], (2, Field::Varint(i64::MAX as u64)));
    let value = message(bytes(&message(bytes(&events[2], 5)), 1));
    assert_eq!(bytes(&message(bytes(&value, 8)), 8), long.as_bytes());
}

#[test]
fn a_resumed_run_has_a_second_file_that_takes_back_steps() {
    let folder = tempfile::tempdir().unwrap();
    let first = EventWriter::create(folder.path()).unwrap();
    let second = EventWriter::resume(folder.path(), 201).unwrap();
    assert!(first.path() < second.path());
    let name = second.path().file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("events.out.tfevents."), "{name}");
    let events = events(second.path());
    assert_eq!(events[1][1], (2, Field::Varint(201)));
    assert_eq!(message(bytes(&events[1], 7)), [(1, Field::Varint(1))]);
}
