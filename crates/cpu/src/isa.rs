//! Which instruction set to run, decided once, and the door into code compiled for it.

use std::cell::Cell;

use crate::simd::{Simd, portable::Portable};

/// An instruction set that the kernels are compiled for.
///
/// Weights are packed alike for all of them; [`crate::Activations`] are not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Isa {
    /// Plain Rust.
    Portable,
    /// AVX2, FMA and F16C.
    Avx2,
    /// AVX-512 F, BW, DQ, VL and VNNI.
    Avx512,
    /// aarch64's baseline vectors.
    Neon,
    /// WebAssembly simd128, and relaxed SIMD if compiled with it.
    Simd128,
}

thread_local! {
    static FORCED: Cell<Option<Isa>> = const { Cell::new(None) };
}

impl Isa {
    /// The fastest that this processor runs.
    #[cfg(target_arch = "x86_64")]
    pub fn detect() -> Self {
        // The macro keeps the answers of `cpuid`; each call is a load and a test.
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni")
            && has_avx2()
        {
            Self::Avx512
        } else if has_avx2() {
            Self::Avx2
        } else {
            Self::Portable
        }
    }

    /// The fastest that this processor runs.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn detect() -> Self {
        if cfg!(target_arch = "aarch64") {
            Self::Neon
        } else if cfg!(all(target_family = "wasm", target_feature = "simd128")) {
            Self::Simd128
        } else {
            Self::Portable
        }
    }

    /// Every one that this processor runs, slowest first.
    pub fn available() -> Vec<Self> {
        match Self::detect() {
            Self::Portable => vec![Self::Portable],
            Self::Avx2 => vec![Self::Portable, Self::Avx2],
            Self::Avx512 => vec![Self::Portable, Self::Avx2, Self::Avx512],
            Self::Neon => vec![Self::Portable, Self::Neon],
            // Built for relaxed SIMD, the comparisons of portable code become relaxed ones too
            // (LLVM 22), which may lose a NaN; nothing runs it there.
            Self::Simd128 if cfg!(target_feature = "relaxed-simd") => vec![Self::Simd128],
            Self::Simd128 => vec![Self::Portable, Self::Simd128],
        }
    }

    /// The one that a kernel called now, on this thread, runs.
    pub fn current() -> Self {
        FORCED.get().unwrap_or_else(Self::detect)
    }

    /// Runs `f` with every kernel that this thread starts inside it on `self`, for tests and
    /// benchmarks; ignored where the processor lacks it.
    #[doc(hidden)]
    pub fn force<R>(self, f: impl FnOnce() -> R) -> R {
        let forced = Self::available().contains(&self).then_some(self);
        let before = FORCED.replace(forced);
        let result = f();
        FORCED.set(before);
        result
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c")
}

/// A kernel with its arguments. `run` must be `#[inline(always)]`, with all it calls.
pub(crate) trait Kernel {
    type Output;
    fn run<S: Simd>(self, s: S) -> Self::Output;
}

/// Runs a kernel compiled for `isa`.
pub(crate) fn dispatch<K: Kernel>(isa: Isa, kernel: K) -> K::Output {
    match isa {
        // SAFETY: these values come only from `detect`, `available` and `force`, which checked.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { avx512(kernel) },
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { avx2(kernel) },
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => kernel.run(crate::simd::neon::Neon),
        #[cfg(all(target_family = "wasm", target_feature = "simd128"))]
        Isa::Simd128 => kernel.run(crate::simd::wasm::Simd128),
        _ => kernel.run(Portable),
    }
}

/// # Safety
/// The processor has the features.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")]
unsafe fn avx512<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: as above.
    kernel.run(unsafe { crate::simd::avx512::Avx512::new() })
}

/// # Safety
/// The processor has the features.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn avx2<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: as above.
    kernel.run(unsafe { crate::simd::avx2::Avx2::new() })
}

/// Lanes of `isa`'s vectors.
pub(crate) fn lanes(isa: Isa) -> usize {
    match isa {
        Isa::Avx512 => 16,
        Isa::Avx2 => 8,
        Isa::Portable | Isa::Neon | Isa::Simd128 => 4,
    }
}
