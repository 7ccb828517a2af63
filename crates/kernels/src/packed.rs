//! A weight matrix in GGUF blocks, kept quantised on the device.
//!
//! The blocks are rearranged once, at upload, into the order that the device's kernel reads, and
//! can be put back bit for bit. On the CPU that is `retort_cpu::packed`; on a GPU two aligned
//! streams in one buffer of 32-bit words, see `gpu/layout.rs`.

use burn::module::{Module, Param, ParamId};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use retort_formats::GgmlType;

use crate::{KernelError, gpu};

/// Type and shape of a packed matrix: `rows` outputs of `cols` inputs, blocks along the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PackedSpec {
    pub ty: GgmlType,
    pub rows: usize,
    pub cols: usize,
}

impl PackedSpec {
    /// Bytes of the matrix as GGUF blocks.
    pub fn bytes(&self) -> Result<usize, KernelError> {
        Ok(self.ty.row_bytes(self.cols)? * self.rows)
    }
}

/// A matrix of GGUF blocks on a device.
#[derive(Module, Debug)]
pub struct Packed {
    words: Param<Tensor<1, Int>>,
    #[module(skip)]
    spec: PackedSpec,
}

impl Packed {
    /// Uploads `blocks`, the matrix as it stands in a GGUF file. The host copy can be dropped.
    pub fn upload(spec: PackedSpec, blocks: &[u8], device: &Device) -> Result<Self, KernelError> {
        let expected = spec.bytes()?;
        if blocks.len() != expected {
            let PackedSpec { ty, rows, cols } = spec;
            let got = blocks.len();
            return Err(KernelError::Length {
                ty: ty.name(),
                rows,
                cols,
                expected,
                got,
            });
        }
        let words = layout(spec, blocks, device)?;
        let len = words.len();
        let data = TensorData::new(words, [len]);
        let words = Tensor::<1, Int>::from_data(data, (device, DType::U32));
        Ok(Self {
            words: Param::initialized(ParamId::new(), words),
            spec,
        })
    }

    pub fn spec(&self) -> PackedSpec {
        self.spec
    }

    /// Bytes on the device.
    pub fn device_bytes(&self) -> usize {
        self.words.dims()[0] * size_of::<u32>()
    }

    pub(crate) fn words(&self) -> Tensor<1, Int> {
        self.words.val()
    }
}

fn layout(spec: PackedSpec, blocks: &[u8], device: &Device) -> Result<Vec<u32>, KernelError> {
    let PackedSpec { ty, rows, cols } = spec;
    if is_cpu(device) {
        return Ok(retort_cpu::packed::pack(ty, rows, cols, blocks)?);
    }
    if !cols.is_multiple_of(4) {
        // Activations are read in vectors of four.
        let device = format!("{device:?} ({cols} columns, no multiple of 4)");
        return Err(KernelError::Unsupported { ty, device });
    }
    Ok(gpu::layout::pack(spec, blocks))
}

/// Whether `device` is burn's CPU backend, whose kernels read another layout than a GPU's.
pub(crate) fn is_cpu(device: &Device) -> bool {
    *device == Device::flex()
}
