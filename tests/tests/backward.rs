//! The hand-written backward pass against burn's autodiff through the reference ops, and against
//! itself in other arrangements: in parts, packed, recomputed, as compositions instead of twins.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::{DType, Device, Int, Tensor, TensorData, activation::log_softmax};
use retort_kernels::train::Gradients;
use retort_model::backward::{Batch, StepPlan};
use retort_model::{Decoder, WeightForm};
use retort_tests::{Document, batch, gpu, load_golden};

/// All but the first third of each is learnt.
fn documents() -> Vec<Document> {
    let length = [13, 70, 1, 29];
    let document = |(index, length): (usize, usize)| {
        let id = |i: usize| ((i * 37 + index * 101 + i * i * 5) % 264) as u32;
        let ids = (0..length).map(id).collect();
        (ids, (0..length).map(|i| 3 * i >= length).collect())
    };
    length.into_iter().enumerate().map(document).collect()
}

fn parameters(model: &Decoder) -> BTreeMap<String, ParamId> {
    let all = model.parameters().into_iter();
    all.map(|parameter| (parameter.path, parameter.id))
        .collect()
}

/// Sum of the losses, and the gradient of each parameter.
type Step = (f64, BTreeMap<String, Vec<f32>>);

fn step(model: &Decoder, parts: &[Batch], recompute: bool) -> Step {
    step_in(DType::F32, model, parts, recompute)
}

fn step_in(compute: DType, model: &Decoder, parts: &[Batch], recompute: bool) -> Step {
    let names = parameters(model);
    let learnt: usize = parts.iter().map(Batch::learnt).sum();
    let plan = StepPlan {
        compute,
        recompute,
        scale: 1.0 / learnt as f32,
    };
    let mut gradients = Gradients::new(names.values().copied());
    let mut loss = 0.0;
    for part in parts {
        if let Some(losses) = model.backward(part, plan, &mut gradients) {
            loss += f64::from(losses.sum().into_scalar::<f32>());
        }
    }
    let values = |id: &ParamId| {
        let gradient = gradients.get(*id).expect("every parameter matters").clone();
        gradient.into_data().iter::<f32>().collect()
    };
    (
        loss,
        names
            .iter()
            .map(|(name, id)| (name.clone(), values(id)))
            .collect(),
    )
}

/// The same by autodiff, each document on its own.
fn autodiff(name: &str, documents: &[Document]) -> Step {
    let device = Device::flex().autodiff();
    let model = load_golden(name, &device, WeightForm::Dense);
    let learnt = batch(documents, &device.clone().inner()).learnt();
    let mut total: Option<Tensor<1>> = None;
    for (ids, learnt) in documents.iter().filter(|(ids, _)| ids.len() > 1) {
        let t = ids.len();
        let data = TensorData::new(ids.clone(), [1, t]);
        let tokens = Tensor::<2, Int>::from_data(data, (&device, DType::U32));
        let hidden = model.forward(tokens.clone(), None);
        let log_p = log_softmax(model.logits(hidden).narrow(0, 0, t - 1), 1);
        let next = tokens.reshape([t, 1]).narrow(0, 1, t - 1);
        let mask: Vec<f32> = learnt[1..]
            .iter()
            .map(|&l| f32::from(u8::from(l)))
            .collect();
        let mask = Tensor::<1>::from_data(TensorData::new(mask, [t - 1]), &device);
        let loss = (log_p.gather(1, next).reshape([t - 1]) * mask).sum().neg();
        total = Some(match total {
            Some(total) => total + loss,
            None => loss,
        });
    }
    let total = total.unwrap();
    let loss = f64::from(total.clone().into_scalar::<f32>());
    let gradients = (total / learnt as f32).backward();
    let mut visitor = Collect {
        path: Vec::new(),
        gradients: &gradients,
        values: BTreeMap::new(),
    };
    model.visit(&mut visitor);
    (loss, visitor.values)
}

struct Collect<'a> {
    path: Vec<String>,
    gradients: &'a burn::tensor::Gradients,
    values: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Collect<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad(self.gradients).expect("a gradient");
        let values = gradient.into_data().iter::<f32>().collect();
        self.values.insert(self.path.join("."), values);
    }
}

/// Within `tolerance` of the largest gradient of the parameter.
fn assert_close(what: &str, got: &Step, expected: &Step, tolerance: f32) {
    let off = (got.0 - expected.0).abs() / expected.0;
    assert!(
        off < f64::from(tolerance),
        "{what}: loss {} and {}",
        got.0,
        expected.0
    );
    assert_eq!(
        got.1.keys().collect::<Vec<_>>(),
        expected.1.keys().collect::<Vec<_>>()
    );
    for (name, expected) in &expected.1 {
        let got = &got.1[name];
        assert_eq!(got.len(), expected.len(), "{what}: {name}");
        let largest = expected.iter().fold(0.0f32, |max, x| max.max(x.abs()));
        assert!(largest > 0.0, "{what}: {name} has no gradient to compare");
        for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
            let off = (got - expected).abs() / largest;
            assert!(
                off < tolerance,
                "{what}: {name}[{i}] {got}, expected {expected}"
            );
        }
    }
}

#[test]
fn gradients_are_those_of_autodiff() {
    for name in ["qwen2", "llama"] {
        let device = Device::flex();
        let model = load_golden(name, &device, WeightForm::Dense);
        let documents = documents();
        let got = step(&model, &[batch(&documents, &device)], false);
        assert_close(name, &got, &autodiff(name, &documents), 1e-4);
    }
}

#[test]
fn packed_documents_do_not_see_each_other() {
    let device = Device::flex();
    let model = load_golden("qwen2", &device, WeightForm::Dense);
    let documents = documents();
    let packed = step(&model, &[batch(&documents, &device)], false);
    let alone: Vec<_> = documents
        .chunks(1)
        .map(|document| batch(document, &device))
        .collect();
    assert_close("one by one", &step(&model, &alone, false), &packed, 1e-5);
}

#[test]
fn recomputed_blocks_give_the_same_bits() {
    let device = Device::flex();
    let model = load_golden("llama", &device, WeightForm::Dense);
    let parts = [batch(&documents(), &device)];
    let (kept, again) = (step(&model, &parts, false), step(&model, &parts, true));
    assert_eq!(kept, again);
}

#[test]
fn losses_without_gradients_are_those_of_the_step() {
    let device = Device::flex();
    let model = load_golden("qwen2", &device, WeightForm::Dense);
    let part = batch(&documents(), &device);
    let alone = model.losses(&part, DType::F32).sum().into_scalar::<f32>();
    let (expected, _) = step(&model, &[part], false);
    assert_eq!(f64::from(alone), expected);
}

/// Off the CPU each op is a composition of burn's.
#[test]
fn a_gpu_computes_the_same_gradients() {
    let Some(gpu) = gpu("gradients") else {
        return;
    };
    for name in ["qwen2", "llama"] {
        let steps = [&Device::flex(), &gpu].map(|device| {
            let model = load_golden(name, device, WeightForm::Dense);
            step(&model, &[batch(&documents(), device)], false)
        });
        assert_close(name, &steps[1], &steps[0], 1e-4);
    }
}

/// Activations in bf16 keep 8 bits; weights, sums and the loss stay f32.
#[test]
fn bf16_is_f32_with_less_precision() {
    let device = Device::flex();
    for name in ["qwen2", "llama"] {
        let model = load_golden(name, &device, WeightForm::Dense);
        let parts = [batch(&documents(), &device)];
        let exact = step(&model, &parts, true);
        let rounded = step_in(DType::BF16, &model, &parts, true);
        assert_close(name, &rounded, &exact, 0.06);
        let off = (rounded.0 - exact.0).abs() / exact.0;
        assert!(off < 3e-3, "{name}: loss {} and {}", rounded.0, exact.0);
        assert_ne!(rounded.0, exact.0);
    }
}
