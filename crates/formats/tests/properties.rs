//! Properties that hold for any input: round trips, and parsers that never panic.

use std::collections::HashSet;

use pollster::block_on;
use proptest::{collection::vec, prelude::*};
use retort_formats::{
    GgmlType, MemorySource, blocks,
    gguf::{self, Array, Metadata, TensorSpec, Value, Writer},
    hf::{self, HfTensorSpec, SafetensorsWriter},
};

fn any_type() -> impl Strategy<Value = GgmlType> {
    proptest::sample::select(&GgmlType::ALL[..])
}

fn value() -> impl Strategy<Value = Value> {
    // NaN is left out: it is stored, but is not equal to itself.
    let float = proptest::num::f32::NORMAL | proptest::num::f32::ZERO;
    prop_oneof![
        any::<u8>().prop_map(Value::U8),
        any::<i16>().prop_map(Value::I16),
        any::<u32>().prop_map(Value::U32),
        any::<i64>().prop_map(Value::I64),
        float.prop_map(Value::F32),
        any::<bool>().prop_map(Value::Bool),
        ".{0,20}".prop_map(Value::String),
        vec(".{0,8}", 0..9).prop_map(|v| Value::Array(Array::String(v))),
        vec(any::<i32>(), 0..9).prop_map(|v| Value::Array(Array::I32(v))),
        vec(any::<u64>(), 0..9).prop_map(|v| Value::Array(Array::U64(v))),
        vec(any::<bool>(), 0..9).prop_map(|v| Value::Array(Array::Bool(v))),
    ]
}

fn metadata() -> impl Strategy<Value = Metadata> {
    vec(("[a-z.]{0,12}", value()), 0..12).prop_map(|entries| entries.into_iter().collect())
}

/// Shapes of a few blocks, with unique names.
fn tensors() -> impl Strategy<Value = Vec<TensorSpec>> {
    let dims = (1..3u64, vec(1..4u64, 0..3));
    vec((any_type(), dims), 0..6).prop_map(|tensors| {
        let specs = tensors
            .into_iter()
            .enumerate()
            .map(|(i, (ty, (blocks, outer)))| {
                let cols = blocks * ty.block_len() as u64;
                TensorSpec {
                    name: format!("t{i}"),
                    dims: [vec![cols], outer].concat(),
                    ty,
                }
            });
        specs.collect()
    })
}

/// Mostly 0.
fn wrong_by() -> impl Strategy<Value = i64> {
    prop_oneof![9 => Just(0i64), 1 => -4..5i64, 1 => any::<i64>().prop_map(|x| x / 8)]
}

fn bytes_of(spec: &TensorSpec, fill: u8) -> Vec<u8> {
    let elements: u64 = spec.dims.iter().product();
    let bytes = elements as usize / spec.ty.block_len() * spec.ty.block_bytes();
    vec![fill; bytes]
}

/// No files of past failures: what a property finds becomes a test with a name.
fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(400)
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn gguf_round_trips(metadata in metadata(), specs in tensors(), fill: u8) {
        let mut writer = Writer::new(Vec::new(), &metadata, specs.clone())?;
        for spec in &specs {
            writer.write(&spec.name, &bytes_of(spec, fill))?;
        }
        let file = writer.finish()?;
        let header = block_on(gguf::read_header(&MemorySource::new(file.clone())))?;
        prop_assert_eq!(&header.metadata, &metadata);
        prop_assert_eq!(header.tensors.len(), specs.len());
        for (tensor, spec) in header.tensors.iter().zip(&specs) {
            prop_assert_eq!((&tensor.name, &tensor.dims), (&spec.name, &spec.dims));
            prop_assert_eq!(tensor.ty, spec.ty.into());
            let bytes = &file[tensor.offset as usize..][..tensor.bytes as usize];
            prop_assert_eq!(bytes, bytes_of(spec, fill));
        }
    }

    #[test]
    fn gguf_reader_takes_any_bytes(
        body in vec(any::<u8>(), 0..400),
        tensors in 0..4u64,
        entries in 0..4u64,
    ) {
        let mut file = b"GGUF\x03\0\0\0".to_vec();
        file.extend(tensors.to_le_bytes());
        file.extend(entries.to_le_bytes());
        file.extend(&body);
        // Ok or an error: both are answers.
        let _ = block_on(gguf::read_header(&MemorySource::new(file)));
        let _ = block_on(gguf::read_header(&MemorySource::new(body)));
    }

    #[test]
    fn safetensors_reader_takes_any_bytes(text in vec(any::<u8>(), 0..100), data in 0..200u64) {
        let file = [&(text.len() as u64).to_le_bytes(), &text[..]].concat();
        let _ = hf::parse_safetensors_header(&file, file.len() as u64 + data);
        let _ = hf::parse_safetensors_header(&text, data);
    }

    /// Almost valid headers: ours and the `safetensors` crate agree on which are valid.
    #[test]
    fn safetensors_readers_agree(
        entries in vec((0..9, vec(0..4u64, 0..3), wrong_by(), wrong_by()), 0..4),
        missing in prop_oneof![4 => Just(0i64), 1 => -4..5i64],
    ) {
        let (mut at, mut json, mut names) = (0u64, Vec::new(), HashSet::new());
        for (name, dims, begin, end) in entries {
            let bytes = 4 * dims.iter().product::<u64>();
            let (from, to) = (at.wrapping_add_signed(begin), (at + bytes).wrapping_add_signed(end));
            let shape = format!(r#""dtype":"F32","shape":{dims:?}"#);
            json.push(format!(r#""{name}":{{{shape},"data_offsets":[{from},{to}]}}"#));
            // Of two tensors of a name theirs keeps the last; ours refuses them.
            prop_assume!(names.insert(name));
            at += bytes;
        }
        let json = format!("{{{}}}", json.join(","));
        let mut file = (json.len() as u64).to_le_bytes().to_vec();
        file.extend(json.bytes());
        file.resize((file.len() as u64 + at).saturating_add_signed(missing) as usize, 0);
        let ours = hf::parse_safetensors_header(&file, file.len() as u64);
        let theirs = safetensors::SafeTensors::deserialize(&file);
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{} {:?} {:?}", json, ours, theirs);
    }

    #[test]
    fn safetensors_round_trip(
        shapes in vec((vec(0..5u64, 0..4), 0..3usize), 0..6),
        names in vec(".{1,10}", 6),
    ) {
        let types = [GgmlType::F32, GgmlType::F16, GgmlType::BF16];
        let mut specs = Vec::new();
        for (i, ((dims, ty), name)) in shapes.into_iter().zip(names).enumerate() {
            specs.push(HfTensorSpec { name: format!("{i}{name}"), dims, ty: types[ty] });
        }
        let mut writer = SafetensorsWriter::new(Vec::new(), specs.clone())?;
        while let Some(due) = writer.due().map(str::to_owned) {
            let spec = specs.iter().find(|spec| spec.name == due).expect("one of ours");
            writer.write(&due, &vec![7; spec.bytes()? as usize])?;
        }
        let file = writer.finish()?;
        let theirs = safetensors::SafeTensors::deserialize(&file)?;
        let ours = hf::parse_safetensors_header(&file, file.len() as u64)?;
        prop_assert_eq!(ours.tensors.len(), specs.len());
        for tensor in &ours.tensors {
            let spec = specs.iter().find(|spec| spec.name == tensor.name).expect("one of ours");
            prop_assert_eq!((&tensor.dims, tensor.ty()?), (&spec.dims, spec.ty));
            prop_assert_eq!(theirs.tensor(&spec.name)?.data().len() as u64, tensor.bytes);
        }
    }

    /// Any bytes are blocks; what they decode to, unless infinite, survives another round trip
    /// about as well as the type's precision.
    #[test]
    fn any_bytes_decode(ty in any_type(), seed in vec(any::<u8>(), 210)) {
        let bytes = seed.iter().cycle().take(4 * ty.block_bytes()).copied().collect::<Vec<_>>();
        let mut values = vec![0.0; 4 * ty.block_len()];
        blocks::dequantize(ty, &bytes, &mut values)?;
    }

    /// Each value comes back within half a level of its block's range (and the error of the
    /// scales, which the `_K` types store in six or eight bits).
    #[test]
    fn quantized_values_come_back(
        ty in any_type(),
        scale in 0..12i32,
        values in vec(-1.0..1.0f32, 256),
    ) {
        let values: Vec<f32> = values.iter().map(|x| x * (scale as f32).exp2()).collect();
        let mut decoded = vec![0.0; 256];
        blocks::dequantize(ty, &blocks::quantize(ty, &values)?, &mut decoded)?;
        let max = values.iter().fold(0.0f32, |max, x| max.max(x.abs()));
        let tolerance = max * match ty {
            GgmlType::F32 => 0.0,
            GgmlType::F16 => 1.0 / 2048.0,
            GgmlType::BF16 => 1.0 / 256.0,
            GgmlType::Q8_0 => 0.6 / 127.0,
            GgmlType::Q4_0 => 1.01 / 8.0,
            GgmlType::Q4_1 => 1.05 / 15.0,
            GgmlType::Q4_K => 2.0 / 15.0,
            GgmlType::Q5_K => 2.0 / 31.0,
            GgmlType::Q6_K => 2.0 / 32.0,
        };
        for (x, y) in values.iter().zip(&decoded) {
            // The smallest f16 is 6e-8: half of it, times 128 scale steps, times 32 levels.
            prop_assert!((x - y).abs() <= tolerance + 1.3e-4, "{ty}: {x} became {y}, max {max}");
        }
    }
}
