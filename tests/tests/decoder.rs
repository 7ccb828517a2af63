//! The decoder against transformers in f32: `tests/golden/make.py` wrote what is expected.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use retort_model::{Config, Decoder, KvCache, WeightForm};
use retort_tests::{floats, golden, gpu, load_golden, load_golden_gguf, max_difference, tensor};

const VOCABULARY: usize = 264;
const LENGTH: usize = 40;

fn config(name: &str) -> Config {
    let text = std::fs::read(golden(name).join("config.json")).unwrap();
    Config::from_json(&serde_json::from_slice(&text).unwrap()).unwrap()
}

fn ids(name: &str) -> Vec<u32> {
    let (bytes, dims) = tensor(&golden(name).join("golden.safetensors"), "ids");
    assert_eq!(dims, [2, LENGTH]);
    bytes
        .chunks_exact(4)
        .map(|b| u32::from_le_bytes(b.try_into().unwrap()))
        .collect()
}

fn expected(name: &str) -> Vec<f32> {
    floats(&golden(name).join("golden.safetensors"), "logits")
}

fn ids_tensor(ids: &[u32], batch: usize, device: &Device) -> Tensor<2, Int> {
    let data = TensorData::new(ids.to_vec(), [batch, ids.len() / batch]);
    Tensor::from_data(data, (device, DType::U32))
}

fn to_vec(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

fn without_cache(model: &Decoder, ids: &[u32], device: &Device) -> Vec<f32> {
    let hidden = model.forward(ids_tensor(ids, 2, device), None);
    to_vec(model.logits(hidden))
}

/// The first sequence through a KV cache of this room, in pieces of the given lengths.
fn with_cache(name: &str, room: usize, pieces: &[usize], device: &Device) -> Vec<f32> {
    let model = load_golden(name, device, WeightForm::Packed);
    let mut cache = KvCache::growing(&config(name), 64, room, device);
    let ids = ids(name);
    let mut logits = Vec::new();
    let mut start = 0;
    for piece in pieces {
        let tokens = ids_tensor(&ids[start..start + piece], 1, device);
        let hidden = model.forward(tokens, Some(&mut cache));
        logits.extend(to_vec(model.logits(hidden)));
        start += piece;
    }
    assert_eq!(cache.len(), start);
    logits
}

fn check(name: &str, device: &Device) {
    let expected = expected(name);
    for form in [WeightForm::Dense, WeightForm::Packed] {
        let model = load_golden(name, device, form);
        let difference = max_difference(&without_cache(&model, &ids(name), device), &expected);
        assert!(difference < 1e-3, "{name} {form:?} differs by {difference}");
        let model = load_golden_gguf(name, device, form);
        let difference = max_difference(&without_cache(&model, &ids(name), device), &expected);
        assert!(difference < 1e-3, "{name} {form:?} as GGUF: {difference}");
    }
    for pieces in [&[LENGTH][..], &[1; LENGTH], &[17, 1, 1, 5, 16]] {
        for room in [64, 1, 18] {
            let logits = with_cache(name, room, pieces, device);
            let difference = max_difference(&logits, &expected[..LENGTH * VOCABULARY]);
            assert!(
                difference < 1e-3,
                "{name} in pieces {pieces:?} from a room of {room} differs by {difference}"
            );
        }
    }
}

#[test]
fn qwen2_equals_transformers_on_the_cpu() {
    check("qwen2", &Device::flex());
}

#[test]
fn llama_3_1_equals_transformers_on_the_cpu() {
    check("llama", &Device::flex());
}

#[test]
fn both_equal_transformers_on_the_gpu() {
    if let Some(device) = gpu("both_equal_transformers_on_the_gpu") {
        check("qwen2", &device);
        check("llama", &device);
    }
}

#[test]
fn a_truncated_cache_continues_from_the_shared_prefix() {
    let device = Device::flex();
    let model = load_golden("llama", &device, WeightForm::Packed);
    let mut cache = KvCache::new(&config("llama"), 64, &device);
    let ids = ids("llama");
    model.forward(ids_tensor(&[5; 30], 1, &device), Some(&mut cache));
    cache.truncate(0);
    model.forward(ids_tensor(&ids[..20], 1, &device), Some(&mut cache));
    model.forward(ids_tensor(&[7; 15], 1, &device), Some(&mut cache));
    cache.truncate(20);
    let hidden = model.forward(ids_tensor(&ids[20..LENGTH], 1, &device), Some(&mut cache));
    let expected = &expected("llama")[20 * VOCABULARY..LENGTH * VOCABULARY];
    assert!(max_difference(&to_vec(model.logits(hidden)), expected) < 1e-3);
}
