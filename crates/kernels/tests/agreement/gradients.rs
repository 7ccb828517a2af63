//! Every backward pass against central differences of its formula in f64, on the CPU and on
//! whatever GPU there is.

use burn::module::Param;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use retort_kernels::train::{
    AdamW, Direction, Documents, Gradients, adamw, cross_entropy, packed_attention,
    packed_attention_backward, rms_norm_backward, rotate, sum_squares, swiglu_backward,
};
use retort_kernels::{Attention, Embedding, Linear, RopeTable, Shard, Weight};

use crate::support::{Rng, gpu, values};

/// Relative to the largest gradient.
const TOLERANCE: f64 = 1e-4;
const H: f64 = 1e-5;

fn devices(test: &str) -> Vec<Device> {
    let mut devices = vec![Device::flex()];
    devices.extend(gpu(test));
    devices
}

/// Exactly representable in f32, so that both sides see the same numbers.
fn floats(rng: &mut Rng, len: usize) -> Vec<f64> {
    rng.floats(len).into_iter().map(f64::from).collect()
}

fn tensor<const D: usize>(values: &[f64], shape: [usize; D], device: &Device) -> Tensor<D> {
    let values: Vec<f32> = values.iter().map(|&x| x as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn ids(values: &[u32], device: &Device) -> Tensor<1, Int> {
    let data = TensorData::new(values.to_vec(), [values.len()]);
    Tensor::from_data(data, (device, DType::U32))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Derivative of `f` by `x[at]`.
fn difference(f: &dyn Fn(&[f64]) -> f64, x: &[f64], at: usize) -> f64 {
    let moved = |by: f64| {
        let mut x = x.to_vec();
        x[at] += by;
        f(&x)
    };
    (moved(H) - moved(-H)) / (2.0 * H)
}

/// Compares up to `most` elements, evenly spread.
#[track_caller]
fn check(what: &str, got: &[f32], f: &dyn Fn(&[f64]) -> f64, x: &[f64], most: usize) {
    assert_eq!(got.len(), x.len(), "{what}");
    let every = x.len().div_ceil(most);
    let picked: Vec<usize> = (0..x.len()).step_by(every).collect();
    let expected: Vec<f64> = picked.iter().map(|&at| difference(f, x, at)).collect();
    let largest = expected.iter().fold(0.0f64, |max, x| max.max(x.abs()));
    assert!(largest > 0.0, "{what}: nothing to compare");
    for (&at, &expected) in picked.iter().zip(&expected) {
        let off = (f64::from(got[at]) - expected).abs();
        assert!(
            off < TOLERANCE * largest,
            "{what}[{at}]: {} and {expected}, largest {largest}",
            got[at]
        );
    }
}

#[test]
fn rms_norm() {
    const EPS: f64 = 1e-5;
    let (m, d) = (5, 48);
    let mut rng = Rng(1);
    let (x, gamma, dy) = (
        floats(&mut rng, m * d),
        floats(&mut rng, d),
        floats(&mut rng, m * d),
    );
    let forward = |x: &[f64], gamma: &[f64]| -> f64 {
        let row = |(x, dy): (&[f64], &[f64])| {
            let r = (dot(x, x) / d as f64 + EPS).sqrt().recip();
            let y: Vec<f64> = x.iter().zip(gamma).map(|(x, g)| x * r * g).collect();
            dot(&y, dy)
        };
        x.chunks(d).zip(dy.chunks(d)).map(row).sum()
    };
    for device in devices("rms_norm") {
        let (dx, d_gamma) = rms_norm_backward(
            tensor(&x, [m, d], &device),
            tensor(&gamma, [d], &device),
            tensor(&dy, [m, d], &device),
            EPS as f32,
        );
        check("x", &values(dx), &|x| forward(x, &gamma), &x, 240);
        check(
            "gamma",
            &values(d_gamma),
            &|gamma| forward(&x, gamma),
            &gamma,
            48,
        );
    }
}

#[test]
fn swiglu() {
    let (m, f) = (4, 33);
    let mut rng = Rng(2);
    let x: Vec<f64> = floats(&mut rng, m * 2 * f)
        .iter()
        .map(|x| 8.0 * x)
        .collect();
    let dy = floats(&mut rng, m * f);
    let forward = |x: &[f64]| -> f64 {
        let row = |(x, dy): (&[f64], &[f64])| {
            let y: Vec<f64> = (0..f)
                .map(|i| x[i] / (1.0 + (-x[i]).exp()) * x[f + i])
                .collect();
            dot(&y, dy)
        };
        x.chunks(2 * f).zip(dy.chunks(f)).map(row).sum()
    };
    for device in devices("swiglu") {
        let dx = swiglu_backward(
            tensor(&x, [m, 2 * f], &device),
            tensor(&dy, [m, f], &device),
        );
        check("gate and up", &values(dx), &forward, &x, 264);
    }
}

/// Attention of whole documents by its formula: `qkv` [m, (heads + 2 kv_heads) * d].
fn attend(qkv: &[f64], shape: Attention, lengths: &[usize]) -> Vec<f64> {
    let (heads, kv_heads, d) = (shape.heads, shape.kv_heads, shape.head_dim);
    let width = (heads + 2 * kv_heads) * d;
    let mut out = vec![0.0; qkv.len() / width * heads * d];
    let mut start = 0;
    for &length in lengths {
        for head in 0..heads {
            let group = head / (heads / kv_heads);
            let at = |row: usize, column: usize| &qkv[(start + row) * width + column * d..][..d];
            for query in 0..length {
                let scores: Vec<f64> = (0..=query)
                    .map(|key| {
                        f64::from(shape.scale) * dot(at(query, head), at(key, heads + group))
                    })
                    .collect();
                let max = scores.iter().fold(f64::MIN, |a, &b| a.max(b));
                let sum: f64 = scores.iter().map(|s| (s - max).exp()).sum();
                let row = &mut out[((start + query) * heads + head) * d..][..d];
                for (key, score) in scores.iter().enumerate() {
                    let p = (score - max).exp() / sum;
                    for (o, v) in row.iter_mut().zip(at(key, heads + kv_heads + group)) {
                        *o += p * v;
                    }
                }
            }
        }
        start += length;
    }
    out
}

/// Forward and backward, of documents shorter and longer than a chunk of queries.
#[test]
fn attention() {
    for (lengths, most) in [(vec![5, 1, 19], 400), (vec![3, 300], 60)] {
        let shape = Attention {
            heads: 4,
            kv_heads: 2,
            head_dim: 8,
            scale: 0.7,
        };
        let m: usize = lengths.iter().sum();
        let (width, out) = (8 * 8, 4 * 8);
        let mut rng = Rng(3);
        let qkv: Vec<f64> = floats(&mut rng, m * width)
            .iter()
            .map(|x| 2.0 * x)
            .collect();
        let dy = floats(&mut rng, m * out);
        let documents = Documents::new(lengths.clone());
        for device in devices("attention") {
            let input = tensor(&qkv, [m, width], &device);
            let attended = packed_attention(input.clone(), shape, &documents);
            let expected = attend(&qkv, shape, &lengths);
            for (got, expected) in values(attended.out.clone()).iter().zip(&expected) {
                assert!(
                    (f64::from(*got) - expected).abs() < 1e-5,
                    "{got} {expected}"
                );
            }
            let dy_ = tensor(&dy, [m, out], &device);
            let dx = packed_attention_backward(input, attended, dy_, shape, &documents);
            let forward = |qkv: &[f64]| dot(&attend(qkv, shape, &lengths), &dy);
            check("qkv", &values(dx), &forward, &qkv, most);
        }
    }
}

#[test]
fn rotation_and_its_gradient() {
    let shape = Attention {
        heads: 2,
        kv_heads: 1,
        head_dim: 8,
        scale: 1.0,
    };
    let lengths = [4, 7];
    let (m, width, half) = (11, 32, 4);
    let frequencies = [1.0f32, 0.5, 0.1, 0.01];
    let mut rng = Rng(4);
    let (x, dy) = (floats(&mut rng, m * width), floats(&mut rng, m * width));
    let forward = |x: &[f64]| -> Vec<f64> {
        let mut y = x.to_vec();
        let positions = lengths.iter().flat_map(|&length| 0..length);
        for (row, position) in positions.enumerate() {
            for head in 0..3 {
                for (i, frequency) in frequencies.iter().enumerate() {
                    let (sin, cos) = (f64::from(position) * f64::from(*frequency)).sin_cos();
                    let (a, b) = (
                        row * width + head * 8 + i,
                        row * width + head * 8 + half + i,
                    );
                    y[a] = x[a] * cos - x[b] * sin;
                    y[b] = x[b] * cos + x[a] * sin;
                }
            }
        }
        y
    };
    for device in devices("rope") {
        let table = RopeTable::new(&frequencies, 16, &device);
        let angles = table.angles(&Documents::new(lengths.map(|x| x as usize)));
        let rotated = rotate(
            tensor(&x, [m, width], &device),
            &angles,
            shape,
            Direction::Forward,
        );
        for (got, expected) in values(rotated).iter().zip(forward(&x)) {
            assert!((f64::from(*got) - expected).abs() < 1e-5);
        }
        let dy_ = tensor(&dy, [m, width], &device);
        let dx = rotate(dy_, &angles, shape, Direction::Backward);
        check("qkv", &values(dx), &|x| dot(&forward(x), &dy), &x, 352);
    }
}

fn dense(values: &[f64], shape: [usize; 2], device: &Device) -> Shard {
    Shard {
        weight: Weight::Dense(Param::from_tensor(tensor(values, shape, device))),
        lora: None,
    }
}

fn parameter(shard: &Shard) -> &Param<Tensor<2>> {
    match &shard.weight {
        Weight::Dense(weight) => weight,
        Weight::Packed(_) => unreachable!("made dense"),
    }
}

#[test]
fn cross_entropy_and_the_output_projection() {
    // 64 MB of logits are some 3,400 rows of 5,000: the second case needs several chunks.
    for (n, d, vocabulary, most) in [(7, 6, 50, 400), (4000, 2, 5000, 6)] {
        let mut rng = Rng(5);
        let (hidden, weight) = (floats(&mut rng, n * d), floats(&mut rng, vocabulary * d));
        let targets: Vec<u32> = (0..n).map(|i| (i * 31 % vocabulary) as u32).collect();
        let scale = 0.25;
        let losses = |hidden: &[f64], weight: &[f64]| -> Vec<f64> {
            let row = |(h, &target): (&[f64], &u32)| {
                let logits: Vec<f64> = weight.chunks(d).map(|w| dot(h, w)).collect();
                let sum: f64 = logits.iter().map(|x| x.exp()).sum();
                sum.ln() - logits[target as usize]
            };
            hidden.chunks(d).zip(&targets).map(row).collect()
        };
        for device in devices("cross_entropy") {
            let head = Linear {
                shards: vec![dense(&weight, [vocabulary, d], &device)],
                bias: None,
            };
            let weights = parameter(&head.shards[0]);
            let mut gradients = Gradients::new([weights.id]);
            let result = cross_entropy(
                tensor(&hidden, [n, d], &device),
                &head,
                ids(&targets, &device),
                scale as f32,
                Some(&mut gradients),
            );
            for (got, expected) in values(result.losses).iter().zip(losses(&hidden, &weight)) {
                assert!(
                    (f64::from(*got) - expected).abs() < 1e-4,
                    "{got} {expected}"
                );
            }
            let d_hidden = values(result.d_hidden.expect("gradients were asked for"));
            let sum = |losses: Vec<f64>| scale * losses.iter().sum::<f64>();
            check(
                "hidden",
                &d_hidden,
                &|x| sum(losses(x, &weight)),
                &hidden,
                most,
            );
            let d_weight = values(gradients.take(weights.id).expect("a gradient"));
            check(
                "weight",
                &d_weight,
                &|w| sum(losses(&hidden, w)),
                &weight,
                most,
            );
        }
    }
}

#[test]
fn projections_of_two_shards_with_a_bias() {
    let (m, cols, rows) = (6, 9, [5, 3]);
    let mut rng = Rng(6);
    let x = floats(&mut rng, m * cols);
    let (first, second) = (
        floats(&mut rng, rows[0] * cols),
        floats(&mut rng, rows[1] * cols),
    );
    let (bias, dy) = (floats(&mut rng, 8), floats(&mut rng, m * 8));
    let forward = |x: &[f64], first: &[f64], second: &[f64], bias: &[f64]| -> f64 {
        let row = |(x, dy): (&[f64], &[f64])| {
            let weights = first.chunks(cols).chain(second.chunks(cols));
            let y: Vec<f64> = weights.zip(bias).map(|(w, b)| dot(x, w) + b).collect();
            dot(&y, dy)
        };
        x.chunks(cols).zip(dy.chunks(8)).map(row).sum()
    };
    for device in devices("linear") {
        let linear = Linear {
            shards: vec![
                dense(&first, [rows[0], cols], &device),
                dense(&second, [rows[1], cols], &device),
            ],
            bias: Some(Param::from_tensor(tensor(&bias, [8], &device))),
        };
        let trained = [0, 1].map(|i| parameter(&linear.shards[i]).id);
        let bias_id = linear.bias.as_ref().map(|bias| bias.id).expect("a bias");
        let mut gradients = Gradients::new([trained[0], trained[1], bias_id]);
        let input = tensor(&x, [m, cols], &device);
        let dx = linear.backward(&input, tensor(&dy, [m, 8], &device), &mut gradients);
        check(
            "x",
            &values(dx),
            &|x| forward(x, &first, &second, &bias),
            &x,
            54,
        );
        let mut of = |id| values(gradients.take(id).expect("a gradient"));
        let (d_first, d_second, d_bias) = (of(trained[0]), of(trained[1]), of(bias_id));
        check(
            "first",
            &d_first,
            &|w| forward(&x, w, &second, &bias),
            &first,
            45,
        );
        check(
            "second",
            &d_second,
            &|w| forward(&x, &first, w, &bias),
            &second,
            27,
        );
        check(
            "bias",
            &d_bias,
            &|b| forward(&x, &first, &second, b),
            &bias,
            8,
        );
    }
}

#[test]
fn rows_of_a_table_that_are_looked_up_twice() {
    let (rows, d) = (10, 4);
    let looked_up = [3u32, 0, 3, 9];
    let mut rng = Rng(7);
    let (weight, dy) = (floats(&mut rng, rows * d), floats(&mut rng, 4 * d));
    let forward = |weight: &[f64]| -> f64 {
        let row = |(&id, dy): (&u32, &[f64])| dot(&weight[id as usize * d..][..d], dy);
        looked_up.iter().zip(dy.chunks(d)).map(row).sum()
    };
    for device in devices("embedding") {
        let table = Embedding {
            table: Linear {
                shards: vec![dense(&weight, [rows, d], &device)],
                bias: None,
            },
        };
        let id = parameter(&table.table.shards[0]).id;
        let mut gradients = Gradients::new([id]);
        table.backward(
            ids(&looked_up, &device),
            tensor(&dy, [4, d], &device),
            &mut gradients,
        );
        let got = values(gradients.take(id).expect("a gradient"));
        check("table", &got, &forward, &weight, 40);
    }
}

/// Three steps against the formula in f64.
#[test]
fn adamw_steps() {
    let n = 1000;
    let mut rng = Rng(8);
    let start = floats(&mut rng, n);
    let gradients: Vec<Vec<f64>> = (0..3).map(|_| floats(&mut rng, n)).collect();
    let rule = |step| AdamW {
        learning_rate: 0.01,
        beta1: 0.9,
        beta2: 0.95,
        epsilon: 1e-8,
        weight_decay: 0.1,
        step,
        gradient_scale: 0.5,
    };
    let (mut p, mut m, mut v) = (start.clone(), vec![0.0; n], vec![0.0; n]);
    for (t, gradient) in (1..).zip(&gradients) {
        for i in 0..n {
            let g = 0.5 * gradient[i];
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.95 * v[i] + 0.05 * g * g;
            let (m_hat, v_hat) = (
                m[i] / (1.0 - 0.9f64.powi(t)),
                v[i] / (1.0 - 0.95f64.powi(t)),
            );
            p[i] -= 0.01 * 0.1 * p[i] + 0.01 * m_hat / (v_hat.sqrt() + 1e-8);
        }
    }
    for device in devices("adamw") {
        let zeros = || Tensor::<1>::zeros([n], &device);
        let mut state = (tensor(&start, [n], &device), zeros(), zeros());
        for (step, gradient) in (1..).zip(&gradients) {
            let (p, m, v) = state;
            state = adamw(rule(step), p, tensor(gradient, [n], &device), (m, v));
        }
        for (got, expected) in values(state.0).iter().zip(&p) {
            assert!(
                (f64::from(*got) - expected).abs() < 1e-5,
                "{got} {expected}"
            );
        }
        let squares = values(sum_squares(tensor(&start, [n], &device)))[0];
        let expected = dot(&start, &start);
        assert!((f64::from(squares) - expected).abs() < 1e-4 * expected);
    }
}
