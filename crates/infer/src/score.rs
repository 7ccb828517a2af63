//! Log-probabilities of given tokens: what the decoder expected at each position.

use crate::sampler::argmax;
use crate::session::{check_ids, read_rows};
use crate::{Engine, InferError, Position, Session};

/// Tokens that go through the decoder at once.
const CHUNK: usize = 256;
/// Positions whose logits are on the host at once: 16 rows of 152,064 are 10 MB.
const ROWS: usize = 16;

/// Runs `ids` from an empty cache; one [`Position`] per id, with the `top` likeliest successors.
///
/// # Errors
/// No ids, more than the context holds, or one that the vocabulary lacks; a device that fails or
/// computes NaNs.
pub async fn score(engine: &Engine, ids: &[u32], top: usize) -> Result<Vec<Position>, InferError> {
    let context = engine.info().context;
    if ids.is_empty() {
        return Err(InferError::EmptyPrompt);
    }
    if ids.len() > context {
        return Err(InferError::PromptTooLong {
            tokens: ids.len(),
            context,
        });
    }
    check_ids(engine, ids)?;
    let mut session = Session::new(engine);
    let mut positions = Vec::with_capacity(ids.len());
    let width = engine.config().vocab_size;
    for chunk in ids.chunks(CHUNK) {
        let hidden = session.feed(engine, chunk);
        for first in (0..chunk.len()).step_by(ROWS) {
            let some = hidden
                .clone()
                .narrow(0, first, ROWS.min(chunk.len() - first));
            let rows = read_rows(engine, some).await?;
            for row in rows.chunks_exact(width) {
                let next = ids.get(positions.len() + 1).copied();
                positions.push(position(row, next, top)?);
            }
        }
    }
    Ok(positions)
}

fn position(logits: &[f32], next: Option<u32>, top: usize) -> Result<Position, InferError> {
    if logits.iter().any(|logit| logit.is_nan()) {
        return Err(InferError::NotFinite);
    }
    let greedy = argmax(logits);
    let max = logits[greedy as usize];
    // In f64: a sum over 152,064 terms loses digits in f32.
    let sum = logits
        .iter()
        .map(|&logit| f64::from(logit - max).exp())
        .sum::<f64>();
    let log_z = f64::from(max) + sum.ln();
    let logprob = |id: u32| (f64::from(logits[id as usize]) - log_z) as f32;
    let mut best = (0..logits.len() as u32).collect::<Vec<_>>();
    let order = |a: &u32, b: &u32| {
        logits[*b as usize]
            .total_cmp(&logits[*a as usize])
            .then(a.cmp(b))
    };
    let top = top.min(best.len());
    if top > 0 && top < best.len() {
        best.select_nth_unstable_by(top - 1, order);
    }
    best.truncate(top);
    best.sort_unstable_by(order);
    let top = best.into_iter().map(|id| (id, logprob(id))).collect();
    Ok(Position {
        greedy,
        logprob: next.map(logprob),
        top,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_probabilities_are_a_log_softmax() {
        let logits = [1.0, 3.0, 2.0, 3.0];
        let position = position(&logits, Some(2), 3).unwrap();
        let z = logits
            .iter()
            .map(|&l: &f32| f64::from(l).exp())
            .sum::<f64>();
        let expected = (f64::from(2.0f32).exp() / z).ln() as f32;
        assert!((position.logprob.unwrap() - expected).abs() < 1e-6);
        assert_eq!(position.greedy, 1);
        assert_eq!(
            position.top.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
            [1, 3, 2]
        );
    }
}
