//! Four lanes in plain Rust: runs everywhere, and is the reference that the others are held to.
//! Compilers turn most of it into the target's baseline vectors.

use super::{QuantRange, Simd};

#[derive(Clone, Copy)]
pub(crate) struct Portable;

const LANES: usize = 4;

#[inline(always)]
fn map<A: Copy, B>(a: [A; LANES], f: impl Fn(A) -> B) -> [B; LANES] {
    a.map(f)
}

#[inline(always)]
fn zip<A: Copy, B>(a: [A; LANES], b: [A; LANES], f: impl Fn(A, A) -> B) -> [B; LANES] {
    std::array::from_fn(|i| f(a[i], b[i]))
}

impl Simd for Portable {
    const LANES: usize = LANES;
    const GROUPS: usize = 1;
    const X_WORDS: usize = 1;
    type U = [u32; LANES];
    type F = [f32; LANES];
    type X = [i8; 4];
    type Dot = [i32; LANES];

    #[inline(always)]
    unsafe fn load(self, p: *const u32) -> Self::U {
        // SAFETY: as the caller promises.
        unsafe { p.cast::<Self::U>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut u32, v: Self::U) {
        // SAFETY: as the caller promises.
        unsafe { p.cast::<Self::U>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn load_u16(self, p: *const u16) -> Self::U {
        // SAFETY: as the caller promises.
        map(
            unsafe { p.cast::<[u16; LANES]>().read_unaligned() },
            u32::from,
        )
    }
    #[inline(always)]
    fn splat(self, v: u32) -> Self::U {
        [v; LANES]
    }
    #[inline(always)]
    fn and(self, a: Self::U, b: Self::U) -> Self::U {
        zip(a, b, |a, b| a & b)
    }
    #[inline(always)]
    fn or(self, a: Self::U, b: Self::U) -> Self::U {
        zip(a, b, |a, b| a | b)
    }
    #[inline(always)]
    fn add_u(self, a: Self::U, b: Self::U) -> Self::U {
        zip(a, b, u32::wrapping_add)
    }
    #[inline(always)]
    fn shl(self, a: Self::U, n: u32) -> Self::U {
        map(a, |a| a << n)
    }
    #[inline(always)]
    fn shr(self, a: Self::U, n: u32) -> Self::U {
        map(a, |a| a >> n)
    }
    #[inline(always)]
    fn sar(self, a: Self::U, n: u32) -> Self::U {
        map(a, |a| (a as i32 >> n) as u32)
    }
    #[inline(always)]
    fn to_f32(self, a: Self::U) -> Self::F {
        map(a, |a| a as i32 as f32)
    }
    #[inline(always)]
    fn nearest(self, a: Self::F) -> Self::U {
        map(a, |a| a.round_ties_even() as i32 as u32)
    }
    #[inline(always)]
    fn float_bits(self, a: Self::U) -> Self::F {
        map(a, f32::from_bits)
    }
    #[inline(always)]
    fn bits(self, a: Self::F) -> Self::U {
        map(a, f32::to_bits)
    }

    #[inline(always)]
    unsafe fn load_f(self, p: *const f32) -> Self::F {
        // SAFETY: as the caller promises.
        unsafe { p.cast::<Self::F>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store_f(self, p: *mut f32, v: Self::F) {
        // SAFETY: as the caller promises.
        unsafe { p.cast::<Self::F>().write_unaligned(v) }
    }
    #[inline(always)]
    fn splat_f(self, v: f32) -> Self::F {
        [v; LANES]
    }
    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, |a, b| a / b)
    }
    #[inline(always)]
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // Not `mul_add`: without the instruction that is a library call per lane.
        self.add(self.mul(a, b), c)
    }
    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        (a[0] + a[1]) + (a[2] + a[3])
    }
    #[inline(always)]
    fn largest(self, a: Self::F) -> f32 {
        a.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }

    #[inline(always)]
    unsafe fn store_x(self, p: *mut u32, x: [i8; 4]) {
        // SAFETY: as the caller promises.
        unsafe { p.write(u32::from_le_bytes(x.map(|x| x as u8))) }
    }
    #[inline(always)]
    unsafe fn load_x(self, p: *const u32) -> Self::X {
        // SAFETY: as the caller promises.
        unsafe { *p }.to_le_bytes().map(|x| x as i8)
    }
    #[inline(always)]
    fn dot_start(self, initial: i32) -> Self::Dot {
        [initial; LANES]
    }
    #[inline(always)]
    fn dot<Q: QuantRange>(self, acc: Self::Dot, w: Self::U, x: Self::X, _step: usize) -> Self::Dot {
        std::array::from_fn(|lane| {
            let w = w[lane].to_le_bytes();
            (0..4).fold(acc[lane], |acc, i| acc + i32::from(w[i]) * i32::from(x[i]))
        })
    }
    #[inline(always)]
    fn dot_end(self, acc: Self::Dot) -> Self::U {
        map(acc, |acc| acc as u32)
    }
}
