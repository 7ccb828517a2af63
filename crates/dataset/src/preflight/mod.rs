//! Figures and refusals before a run: what a mistake in the data would cost is hours, and it is
//! seldom an error later.

mod preview;
mod report;

use retort_text::Tokenizer;

pub use preview::{Preview, Span, preview};
pub use report::{Bucket, Lengths, Report};

use crate::{Dataset, DatasetError, Packing};

/// Checks what a run is about to read, and counts it.
///
/// `vocab_size` is the number of rows of the model's embedding. Refuses a tokenizer with more
/// tokens than rows, a document of which nothing or everything is learnt, and a piece whose first
/// token is learnt, which nothing would predict. (That each thought is in the learnt text, and
/// that the template ends a reply, was refused or proven when the dataset was made.)
pub fn preflight(
    dataset: &Dataset,
    packing: &Packing,
    tokenizer: &Tokenizer,
    vocab_size: usize,
) -> Result<Report, DatasetError> {
    if tokenizer.vocab_size() > vocab_size {
        return Err(DatasetError::Vocabulary {
            tokenizer: tokenizer.vocab_size(),
            model: vocab_size,
        });
    }
    for bin in &packing.bins {
        for piece in &bin.pieces {
            let index = piece.document as usize;
            let document = dataset.get(index)?;
            let len = (piece.len as usize).min(document.ids.len());
            check_mask(&document.learnt[..len]).map_err(|everything| {
                match (dataset.origin(index), everything) {
                    (Err(error), _) => error,
                    (Ok(origin), true) => DatasetError::EverythingLearnt { origin },
                    (Ok(origin), false) => DatasetError::NothingLearnt { origin },
                }
            })?;
            if let Some(&id) = document.ids.iter().find(|&&id| id as usize >= vocab_size) {
                return Err(DatasetError::Vocabulary {
                    tokenizer: id as usize + 1,
                    model: vocab_size,
                });
            }
        }
    }
    Report::new(dataset, packing)
}

/// Fails with whether there is no prompt; else nothing is learnt.
fn check_mask(learnt: &[bool]) -> Result<(), bool> {
    match (learnt.first(), learnt.contains(&true)) {
        (Some(true), _) => Err(true),
        (_, false) => Err(false),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_without_a_prompt_or_a_reply_are_refused() {
        assert_eq!(check_mask(&[false, true]), Ok(()));
        assert_eq!(check_mask(&[false, true, false, true]), Ok(()));
        assert_eq!(check_mask(&[false, false]), Err(false));
        assert_eq!(check_mask(&[]), Err(false));
        assert_eq!(check_mask(&[true, true]), Err(true));
        assert_eq!(check_mask(&[true, false]), Err(true));
    }
}
