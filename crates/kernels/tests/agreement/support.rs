//! Devices, seeded inputs, and the comparison.

use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::{Device, Tensor, TensorData};
use half::{bf16, f16};
use retort_formats::{GgmlType, blocks};
use retort_kernels::{Packed, PackedSpec};

pub const TYPES: [GgmlType; 9] = [
    GgmlType::F32,
    GgmlType::F16,
    GgmlType::BF16,
    GgmlType::Q4_0,
    GgmlType::Q4_1,
    GgmlType::Q8_0,
    GgmlType::Q4_K,
    GgmlType::Q5_K,
    GgmlType::Q6_K,
];

/// The adapter, if there is one. Says so on the terminal (past libtest's capture) if not.
pub fn gpu(test: &str) -> Option<Device> {
    static DEVICE: OnceLock<Result<Device, String>> = OnceLock::new();
    static SKIPPED: AtomicUsize = AtomicUsize::new(0);
    let device = DEVICE.get_or_init(|| {
        Device::wgpu_options()
            .init()
            .map_err(|error| error.to_string())
    });
    match device {
        Ok(device) => Some(device.clone()),
        Err(error) => {
            let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
            // A failed write to stderr must not fail the test.
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED on GPU ({count}): {test}: {error}"
            );
            None
        }
    }
}

/// Each device with the error it is allowed, relative to the largest value: the CPU rounds
/// activations of quantised products to 16 bits, a GPU does not.
pub fn devices(test: &str, cpu: f64) -> Vec<(Device, f64)> {
    let mut devices = vec![(Device::flex(), cpu)];
    devices.extend(gpu(test).map(|device| (device, 2e-5)));
    devices
}

/// SplitMix64 (Steele et al. 2014).
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in -1 .. 1.
    pub fn float(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    pub fn floats(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.float()).collect()
    }
}

/// A matrix as GGUF blocks and as the floats they stand for.
pub struct Matrix {
    pub spec: PackedSpec,
    pub blocks: Vec<u8>,
    pub floats: Vec<f32>,
}

impl Matrix {
    /// Random bits, so that every field takes every value; scales are random too, some of them
    /// subnormal in f16, some negative.
    pub fn random(ty: GgmlType, rows: usize, cols: usize, rng: &mut Rng) -> Self {
        let spec = PackedSpec { ty, rows, cols };
        let len = spec.bytes().expect("whole blocks");
        let mut blocks: Vec<u8> = (0..len).map(|_| rng.next() as u8).collect();
        for block in blocks.chunks_exact_mut(ty.block_bytes()) {
            match ty {
                GgmlType::F32 => block.copy_from_slice(&rng.float().to_le_bytes()),
                GgmlType::F16 => put_f16(block, 0, rng.float()),
                GgmlType::BF16 => {
                    block.copy_from_slice(&bf16::from_f32(rng.float()).to_le_bytes());
                }
                GgmlType::Q6_K => put_f16(block, 208, scale(rng)),
                GgmlType::Q4_0 | GgmlType::Q8_0 => put_f16(block, 0, scale(rng)),
                GgmlType::Q4_1 | GgmlType::Q4_K | GgmlType::Q5_K => {
                    put_f16(block, 0, scale(rng));
                    put_f16(block, 2, scale(rng));
                }
            }
        }
        let mut floats = vec![0.0; rows * cols];
        blocks::dequantize(ty, &blocks, &mut floats).expect("whole blocks");
        Self {
            spec,
            blocks,
            floats,
        }
    }

    pub fn upload(&self, device: &Device) -> Packed {
        Packed::upload(self.spec, &self.blocks, device).expect("a supported matrix")
    }
}

/// From 2^-3 down to the subnormals of f16, which begin below 2^-14.
fn scale(rng: &mut Rng) -> f32 {
    let exponent = (rng.next() % 18) as i32;
    rng.float() * 0.125 * 0.5f32.powi(exponent)
}

fn put_f16(block: &mut [u8], at: usize, value: f32) {
    block[at..at + 2].copy_from_slice(&f16::from_f32(value).to_le_bytes());
}

pub fn tensor<const D: usize>(values: &[f32], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// Fails if any value is off by more than `tolerance` times the largest expected one.
#[track_caller]
pub fn assert_close(what: &str, got: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}: length");
    let largest = expected
        .iter()
        .fold(0.0f64, |most, value| most.max(value.abs()));
    for (index, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        let error = (f64::from(got) - expected).abs();
        assert!(
            error <= tolerance * largest,
            "{what}: element {index}: expected {expected}, got {got}, largest {largest}"
        );
    }
}
