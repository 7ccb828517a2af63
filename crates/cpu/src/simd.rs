//! The vector vocabulary that every kernel is written in, and one implementation per instruction
//! set.
//!
//! A kernel is one generic function over [`Simd`]. It is compiled once per instruction set inside
//! a function that carries the `#[target_feature]` attributes (see [`crate::isa`]), so everything
//! on the way down must be `#[inline(always)]`: a call that is not inlined would be compiled
//! without those features and pass its vectors through memory.
//!
//! A value of a `Simd` type is the proof that the processor has the features: arithmetic is then
//! safe to call, and only loads and stores (raw pointers) are `unsafe`.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
pub(crate) mod portable;
#[cfg(all(target_family = "wasm", target_feature = "simd128"))]
pub(crate) mod wasm;

/// Vectors of [`LANES`](Self::LANES) 32-bit lanes.
///
/// In the integer matmul a lane is a weight row: each lane of a [`U`](Self::U) holds four stored
/// quants (unsigned bytes) of that row, and an [`X`](Self::X) the four matching activations, the
/// same in every lane.
///
/// # Safety of the pointer methods
/// The pointer must be valid for the elements named in the method's first line; no alignment
/// beyond the element's is needed.
pub(crate) trait Simd: Copy + Send + Sync + 'static {
    /// 32-bit lanes of a vector; divides 16, the rows of a packed tile.
    const LANES: usize;
    /// Groups of four tokens whose accumulators fit in the registers (1 or 2).
    const GROUPS: usize;
    /// Words that hold four activations for [`load_x`](Self::load_x).
    const X_WORDS: usize;
    /// Integer lanes.
    type U: Copy;
    /// Float lanes.
    type F: Copy;
    /// Four activations, as the dot product wants them.
    type X: Copy;
    /// A dot product under way.
    type Dot: Copy;

    /// Reads `LANES` words.
    unsafe fn load(self, p: *const u32) -> Self::U;
    /// Writes `LANES` words.
    unsafe fn store(self, p: *mut u32, v: Self::U);
    /// Reads `LANES` 16-bit values, zero-extended.
    unsafe fn load_u16(self, p: *const u16) -> Self::U;
    fn splat(self, v: u32) -> Self::U;
    fn and(self, a: Self::U, b: Self::U) -> Self::U;
    fn or(self, a: Self::U, b: Self::U) -> Self::U;
    fn add_u(self, a: Self::U, b: Self::U) -> Self::U;
    fn shl(self, a: Self::U, n: u32) -> Self::U;
    /// Shifts in zeros.
    fn shr(self, a: Self::U, n: u32) -> Self::U;
    /// Shifts in the sign.
    fn sar(self, a: Self::U, n: u32) -> Self::U;
    /// Signed integers to floats.
    fn to_f32(self, a: Self::U) -> Self::F;
    /// The nearest integer, ties to even; any value for what does not fit or is NaN.
    fn nearest(self, a: Self::F) -> Self::U;
    /// Writes the low bytes of `LANES` lanes.
    #[inline(always)]
    unsafe fn store_i8(self, p: *mut i8, v: Self::U) {
        let mut words = [0u32; 16];
        // SAFETY: no vector has more than 16 lanes; else as the caller promises.
        unsafe {
            self.store(words.as_mut_ptr(), v);
            for i in 0..Self::LANES {
                p.add(i).write(words[i] as i8);
            }
        }
    }
    fn float_bits(self, a: Self::U) -> Self::F;
    fn bits(self, a: Self::F) -> Self::U;

    /// Reads `LANES` floats.
    unsafe fn load_f(self, p: *const f32) -> Self::F;
    /// Writes `LANES` floats.
    unsafe fn store_f(self, p: *mut f32, v: Self::F);
    fn splat_f(self, v: f32) -> Self::F;
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b + c`, rounded once where the processor has such an instruction.
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// The larger; where either is NaN, `b` or NaN.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// The smaller; where either is NaN, `b` or NaN.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// The sum of the lanes.
    fn sum(self, a: Self::F) -> f32;
    /// The largest lane.
    fn largest(self, a: Self::F) -> f32;

    /// Writes four activations in `X_WORDS` words at `p`.
    unsafe fn store_x(self, p: *mut u32, x: [i8; 4]);
    /// Reads `X_WORDS` words.
    unsafe fn load_x(self, p: *const u32) -> Self::X;
    /// Starts a dot product of up to eight steps at the same value in every lane.
    fn dot_start(self, initial: i32) -> Self::Dot;
    /// Adds the four products of each lane. `step` counts from 0 since the start and is known at
    /// compile time once loops are unrolled; `Q::MAX` bounds the stored quants, which tells how
    /// long narrow accumulators hold.
    fn dot<Q: QuantRange>(self, acc: Self::Dot, w: Self::U, x: Self::X, step: usize) -> Self::Dot;
    /// The sums, as signed integers.
    fn dot_end(self, acc: Self::Dot) -> Self::U;

    /// Reads `LANES` half floats.
    #[inline(always)]
    unsafe fn load_f16(self, p: *const u16) -> Self::F {
        // SAFETY: as the caller promises.
        f16_lanes(self, unsafe { self.load_u16(p) })
    }

    /// Reads `LANES` bfloat16 values.
    #[inline(always)]
    unsafe fn load_bf16(self, p: *const u16) -> Self::F {
        // SAFETY: as the caller promises.
        let bits = unsafe { self.load_u16(p) };
        self.float_bits(self.shl(bits, 16))
    }

    #[inline(always)]
    fn zero(self) -> Self::F {
        self.splat_f(0.0)
    }

    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        self.float_bits(self.and(self.bits(a), self.splat(0x7fff_ffff)))
    }
}

/// What a dot product must know of the stored quants.
// Instruction sets with 32-bit accumulators do not ask.
#[cfg_attr(target_family = "wasm", allow(dead_code))]
pub(crate) trait QuantRange {
    /// The largest stored quant.
    const MAX: u32;

    /// How many products `quant * activation` a 16-bit lane holds in pairs: `n` pairs of at most
    /// `2 * MAX * 127` stay below 32,768.
    const PAIRS_IN_I16: usize = (32_767 / (2 * Self::MAX * 127)) as usize;
}

/// Half floats (zero-extended to 32 bits) to floats, without the instruction for it.
///
/// The exponent and mantissa move to their places in an f32 whose exponent is then 112 too small:
/// multiplying by 2^112 corrects it, subnormals included. Infinities and NaNs (exponent 31) come
/// out as 65,536 and more, so their exponent is filled up separately.
#[inline(always)]
pub(crate) fn f16_lanes<S: Simd>(s: S, h: S::U) -> S::F {
    let sign = s.shl(s.and(h, s.splat(0x8000)), 16);
    let magnitude = s.shl(s.and(h, s.splat(0x7fff)), 13);
    let scale = s.splat_f(f32::from_bits((127 + 112) << 23));
    let finite = s.bits(s.mul(s.float_bits(magnitude), scale));
    // All ones where the half's exponent is 31: only there does adding 1 << 10 reach bit 15.
    let carry = s.and(
        s.add_u(s.and(h, s.splat(0x7fff)), s.splat(0x400)),
        s.splat(0x8000),
    );
    let special = s.and(s.sar(s.shl(carry, 16), 31), s.splat(0x7f80_0000));
    s.float_bits(s.or(s.or(finite, special), sign))
}

/// `e^x` with a relative error below 3e-7; 0 below about -87.3, infinite only for NaN inputs'
/// neighbours: the argument is clamped to the finite range. NaN stays NaN.
///
/// Cody-Waite reduction to `|r| <= ln(2)/2` and the polynomial of the Cephes library's `expf`
/// (Moshier), then a multiplication by 2^n through the exponent bits.
#[inline(always)]
pub(crate) fn exp<S: Simd>(s: S, x: S::F) -> S::F {
    let x = s.max(s.splat_f(-87.336_54), s.min(s.splat_f(88.376_26), x));
    let n = s.nearest(s.mul(x, s.splat_f(std::f32::consts::LOG2_E)));
    let nf = s.to_f32(n);
    let r = s.fma(nf, s.splat_f(-0.693_359_4), x);
    let r = s.fma(nf, s.splat_f(2.121_944_4e-4), r);
    let mut p = s.splat_f(1.987_569_1e-4);
    for c in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ] {
        p = s.fma(p, r, s.splat_f(c));
    }
    let p = s.add(s.fma(s.mul(p, r), r, r), s.splat_f(1.0));
    s.mul(p, s.float_bits(s.shl(s.add_u(n, s.splat(127)), 23)))
}
