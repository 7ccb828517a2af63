//! A decoder's parameters one after another, as an optimiser, a checkpoint or an adapter sees them.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;
use retort_kernels::Lora;

use crate::Decoder;

/// What a parameter is for: optimisers treat them differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A row per token: the embedding, or the output projection.
    Table,
    /// A projection inside a block.
    Matrix,
    /// Gamma of a norm.
    Norm,
    Bias,
    /// A or B of a low-rank pair.
    Adapter,
}

/// One dense parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Where it is in the decoder, `layers.0.o_proj.shards.0.weight` for instance.
    pub path: String,
    pub id: ParamId,
    pub shape: Vec<usize>,
    pub role: Role,
}

impl Parameter {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether only an adapter of a frozen base is to be trained by it.
    pub fn is_adapter(&self) -> bool {
        self.role == Role::Adapter
    }
}

/// Which projections get low-rank adapters, and how large ones.
#[derive(Clone, Debug, PartialEq)]
pub struct LoraPlan {
    pub rank: usize,
    /// The product of A and B is scaled by `alpha / rank` (Hu et al. 2021, section 4.1).
    pub alpha: f32,
    pub targets: Targets,
}

/// Projections of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Targets {
    pub qkv: bool,
    pub o: bool,
    pub gate_up: bool,
    pub down: bool,
}

impl Targets {
    /// Every projection, which loses least (Dettmers et al. 2023, section 4).
    pub const ALL: Self = Self {
        qkv: true,
        o: true,
        gate_up: true,
        down: true,
    };
}

impl Decoder {
    /// Every dense parameter, in the order of the forward pass. Packed weights are none.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut list = List::default();
        self.visit(&mut list);
        list.found
    }

    /// Calls `f` with each dense parameter's values, flat.
    pub fn for_each_parameter(&self, f: impl FnMut(ParamId, Tensor<1>)) {
        self.visit(&mut Each(f));
    }

    /// Replaces the dense parameters that `wanted` names by what `f` makes of them, flat. `f` gets
    /// the only handle of a buffer, so that it can be written in place.
    pub fn map_parameters(
        self,
        wanted: impl Fn(ParamId) -> bool,
        f: impl FnMut(ParamId, Tensor<1>) -> Tensor<1>,
    ) -> Self {
        self.map(&mut Map { wanted, f })
    }

    /// Gives the targets a low-rank adapter each, A from `values` and B zero, so that the decoder
    /// computes what it did. `values` gives numbers of unit variance.
    pub fn with_lora(mut self, plan: &LoraPlan, mut values: impl FnMut() -> f32) -> Self {
        let device = self.norm.device();
        for block in &mut self.layers {
            let projections = [
                (plan.targets.qkv, &mut block.qkv_proj),
                (plan.targets.o, &mut block.o_proj),
                (plan.targets.gate_up, &mut block.gate_up_proj),
                (plan.targets.down, &mut block.down_proj),
            ];
            for shard in projections
                .into_iter()
                .filter(|(target, _)| *target)
                .flat_map(|(_, projection)| &mut projection.shards)
            {
                let [rows, cols] = shard.weight.dims();
                // Variance 1 / (3 cols), that of Kaiming's uniform initialisation with a = sqrt(5),
                // which the paper's code and PEFT use.
                let deviation = (3.0 * cols as f32).sqrt().recip();
                let a = (0..plan.rank * cols)
                    .map(|_| values() * deviation)
                    .collect::<Vec<_>>();
                let a = burn::tensor::TensorData::new(a, [plan.rank, cols]);
                shard.lora = Some(Lora {
                    a: Param::from_tensor(Tensor::from_data(a, &device)),
                    b: Param::from_tensor(Tensor::zeros([rows, plan.rank], &device)),
                    scale: plan.alpha / plan.rank as f32,
                });
            }
        }
        self
    }
}

#[derive(Default)]
struct List {
    path: Vec<String>,
    found: Vec<Parameter>,
}

impl ModuleVisitor for List {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let has = |part: &str| self.path.iter().any(|name| name == part);
        let role = match self.path.last().map(String::as_str) {
            Some("bias") => Role::Bias,
            _ if has("lora") => Role::Adapter,
            _ if D == 1 => Role::Norm,
            _ if has("embed_tokens") || has("lm_head") => Role::Table,
            _ => Role::Matrix,
        };
        self.found.push(Parameter {
            path: self.path.join("."),
            id: param.id,
            shape: param.dims().to_vec(),
            role,
        });
    }
}

struct Each<F>(F);

impl<F: FnMut(ParamId, Tensor<1>)> ModuleVisitor for Each<F> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        (self.0)(param.id, param.val().flatten(0, D - 1));
    }
}

struct Map<W, F> {
    wanted: W,
    f: F,
}

impl<W, F> ModuleMapper for Map<W, F>
where
    W: Fn(ParamId) -> bool,
    F: FnMut(ParamId, Tensor<1>) -> Tensor<1>,
{
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !(self.wanted)(param.id) {
            return param;
        }
        let id = param.id;
        param.map(|tensor| {
            let shape = tensor.dims();
            (self.f)(id, tensor.flatten(0, D - 1)).reshape(shape)
        })
    }
}
