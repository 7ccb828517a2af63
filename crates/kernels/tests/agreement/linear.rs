//! Projections: every type, number of rows, and thing absorbed.

use burn::module::{Param, ParamId};
use burn::tensor::Device;
use retort_formats::GgmlType;
use retort_kernels::{Fusion, Linear, Shard, Weight};

use crate::support::{Matrix, Rng, TYPES, assert_close, devices, gpu, tensor, values};

const EPS: f32 = 1e-5;
/// What 8-bit activations cost on the CPU.
const CPU: f64 = 0.03;

/// A projection with everything it can absorb.
#[derive(Clone, Default)]
struct Case {
    m: usize,
    cols: usize,
    norm: bool,
    bias: bool,
    swiglu: bool,
    residual: bool,
}

struct Inputs {
    shards: Vec<Matrix>,
    x: Vec<f32>,
    gamma: Vec<f32>,
    bias: Vec<f32>,
    residual: Vec<f32>,
}

impl Case {
    fn inputs(&self, shards: &[(GgmlType, usize)], rng: &mut Rng) -> Inputs {
        let rows = shards.iter().map(|(_, rows)| rows).sum();
        Inputs {
            x: rng.floats(self.m * self.cols),
            gamma: rng.floats(self.cols),
            bias: rng.floats(rows),
            residual: rng.floats(self.m * self.width(rows)),
            shards: shards
                .iter()
                .map(|&(ty, rows)| Matrix::random(ty, rows, self.cols, rng))
                .collect(),
        }
    }

    fn width(&self, rows: usize) -> usize {
        if self.swiglu { rows / 2 } else { rows }
    }

    fn run(&self, inputs: &Inputs, device: &Device) -> Vec<f32> {
        let rows = inputs.bias.len();
        let shards = inputs.shards.iter().map(|matrix| Shard {
            weight: Weight::Packed(matrix.upload(device)),
            lora: None,
        });
        let bias = tensor(&inputs.bias, [rows], device);
        let linear = Linear {
            shards: shards.collect(),
            bias: self.bias.then(|| Param::initialized(ParamId::new(), bias)),
        };
        let fusion = Fusion {
            norm: self
                .norm
                .then(|| (tensor(&inputs.gamma, [self.cols], device), EPS)),
            swiglu: self.swiglu,
            residual: self
                .residual
                .then(|| tensor(&inputs.residual, [self.m, self.width(rows)], device)),
        };
        values(linear.forward(tensor(&inputs.x, [self.m, self.cols], device), fusion))
    }

    /// The formula, in f64.
    fn reference(&self, inputs: &Inputs) -> Vec<f64> {
        let rows = inputs.bias.len();
        let mut result = Vec::new();
        for (token, x) in inputs.x.chunks_exact(self.cols).enumerate() {
            let mut y = self.products(inputs, x);
            if self.swiglu {
                let (gate, up) = y.split_at(rows / 2);
                y = gate
                    .iter()
                    .zip(up)
                    .map(|(z, up)| z / (1.0 + (-z).exp()) * up)
                    .collect();
            }
            if self.residual {
                let residual = &inputs.residual[token * y.len()..];
                y.iter_mut()
                    .zip(residual)
                    .for_each(|(y, &r)| *y += f64::from(r));
            }
            result.append(&mut y);
        }
        result
    }

    fn products(&self, inputs: &Inputs, x: &[f32]) -> Vec<f64> {
        let mut x: Vec<f64> = x.iter().copied().map(f64::from).collect();
        if self.norm {
            let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
            let inverse = (mean + f64::from(EPS)).sqrt().recip();
            x.iter_mut()
                .zip(&inputs.gamma)
                .for_each(|(x, &g)| *x *= inverse * f64::from(g));
        }
        let rows = inputs
            .shards
            .iter()
            .flat_map(|shard| shard.floats.chunks_exact(self.cols));
        let mut y: Vec<f64> = rows
            .map(|row| row.iter().zip(&x).map(|(&w, x)| f64::from(w) * x).sum())
            .collect();
        if self.bias {
            y.iter_mut()
                .zip(&inputs.bias)
                .for_each(|(y, &b)| *y += f64::from(b));
        }
        y
    }

    #[track_caller]
    fn check(&self, what: &str, shards: &[(GgmlType, usize)], seed: u64) {
        let inputs = self.inputs(shards, &mut Rng(seed));
        let expected = self.reference(&inputs);
        for (device, tolerance) in devices(what, CPU) {
            let what = format!("{what}, m {}, on {device:?}", self.m);
            assert_close(&what, &self.run(&inputs, &device), &expected, tolerance);
        }
    }
}

#[test]
fn every_type_multiplies_any_number_of_rows() {
    for ty in TYPES {
        for m in [1, 2, 5, 33] {
            let case = Case {
                m,
                cols: 512,
                ..Case::default()
            };
            case.check(&format!("{ty:?}"), &[(ty, 37)], m as u64);
        }
    }
}

#[test]
fn the_norm_is_absorbed() {
    for m in [1, 5, 33] {
        let case = Case {
            m,
            cols: 768,
            norm: true,
            bias: true,
            ..Case::default()
        };
        case.check("norm, bias", &[(GgmlType::Q4_K, 70)], 7);
    }
}

#[test]
fn swiglu_is_absorbed() {
    for (ty, rows) in [
        (GgmlType::Q6_K, 40),
        (GgmlType::Q4_0, 144),
        (GgmlType::Q4_0, 26),
    ] {
        for m in [1, 3, 70] {
            let case = Case {
                m,
                cols: 256,
                norm: true,
                swiglu: true,
                ..Case::default()
            };
            case.check(&format!("swiglu of {rows}"), &[(ty, rows)], 11);
            let case = Case {
                bias: true,
                residual: true,
                ..case
            };
            case.check(
                &format!("swiglu of {rows}, bias, residual"),
                &[(ty, rows)],
                12,
            );
        }
    }
}

#[test]
fn shards_of_different_types_write_side_by_side() {
    let shards = [
        (GgmlType::Q4_K, 67),
        (GgmlType::Q8_0, 5),
        (GgmlType::Q6_K, 130),
    ];
    for m in [1, 5, 33] {
        let case = Case {
            m,
            cols: 256,
            bias: true,
            residual: true,
            ..Case::default()
        };
        case.check("shards", &shards, 13);
    }
}

#[test]
fn columns_need_not_fill_a_step() {
    for (ty, cols) in [
        (GgmlType::F32, 20),
        (GgmlType::F16, 52),
        (GgmlType::Q4_0, 96),
    ] {
        for m in [1, 9] {
            let case = Case {
                m,
                cols,
                norm: true,
                ..Case::default()
            };
            case.check(&format!("{cols} columns"), &[(ty, 6)], 17);
        }
    }
}

#[test]
fn many_rows_of_weights_take_two_dimensions_of_cubes() {
    let Some(device) = gpu("many rows") else {
        return;
    };
    // 16 rows a cube in one dimension would stop at 1,048,560.
    let case = Case {
        m: 1,
        cols: 32,
        ..Case::default()
    };
    let inputs = case.inputs(&[(GgmlType::Q4_0, 1_100_003)], &mut Rng(19));
    let got = case.run(&inputs, &device);
    assert_close("many rows", &got, &case.reference(&inputs), 2e-5);
}

#[test]
fn dequantized_weights_are_exact() {
    for ty in TYPES {
        let matrix = Matrix::random(ty, 11, 768, &mut Rng(23));
        for (device, _) in devices("dequantize", 0.0) {
            let got = values(matrix.upload(&device).dequantize());
            assert_eq!(got, matrix.floats, "{ty:?} on {device:?}");
        }
    }
}
