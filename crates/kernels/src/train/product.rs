//! Products of matrices and of ranges of their columns, added up.
//!
//! On the CPU a range or a transpose is read where it lies and the sum is added to in place. burn's
//! product there copies the ranges and then, once more, its own result.

use burn::backend::{Backend, Dispatch, Flex, backend_extension, tensor::FloatTensor};
use burn::tensor::Tensor;
use retort_cpu::train::{Matrix, matmul, matmul_add};

use super::on_cpu;
use crate::flex::{self, FlexTensor};
use crate::maybe::{Maybe, maybe};

/// A matrix, some neighbouring columns of it, or the transpose of either.
#[derive(Clone, Debug)]
pub(crate) struct View {
    tensor: Tensor<2>,
    at: Part,
}

/// What of a tensor a [`View`] shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    first: usize,
    cols: usize,
    transposed: bool,
}

/// What is added to which columns of a sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProductSpec {
    alpha: f32,
    a: Part,
    b: Part,
    /// Of the sum.
    shape: [usize; 2],
    /// The first column that is added to.
    first: usize,
}

#[backend_extension(Flex)]
trait ProductOp: Backend {
    /// `sum + alpha * a b`, in place; without a `sum`, one of zeros is made.
    fn add_product(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        #[extension_type] sum: Maybe<Self>,
        spec: ProductSpec,
    ) -> FloatTensor<Self>;
}

impl View {
    pub fn of(tensor: &Tensor<2>) -> Self {
        Self::columns(tensor, 0, tensor.dims()[1])
    }

    /// `cols` columns from `first` on.
    pub fn columns(tensor: &Tensor<2>, first: usize, cols: usize) -> Self {
        Self {
            tensor: tensor.clone(),
            at: Part {
                first,
                cols,
                transposed: false,
            },
        }
    }

    pub fn transposed(mut self) -> Self {
        self.at.transposed = !self.at.transposed;
        self
    }

    /// Rows and columns.
    fn dims(&self) -> [usize; 2] {
        let rows = self.tensor.dims()[0];
        match self.at.transposed {
            false => [rows, self.at.cols],
            true => [self.at.cols, rows],
        }
    }

    /// As a tensor of its own.
    fn tensor(self) -> Tensor<2> {
        let part = match self.at.cols == self.tensor.dims()[1] {
            true => self.tensor,
            false => self.tensor.narrow(1, self.at.first, self.at.cols),
        };
        match self.at.transposed {
            true => part.transpose(),
            false => part,
        }
    }
}

/// `alpha * a b`.
pub(crate) fn product(alpha: f32, a: View, b: View) -> Tensor<2> {
    if on_cpu(&a.tensor) {
        return on_the_cpu(None, alpha, a, b);
    }
    let product = a.tensor().matmul(b.tensor());
    match alpha == 1.0 {
        true => product,
        false => product.mul_scalar(alpha),
    }
}

/// `sum + alpha * a b` in the dtype of `sum`, in place where nobody else holds it; without a sum
/// the product.
pub(crate) fn add_product(sum: Option<Tensor<2>>, alpha: f32, a: View, b: View) -> Tensor<2> {
    match sum {
        None => product(alpha, a, b),
        Some(sum) if on_cpu(&a.tensor) => on_the_cpu(Some(sum), alpha, a, b),
        Some(sum) => {
            let product = product(alpha, a, b).cast(sum.dtype());
            sum + product
        }
    }
}

fn on_the_cpu(sum: Option<Tensor<2>>, alpha: f32, a: View, b: View) -> Tensor<2> {
    let shape = [a.dims()[0], b.dims()[1]];
    add_to_columns(sum, shape, 0, alpha, a, b)
}

/// `alpha * a b` added to the columns of `sum` from `first` on; without a sum, to zeros of `shape`.
/// CPU only.
pub(crate) fn add_to_columns(
    sum: Option<Tensor<2>>,
    shape: [usize; 2],
    first: usize,
    alpha: f32,
    a: View,
    b: View,
) -> Tensor<2> {
    let spec = ProductSpec {
        alpha,
        a: a.at,
        b: b.at,
        shape,
        first,
    };
    Tensor::from_dispatch(<Dispatch as ProductOp>::add_product(
        a.tensor.into_dispatch(),
        b.tensor.into_dispatch(),
        maybe(sum),
        spec,
    ))
}

impl ProductOp for Flex {
    fn add_product(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        sum: Maybe<Self>,
        spec: ProductSpec,
    ) -> FloatTensor<Self> {
        let (a, b) = (flex::contiguous(a), flex::contiguous(b));
        let (a, b) = (matrix(&a, spec.a), matrix(&b, spec.b));
        let [rows, width] = spec.shape;
        let fits = "the caller's shapes fit";
        let mut sum = match sum.into_option() {
            Some(sum) => flex::contiguous(sum),
            None if b.cols == width => {
                let product = matmul(spec.alpha, a, b).expect(fits);
                return flex::tensor(product, spec.shape);
            }
            None => flex::tensor(vec![0.0; rows * width], spec.shape),
        };
        let into = &mut sum.storage_mut()[spec.first..];
        matmul_add(into, width, spec.alpha, a, b).expect(fits);
        sum
    }
}

fn matrix(tensor: &FlexTensor, at: Part) -> Matrix<'_> {
    let [rows, width] = flex::dims2(tensor);
    let matrix = Matrix::strided(&flex::slice(tensor)[at.first..], rows, at.cols, width);
    match at.transposed {
        true => matrix.transposed(),
        false => matrix,
    }
}
