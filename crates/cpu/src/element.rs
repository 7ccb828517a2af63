//! The float types that weights and caches are kept in.

use half::{bf16, f16};

use crate::simd::Simd;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for half::f16 {}
    impl Sealed for half::bf16 {}
}

/// f32, f16 or bf16: kept as it is in memory, computed with in f32.
pub trait Element: Copy + Send + Sync + sealed::Sealed + Vectors + 'static {
    /// The value.
    fn to_f32(self) -> f32;

    /// The slice itself if it is f32 already.
    #[doc(hidden)]
    fn as_f32(_: &[Self]) -> Option<&[f32]> {
        None
    }
}

/// Vector loads, out of the public trait because [`Simd`] is not public.
#[doc(hidden)]
#[allow(private_bounds, private_interfaces)]
pub trait Vectors: Sized {
    /// # Safety
    /// `p` is valid for `S::LANES` elements.
    unsafe fn load<S: Simd>(s: S, p: *const Self) -> S::F;
}

#[allow(private_bounds, private_interfaces)]
impl Vectors for f32 {
    #[inline(always)]
    unsafe fn load<S: Simd>(s: S, p: *const Self) -> S::F {
        // SAFETY: as the caller promises.
        unsafe { s.load_f(p) }
    }
}

#[allow(private_bounds, private_interfaces)]
impl Vectors for f16 {
    #[inline(always)]
    unsafe fn load<S: Simd>(s: S, p: *const Self) -> S::F {
        // SAFETY: as the caller promises; f16 is a transparent u16.
        unsafe { s.load_f16(p.cast()) }
    }
}

#[allow(private_bounds, private_interfaces)]
impl Vectors for bf16 {
    #[inline(always)]
    unsafe fn load<S: Simd>(s: S, p: *const Self) -> S::F {
        // SAFETY: as the caller promises; bf16 is a transparent u16.
        unsafe { s.load_bf16(p.cast()) }
    }
}

impl Element for f32 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }

    #[inline(always)]
    fn as_f32(values: &[Self]) -> Option<&[f32]> {
        Some(values)
    }
}

impl Element for f16 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        f16::to_f32(self)
    }
}

impl Element for bf16 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        bf16::to_f32(self)
    }
}

/// Converts `from` to the front of `to`, which is at least as long.
#[inline(always)]
pub(crate) fn to_f32<S: Simd, T: Element>(s: S, from: &[T], to: &mut [f32]) {
    let len = from.len().min(to.len());
    let whole = len / S::LANES * S::LANES;
    for i in (0..whole).step_by(S::LANES) {
        // SAFETY: whole vectors below both lengths.
        unsafe { s.store_f(to.as_mut_ptr().add(i), T::load(s, from.as_ptr().add(i))) };
    }
    for i in whole..len {
        to[i] = from[i].to_f32();
    }
}
