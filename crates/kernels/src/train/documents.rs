//! Documents laid one after another in a batch.

use std::ops::Range;
use std::sync::Arc;

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

/// Where each document of a batch ends. A document attends to itself only, and its positions
/// start at 0: what lies beside it in the batch does not change its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Documents {
    ends: Arc<[usize]>,
}

impl Documents {
    /// `lengths` in tokens, in order.
    pub fn new(lengths: impl IntoIterator<Item = usize>) -> Self {
        let ends = lengths.into_iter().scan(0, |end, length| {
            *end += length;
            Some(*end)
        });
        Self {
            ends: ends.collect(),
        }
    }

    /// Tokens of all together.
    pub fn tokens(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// The tokens of each.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(self.ends.iter().copied()).map(|(a, b)| a..b)
    }

    pub(super) fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// Position of every token in its document, [tokens] u32.
    pub fn positions(&self, device: &Device) -> Tensor<1, Int> {
        let positions: Vec<u32> = self
            .ranges()
            .flat_map(|range| 0..range.len() as u32)
            .collect();
        let len = positions.len();
        Tensor::from_data(TensorData::new(positions, [len]), (device, DType::U32))
    }
}
