//! GGUF headers.

use pollster::block_on;
use retort_formats::{
    FormatError, GgmlType, MemorySource,
    gguf::{Array, Metadata, Value, read_header},
};

use crate::{
    Padded, check,
    common::{every_type, spec, tensors, write},
    corrupt_everywhere,
    counting::peak_allocation,
};

fn check_gguf(file: &[u8], what: &str) -> Option<FormatError> {
    check(file, what, |source| block_on(read_header(source)))
}

#[test]
fn with_any_byte_broken() {
    let good = write(&every_type(), &tensors());
    let header = block_on(read_header(&MemorySource::new(good.as_slice()))).unwrap();
    let (variants, refused) = corrupt_everywhere(&good, header.data_start as usize, check_gguf);
    // Most of the header is text and numbers that any value is valid for.
    assert!(
        variants > 10_000 && refused > variants / 4,
        "{refused} of {variants}"
    );
}

#[test]
fn cut_anywhere_is_refused() {
    let good = write(&every_type(), &tensors());
    for len in 0..good.len() {
        let error = check_gguf(&good[..len], "cut");
        // The padding after the last tensor is not missed.
        let padding = good.len() - len <= 2;
        match error {
            Some(FormatError::Truncated { .. } | FormatError::OutOfFile { .. }) => {}
            None if padding => {}
            other => panic!("cut at {len}: {other:?}"),
        }
    }
}

/// A header by hand: counts, then the entries and the table as raw bytes.
fn raw(tensors: u64, entries: u64, body: &[&[u8]]) -> Vec<u8> {
    let mut file = b"GGUF\x03\0\0\0".to_vec();
    file.extend(tensors.to_le_bytes());
    file.extend(entries.to_le_bytes());
    body.iter().for_each(|part| file.extend(*part));
    file
}

fn text(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text].concat()
}

/// A metadata entry: key, type and the value's bytes.
fn entry(key: &[u8], ty: u32, value: &[u8]) -> Vec<u8> {
    [&text(key)[..], &ty.to_le_bytes(), value].concat()
}

fn array(ty: u32, count: u64, values: &[u8]) -> Vec<u8> {
    [&ty.to_le_bytes()[..], &count.to_le_bytes(), values].concat()
}

/// An entry of the tensor table.
fn tensor(name: &[u8], dims: &[u64], ty: u32, offset: u64) -> Vec<u8> {
    let mut bytes = text(name);
    bytes.extend((dims.len() as u32).to_le_bytes());
    dims.iter().for_each(|dim| bytes.extend(dim.to_le_bytes()));
    bytes.extend(ty.to_le_bytes());
    bytes.extend(offset.to_le_bytes());
    bytes
}

#[test]
fn metadata_errors_say_what_and_where() {
    let one = |entry: Vec<u8>| raw(0, 1, &[&entry]);
    let deep = array(9, 1, &array(9, 1, &array(4, 1, &[0; 4])));
    let key = entry(b"key", 4, &[1, 0, 0, 0]);
    for (file, expected) in [
        (
            b"GGML\x03\0\0\0".to_vec(),
            "not a GGUF file: expected it to start with `GGUF`, got GGML",
        ),
        (
            b"<!DOCTYPE html>".to_vec(),
            "to start with `GGUF`, got <!DO",
        ),
        (
            b"GGUF\x01\0\0\0".to_vec(),
            "GGUF version 1 is not supported",
        ),
        (
            b"GGUF\x04\0\0\0".to_vec(),
            "GGUF version 4 is not supported",
        ),
        (b"GGUF\0\0\0\x03".to_vec(), "big-endian"),
        (
            raw(1 << 40, 0, &[]),
            "the number of tensors is 1099511627776: at most 65536",
        ),
        (
            raw(0, u64::MAX, &[]),
            "the number of metadata entries is 18446744073709551615",
        ),
        (
            raw(0, 1, &[&u64::MAX.to_le_bytes()]),
            "the file ends inside the key of metadata entry 0",
        ),
        (
            raw(0, 1, &[]),
            "the file ends inside the key of metadata entry 0: 8 bytes at offset 24",
        ),
        (
            one(entry(b"a\xff", 4, &[0; 4])),
            "the key of metadata entry 0 is not valid UTF-8",
        ),
        (
            one(entry(b"k", 8, &text(b"\xc3"))),
            "metadata `k` is not valid UTF-8",
        ),
        (
            one(entry(b"k", 13, &[0; 8])),
            "metadata `k` has the unknown value type 13",
        ),
        (
            one(entry(b"k", 7, &[2])),
            "metadata `k` holds the boolean byte 2",
        ),
        (
            one(entry(b"k", 9, &array(7, 2, &[1, 9]))),
            "metadata `k` holds the boolean byte 9",
        ),
        (
            one(entry(b"k", 9, &array(13, 1, &[0; 8]))),
            "metadata `k` has the unknown value type 13",
        ),
        (
            one(entry(b"k", 9, &deep)),
            "metadata `k` is an array of arrays",
        ),
        (
            one(entry(b"k", 9, &array(4, u64::MAX, &[]))),
            "the file ends inside metadata `k`",
        ),
        (
            one(entry(b"k", 9, &array(10, 1 << 61, &[]))),
            "the file ends inside metadata `k`",
        ),
        (
            one(entry(b"k", 9, &array(8, 1 << 19, &[]))),
            "the file ends inside metadata `k`",
        ),
        (
            one(entry(b"k", 9, &array(8, 1 << 60, &[]))),
            "metadata `k` is 1152921504606846976: at",
        ),
        (
            one(entry(b"k", 9, &array(8, 1, &text(b"\xf0")))),
            "metadata `k` is not valid UTF-8",
        ),
        (
            one(entry(b"k", 4, &[0; 3])),
            "the file ends inside metadata `k`: 4 bytes at offset 37, 3",
        ),
        (raw(0, 2, &[&key, &key]), "metadata `key` appears twice"),
        (
            one(entry(b"general.alignment", 4, &[0; 4])),
            "general.alignment is 0",
        ),
        (
            one(entry(b"general.alignment", 4, &[48, 0, 0, 0])),
            "general.alignment is 48",
        ),
        (
            one(entry(b"general.alignment", 4, &[0, 0, 0, 0x80])),
            "general.alignment is 2147483648",
        ),
        (
            one(entry(b"general.alignment", 8, &text(b"32"))),
            "`general.alignment`: expected u64",
        ),
        (
            one(entry(b"general.alignment", 5, &[0xff; 4])),
            "`general.alignment`: expected u64, got i",
        ),
    ] {
        let error = check_gguf(&file, expected).expect(expected).to_string();
        assert!(
            error.contains(expected),
            "expected {expected}\n     got {error}"
        );
    }
}

#[test]
fn tensor_errors_say_what_and_where() {
    let file = |table: &[Vec<u8>]| {
        let mut file = raw(table.len() as u64, 0, &[&table.concat()]);
        file.resize(file.len().next_multiple_of(32) + 256, 0);
        file
    };
    let f32s = |name: &[u8], dims: &[u64], offset| file(&[tensor(name, dims, 0, offset)]);
    let pair = |offset| file(&[tensor(b"a", &[16], 0, 0), tensor(b"b", &[16], 0, offset)]);
    let big = u64::MAX / 32 * 32;
    for (file, expected) in [
        (
            f32s(b"\xfe", &[16], 0),
            "the name of tensor 0 is not valid UTF-8",
        ),
        (
            f32s(b"w", &[1; 5], 0),
            "the number of dimensions of tensor `w` is 5: at most 4",
        ),
        (
            f32s(b"w", &[16, 0], 0),
            "tensor `w` has dimensions [16, 0]: expected positive numbers",
        ),
        (
            f32s(b"w", &[1 << 32, 1 << 32], 0),
            "their product is not under 2^63",
        ),
        (
            f32s(b"w", &[u64::MAX, u64::MAX, u64::MAX], 0),
            "their product is not under 2^63",
        ),
        (
            f32s(b"w", &[1 << 62], 0),
            "the data would be over 2^64 bytes",
        ),
        (
            f32s(b"w", &[1 << 61], big),
            "tensor `w` ends at byte 18446744073709551615",
        ),
        (
            f32s(b"w", &[16], big),
            "tensor `w` ends at byte 18446744073709551615",
        ),
        (
            f32s(b"w", &[65], 0),
            "tensor `w` ends at byte 324, but the file has 320 bytes",
        ),
        (
            f32s(b"w", &[16], 16),
            "tensor `w` starts at 16: expected a multiple of 32",
        ),
        (
            f32s(b"w", &[16], 1 << 40),
            "tensor `w` ends at byte 1099511627904",
        ),
        (
            file(&[tensor(b"q", &[33], 8, 0)]),
            "not a whole number of the type's blocks",
        ),
        (
            file(&[tensor(b"q", &[16, 16], 2, 0)]),
            "not a whole number of the type's blocks",
        ),
        (
            file(&[tensor(b"x", &[1], 77, 1 << 40)]),
            "tensor `x` ends at byte",
        ),
        (
            file(&[tensor(b"a", &[1], 0, 0), tensor(b"a", &[1], 0, 32)]),
            "tensor `a` appears twice",
        ),
        (pair(0), "tensors `a` and `b` overlap"),
        (pair(32), "tensors `a` and `b` overlap"),
        (
            raw(100, 0, &[&tensor(b"a", &[1], 0, 0)]),
            "the file ends inside the table of tensors",
        ),
    ] {
        let error = check_gguf(&file, expected).expect(expected).to_string();
        assert!(
            error.contains(expected),
            "expected {expected}\n     got {error}"
        );
    }
    assert!(check_gguf(&pair(64), "disjoint").is_none());
    assert!(check_gguf(&pair(96), "with a gap").is_none());
}

/// Valid headers that make the most memory of their bytes.
#[test]
fn amplifiers_stay_in_bounds() {
    let strings = |count: usize, text: &str| Array::String(vec![text.to_owned(); count]);
    let mut many_strings = Metadata::new();
    many_strings.set("tokens", Value::Array(strings(1 << 20, "")));
    let many_entries: Metadata = (0..1 << 16)
        .map(|i| (format!("{i:x}"), Value::Array(Array::U8(vec![1]))))
        .collect();
    let many_tensors: Vec<_> = (0..1 << 16)
        .map(|i| {
            (
                spec(&format!("{i:x}"), &[1, 1, 1, 1], GgmlType::F32),
                vec![0; 4],
            )
        })
        .collect();
    let mut long_string = Metadata::new();
    for i in 0..7 {
        long_string.set(i.to_string(), Value::String("x".repeat(8 << 20)));
    }
    let mut all = Metadata::new();
    for (key, value) in many_entries.iter().take((1 << 16) - 2) {
        all.set(key, value.clone());
    }
    all.set("tokens", Value::Array(strings((1 << 20) - 1, "")));
    all.set("text", Value::String("x".repeat(8 << 20)));
    for (what, metadata, tensors) in [
        ("strings", &many_strings, &[][..]),
        ("entries", &many_entries, &[]),
        ("tensors", &Metadata::new(), &many_tensors),
        ("long strings", &long_string, &[]),
        ("all", &all, &many_tensors),
    ] {
        let file = write(metadata, tensors);
        assert!(check_gguf(&file, what).is_none(), "{what}");
    }
}

#[test]
fn a_large_file_does_not_excuse_a_large_header() {
    let key = b"k";
    for (what, head) in [
        (
            "array",
            raw(0, 1, &[&entry(key, 9, &array(0, 1 << 30, &[]))]),
        ),
        (
            "numbers",
            raw(0, 1, &[&entry(key, 9, &array(12, 1 << 27, &[]))]),
        ),
        (
            "string",
            raw(0, 1, &[&entry(key, 8, &(1u64 << 33).to_le_bytes())]),
        ),
        (
            "strings",
            raw(0, 1, &[&entry(key, 9, &array(8, 1 << 30, &[]))]),
        ),
        ("key", raw(0, 1, &[&(1u64 << 20).to_le_bytes()])),
    ] {
        let source = Padded(&head, 1 << 34);
        let (error, peak) = peak_allocation(|| block_on(read_header(&source)).err());
        assert!(
            matches!(error, Some(FormatError::Limit { .. })),
            "{what}: {error:?}"
        );
        assert!(peak < 2 << 20, "{what}: {peak}");
    }
}
