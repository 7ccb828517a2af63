//! The one seam between weights and arithmetic: `y = f(x) Wᵀ + bias`, for a dense matrix
//! (training), packed GGUF blocks (inference), or either with a LoRA pair.
//!
//! Decoding is bound by dispatches and bytes, so a projection absorbs what stands around it
//! ([`Fusion`]): the RMSNorm before it, the SwiGLU after it, the residual added to it.

use burn::backend::{
    Backend, Dispatch, Flex, backend_extension,
    tensor::{FloatTensor, IntTensor},
};
use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::maybe::{Maybe, maybe};
use crate::{Packed, PackedSpec, flex, rms_norm, swiglu};

/// A projection of `cols` inputs to the rows of all its shards together, in order.
///
/// Several shards serve three ends: q, k and v (gate and up) are one projection even where a file
/// gives them different block types; a matrix larger than an adapter's binding limit is split by
/// rows; and trained projections keep their own parameters.
#[derive(Module, Debug)]
pub struct Linear {
    pub shards: Vec<Shard>,
    /// [rows of all shards]
    pub bias: Option<Param<Tensor<1>>>,
}

/// Some rows of a [`Linear`].
#[derive(Module, Debug)]
pub struct Shard {
    pub weight: Weight,
    pub lora: Option<Lora>,
}

#[derive(Module, Debug)]
pub enum Weight {
    /// [rows, cols] as in `nn.Linear` of PyTorch.
    Dense(Param<Tensor<2>>),
    Packed(Packed),
}

/// Low-rank adapter (Hu et al. 2021): `y += scale * (x Aᵀ) Bᵀ`, never a dense merged weight.
#[derive(Module, Debug)]
pub struct Lora {
    /// [rank, cols]
    pub a: Param<Tensor<2>>,
    /// [rows, rank]
    pub b: Param<Tensor<2>>,
    #[module(skip)]
    pub scale: f32,
}

/// What a projection absorbs.
#[derive(Default)]
pub struct Fusion {
    /// RMSNorm of the input: gamma [cols] and epsilon.
    pub norm: Option<(Tensor<1>, f32)>,
    /// The rows are gate and up: the result is `silu(gate) * up`, half as wide.
    pub swiglu: bool,
    /// [m, width of the result], added last.
    pub residual: Option<Tensor<2>>,
}

impl Fusion {
    pub fn norm(gamma: &Param<Tensor<1>>, eps: f32) -> Self {
        Self {
            norm: Some((gamma.val(), eps)),
            ..Self::default()
        }
    }

    pub fn swiglu(self) -> Self {
        Self {
            swiglu: true,
            ..self
        }
    }

    pub fn residual(x: Tensor<2>) -> Self {
        Self {
            residual: Some(x),
            ..Self::default()
        }
    }
}

/// Where and how one packed shard writes its part of the result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearSpec {
    pub packed: PackedSpec,
    /// Width of the whole result and of `residual`, and this shard's first column in it.
    pub width: usize,
    pub offset: usize,
    /// Only for a single shard: rows are gate and up, `width` is half the rows.
    pub swiglu: bool,
    /// Epsilon of the norm, when there is one.
    pub eps: f32,
}

#[backend_extension(Flex)]
pub trait LinearOp: Backend {
    /// One shard. `x` [m, cols] f32; `gamma` [cols]; `bias` [rows of all shards]; `residual`
    /// [m, width]; `out` [m, width], the result of the shards before this one, written in place
    /// (none: allocated here).
    #[allow(clippy::too_many_arguments)]
    fn packed_linear(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        #[extension_type] gamma: Maybe<Self>,
        #[extension_type] bias: Maybe<Self>,
        #[extension_type] residual: Maybe<Self>,
        #[extension_type] out: Maybe<Self>,
        spec: LinearSpec,
    ) -> FloatTensor<Self>;
}

impl Linear {
    /// # Shapes
    /// `x` [m, cols] -> [m, rows], or [m, rows / 2] with SwiGLU. Any m, in `x`'s dtype.
    pub fn forward(&self, x: Tensor<2>, fusion: Fusion) -> Tensor<2> {
        if let Some(packed) = self.packed_shards(&x, &fusion) {
            return self.forward_packed(x, &packed, fusion);
        }
        let x = match fusion.norm {
            Some((gamma, eps)) => rms_norm(x, gamma, eps),
            None => x,
        };
        let mut parts = self
            .shards
            .iter()
            .map(|shard| shard.forward(x.clone()))
            .collect::<Vec<_>>();
        let mut y = if parts.len() == 1 {
            parts.remove(0)
        } else {
            Tensor::cat(parts, 1)
        };
        if let Some(bias) = &self.bias {
            y = y.clone() + bias.val().cast(y.dtype()).unsqueeze::<2>();
        }
        if fusion.swiglu {
            y = swiglu(y);
        }
        match fusion.residual {
            Some(residual) => y + residual,
            None => y,
        }
    }

    /// Output features.
    pub fn rows(&self) -> usize {
        self.shards.iter().map(|shard| shard.weight.dims()[0]).sum()
    }

    /// The shards, if the kernels can run them one after another into one result.
    fn packed_shards(&self, x: &Tensor<2>, fusion: &Fusion) -> Option<Vec<&Packed>> {
        if x.device().is_autodiff() || (fusion.swiglu && self.shards.len() > 1) {
            return None;
        }
        self.shards
            .iter()
            .map(|shard| match (&shard.weight, &shard.lora) {
                (Weight::Packed(packed), None) => Some(packed),
                _ => None,
            })
            .collect()
    }

    fn forward_packed(&self, x: Tensor<2>, shards: &[&Packed], fusion: Fusion) -> Tensor<2> {
        let rows = shards
            .iter()
            .map(|packed| packed.spec().rows)
            .sum::<usize>();
        let width = if fusion.swiglu { rows / 2 } else { rows };
        let (gamma, eps) = fusion.norm.unzip();
        let bias = self.bias.as_ref().map(|bias| bias.val());
        let mut out = None;
        let mut offset = 0;
        for packed in shards {
            let spec = LinearSpec {
                packed: packed.spec(),
                width,
                offset,
                swiglu: fusion.swiglu,
                eps: eps.unwrap_or_default(),
            };
            offset += packed.spec().rows;
            out = Some(Tensor::from_dispatch(
                <Dispatch as LinearOp>::packed_linear(
                    x.clone().into_dispatch(),
                    packed.words().into_dispatch(),
                    maybe(gamma.clone()),
                    maybe(bias.clone()),
                    maybe(fusion.residual.clone()),
                    maybe(out.take()),
                    spec,
                ),
            ));
        }
        out.expect("a projection has at least one shard")
    }
}

impl Shard {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let y = self.weight.matmul(x.clone());
        match &self.lora {
            Some(lora) => {
                let (a, b) = (lora.a.val().cast(x.dtype()), lora.b.val().cast(x.dtype()));
                y + x
                    .matmul(a.transpose())
                    .matmul(b.transpose())
                    .mul_scalar(lora.scale)
            }
            None => y,
        }
    }
}

impl Weight {
    /// [rows, cols]
    pub fn dims(&self) -> [usize; 2] {
        match self {
            Weight::Dense(weight) => weight.dims(),
            Weight::Packed(packed) => [packed.spec().rows, packed.spec().cols],
        }
    }

    fn matmul(&self, x: Tensor<2>) -> Tensor<2> {
        // Master weights may be f32 under bf16 activations: the compute dtype is the activations'.
        let dense = match self {
            Weight::Dense(weight) => weight.val(),
            Weight::Packed(packed) => packed.dequantize(),
        };
        let dtype = x.dtype();
        x.matmul(dense.cast(dtype).transpose())
    }
}

impl LinearOp for Flex {
    fn packed_linear(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        gamma: Maybe<Self>,
        bias: Maybe<Self>,
        residual: Maybe<Self>,
        out: Maybe<Self>,
        spec: LinearSpec,
    ) -> FloatTensor<Self> {
        let PackedSpec { ty, rows, cols } = spec.packed;
        let x = flex::contiguous(x);
        let [m, _] = flex::dims2(&x);
        let mut normed = Vec::new();
        let input = match gamma.into_option() {
            Some(gamma) => {
                normed.resize(m * cols, 0.0);
                let gamma = flex::contiguous(gamma);
                retort_cpu::rms_norm(flex::slice(&x), flex::slice(&gamma), spec.eps, &mut normed);
                &normed
            }
            None => flex::slice::<f32>(&x),
        };
        let bias = bias.into_option().map(flex::contiguous);
        let bias = bias.as_ref().map(|bias| {
            let all = flex::slice::<f32>(bias);
            &all[spec.offset..spec.offset + rows]
        });
        let mut part = vec![0.0; m * rows];
        let words = words
            .as_slice::<u32>()
            .expect("packed words are contiguous u32");
        retort_cpu::matmul_packed(ty, rows, cols, words, input, m, bias, &mut part);
        if spec.swiglu {
            let mut activated = vec![0.0; m * rows / 2];
            retort_cpu::swiglu(&part, m, &mut activated);
            part = activated;
        }
        let mut y = place(part, m, out.into_option(), spec);
        if let Some(residual) = residual.into_option() {
            add_columns(&mut y, &flex::contiguous(residual), m, spec);
        }
        y
    }
}

/// Puts a shard's part into its columns of the whole result.
fn place(
    part: Vec<f32>,
    m: usize,
    out: Option<flex::FlexTensor>,
    spec: LinearSpec,
) -> flex::FlexTensor {
    let columns = part.len() / m.max(1);
    if columns == spec.width {
        return flex::tensor(part, [m, spec.width]);
    }
    let mut out = out.unwrap_or_else(|| flex::tensor(vec![0.0; m * spec.width], [m, spec.width]));
    let all = out.storage_mut::<f32>();
    for (row, part) in all
        .chunks_exact_mut(spec.width)
        .zip(part.chunks_exact(columns))
    {
        row[spec.offset..spec.offset + columns].copy_from_slice(part);
    }
    out
}

/// Adds the residual to the columns that this shard wrote.
fn add_columns(y: &mut flex::FlexTensor, residual: &flex::FlexTensor, m: usize, spec: LinearSpec) {
    let columns = if spec.swiglu {
        spec.width
    } else {
        spec.packed.rows
    };
    let residual = flex::slice::<f32>(residual);
    let all = y.storage_mut::<f32>();
    for row in 0..m {
        let start = row * spec.width + spec.offset;
        let range = start..start + columns;
        for (y, r) in all[range.clone()].iter_mut().zip(&residual[range]) {
            *y += r;
        }
    }
}
