//! The same `forward` that serves the page trains: overfitting one batch gives PyTorch's losses.

use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{DType, Device, Int, Tensor, TensorData, activation::log_softmax};
use retort_model::{Decoder, WeightForm};
use retort_tests::{golden, load_golden, tensor};

fn batch(name: &str, device: &Device) -> Tensor<2, Int> {
    let (bytes, dims) = tensor(&golden(name).join("golden.safetensors"), "ids");
    let ids = bytes
        .chunks_exact(4)
        .map(|b| u32::from_le_bytes(b.try_into().unwrap()));
    let data = TensorData::new(ids.collect::<Vec<_>>(), [dims[0], dims[1]]);
    Tensor::from_data(data, (device, DType::U32))
}

/// Mean cross-entropy of each token given those before it.
fn loss(model: &Decoder, ids: &Tensor<2, Int>) -> Tensor<1> {
    let [rows, length] = ids.dims();
    let hidden = model.forward(ids.clone(), None);
    let logits = model.logits(hidden);
    let vocabulary = logits.dims()[1];
    let logits = logits
        .reshape([rows, length, vocabulary])
        .narrow(1, 0, length - 1)
        .reshape([rows * (length - 1), vocabulary]);
    let next = ids
        .clone()
        .narrow(1, 1, length - 1)
        .reshape([rows * (length - 1), 1]);
    log_softmax(logits, 1).gather(1, next).mean().neg()
}

fn check(name: &str) {
    let text = std::fs::read(golden(name).join("losses.json")).unwrap();
    let golden: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let expected = golden["losses"].as_array().unwrap();
    let setting = |key: &str| golden["adamw"][key].as_f64().unwrap();
    let device = Device::flex().autodiff();
    let mut model = load_golden(name, &device, WeightForm::Dense);
    let ids = batch(name, &device);
    let mut optimizer = AdamWConfig::new()
        .with_beta_1(0.9)
        .with_beta_2(0.95)
        .with_epsilon(setting("eps") as f32)
        .with_weight_decay(setting("weight_decay") as f32)
        .init();
    let mut losses = Vec::new();
    for _ in 0..expected.len() {
        let loss = loss(&model, &ids);
        losses.push(f64::from(loss.clone().into_scalar::<f32>()));
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(setting("lr"), model, gradients);
    }
    for (step, (got, expected)) in losses.iter().zip(expected).enumerate().take(10) {
        let expected = expected.as_f64().unwrap();
        assert!(
            (got - expected).abs() < 1e-3,
            "{name} step {step}: {got}, PyTorch {expected}"
        );
    }
    let last = losses[losses.len() - 1];
    assert!(
        last < losses[0] / 4.0,
        "{name}: the loss fell only to {last}"
    );
    // The trained model serves inference as it is.
    let hidden = model.valid().forward(ids.inner(), None);
    assert_eq!(hidden.dims(), [80, 32]);
}

#[test]
fn qwen2_overfits_one_batch_as_in_pytorch() {
    check("qwen2");
}

#[test]
fn llama_overfits_one_batch_as_in_pytorch() {
    check("llama");
}
