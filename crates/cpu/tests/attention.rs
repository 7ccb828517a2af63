//! Attention against softmax in f64, prefill and decode, grouped heads, all head widths.

mod common;

use common::{Random, each_isa};
use half::f16;
use retort_cpu::{KvCache, Queries, attention};

struct Case {
    m: usize,
    past: usize,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
}

fn reference(
    case: &Case,
    q: &[f32],
    k: &[f32],
    v: &[f32],
    capacity: usize,
    scale: f32,
) -> Vec<f64> {
    let Case {
        m,
        past,
        heads,
        kv_heads,
        head_dim,
    } = *case;
    let mut out = Vec::new();
    for t in 0..m {
        for h in 0..heads {
            let q = &q[(t * heads + h) * head_dim..][..head_dim];
            let kv = h / (heads / kv_heads);
            let row = |cache: &[f32], p: usize, d: usize| {
                f64::from(cache[(kv * capacity + p) * head_dim + d])
            };
            let scores: Vec<f64> = (0..=past + t)
                .map(|p| {
                    let dot: f64 = (0..head_dim).map(|d| f64::from(q[d]) * row(k, p, d)).sum();
                    dot * f64::from(scale)
                })
                .collect();
            let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let e: Vec<f64> = scores.iter().map(|s| (s - largest).exp()).collect();
            let sum: f64 = e.iter().sum();
            for d in 0..head_dim {
                let total: f64 = e.iter().enumerate().map(|(p, e)| e * row(v, p, d)).sum();
                out.push(total / sum);
            }
        }
    }
    out
}

#[test]
fn agrees_with_softmax() {
    let case = |m, past, heads, kv_heads, head_dim| Case {
        m,
        past,
        heads,
        kv_heads,
        head_dim,
    };
    for case in [
        case(1, 0, 1, 1, 16),
        case(1, 200, 9, 3, 64),
        case(5, 0, 4, 2, 8),
        case(7, 130, 4, 1, 20),
        case(64, 1, 2, 2, 32),
        case(100, 61, 9, 3, 64),
        case(70, 0, 3, 1, 6),
        case(3, 65, 8, 2, 128),
    ] {
        let capacity = case.past + case.m + 3;
        let cells = case.kv_heads * capacity * case.head_dim;
        let q = Random(1).floats(case.m * case.heads * case.head_dim);
        let round = |v: Vec<f32>| v.into_iter().map(|v| f16::from_f32(3.0 * v)).collect();
        let (k, v): (Vec<f16>, Vec<f16>) = (
            round(Random(2).floats(cells)),
            round(Random(3).floats(cells)),
        );
        let wide = |v: &[f16]| v.iter().map(|v| v.to_f32()).collect::<Vec<_>>();
        let (k32, v32) = (wide(&k), wide(&v));
        let expected = reference(&case, &q, &k32, &v32, capacity, 0.4);
        let queries = Queries {
            q: &q,
            heads: case.heads,
            past: case.past,
            scale: 0.4,
        };
        each_isa(|isa| {
            let mut out = vec![f32::NAN; q.len()];
            let (kv_heads, head_dim) = (case.kv_heads, case.head_dim);
            let close = |out: &[f32]| {
                for (got, expected) in out.iter().zip(&expected) {
                    let error = (f64::from(*got) - expected).abs();
                    assert!(error < 1e-5, "{isa:?} m {}: {got} for {expected}", case.m);
                }
            };
            let cache = KvCache {
                k: &k32[..],
                v: &v32[..],
                kv_heads,
                capacity,
                head_dim,
            };
            attention(queries, cache, &mut out).unwrap();
            close(&out);
            out.fill(f32::NAN);
            let cache = KvCache {
                k: &k[..],
                v: &v[..],
                kv_heads,
                capacity,
                head_dim,
            };
            attention(queries, cache, &mut out).unwrap();
            close(&out);
        });
    }
}

/// What lies in the cache after the last position is never read.
#[test]
fn unwritten_positions_are_not_read() {
    let (m, past, head_dim, capacity) = (20, 50, 16, 128);
    let q = Random(1).floats(m * head_dim);
    let mut k = Random(2).floats(capacity * head_dim);
    let mut v = Random(3).floats(capacity * head_dim);
    k[(past + m) * head_dim..].fill(f32::NAN);
    v[(past + m) * head_dim..].fill(f32::NAN);
    each_isa(|_| {
        for m in [1, m] {
            let mut out = vec![f32::NAN; m * head_dim];
            let queries = Queries {
                q: &q[..m * head_dim],
                heads: 1,
                past,
                scale: 1.0,
            };
            let cache = KvCache {
                k: &k[..],
                v: &v[..],
                kv_heads: 1,
                capacity,
                head_dim,
            };
            attention(queries, cache, &mut out).unwrap();
            assert!(out.iter().all(|x| x.is_finite()));
        }
    });
}

/// A query that is not finite spoils its own row, and no other.
#[test]
fn nans_propagate() {
    let (m, head_dim) = (20, 16);
    let mut q = Random(1).floats(m * head_dim);
    q[3 * head_dim] = f32::NAN;
    let kv = Random(2).floats(m * head_dim);
    each_isa(|_| {
        let mut out = vec![0.0; m * head_dim];
        let queries = Queries {
            q: &q,
            heads: 1,
            past: 0,
            scale: 1.0,
        };
        let cache = KvCache {
            k: &kv[..],
            v: &kv[..],
            kv_heads: 1,
            capacity: m,
            head_dim,
        };
        attention(queries, cache, &mut out).unwrap();
        for (row, out) in out.chunks(head_dim).enumerate() {
            assert!(
                out.iter().all(|x| x.is_nan() == (row == 3)),
                "row {row}: {out:?}"
            );
        }
    });
}

#[test]
fn wrong_shapes_are_errors() {
    let kv = [0.0f32; 2 * 8 * 4];
    let run = |heads, past, cells: usize, kv_heads, q: usize, out: usize| {
        attention(
            Queries {
                q: &vec![0.0; q],
                heads,
                past,
                scale: 1.0,
            },
            KvCache {
                k: &kv[..cells],
                v: &kv[..],
                kv_heads,
                capacity: 8,
                head_dim: 4,
            },
            &mut vec![0.0; out],
        )
    };
    run(4, 7, 64, 2, 16, 16).unwrap();
    run(4, 7, 64, 2, 0, 0).unwrap();
    assert!(run(4, 8, 64, 2, 16, 16).is_err(), "past the capacity");
    assert!(run(4, usize::MAX, 64, 2, 16, 16).is_err(), "overflow");
    assert!(run(3, 0, 64, 2, 12, 12).is_err(), "heads do not divide");
    assert!(run(4, 0, 64, 0, 16, 16).is_err(), "no key heads");
    assert!(run(4, 0, 63, 2, 16, 16).is_err(), "short cache");
    assert!(run(4, 0, 64, 2, 15, 15).is_err(), "part of a row");
    assert!(run(4, 0, 64, 2, 16, 12).is_err(), "short output");
}
