//! GGUF files written and read back, and what the reader refuses, byte by byte.

mod common;

use common::{every_type, spec, tensors, write};
use pollster::block_on;
use retort_formats::{
    FormatError, GgmlType, MemorySource, Source, SourceError, TensorType,
    gguf::{self, Array, Metadata, ReadOptions, Value, Writer},
};

fn read(file: &[u8]) -> Result<gguf::Header, FormatError> {
    block_on(gguf::read_header(&MemorySource::new(file)))
}

#[test]
fn what_is_written_is_read_back() {
    for alignment in [None, Some(8), Some(1024)] {
        let mut metadata = every_type();
        if let Some(alignment) = alignment {
            metadata.set("general.alignment", Value::U32(alignment));
        }
        let tensors = tensors();
        let file = write(&metadata, &tensors);
        let header = read(&file).expect("what the writer wrote");
        assert_eq!(header.metadata, metadata);
        assert_eq!(header.alignment, u64::from(alignment.unwrap_or(32)));
        assert_eq!(header.file_len, file.len() as u64);
        assert_eq!(header.file_len % header.alignment, 0);
        for (info, (spec, bytes)) in header.tensors.iter().zip(&tensors) {
            assert_eq!(
                (&info.name, &info.dims, info.ty),
                (&spec.name, &spec.dims, spec.ty.into())
            );
            assert_eq!(&file[info.offset as usize..][..info.bytes as usize], bytes);
        }
        assert_eq!(header.tensors.len(), tensors.len());
    }
}

#[test]
fn order_of_metadata_is_kept_and_keys_have_types() {
    let metadata = every_type();
    let keys: Vec<_> = metadata.iter().map(|(key, _)| key).collect();
    assert_eq!(keys[..3], ["general.architecture", "u8", "i8"]);
    assert_eq!(metadata.u32("u8").unwrap(), 200);
    assert_eq!(metadata.u64("u32").unwrap(), 4_000_000_000);
    assert_eq!(metadata.strings("strings").unwrap()[2], "héllo");
    for (error, expected) in [
        (
            metadata.u32("u64").unwrap_err(),
            "metadata key `u64`: expected u32, got u64 18446744073709551615",
        ),
        (
            metadata.u32("i8").unwrap_err(),
            "metadata key `i8`: expected u32, got i8 -100",
        ),
        (
            metadata.u32("strings").unwrap_err(),
            "metadata key `strings`: expected u32, got array of string",
        ),
        (
            metadata.f32("u32").unwrap_err(),
            "metadata key `u32`: expected f32, got u32",
        ),
        (
            metadata.i32s("u32s").unwrap_err(),
            "metadata key `u32s`: expected array of i32, got array of u32",
        ),
        (
            metadata.str("nope").unwrap_err(),
            "metadata key `nope` is missing",
        ),
    ] {
        assert_eq!(error.to_string(), expected);
        assert!(error.hint().is_some());
    }
}

#[test]
fn the_writer_refuses_what_does_not_fit_its_header() {
    let metadata = Metadata::new();
    let two = || {
        vec![
            spec("a", &[2], GgmlType::F32),
            spec("b", &[2], GgmlType::F32),
        ]
    };
    let mut writer = Writer::new(Vec::new(), &metadata, two()).unwrap();
    let early = writer.write("b", &[0; 8]);
    assert!(
        matches!(early, Err(FormatError::TensorOrder { .. })),
        "{early:?}"
    );
    writer.write("a", &[0; 4]).unwrap();
    let long = writer.write("a", &[0; 5]);
    assert!(
        matches!(long, Err(FormatError::TensorBytes { got: 9, .. })),
        "{long:?}"
    );
    let short = writer.finish();
    assert!(
        matches!(short, Err(FormatError::TensorBytes { got: 4, .. })),
        "{short:?}"
    );

    let new = |specs| Writer::new(Vec::new(), &metadata, specs).map(|_| ());
    let twice = new(vec![spec("a", &[2], GgmlType::F32); 2]);
    assert!(
        matches!(twice, Err(FormatError::Duplicate { .. })),
        "{twice:?}"
    );
    for dims in [&[0][..], &[33], &[1; 5], &[32, u64::MAX]] {
        assert!(
            new(vec![spec("a", dims, GgmlType::Q8_0)]).is_err(),
            "{dims:?}"
        );
    }
    let mut odd = Metadata::new();
    odd.set("general.alignment", Value::U32(24));
    let odd = Writer::new(Vec::new(), &odd, two()).map(|_| ());
    assert!(
        matches!(odd, Err(FormatError::Alignment { got: 24 })),
        "{odd:?}"
    );
}

#[test]
fn a_file_cut_after_its_header_can_be_inspected() {
    let file = write(&every_type(), &tensors());
    let whole = read(&file).unwrap();
    let source = MemorySource::new(&file[..whole.data_start as usize]);
    let cut = block_on(gguf::read_header(&source));
    assert!(matches!(cut, Err(FormatError::OutOfFile { .. })), "{cut:?}");
    let options = ReadOptions::new().check_data(false);
    let cut = block_on(gguf::read_header_with(&source, options)).unwrap();
    assert_eq!(cut.tensors, whole.tensors);
    assert_eq!(cut.metadata, whole.metadata);
}

#[test]
fn unsupported_types_are_listed_not_refused() {
    let mut file = write(
        &Metadata::new(),
        &[(spec("x", &[256], GgmlType::F32), vec![0; 1024])],
    );
    let type_at = 24 + 8 + 1 + 4 + 8;
    // Q2_K, of known size, and a number ggml does not have: the room it takes.
    for (id, name, bytes) in [(10, "Q2_K", 84), (99, "unknown", 1024)] {
        file[type_at] = id;
        let tensor = read(&file).unwrap().tensors.remove(0);
        assert_eq!(
            tensor.ty,
            TensorType::Unsupported {
                id: id.into(),
                name
            }
        );
        assert_eq!(tensor.bytes, bytes);
        assert!(matches!(
            tensor.ty.known(),
            Err(FormatError::UnsupportedType { .. })
        ));
    }
}

/// A source that fails after `good` bytes and counts what it is asked for.
struct Counting<'a> {
    bytes: &'a [u8],
    good: u64,
    read: std::cell::Cell<u64>,
}

impl Source for Counting<'_> {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
        self.read.set(self.read.get() + buf.len() as u64);
        if offset + buf.len() as u64 > self.good {
            return Err(SourceError::other("connection lost"));
        }
        buf.copy_from_slice(&self.bytes[offset as usize..][..buf.len()]);
        Ok(())
    }
}

#[test]
fn a_header_larger_than_a_step_is_read_once_and_data_is_not() {
    let mut metadata = every_type();
    let tokens = (0..200_000).map(|i| format!("token{i}")).collect();
    metadata.set("tokens", Value::Array(Array::String(tokens)));
    metadata.set("scores", Value::Array(Array::F32(vec![0.5; 600_000])));
    let big = spec("big", &[1 << 20, 8], GgmlType::F32);
    let file = write(&metadata, &[(big, vec![0; 32 << 20])]);
    let source = |good| Counting {
        bytes: &file,
        good,
        read: 0.into(),
    };

    let whole = source(u64::MAX);
    let header = block_on(gguf::read_header(&whole)).unwrap();
    assert_eq!(header.metadata, metadata);
    assert!(header.data_start > 5 << 20);
    assert!(
        whole.read.get() < header.data_start + (1 << 20),
        "{}",
        whole.read.get()
    );

    let broken = block_on(gguf::read_header(&source(2 << 20))).unwrap_err();
    assert!(matches!(broken, FormatError::Source { .. }), "{broken:?}");
}
