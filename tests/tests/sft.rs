//! A hundred steps of fine-tuning against PyTorch and TRL (`golden/sft.py`), and what must not
//! change a step: how the batch is cut and what lies beside a document.

use burn::tensor::{DType, Device};
use retort_model::backward::Batch;
use retort_model::parameters::{LoraPlan, Targets};
use retort_model::{Decoder, WeightForm};
use retort_tests::{Document, batch, golden, gpu, load_golden};
use retort_train::optimizer::{Optimizer, Rule, Settings};
use retort_train::schedule::{Schedule, Shape};
use retort_train::trainer::{StepReport, StepSettings, Trainer};

/// The linear congruential generator of `golden/sft.py`.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(below)) as u32
    }

    fn document(&mut self) -> Document {
        let length = 5 + self.next(56);
        let (start, stride) = (self.next(256), 1 + self.next(4));
        let mut ids = Vec::new();
        for i in 0..length {
            ids.push(match self.next(8) {
                0 => self.next(256),
                _ => (start + stride * i) % 256,
            });
        }
        (ids, (0..length).map(|i| 3 * i >= length).collect())
    }
}

fn trainer(decoder: Decoder, settings: Settings) -> Trainer {
    let optimizer = Optimizer::new(settings, &decoder);
    let settings = StepSettings {
        compute: DType::F32,
        recompute: true,
        max_grad_norm: 1.0,
    };
    Trainer::new(decoder, optimizer, settings)
}

fn step(trainer: &mut Trainer, parts: &[Batch], rate: f64) -> StepReport {
    let computed = pollster::block_on(trainer.compute(parts)).expect("a step");
    trainer.apply(computed, rate)
}

fn check(name: &str) {
    let text = std::fs::read(golden(&format!("sft_{name}.json"))).unwrap();
    let golden: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let numbers = |key: &str| -> Vec<f64> {
        let list = golden[key].as_array().unwrap();
        list.iter().map(|x| x.as_f64().unwrap()).collect()
    };
    let setting = |key: &str| golden["settings"][key].as_f64().unwrap();
    let (losses, norms, rates) = (
        numbers("losses"),
        numbers("norms"),
        numbers("learning_rates"),
    );
    let device = Device::flex();
    let settings = Settings {
        weight_decay: setting("weight_decay") as f32,
        ..Settings::default()
    };
    let mut trainer = trainer(load_golden(name, &device, WeightForm::Dense), settings);
    let schedule = Schedule {
        shape: Shape::Cosine,
        peak: setting("learning_rate"),
        floor: setting("floor"),
        warmup: setting("warmup") as u64,
        steps: setting("steps") as u64,
    };
    let mut generator = Numbers(7);
    assert_eq!(losses.len(), 100);
    let mut worst = (0.0f64, 0.0f64);
    for (index, (&loss, &norm)) in losses.iter().zip(&norms).enumerate() {
        let mut part = || {
            let documents: Vec<Document> = (0..setting("documents") as usize)
                .map(|_| generator.document())
                .collect();
            batch(&documents, &device)
        };
        let parts: Vec<Batch> = (0..setting("micro_batches") as usize)
            .map(|_| part())
            .collect();
        let rate = schedule.rate(index as u64);
        assert!((rate - rates[index]).abs() < 1e-12, "{name} step {index}");
        let report = step(&mut trainer, &parts, rate);
        worst.0 = worst.0.max((report.loss - loss).abs());
        worst.1 = worst.1.max((report.grad_norm - norm).abs() / norm);
        let off = (report.loss - loss).abs();
        assert!(
            off < 1e-3,
            "{name} step {index}: loss {}, PyTorch {loss}",
            report.loss
        );
        let off = (report.grad_norm - norm).abs() / norm;
        assert!(
            off < 1e-2,
            "{name} step {index}: norm {}, PyTorch {norm}",
            report.grad_norm
        );
    }
    eprintln!(
        "{name}: loss within {:.1e}, norm within {:.1e} of PyTorch",
        worst.0, worst.1
    );
}

#[test]
fn a_hundred_steps_of_qwen2_are_those_of_pytorch() {
    check("qwen2");
}

#[test]
fn a_hundred_steps_of_llama_are_those_of_pytorch() {
    check("llama");
}

#[test]
fn one_batch_of_32_is_32_of_one() {
    let device = Device::flex();
    let mut generator = Numbers(3);
    let documents: Vec<Document> = (0..32).map(|_| generator.document()).collect();
    let fresh = || {
        trainer(
            load_golden("qwen2", &device, WeightForm::Dense),
            Settings::default(),
        )
    };
    let whole = [batch(&documents, &device)];
    let parts: Vec<Batch> = documents
        .chunks(1)
        .map(|document| batch(document, &device))
        .collect();
    let (mut once, mut often) = (fresh(), fresh());
    for index in 0..5 {
        let a = step(&mut once, &whole, 1e-2);
        let b = step(&mut often, &parts, 1e-2);
        assert_eq!(a.learnt, b.learnt);
        assert!(
            (a.loss - b.loss).abs() < 1e-4 * a.loss,
            "step {index}: {a:?} {b:?}"
        );
        let off = (a.grad_norm - b.grad_norm).abs() / a.grad_norm;
        assert!(off < 1e-4, "step {index}: {a:?} {b:?}");
    }
}

/// Parts on two devices, a GPU the second where there is one: the same steps.
#[test]
fn two_devices_take_the_steps_of_one() {
    let mut seconds = vec![Device::flex()];
    seconds.extend(gpu("two devices"));
    for second in seconds {
        let first = Device::flex();
        let fresh = || {
            let decoder = load_golden("llama", &first, WeightForm::Dense);
            trainer(decoder, Settings::default())
        };
        let shape = load_golden("llama", &second, WeightForm::Dense).shape;
        let mut alone = fresh();
        let mut both = fresh().with_devices([(second.clone(), shape)]);
        let mut generator = Numbers(13);
        let documents: Vec<Document> = (0..9).map(|_| generator.document()).collect();
        for index in 0..5 {
            let parts = |trainer: &Trainer| -> Vec<Batch> {
                let parts = documents.chunks(3).enumerate();
                parts
                    .map(|(part, documents)| batch(documents, &trainer.device_of(part)))
                    .collect()
            };
            let (on_one, on_two) = (parts(&alone), parts(&both));
            let a = step(&mut alone, &on_one, 1e-2);
            let b = step(&mut both, &on_two, 1e-2);
            assert!(
                (a.loss - b.loss).abs() < 1e-4 * a.loss,
                "step {index}: {a:?} {b:?}"
            );
            let off = (a.grad_norm - b.grad_norm).abs() / a.grad_norm;
            assert!(off < 1e-3, "step {index}: {a:?} {b:?}");
        }
    }
}

fn losses(mut trainer: Trainer, steps: usize, rate: f64) -> Vec<f64> {
    let device = Device::flex();
    let mut generator = Numbers(5);
    let documents: Vec<Document> = (0..8).map(|_| generator.document()).collect();
    let parts = [batch(&documents, &device)];
    (0..steps)
        .map(|_| step(&mut trainer, &parts, rate).loss)
        .collect()
}

#[test]
fn muon_learns_a_batch() {
    let decoder = load_golden("qwen2", &Device::flex(), WeightForm::Dense);
    let settings = Settings {
        rule: Rule::Muon,
        ..Settings::default()
    };
    let losses = losses(trainer(decoder, settings), 30, 1e-2);
    assert!(losses[29] < 0.5 * losses[0], "{losses:?}");
}

fn lora(form: WeightForm) -> Decoder {
    let decoder = load_golden("llama", &Device::flex(), form);
    let plan = LoraPlan {
        rank: 4,
        alpha: 8.0,
        targets: Targets {
            qkv: true,
            o: true,
            gate_up: true,
            down: true,
        },
    };
    let mut generator = Numbers(11);
    decoder.with_lora(&plan, || (generator.next(2001) as f32 - 1000.0) / 577.0)
}

#[test]
fn adapters_learn_and_leave_the_base_alone() {
    for form in [WeightForm::Dense, WeightForm::Packed] {
        let trainer = trainer(lora(form), Settings::default());
        assert!(
            trainer
                .optimizer()
                .trained()
                .iter()
                .all(|parameter| parameter.is_adapter())
        );
        let losses = losses(trainer, 30, 1e-2);
        assert!(losses[29] < 0.8 * losses[0], "{form:?}: {losses:?}");
    }
}
