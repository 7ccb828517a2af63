//! The CubeCL side of every op: one kernel source for WebGPU, Vulkan, Metal and DX12.
//!
//! What all kernels here keep to, because browsers ask for it:
//! - no plane (subgroup) operations: sums across units go through shared memory;
//! - no autotune;
//! - lengths and offsets are run-time scalars, so that a growing cache or another prompt compiles
//!   nothing new; only types, flags and tile sizes are compile-time;
//! - at most 256 units a cube, 16 KiB of shared memory, 9 buffers, 65,535 cubes a dimension.
//!
//! Weights are read as [`layout`] stores them: vectors of the same word of four rows.

use std::sync::atomic::{AtomicU64, Ordering};

use burn::backend::TensorMetadata;
use burn::backend::wgpu::CubeTensor;
use burn::tensor::{DType, Shape};
use cubecl::prelude::*;

mod attend;
mod attention;
mod blocks;
mod epilogue;
mod k_layout;
pub(crate) mod layout;
#[cfg(test)]
mod layout_tests;
mod linear;
mod lookup;
mod matmul;
mod matvec;
mod rms_norm;
mod rope;
mod swiglu;

/// Four floats: one of each row of a group, or four columns of a row.
pub(crate) type F32x4 = Vector<f32, Const<4>>;
/// Four words, see [`layout`].
pub(crate) type U32x4 = Vector<u32, Const<4>>;

/// Units of a cube where nothing else decides.
const UNITS: u32 = 256;
/// WebGPU's limit of cubes in a dimension.
const MAX_CUBES: u32 = 65_535;

static DISPATCHES: AtomicU64 = AtomicU64::new(0);

/// Kernels of this crate launched so far in this process, for benches: on a GPU a decoded token is
/// bound by dispatches before it is bound by bytes.
pub fn dispatches() -> u64 {
    DISPATCHES.load(Ordering::Relaxed)
}

/// To be called once for each launch.
fn count_dispatch() {
    DISPATCHES.fetch_add(1, Ordering::Relaxed);
}

/// At least `cubes` cubes in two dimensions, for kernels that number them with
/// `CUBE_POS_Y * CUBE_COUNT_X + CUBE_POS_X` and ignore those past the end.
fn grid(cubes: usize) -> (u32, u32) {
    let cubes = cubes as u32;
    let y = cubes.div_ceil(MAX_CUBES).max(1);
    (cubes.div_ceil(y), y)
}

/// Enough cubes of [`UNITS`] for one unit an element, numbered by `ABSOLUTE_POS`.
fn elementwise(elements: usize) -> (CubeCount, CubeDim) {
    let (x, y) = grid(elements.div_ceil(UNITS as usize));
    (CubeCount::Static(x, y, 1), CubeDim::new_1d(UNITS))
}

/// A new tensor on the device of `like`, its elements undefined.
fn empty(like: &CubeTensor, shape: impl Into<Shape>, dtype: DType) -> CubeTensor {
    let shape = shape.into();
    let handle = like.client.empty(shape.num_elements() * dtype.size());
    CubeTensor::new_contiguous(
        like.client.clone(),
        like.device.clone(),
        shape,
        handle,
        dtype,
    )
}

/// A contiguous view of `tensor`; copies, which is a dispatch too, only when it is strided.
fn contiguous(tensor: CubeTensor) -> CubeTensor {
    if tensor.is_contiguous() {
        return tensor;
    }
    count_dispatch();
    burn_cubecl::kernel::into_contiguous(tensor)
}

/// `tensor` itself when nothing else refers to its buffer, else a copy that may be written.
fn unique(tensor: CubeTensor) -> CubeTensor {
    if tensor.can_mut() && tensor.is_contiguous() {
        return tensor;
    }
    count_dispatch();
    tensor.copy()
}

/// Rows and columns of a matrix.
fn dims2(tensor: &CubeTensor) -> [usize; 2] {
    let shape = tensor.shape();
    [shape[0], shape[1]]
}

/// A buffer argument for a kernel that will not read it: a binding must point somewhere.
fn or_unread(tensor: Option<CubeTensor>, unread: &CubeTensor) -> BufferArg {
    tensor.map_or_else(
        || unread.clone().into_buffer_arg(),
        CubeTensor::into_buffer_arg,
    )
}
