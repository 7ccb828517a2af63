//! Whether a student fits the device, judged before it is downloaded and before it is loaded.

use retort_protocol::{DeviceInfo, DeviceKind, Failure, FailureKind};
use retort_store::text::bytes;

/// What a student needs, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// All weights.
    pub weights: u64,
    /// The whole KV cache at the wanted context.
    pub kv_cache: u64,
    /// The largest buffer that cannot be split: keys (or values) of one layer, or one row.
    pub largest_buffer: u64,
}

/// wasm32 addresses four gigabytes; the program, activations and tokenizer take their part.
const WASM_LIMIT: u64 = (4 << 30) - (384 << 20);

/// Compares a need with what the device says of itself. WebGPU does not say how much memory
/// there is, so on the GPU only buffer sizes can be refused beforehand.
///
/// # Errors
/// A [`Failure`] of kind `TooLarge` with the two numbers.
pub fn check(need: &Need, device: &DeviceInfo) -> Result<(), Failure> {
    let smaller = "Use a smaller student, one with fewer bits, or a shorter context.";
    let too_large = |message, hint| Err(crate::failure::new(FailureKind::TooLarge, message, hint));
    if device.kind == DeviceKind::Cpu {
        let total = need.weights.saturating_add(need.kv_cache);
        if total > WASM_LIMIT {
            let message = format!(
                "{} of weights and {} of KV cache are needed; a page on the CPU can have {}.",
                bytes(need.weights),
                bytes(need.kv_cache),
                bytes(WASM_LIMIT),
            );
            return too_large(message, smaller);
        }
        return Ok(());
    }
    let limit = match (device.max_binding, device.max_buffer) {
        (Some(binding), Some(buffer)) => binding.min(buffer),
        (one, other) => one.or(other).unwrap_or(u64::MAX),
    };
    if need.largest_buffer > limit {
        let message = format!(
            "A buffer of {} is needed; the adapter ({}) binds {} at most.",
            bytes(need.largest_buffer),
            device.adapter,
            bytes(limit),
        );
        return too_large(message, smaller);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(kind: DeviceKind) -> DeviceInfo {
        let gpu = kind == DeviceKind::WebGpu;
        DeviceInfo {
            kind,
            adapter: "an adapter".into(),
            max_binding: gpu.then_some(128 << 20),
            max_buffer: gpu.then_some(256 << 20),
            f16: false,
            software: false,
            fallback: None,
        }
    }

    #[test]
    fn the_cpu_is_limited_by_its_address_space() {
        let cpu = device(DeviceKind::Cpu);
        let mut need = Need {
            weights: 3 << 30,
            kv_cache: 512 << 20,
            largest_buffer: 1 << 31,
        };
        assert_eq!(check(&need, &cpu), Ok(()));
        need.kv_cache = 700 << 20;
        let failure = check(&need, &cpu).unwrap_err();
        assert_eq!(failure.kind, FailureKind::TooLarge);
        assert!(failure.message.contains("3.2 GB"), "{}", failure.message);
        need.weights = u64::MAX;
        assert!(check(&need, &cpu).is_err());
    }

    #[test]
    fn the_gpu_is_limited_by_its_binding_size() {
        let gpu = device(DeviceKind::WebGpu);
        let mut need = Need {
            weights: 40 << 30,
            kv_cache: 8 << 30,
            largest_buffer: 128 << 20,
        };
        assert_eq!(check(&need, &gpu), Ok(()));
        need.largest_buffer += 1;
        let failure = check(&need, &gpu).unwrap_err();
        assert!(failure.message.contains("134 MB"), "{}", failure.message);
    }
}
