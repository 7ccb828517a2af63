//! Slices in and out of Flex tensors, for the CPU twins.

use burn::backend::{Flex, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{Element, Shape, TensorData};

pub(crate) type FlexTensor = FloatTensor<Flex>;

/// A contiguous view of `tensor`; copies only when it is strided.
pub(crate) fn contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.as_slice::<f32>().is_some() || tensor.is_contiguous() {
        tensor
    } else {
        tensor.to_contiguous()
    }
}

/// The elements of a contiguous tensor.
///
/// # Panics
/// If the dtype is not `E`: the caller guarantees it.
pub(crate) fn slice<E: Element + bytemuck::Pod>(tensor: &FlexTensor) -> &[E] {
    tensor
        .as_slice::<E>()
        .unwrap_or_else(|| panic!("expected contiguous {:?}, got {tensor:?}", E::dtype()))
}

/// A new `f32` tensor of `shape` from its elements.
pub(crate) fn tensor(elements: Vec<f32>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(elements, shape.into()))
}

/// Rows and columns of a matrix.
pub(crate) fn dims2(tensor: &FlexTensor) -> [usize; 2] {
    let shape = tensor.shape();
    [shape[0], shape[1]]
}
