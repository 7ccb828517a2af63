//! From a row of logits to a token, in the order of transformers: repetition penalty (Keskar et
//! al. 2019), temperature, top-k, top-p (Holtzman et al. 2020), min-p (Nguyen et al. 2024), draw.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use crate::{InferError, Sampling};

/// Draws tokens; its random state goes on from token to token.
#[derive(Debug)]
pub struct Sampler {
    sampling: Sampling,
    rng: ChaCha8Rng,
    candidates: Vec<(f32, u32)>,
}

impl Sampler {
    /// Refuses settings that are not numbers in range.
    pub fn new(sampling: &Sampling) -> Result<Self, InferError> {
        let check = |field, got: f32, ok: bool, expected| match ok {
            true => Ok(()),
            false => Err(InferError::Sampling {
                field,
                expected,
                got,
            }),
        };
        let Sampling {
            temperature,
            top_p,
            min_p,
            repetition_penalty,
            ..
        } = *sampling;
        let finite = temperature.is_finite() && temperature >= 0.0;
        check("temperature", temperature, finite, "a number of at least 0")?;
        check(
            "top_p",
            top_p,
            top_p > 0.0 && top_p <= 1.0,
            "above 0, at most 1",
        )?;
        check("min_p", min_p, (0.0..=1.0).contains(&min_p), "0 to 1")?;
        let positive = repetition_penalty.is_finite() && repetition_penalty > 0.0;
        check(
            "repetition_penalty",
            repetition_penalty,
            positive,
            "a number above 0",
        )?;
        let rng = ChaCha8Rng::seed_from_u64(sampling.seed);
        Ok(Self {
            sampling: sampling.clone(),
            rng,
            candidates: Vec::new(),
        })
    }

    /// `logits` [vocabulary] without padding rows; `seen` are the tokens of prompt and reply.
    pub fn sample(&mut self, logits: &mut [f32], seen: &[u32]) -> Result<u32, InferError> {
        if logits.iter().any(|logit| logit.is_nan()) {
            return Err(InferError::NotFinite);
        }
        penalise(logits, seen, self.sampling.repetition_penalty);
        if self.sampling.temperature == 0.0 {
            return Ok(argmax(logits));
        }
        self.keep(logits);
        Ok(self.draw())
    }

    /// Fills `candidates` with (probability, id), likeliest first, cut by the three filters.
    fn keep(&mut self, logits: &[f32]) {
        let Sampling {
            temperature,
            top_k,
            top_p,
            min_p,
            ..
        } = self.sampling;
        let all = logits
            .iter()
            .zip(0..)
            .map(|(&logit, id)| (logit / temperature, id));
        self.candidates.clear();
        self.candidates.extend(all);
        // Ties break by id, so that the order, and with it the draw, is the same everywhere.
        let order = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if top_k > 0 && top_k < self.candidates.len() {
            self.candidates.select_nth_unstable_by(top_k - 1, order);
            self.candidates.truncate(top_k);
        }
        self.candidates.sort_unstable_by(order);
        let max = self.candidates[0].0;
        let mut sum = 0.0;
        for (score, _) in &mut self.candidates {
            *score = (*score - max).exp();
            sum += *score;
        }
        let mut kept = 0.0;
        let mut nucleus = 0;
        for (score, _) in &self.candidates {
            kept += score / sum;
            nucleus += 1;
            if kept >= top_p {
                break;
            }
        }
        self.candidates.truncate(nucleus);
        // The likeliest candidate has score 1, so `min_p` is a bound on the scores themselves.
        let likely = self
            .candidates
            .partition_point(|(score, _)| *score >= min_p);
        self.candidates.truncate(likely.max(1));
    }

    fn draw(&mut self) -> u32 {
        let total = self.candidates.iter().map(|(score, _)| score).sum::<f32>();
        // 24 random bits fill an f32's mantissa: uniform in [0, 1).
        let uniform = (self.rng.next_u32() >> 8) as f32 / (1 << 24) as f32;
        let mut left = uniform * total;
        for &(score, id) in &self.candidates {
            left -= score;
            if left < 0.0 {
                return id;
            }
        }
        self.candidates[self.candidates.len() - 1].1
    }
}

fn penalise(logits: &mut [f32], seen: &[u32], penalty: f32) {
    if penalty == 1.0 {
        return;
    }
    let mut ids = seen.to_vec();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        if let Some(logit) = logits.get_mut(id as usize) {
            *logit = if *logit > 0.0 {
                *logit / penalty
            } else {
                *logit * penalty
            };
        }
    }
}

/// The likeliest token, the first of equals.
pub(crate) fn argmax(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (id, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = id;
        }
    }
    best as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampling() -> Sampling {
        Sampling {
            temperature: 1.0,
            top_p: 1.0,
            ..Sampling::default()
        }
    }

    fn draw(sampling: Sampling, logits: &[f32], n: usize) -> Vec<u32> {
        let mut sampler = Sampler::new(&sampling).unwrap();
        (0..n)
            .map(|_| sampler.sample(&mut logits.to_vec(), &[]).unwrap())
            .collect()
    }

    #[test]
    fn greedy_takes_the_first_of_equals() {
        let greedy = Sampling {
            temperature: 0.0,
            ..sampling()
        };
        assert_eq!(draw(greedy, &[0.5, 2.0, 2.0], 3), [1, 1, 1]);
    }

    #[test]
    fn the_same_seed_gives_the_same_tokens_and_another_seed_others() {
        let logits = (0..50).map(|i| (i as f32 * 0.7).sin()).collect::<Vec<_>>();
        let seeded = |seed| draw(Sampling { seed, ..sampling() }, &logits, 40);
        assert_eq!(seeded(7), seeded(7));
        assert_ne!(seeded(7), seeded(8));
    }

    #[test]
    fn frequencies_follow_the_softmax() {
        let tokens = draw(sampling(), &[0.0, 1.0, 2.0], 30_000);
        let z = 1.0 + 1f64.exp() + 2f64.exp();
        for (id, expected) in [1.0 / z, 1f64.exp() / z, 2f64.exp() / z].iter().enumerate() {
            let share = tokens.iter().filter(|&&t| t == id as u32).count() as f64 / 30_000.0;
            assert!(
                (share - expected).abs() < 0.01,
                "token {id}: {share} vs {expected}"
            );
        }
    }

    #[test]
    fn filters_keep_only_what_they_should() {
        let logits = [3.0, 2.0, 1.0, 0.0];
        let only = |sampling: Sampling, allowed: &[u32]| {
            let tokens = draw(sampling, &logits, 2000);
            assert!(tokens.iter().all(|token| allowed.contains(token)));
            assert!(allowed.iter().all(|token| tokens.contains(token)));
        };
        only(
            Sampling {
                top_k: 2,
                ..sampling()
            },
            &[0, 1],
        );
        // Probabilities are 0.644, 0.237, 0.087, 0.032.
        only(
            Sampling {
                top_p: 0.7,
                ..sampling()
            },
            &[0, 1],
        );
        only(
            Sampling {
                min_p: 0.1,
                ..sampling()
            },
            &[0, 1, 2],
        );
    }

    #[test]
    fn repetition_penalty_works_on_both_signs() {
        let mut logits = [2.0, -2.0, 1.5];
        penalise(&mut logits, &[0, 0, 1], 2.0);
        assert_eq!(logits, [1.0, -4.0, 1.5]);
    }

    #[test]
    fn nan_logits_and_absurd_settings_are_errors() {
        let mut sampler = Sampler::new(&sampling()).unwrap();
        assert!(matches!(
            sampler.sample(&mut [f32::NAN, 0.0], &[]),
            Err(InferError::NotFinite)
        ));
        for bad in [
            Sampling {
                temperature: -1.0,
                ..sampling()
            },
            Sampling {
                temperature: f32::NAN,
                ..sampling()
            },
            Sampling {
                top_p: 0.0,
                ..sampling()
            },
            Sampling {
                min_p: 2.0,
                ..sampling()
            },
            Sampling {
                repetition_penalty: 0.0,
                ..sampling()
            },
        ] {
            assert!(matches!(
                Sampler::new(&bad),
                Err(InferError::Sampling { .. })
            ));
        }
    }
}
