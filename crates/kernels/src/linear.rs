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
use retort_cpu::{Activations, Output};

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

#[backend_extension(Cube, Flex)]
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
        let mut y = self.product(x);
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

    /// `x Wᵀ` of all shards side by side.
    fn product(&self, x: Tensor<2>) -> Tensor<2> {
        // An autodiff device is the CPU too, but records only burn's own ops.
        #[cfg(feature = "train")]
        if crate::train::on_cpu(&x) && !x.device().is_autodiff() {
            return self.product_on_cpu(&x);
        }
        let shards = self.shards.iter();
        let mut parts: Vec<_> = shards.map(|shard| shard.forward(x.clone())).collect();
        match parts.len() {
            1 => parts.remove(0),
            _ => Tensor::cat(parts, 1),
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

    /// A packed matrix is dequantised for one product, and dropped after it.
    pub(crate) fn dense(&self) -> Tensor<2> {
        match self {
            Weight::Dense(weight) => weight.val(),
            Weight::Packed(packed) => packed.dequantize(),
        }
    }

    fn matmul(&self, x: Tensor<2>) -> Tensor<2> {
        // Master weights may be f32 under bf16 activations: the compute dtype is the activations'.
        let dtype = x.dtype();
        x.matmul(self.dense().cast(dtype).transpose())
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
        let x = flex::contiguous(x);
        let [m, _] = flex::dims2(&x);
        let gamma = gamma.into_option().map(flex::contiguous);
        let bias = bias.into_option().map(flex::contiguous);
        let rows = spec.packed.rows;
        let bias = bias.as_ref().map(|bias| {
            let all = flex::slice::<f32>(bias);
            &all[spec.offset..spec.offset + rows]
        });
        let input = Input {
            x: flex::slice(&x),
            m,
            norm: gamma.as_ref().map(|gamma| (flex::slice(gamma), spec.eps)),
            bias,
        };
        let words = words
            .as_slice::<u32>()
            .expect("packed words are contiguous u32");
        let residual = residual.into_option().map(flex::contiguous);
        if spec.swiglu {
            return gated(&input, words, residual, spec);
        }
        // The residual is where the sum starts: its buffer becomes the result.
        let adds = residual.is_some();
        let mut y = out
            .into_option()
            .or(residual)
            .unwrap_or_else(|| flex::tensor(vec![0.0; m * spec.width], [m, spec.width]));
        let all = y.storage_mut::<f32>();
        let target = if adds {
            Output::add(all)
        } else {
            Output::write(all)
        };
        input.project(words, spec.packed, target.columns(spec.width, spec.offset));
        y
    }
}

/// The operands of a projection as slices.
struct Input<'a> {
    /// [m, cols]
    x: &'a [f32],
    m: usize,
    norm: Option<(&'a [f32], f32)>,
    bias: Option<&'a [f32]>,
}

impl Input<'_> {
    fn project(&self, words: &[u32], spec: PackedSpec, out: Output) {
        let PackedSpec { ty, rows, cols } = spec;
        let Self { x, m, norm, bias } = *self;
        let run = || {
            let matrix = retort_cpu::Packed::new(ty, rows, cols, words)?;
            match norm {
                None => retort_cpu::linear(matrix, x, m, bias, out),
                Some((gamma, eps)) if ty.is_quantized() => {
                    let activations = Activations::rms_norm(x, gamma, eps, m, cols)?;
                    retort_cpu::matmul_packed(matrix, &activations, bias, out)
                }
                Some((gamma, eps)) => {
                    let mut normed = vec![0.0; x.len()];
                    retort_cpu::rms_norm(x, gamma, eps, &mut normed)?;
                    retort_cpu::linear(matrix, &normed, m, bias, out)
                }
            }
        };
        run().expect("the decoder's shapes were checked at load");
    }
}

/// SwiGLU of a projection to gate and up, plus the residual.
fn gated(
    input: &Input,
    words: &[u32],
    residual: Option<flex::FlexTensor>,
    spec: LinearSpec,
) -> flex::FlexTensor {
    let (m, rows) = (input.m, spec.packed.rows);
    let mut gate_up = vec![0.0; m * rows];
    input.project(words, spec.packed, Output::write(&mut gate_up));
    let mut y = vec![0.0; m * spec.width];
    retort_cpu::swiglu(&gate_up, m, &mut y).expect("gate and up are halves of the rows");
    if let Some(residual) = residual {
        for (y, r) in y.iter_mut().zip(flex::slice::<f32>(&residual)) {
            *y += r;
        }
    }
    flex::tensor(y, [m, spec.width])
}
