//! A small GGUF file with everything in it.

use retort_formats::{
    GgmlType, blocks,
    gguf::{Array, Metadata, TensorSpec, Value, Writer},
};

/// One entry of every type.
pub fn every_type() -> Metadata {
    let strings = ["", "a", "héllo", "世界"].map(String::from).to_vec();
    [
        ("general.architecture", Value::String("qwen2".into())),
        ("u8", Value::U8(200)),
        ("i8", Value::I8(-100)),
        ("u16", Value::U16(60_000)),
        ("i16", Value::I16(-30_000)),
        ("u32", Value::U32(4_000_000_000)),
        ("i32", Value::I32(-2_000_000_000)),
        ("f32", Value::F32(1.5e-6)),
        ("bool", Value::Bool(true)),
        ("u64", Value::U64(u64::MAX)),
        ("i64", Value::I64(i64::MIN)),
        ("f64", Value::F64(-2.5e-300)),
        ("u8s", Value::Array(Array::U8(vec![1, 2, 255]))),
        ("i8s", Value::Array(Array::I8(vec![-1, 2]))),
        ("u16s", Value::Array(Array::U16(vec![1, 65_535]))),
        ("i16s", Value::Array(Array::I16(vec![-1]))),
        ("u32s", Value::Array(Array::U32(vec![7; 300]))),
        ("i32s", Value::Array(Array::I32(vec![-7, 7]))),
        ("f32s", Value::Array(Array::F32(vec![0.5, -0.25]))),
        ("bools", Value::Array(Array::Bool(vec![true, false]))),
        ("strings", Value::Array(Array::String(strings))),
        ("u64s", Value::Array(Array::U64(vec![1 << 60]))),
        ("i64s", Value::Array(Array::I64(vec![-1 << 60]))),
        ("f64s", Value::Array(Array::F64(vec![1e200]))),
        ("none", Value::Array(Array::String(Vec::new()))),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

/// A tensor of every type, two rows of 256, and its bytes.
pub fn tensors() -> Vec<(TensorSpec, Vec<u8>)> {
    let values: Vec<f32> = (0..512).map(|i| (i as f32 * 0.37).sin()).collect();
    GgmlType::ALL
        .into_iter()
        .map(|ty| {
            let spec = TensorSpec {
                name: format!("{ty}.weight"),
                dims: vec![256, 2],
                ty,
            };
            (spec, blocks::quantize(ty, &values).expect("small values"))
        })
        .chain([(spec("scalar", &[], GgmlType::F32), vec![1; 4])])
        .chain([(spec("odd", &[3, 1, 5], GgmlType::F16), vec![2; 30])])
        .collect()
}

pub fn spec(name: &str, dims: &[u64], ty: GgmlType) -> TensorSpec {
    TensorSpec {
        name: name.into(),
        dims: dims.into(),
        ty,
    }
}

pub fn write(metadata: &Metadata, tensors: &[(TensorSpec, Vec<u8>)]) -> Vec<u8> {
    let specs = tensors.iter().map(|(spec, _)| spec.clone()).collect();
    let mut writer = Writer::new(Vec::new(), metadata, specs).expect("a valid header");
    for (spec, bytes) in tensors {
        // In pieces of any size.
        for piece in bytes.chunks(100) {
            writer.write(&spec.name, piece).expect("in order");
        }
    }
    writer.finish().expect("complete")
}
