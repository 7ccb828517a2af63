//! An optional tensor argument of a backend extension.

use burn::backend::{Backend, ExtensionType, tensor::FloatTensor};
use burn::tensor::Tensor;

/// `Option<FloatTensor>` in a form that the dispatch macro can route.
#[derive(ExtensionType)]
pub enum Maybe<B: Backend> {
    Some(FloatTensor<B>),
    None,
}

impl<B: Backend> Maybe<B> {
    pub(crate) fn into_option(self) -> Option<FloatTensor<B>> {
        match self {
            Maybe::Some(tensor) => Some(tensor),
            Maybe::None => None,
        }
    }
}

pub(crate) fn maybe<const D: usize>(tensor: Option<Tensor<D>>) -> Maybe<burn::backend::Dispatch> {
    match tensor {
        Some(tensor) => Maybe::Some(tensor.into_dispatch()),
        None => Maybe::None,
    }
}
