//! The search for the scales of the `_K` types.
//!
//! Rounding to the scale that just covers the extremes wastes levels. Each candidate scale fixes
//! the levels by rounding; for fixed levels the best scale (and minimum) is a weighted
//! least-squares fit in closed form; the candidate whose fit errs least wins. llama.cpp searches
//! by the same principle, with weights that likewise favour large values, which move outputs most.

use std::array::from_fn;

/// Fits `x[i] ~ scale q[i] - min` with integers `q` in `0..=top`; returns `(scale, min)`, both
/// at least 0.
///
/// Minimises `sum w (scale q - min - x)^2` with `w = rms(x) + |x|`.
pub fn affine(x: &[f32; 32], top: u8) -> (f32, f32) {
    let low = x.iter().fold(0.0, |low: f32, &x| low.min(x));
    let high = x.iter().fold(f32::NEG_INFINITY, |high, &x| high.max(x));
    let range = high - low;
    let top = f32::from(top);
    if range < f32::MIN_POSITIVE {
        return (0.0, -low);
    }
    if !range.is_finite() {
        // No f16 holds it either: the caller's check of the scale reports it.
        return (f32::INFINITY, -low);
    }
    let rms = (sum(x.map(|x| x * x)) / 32.0).sqrt();
    let weights = x.map(|x| rms + x.abs());
    let sum_w = sum(weights);
    let sum_x = sum(product(&weights, x));

    let mut best = (f32::INFINITY, range / top, -low);
    for step in -10..=10 {
        let inverse = (top + 0.1 * step as f32) / range;
        let levels = x.map(|x| nearest((x - low) * inverse).clamp(0.0, top));
        let weighted = product(&weights, &levels);
        let sum_q = sum(weighted);
        let sum_qq = sum(product(&weighted, &levels));
        let sum_xq = sum(product(&weighted, x));
        let determinant = sum_w * sum_qq - sum_q * sum_q;
        if determinant.is_nan() || determinant <= 0.0 {
            continue;
        }
        let mut scale = (sum_w * sum_xq - sum_x * sum_q) / determinant;
        let mut min = (sum_q * sum_xq - sum_qq * sum_x) / determinant;
        if min < 0.0 {
            // The minimum is stored without a sign: the best line through the origin instead.
            (scale, min) = (sum_xq / sum_qq, 0.0);
        }
        let differences: [f32; 32] = from_fn(|i| scale * levels[i] - min - x[i]);
        let error = sum(product(&weights, &product(&differences, &differences)));
        if scale > 0.0 && error < best.0 {
            best = (error, scale, min);
        }
    }
    (best.1, best.2)
}

/// Fits `x[i] ~ scale q[i]` with integers `q` in `-32..=31`; returns `scale`, of either sign.
///
/// Minimises `sum w (scale q - x)^2` with `w = x^2`: for fixed `q` the optimum is
/// `scale = sum w x q / sum w q^2`, and it lowers the error by `(sum w x q)^2 / sum w q^2`.
pub fn symmetric(x: &[f32; 16]) -> f32 {
    let max = x.iter().fold(
        0.0,
        |max: f32, &x| if x.abs() > max.abs() { x } else { max },
    );
    // Relative to the largest, so that no square or fourth power leaves the range of f32.
    let x = x.map(|x| x / max);
    if !x.iter().all(|x| x.is_finite()) {
        return 0.0;
    }
    let weights = product(&x, &x);
    let mut best = (0.0, 0.0);
    for step in -9..=9 {
        let inverse = -(32.0 + 0.1 * step as f32);
        let levels = x.map(|x| nearest(x * inverse).clamp(-32.0, 31.0));
        let weighted = product(&weights, &levels);
        let sum_xq = sum(product(&weighted, &x));
        let sum_qq = sum(product(&weighted, &levels));
        let gain = sum_xq * sum_xq / sum_qq;
        if gain > best.0 {
            best = (gain, sum_xq / sum_qq);
        }
    }
    best.1 * max
}

fn product<const N: usize>(a: &[f32; N], b: &[f32; N]) -> [f32; N] {
    from_fn(|i| a[i] * b[i])
}

/// The sum, in eight lanes: in order, it could not be vectorised.
fn sum<const N: usize>(x: [f32; N]) -> f32 {
    let mut lanes = [0.0; 8];
    for eight in x.as_chunks::<8>().0 {
        lanes = from_fn(|i| lanes[i] + eight[i]);
    }
    lanes.iter().sum()
}

/// The nearest integer, ties to even, for `|x| < 2^22`: adding 1.5 * 2^23 leaves no bits for a
/// fraction. Vectorises without SSE4.1, where `round_ties_even` is a function call.
fn nearest(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0;
    (x + SHIFT) - SHIFT
}
