//! The attention kernel: a few query rows against the positions of one key and value head.
//!
//! Positions come in rounds of one a unit. A round has four steps, a barrier between them:
//! 1. each unit computes the scores of its position against all rows, reading the key once;
//! 2. sixteen units a row find the maximum of 128 scores, one a row updates the running maximum
//!    (Milakov & Gimelshein 2018) and the factor by which older sums shrink;
//! 3. each unit replaces its scores by their weights, `exp(score - maximum)`;
//! 4. units turn to the columns: a unit owns four columns of the result and every `subsets`th
//!    position, neighbours read neighbouring vectors of the same value.
//!
//! The subsets meet in shared memory after the last round. Scores exist only for 128 positions.

use cubecl::prelude::*;

use super::F32x4;

/// Units of a cube, and positions of a round.
pub(super) const UNITS: usize = 128;
/// Units that look for the maximum of a row.
const SCOUTS: usize = 16;
/// Less than any score, so that its weight is zero, but finite.
const LOWEST: f32 = -1e30;

/// What is compiled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct AttendPlan {
    /// Tokens and query heads of a cube; together at most eight rows.
    pub tokens: usize,
    pub heads: usize,
    /// Vectors of four columns of a head, at most [`UNITS`].
    pub quads: usize,
    /// Writes sums to be merged, not the result.
    pub split: bool,
}

impl AttendPlan {
    const fn rows(&self) -> usize {
        self.tokens * self.heads
    }

    /// Groups of units that share the positions of a round in the last step.
    const fn subsets(&self) -> usize {
        UNITS / self.quads
    }
}

#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub(super) struct Queries {
    pub m: usize,
    /// Query heads, and how many of them share a key and value head.
    pub heads: usize,
    pub group: usize,
    /// Positions that a cache has room for.
    pub capacity: usize,
    pub past: usize,
    /// Positions of a part.
    pub part: usize,
    pub scale: f32,
}

/// `q` [m, heads, quads], `k` and `v` [kv heads, capacity, quads] -> `out` as `q`, or with `split`
/// [parts, heads, quads + 1].
#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments)]
pub(super) fn attend<F: Float>(
    q: &[F32x4],
    k: &[Vector<F, Const<4>>],
    v: &[Vector<F, Const<4>>],
    out: &mut [F32x4],
    queries: Queries,
    #[comptime] plan: AttendPlan,
) {
    let unit = UNIT_POS as usize;
    let rows = comptime!(plan.rows());
    let quads = plan.quads;
    let subsets = comptime!(plan.subsets());
    let first_head = CUBE_POS_X as usize * plan.heads;
    let first_token = CUBE_POS_Y as usize * plan.tokens;
    let cache = first_head / queries.group * queries.capacity;

    let mut rows_q = Shared::<[F32x4]>::new_slice(comptime!(plan.rows() * plan.quads));
    for index in range_stepped(unit, rows * quads, UNITS) {
        let row = index / quads;
        let from = query(&queries, first_token, first_head, row, plan) * quads + index % quads;
        rows_q[index] = q[from] * F32x4::new(queries.scale);
    }
    let mut weights = Shared::<[f32]>::new_slice(comptime!(plan.rows() * UNITS));
    let mut scouted = Shared::<[f32]>::new_slice(comptime!(plan.rows() * SCOUTS));
    let mut maxima = Shared::<[f32]>::new_slice(rows);
    let mut factors = Shared::<[f32]>::new_slice(rows);
    if unit < rows {
        maxima[unit] = LOWEST;
    }
    sync_cube();

    let mut sums = Array::<F32x4>::new(rows);
    let mut totals = Array::<f32>::new(rows);
    let (column, subset) = (unit % quads, unit / quads);
    let start = CUBE_POS_Z as usize * queries.part;
    let last_token = (first_token + plan.tokens).min(queries.m);
    let end = (start + queries.part).min(queries.past + last_token);
    for base in range_stepped(start, end, UNITS) {
        let position = base + unit;
        let scores = score(k, &rows_q, (cache + position.min(end - 1)) * quads, plan);
        #[unroll]
        for r in 0..rows {
            let limit = (queries.past + first_token + r / plan.heads + 1).min(end);
            weights[r * UNITS + unit] = select(position < limit, scores[r], LOWEST);
        }
        sync_cube();
        raise_maxima(&weights, &mut scouted, &mut maxima, &mut factors, plan);
        #[unroll]
        for r in 0..rows {
            let at = r * UNITS + unit;
            weights[at] = (weights[at] - maxima[r]).exp();
        }
        sync_cube();
        #[unroll]
        for r in 0..rows {
            sums[r] *= F32x4::new(factors[r]);
            totals[r] *= factors[r];
        }
        // With a width that does not divide the units some are left over.
        if subset < subsets {
            for i in range_stepped(subset, (end - base).min(UNITS), subsets) {
                let value = F32x4::cast_from(v[(cache + base + i) * quads + column]);
                #[unroll]
                for r in 0..rows {
                    let weight = weights[r * UNITS + i];
                    sums[r] += value * F32x4::new(weight);
                    totals[r] += weight;
                }
            }
        }
        sync_cube();
    }
    finish(
        out,
        &sums,
        &totals,
        &maxima,
        &queries,
        first_token,
        first_head,
        plan,
    );
}

/// Index of the query of a row; of the last token for rows past the end.
#[cube]
fn query(
    queries: &Queries,
    first_token: usize,
    first_head: usize,
    row: usize,
    #[comptime] plan: AttendPlan,
) -> usize {
    let token = (first_token + row / plan.heads).min(queries.m - 1);
    token * queries.heads + first_head + row % plan.heads
}

/// Scores of the key at `at` against all rows.
#[cube]
fn score<F: Float>(
    k: &[Vector<F, Const<4>>],
    rows_q: &[F32x4],
    at: usize,
    #[comptime] plan: AttendPlan,
) -> Sequence<f32> {
    let mut dots = Array::<F32x4>::new(comptime!(plan.rows()));
    for c in 0..plan.quads {
        let key = F32x4::cast_from(k[at + c]);
        #[unroll]
        for r in 0..plan.rows() {
            dots[r] += key * rows_q[r * plan.quads + c];
        }
    }
    let mut scores = Sequence::<f32>::new();
    #[unroll]
    for r in 0..plan.rows() {
        scores.push(dots[r].vector_sum());
    }
    scores
}

/// Takes the scores of a round into the running maxima; `factors` is what older sums shrink by.
#[cube]
fn raise_maxima(
    scores: &[f32],
    scouted: &mut [f32],
    maxima: &mut [f32],
    factors: &mut [f32],
    #[comptime] plan: AttendPlan,
) {
    let unit = UNIT_POS as usize;
    if unit < comptime!(plan.rows() * SCOUTS) {
        let first = unit / SCOUTS * UNITS + unit % SCOUTS;
        let mut highest = scores[first];
        #[unroll]
        for i in 1..comptime!(UNITS / SCOUTS) {
            highest = highest.max(scores[first + i * SCOUTS]);
        }
        scouted[unit] = highest;
    }
    sync_cube();
    if unit < comptime!(plan.rows()) {
        let before = maxima[unit];
        let mut highest = before;
        #[unroll]
        for i in 0..SCOUTS {
            highest = highest.max(scouted[unit * SCOUTS + i]);
        }
        maxima[unit] = highest;
        factors[unit] = (before - highest).exp();
    }
    sync_cube();
}

/// Adds up the subsets of each row and writes it.
#[cube]
#[allow(clippy::too_many_arguments)]
fn finish(
    out: &mut [F32x4],
    sums: &Array<F32x4>,
    totals: &Array<f32>,
    maxima: &[f32],
    queries: &Queries,
    first_token: usize,
    first_head: usize,
    #[comptime] plan: AttendPlan,
) {
    let unit = UNIT_POS as usize;
    let quads = plan.quads;
    let mut parts = Shared::<[F32x4]>::new_slice(UNITS);
    let mut part_totals = Shared::<[f32]>::new_slice(UNITS);
    #[unroll]
    for r in 0..plan.rows() {
        parts[unit] = sums[r];
        part_totals[unit] = totals[r];
        sync_cube();
        if unit < quads && first_token + r / plan.heads < queries.m {
            let mut sum = parts[unit];
            let mut total = part_totals[unit];
            for i in 1..comptime!(plan.subsets()) {
                sum += parts[i * quads + unit];
                total += part_totals[i * quads + unit];
            }
            if comptime!(plan.split) {
                let head = first_head + r;
                let at = (CUBE_POS_Z as usize * queries.heads + head) * (quads + 1);
                out[at + unit] = sum;
                if unit == 0 {
                    let mut last = F32x4::new(total);
                    last.insert(0usize, maxima[r]);
                    out[at + quads] = last;
                }
            } else {
                let to = query(queries, first_token, first_head, r, plan);
                out[to * quads + unit] = sum / F32x4::new(total);
            }
        }
        sync_cube();
    }
}

/// Merges the parts of a split: `partial` [parts, heads, quads + 1] -> `out` [heads, quads]. One
/// cube a head, one unit a vector.
#[cube(launch_unchecked)]
pub(super) fn merge(partial: &[F32x4], out: &mut [F32x4], parts: usize, quads: usize) {
    let (head, heads) = (CUBE_POS_X as usize, CUBE_COUNT_X as usize);
    let unit = UNIT_POS as usize;
    let mut maximum = LOWEST.runtime();
    for part in 0..parts {
        let last = partial[(part * heads + head) * (quads + 1) + quads];
        maximum = maximum.max(last.extract(0usize));
    }
    let mut sum = F32x4::new(0.0);
    let mut total = 0.0f32;
    for part in 0..parts {
        let at = (part * heads + head) * (quads + 1);
        let last = partial[at + quads];
        let factor = (last.extract(0usize) - maximum).exp();
        sum += partial[at + unit] * F32x4::new(factor);
        total += last.extract(1usize) * factor;
    }
    out[head * quads + unit] = sum / F32x4::new(total);
}
