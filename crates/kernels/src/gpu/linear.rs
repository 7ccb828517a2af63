//! Which kernels a packed projection runs as: a matvec for up to eight rows of activations, the
//! norm and a tiled matmul for more.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::wgpu::{CubeBackend, CubeTensor};
use burn::tensor::DType;
use cubecl::prelude::*;

use super::blocks::ScalesLaunch;
use super::epilogue::{Epilogue, ExtentLaunch};
use super::layout::{COLS, Layout, ROWS};
use super::matmul::{MatmulPlan, TILE_ROWS, TILE_TOKENS, UNITS, matmul};
use super::matvec::{MatvecPlan, matvec};
use super::{contiguous, count_dispatch, dims2, empty, grid, or_unread, rms_norm, swiglu, unique};
use crate::linear::{LinearOp, LinearSpec};
use crate::maybe::Maybe;

/// Most rows of activations for which weights are better read again than tiled.
const MATVEC_TOKENS: usize = 8;

/// The operands of one shard, contiguous.
struct Call {
    x: CubeTensor,
    m: usize,
    words: CubeTensor,
    gamma: Option<CubeTensor>,
    bias: Option<CubeTensor>,
    residual: Option<CubeTensor>,
    out: CubeTensor,
    spec: LinearSpec,
}

impl LinearOp for CubeBackend {
    fn packed_linear(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        gamma: Maybe<Self>,
        bias: Maybe<Self>,
        residual: Maybe<Self>,
        out: Maybe<Self>,
        spec: LinearSpec,
    ) -> FloatTensor<Self> {
        if spec.swiglu && !(spec.packed.rows / 2).is_multiple_of(ROWS) {
            return separate_swiglu(x, words, gamma, bias, residual, spec);
        }
        let x = contiguous(x);
        let [m, _] = dims2(&x);
        let out = match out.into_option() {
            Some(out) => unique(out),
            None => empty(&x, [m, spec.width], DType::F32),
        };
        let call = Call {
            m,
            words,
            gamma: gamma.into_option().map(contiguous),
            bias: bias.into_option().map(contiguous),
            residual: residual.into_option().map(contiguous),
            out,
            spec,
            x,
        };
        match m {
            0 => call.out,
            1..=MATVEC_TOKENS => call.matvec(),
            _ => call.matmul(),
        }
    }
}

/// Gates and ups that do not lie at the same lane of their groups: the projection, then SwiGLU.
fn separate_swiglu(
    x: CubeTensor,
    words: CubeTensor,
    gamma: Maybe<CubeBackend>,
    bias: Maybe<CubeBackend>,
    residual: Maybe<CubeBackend>,
    spec: LinearSpec,
) -> CubeTensor {
    let whole = LinearSpec {
        swiglu: false,
        width: spec.packed.rows,
        ..spec
    };
    let gate_up =
        CubeBackend::packed_linear(x, words, gamma, bias, Maybe::None, Maybe::None, whole);
    swiglu::run(gate_up, residual.into_option().map(contiguous))
}

impl Call {
    fn matvec(self) -> CubeTensor {
        let layout = Layout::new(self.spec.packed);
        let units = if layout.blocks() >= 32 { 32 } else { 16 };
        let plan = MatvecPlan {
            ty: self.spec.packed.ty,
            tokens: if self.m == 1 { 1 } else { 4 },
            units,
            groups: 4,
            norm: self.gamma.is_some(),
            epilogue: self.epilogue(),
            ragged: !self.spec.packed.cols.is_multiple_of(16),
        };
        let (x, y) = grid(self.columns().div_ceil(ROWS).div_ceil(plan.groups));
        let z = self.m.div_ceil(plan.tokens) as u32;
        count_dispatch();
        // SAFETY: every index is below the length that the shapes of the operands give.
        unsafe {
            matvec::launch_unchecked(
                &self.x.client,
                CubeCount::Static(x, y, z),
                CubeDim::new_2d(plan.units as u32, plan.groups as u32),
                self.x.clone().into_buffer_arg(),
                self.words.clone().into_buffer_arg(),
                or_unread(self.gamma.clone(), &self.x),
                or_unread(self.bias.clone(), &self.x),
                or_unread(self.residual.clone(), &self.x),
                self.out.clone().into_buffer_arg(),
                self.extent(&layout),
                scales(&layout),
                plan,
            );
        }
        self.out
    }

    fn matmul(mut self) -> CubeTensor {
        if let Some(gamma) = self.gamma.take() {
            self.x = rms_norm::run(self.x, gamma, self.spec.eps);
        }
        let layout = Layout::new(self.spec.packed);
        let plan = MatmulPlan {
            ty: self.spec.packed.ty,
            epilogue: self.epilogue(),
            ragged: !self.spec.packed.cols.is_multiple_of(COLS),
        };
        let tile = if self.spec.swiglu {
            TILE_ROWS / 2
        } else {
            TILE_ROWS
        };
        let cubes = CubeCount::Static(
            self.columns().div_ceil(tile) as u32,
            self.m.div_ceil(TILE_TOKENS) as u32,
            1,
        );
        count_dispatch();
        // SAFETY: every index is below the length that the shapes of the operands give.
        unsafe {
            matmul::launch_unchecked(
                &self.x.client,
                cubes,
                CubeDim::new_1d(UNITS),
                self.x.clone().into_buffer_arg(),
                self.words.clone().into_buffer_arg(),
                or_unread(self.bias.clone(), &self.x),
                or_unread(self.residual.clone(), &self.x),
                self.out.clone().into_buffer_arg(),
                self.extent(&layout),
                scales(&layout),
                plan,
            );
        }
        self.out
    }

    /// Columns of the result that this shard writes.
    fn columns(&self) -> usize {
        if self.spec.swiglu {
            self.spec.packed.rows / 2
        } else {
            self.spec.packed.rows
        }
    }

    fn epilogue(&self) -> Epilogue {
        Epilogue {
            bias: self.bias.is_some(),
            swiglu: self.spec.swiglu,
            residual: self.residual.is_some(),
        }
    }

    fn extent(&self, layout: &Layout) -> ExtentLaunch {
        ExtentLaunch::new(
            self.m,
            self.columns(),
            self.spec.packed.cols / 4,
            layout.blocks(),
            self.spec.width,
            self.spec.offset,
            self.spec.eps,
        )
    }
}

pub(super) fn scales(layout: &Layout) -> ScalesLaunch {
    ScalesLaunch::new(layout.scale_start(), layout.scales())
}
