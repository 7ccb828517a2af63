//! The student's tensors, one at a time.

use std::collections::HashMap;
use std::error::Error;

use retort_config::{Config, Tensor};

use crate::ExportError;

/// A tensor's Hugging Face name (`model.layers.0.self_attn.q_proj.weight`) and its shape,
/// row-major: a matrix is `[rows, cols]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    pub name: String,
    pub shape: Vec<usize>,
}

/// A student's weights, wherever they are: on a device, in files.
///
/// Tensors are read one after the other, each once per export, so that a large model never exists
/// twice in memory.
pub trait Weights {
    /// All tensors, in any order: exactly those that [`crate::Base::tensors`] lists.
    fn tensors(&self) -> Vec<TensorInfo>;

    /// The values of one tensor, row by row, rows in Hugging Face's order.
    ///
    /// # Errors
    /// Any: it ends the export as [`ExportError::Read`].
    fn read(&mut self, name: &str) -> Result<Vec<f32>, Box<dyn Error + Send + Sync>>;
}

/// How far an export has come, after each tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Name of the tensor just written, in the file's own terms.
    pub tensor: &'a str,
    /// Its bytes in the file.
    pub bytes: u64,
    /// Bytes of all tensors so far.
    pub written: u64,
    /// Bytes of all tensors.
    pub total: u64,
}

/// The model's tensors, after a check that the weights are exactly they.
pub(crate) fn checked(config: &Config, weights: &dyn Weights) -> Result<Vec<Tensor>, ExportError> {
    let expected = config.tensors();
    let mut held = HashMap::new();
    for TensorInfo { name, shape } in weights.tensors() {
        if held.insert(name.clone(), shape).is_some() {
            return Err(ExportError::DuplicateTensor { tensor: name });
        }
    }
    for tensor in &expected {
        let name = &tensor.name;
        let shape = held
            .remove(name)
            .ok_or_else(|| ExportError::MissingTensor {
                tensor: name.clone(),
            })?;
        if shape != tensor.shape {
            return Err(ExportError::Shape {
                tensor: name.clone(),
                expected: tensor.shape.clone(),
                got: shape,
            });
        }
    }
    match held.into_keys().min() {
        Some(tensor) => Err(ExportError::UnexpectedTensor { tensor }),
        None => Ok(expected),
    }
}

/// The values of a tensor, as many as its shape has and all finite.
pub(crate) fn read(weights: &mut dyn Weights, tensor: &Tensor) -> Result<Vec<f32>, ExportError> {
    use rayon::prelude::*;

    let name = || tensor.name.clone();
    let values = weights
        .read(&tensor.name)
        .map_err(|error| ExportError::Read {
            tensor: name(),
            error,
        })?;
    let expected = tensor.shape.iter().product();
    if values.len() != expected {
        let (tensor, got) = (name(), values.len());
        return Err(ExportError::Length {
            tensor,
            expected,
            got,
        });
    }
    // A student that diverged must not be published as a file that loads.
    let found = values.par_iter().position_first(|x| !x.is_finite());
    match found {
        Some(index) => Err(ExportError::NotFinite {
            tensor: name(),
            index,
            value: values[index],
        }),
        None => Ok(values),
    }
}
