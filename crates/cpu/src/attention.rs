//! Causal grouped-query attention (Ainslie et al. 2023) over a KV cache:
//! `out = softmax(scale q kᵀ, over positions up to the query's own) v`, query head h reading key
//! and value head `h / (heads / kv_heads)`.
//!
//! Keys are taken in chunks of [`CHUNK`] with a running softmax (Milakov & Gimelshein 2018; Dao et
//! al. 2022): largest score and sum of exponentials of each query row are kept, and what was
//! summed before is scaled down when a larger score comes. A unit of work is one key head with a
//! block of queries; all query heads of the group share its chunk of keys, transposed in L1.

use crate::element::{Element, to_f32};
use crate::error::{CpuError, check_len, product};
use crate::gemm::{Rows, gemm};
use crate::isa::{self, Isa, Kernel, dispatch};
use crate::par::{self, Shared};
use crate::simd::{self, Simd};

/// Keys of a chunk.
const CHUNK: usize = 64;
/// Query rows (tokens x heads of a group) of a unit, about.
const UNIT_ROWS: usize = 96;
/// Query rows for which transposing the keys does not pay.
const FEW: usize = 16;

/// The cache of a layer, filled up to the queries' own positions.
#[derive(Clone, Copy, Debug)]
pub struct KvCache<'a, T> {
    /// [kv_heads, capacity, head_dim]
    pub k: &'a [T],
    /// [kv_heads, capacity, head_dim]
    pub v: &'a [T],
    pub kv_heads: usize,
    pub capacity: usize,
    pub head_dim: usize,
}

/// The queries of a layer.
#[derive(Clone, Copy, Debug)]
pub struct Queries<'a> {
    /// [m, heads * head_dim], at positions `past ..`
    pub q: &'a [f32],
    pub heads: usize,
    /// Positions in the cache before the first query.
    pub past: usize,
    /// Factor of the scores, 1 / sqrt(head_dim).
    pub scale: f32,
}

/// Attention, prefill and decode alike.
///
/// # Shapes
/// `queries.q` and `out` [m, heads * head_dim]; the cache holds `past + m` positions.
///
/// # Errors
/// Shapes that do not fit: see [`CpuError`].
pub fn attention<T: Element>(
    queries: Queries,
    cache: KvCache<T>,
    out: &mut [f32],
) -> Result<(), CpuError> {
    let m = check(queries, cache, out)?;
    if m == 0 {
        return Ok(());
    }
    let group = queries.heads / cache.kv_heads;
    let block = (UNIT_ROWS / group).max(1).min(m);
    let blocks = m.div_ceil(block);
    let isa = isa_for(cache.head_dim);
    let shared = Shared(out.as_mut_ptr());
    let cost = 2 * (queries.past + m) * cache.head_dim * block * group;
    par::ranges(cache.kv_heads * blocks, cost, |units| {
        for unit in units {
            // Blocks with the longest past first: they take longest.
            let first = (blocks - 1 - unit / cache.kv_heads) * block;
            dispatch(
                isa,
                Unit {
                    queries,
                    cache,
                    group,
                    kv_head: unit % cache.kv_heads,
                    first,
                    tokens: block.min(m - first),
                    out: shared,
                },
            );
        }
    });
    Ok(())
}

/// The number of query tokens.
fn check<T>(queries: Queries, cache: KvCache<T>, out: &[f32]) -> Result<usize, CpuError> {
    let KvCache {
        kv_heads,
        capacity,
        head_dim,
        ..
    } = cache;
    let positions = product("cache positions", kv_heads, capacity)?;
    let cells = product("cache", positions, head_dim)?;
    check_len("key cache", cells, cache.k.len())?;
    check_len("value cache", cells, cache.v.len())?;
    let width = product("heads", queries.heads, head_dim)?;
    check_len("output of attention", queries.q.len(), out.len())?;
    if queries.q.is_empty() {
        return Ok(0);
    }
    if kv_heads == 0 || !queries.heads.is_multiple_of(kv_heads) {
        return Err(CpuError::Multiple {
            what: "query heads",
            got: queries.heads,
            multiple: kv_heads,
        });
    }
    if width == 0 || !queries.q.len().is_multiple_of(width) {
        return Err(CpuError::Multiple {
            what: "query elements",
            got: queries.q.len(),
            multiple: width,
        });
    }
    let m = queries.q.len() / width;
    if queries.past.checked_add(m).is_none_or(|end| end > capacity) {
        return Err(CpuError::Range {
            what: "last position of attention",
            got: queries.past.saturating_add(m) - 1,
            end: capacity,
        });
    }
    Ok(m)
}

/// The widest vectors that divide a head; the heads of real models are multiples of 32.
fn isa_for(head_dim: usize) -> Isa {
    let fits = |isa: &Isa| head_dim.is_multiple_of(isa::lanes(*isa));
    let current = Isa::current();
    if fits(&current) {
        return current;
    }
    let narrower = Isa::available().into_iter().rev().find(fits);
    narrower.unwrap_or(Isa::Portable)
}

/// One key head and a block of queries.
struct Unit<'a, T> {
    queries: Queries<'a>,
    cache: KvCache<'a, T>,
    /// Query heads of the key head.
    group: usize,
    kv_head: usize,
    /// First token of the block.
    first: usize,
    tokens: usize,
    out: Shared<f32>,
}

/// The running state of a unit; rows are token-major, then head of the group.
struct State {
    width: usize,
    /// [rows, width], scaled
    q: Vec<f32>,
    /// [width, CHUNK]; empty while not needed, as the next
    keys: Vec<f32>,
    /// [CHUNK, width]
    values: Vec<f32>,
    /// [rows, CHUNK], then their exponentials
    scores: Vec<f32>,
    /// [rows, width], not yet divided by `sums`
    out: Vec<f32>,
    largest: Vec<f32>,
    sums: Vec<f32>,
}

impl<T: Element> Kernel for Unit<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let rows = self.tokens * self.group;
        // A head that no vector divides is filled up with zeros.
        let width = self.cache.head_dim.next_multiple_of(S::LANES);
        let mut state = State {
            width,
            q: vec![0.0; rows * width],
            keys: Vec::new(),
            values: Vec::new(),
            scores: vec![0.0; rows * CHUNK],
            out: vec![0.0; rows * width],
            largest: vec![f32::NEG_INFINITY; rows],
            sums: vec![0.0; rows],
        };
        self.gather(&mut state);
        let end = self.queries.past + self.first + self.tokens;
        for start in (0..end).step_by(CHUNK) {
            let keys = CHUNK.min(end - start);
            self.score(s, &mut state, start, keys);
            for row in 0..rows {
                let own = self.queries.past + self.first + row / self.group;
                let seen = (own + 1).saturating_sub(start).min(keys);
                softmax_row(s, &mut state, row, seen);
            }
            self.add_values(s, &mut state, start, keys);
        }
        self.scatter(&state);
    }
}

impl<T: Element> Unit<'_, T> {
    /// Where row `row` of the unit is in q and out.
    #[inline(always)]
    fn place(&self, row: usize) -> usize {
        let token = self.first + row / self.group;
        let head = self.kv_head * self.group + row % self.group;
        (token * self.queries.heads + head) * self.cache.head_dim
    }

    #[inline(always)]
    fn gather(&self, state: &mut State) {
        for (row, to) in state.q.chunks_exact_mut(state.width).enumerate() {
            let q = &self.queries.q[self.place(row)..][..self.cache.head_dim];
            for (to, q) in to.iter_mut().zip(q) {
                *to = q * self.queries.scale;
            }
        }
    }

    #[inline(always)]
    fn scatter(&self, state: &State) {
        let rows = state.out.chunks_exact(state.width).zip(&state.sums);
        for (row, (from, sum)) in rows.enumerate() {
            // SAFETY: inside the output, whose length was checked; no other unit has this token
            // and head.
            let out = unsafe {
                let at = self.out.get().add(self.place(row));
                std::slice::from_raw_parts_mut(at, self.cache.head_dim)
            };
            let inverse = 1.0 / sum;
            for (to, from) in out.iter_mut().zip(from) {
                *to = from * inverse;
            }
        }
    }

    /// `keys` positions from `start` on of a cache.
    #[inline(always)]
    fn chunk<'c>(&self, cache: &'c [T], start: usize, keys: usize) -> &'c [T] {
        let KvCache {
            capacity, head_dim, ..
        } = self.cache;
        &cache[(self.kv_head * capacity + start) * head_dim..][..keys * head_dim]
    }

    /// Scores of all rows with a chunk of keys.
    #[inline(always)]
    fn score<S: Simd>(&self, s: S, state: &mut State, start: usize, keys: usize) {
        let head_dim = self.cache.head_dim;
        let chunk = self.chunk(self.cache.k, start, keys);
        let rows = state.sums.len();
        let width = state.width;
        if rows < FEW && width == head_dim {
            for (key, k) in chunk.chunks_exact(head_dim).enumerate() {
                for (row, q) in state.q.chunks_exact(width).enumerate() {
                    state.scores[row * CHUNK + key] = dot(s, q, k);
                }
            }
            return;
        }
        state.keys.resize(width * CHUNK, 0.0);
        for (key, k) in chunk.chunks_exact(head_dim).enumerate() {
            for (d, k) in k.iter().enumerate() {
                state.keys[d * CHUNK + key] = k.to_f32();
            }
        }
        state.scores.fill(0.0);
        // SAFETY: the sizes are those of the state's matrices.
        unsafe {
            gemm(
                s,
                (rows, head_dim, CHUNK),
                Rows {
                    at: state.q.as_ptr(),
                    stride: width,
                },
                Rows {
                    at: state.keys.as_ptr(),
                    stride: CHUNK,
                },
                Rows {
                    at: state.scores.as_mut_ptr(),
                    stride: CHUNK,
                },
            );
        }
    }

    /// Adds the values of a chunk, weighted by the exponentials.
    #[inline(always)]
    fn add_values<S: Simd>(&self, s: S, state: &mut State, start: usize, keys: usize) {
        let head_dim = self.cache.head_dim;
        let chunk = self.chunk(self.cache.v, start, keys);
        let width = state.width;
        let values = match T::as_f32(chunk) {
            Some(values) if width == head_dim => values,
            _ => {
                state.values.resize(width * CHUNK, 0.0);
                let rows = state.values.chunks_exact_mut(width);
                for (to, from) in rows.zip(chunk.chunks_exact(head_dim)) {
                    to_f32(s, from, to);
                }
                &state.values
            }
        };
        // SAFETY: the sizes are those of the state's matrices; the scores were only written for
        // `keys` keys, which is the depth.
        unsafe {
            gemm(
                s,
                (state.sums.len(), keys, width),
                Rows {
                    at: state.scores.as_ptr(),
                    stride: CHUNK,
                },
                Rows {
                    at: values.as_ptr(),
                    stride: width,
                },
                Rows {
                    at: state.out.as_mut_ptr(),
                    stride: width,
                },
            );
        }
    }
}

/// The dot product of a query and a key of whole vectors.
#[inline(always)]
fn dot<S: Simd, T: Element>(s: S, q: &[f32], k: &[T]) -> f32 {
    let mut sum = s.zero();
    for i in (0..q.len().min(k.len())).step_by(S::LANES) {
        // SAFETY: both have the same number of whole vectors.
        unsafe {
            sum = s.fma(
                T::load(s, k.as_ptr().add(i)),
                s.load_f(q.as_ptr().add(i)),
                sum,
            )
        };
    }
    s.sum(sum)
}

/// Turns the scores of a row into exponentials, zero from key `seen` on, and scales what the row
/// has summed if its largest score grew.
#[inline(always)]
fn softmax_row<S: Simd>(s: S, state: &mut State, row: usize, seen: usize) {
    let width = state.width;
    let scores = &mut state.scores[row * CHUNK..(row + 1) * CHUNK];
    if seen == 0 {
        scores.fill(0.0);
        return;
    }
    scores[seen..].fill(f32::NEG_INFINITY);
    let p = scores.as_mut_ptr();
    let mut largest = s.splat_f(state.largest[row]);
    for i in (0..CHUNK).step_by(S::LANES) {
        // SAFETY: LANES divides CHUNK.
        largest = s.max(unsafe { s.load_f(p.add(i)) }, largest);
    }
    let largest = s.largest(largest);
    let mut sum = s.zero();
    for i in (0..CHUNK).step_by(S::LANES) {
        // SAFETY: as above.
        unsafe {
            let e = simd::exp(s, s.sub(s.load_f(p.add(i)), s.splat_f(largest)));
            s.store_f(p.add(i), e);
            sum = s.add(sum, e);
        }
    }
    scores[seen..].fill(0.0);
    let sum = s.sum(sum);
    let before = state.largest[row];
    if largest > before {
        let factor = (before - largest).exp();
        state.sums[row] *= factor;
        for out in &mut state.out[row * width..(row + 1) * width] {
            *out *= factor;
        }
    }
    state.largest[row] = largest;
    state.sums[row] += sum;
}
