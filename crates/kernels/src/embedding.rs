//! Token embedding: row `id` of a [vocabulary, d] table, dequantised on the way. The same table
//! is the output projection of a tied model.

use burn::backend::{
    Backend, Dispatch, Flex, backend_extension,
    tensor::{FloatTensor, IntTensor},
};
use burn::module::Module;
use burn::tensor::{Int, Tensor};

use crate::linear::Weight;
use crate::maybe::{Maybe, maybe};
use crate::{Linear, Packed, PackedSpec, flex};

/// A table of one row per token, split by rows like any [`Linear`].
#[derive(Module, Debug)]
pub struct Embedding {
    pub table: Linear,
}

/// Which ids a shard holds: those in `first .. first + packed.rows`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookupSpec {
    pub packed: PackedSpec,
    pub first: usize,
}

#[backend_extension(Cube, Flex)]
pub trait EmbeddingOp: Backend {
    /// `ids` [m] u32 -> [m, cols] f32. Rows of ids that another shard holds are left as `out`
    /// has them (zero where there is none).
    fn packed_lookup(
        ids: IntTensor<Self>,
        words: IntTensor<Self>,
        #[extension_type] out: Maybe<Self>,
        spec: LookupSpec,
    ) -> FloatTensor<Self>;
}

impl Embedding {
    /// # Shapes
    /// `ids` [m], u32, each below the number of rows -> [m, d].
    pub fn forward(&self, ids: Tensor<1, Int>) -> Tensor<2> {
        let mut out = None;
        let mut first = 0;
        let mut dense = Vec::new();
        for shard in &self.table.shards {
            match &shard.weight {
                Weight::Packed(packed) => {
                    out = Some(lookup(ids.clone(), packed, first, out.take()));
                }
                Weight::Dense(weight) => dense.push(weight.val()),
            }
            first += shard.weight.dims()[0];
        }
        match out {
            Some(out) => out,
            None => Tensor::cat(dense, 0).select(0, ids),
        }
    }
}

impl Packed {
    /// The whole matrix, dense: [rows, cols] f32.
    pub fn dequantize(&self) -> Tensor<2> {
        let words = self.words();
        let rows = self.spec().rows as i64;
        let ids = Tensor::<1, Int>::arange(0..rows, &words.device().inner());
        lookup(ids.cast(burn::tensor::DType::U32), self, 0, None)
    }
}

fn lookup(ids: Tensor<1, Int>, packed: &Packed, first: usize, out: Option<Tensor<2>>) -> Tensor<2> {
    let spec = LookupSpec {
        packed: packed.spec(),
        first,
    };
    let rows = <Dispatch as EmbeddingOp>::packed_lookup(
        ids.into_dispatch(),
        packed.words().into_dispatch(),
        maybe(out),
        spec,
    );
    Tensor::from_dispatch(rows)
}

impl EmbeddingOp for Flex {
    fn packed_lookup(
        ids: IntTensor<Self>,
        words: IntTensor<Self>,
        out: Maybe<Self>,
        spec: LookupSpec,
    ) -> FloatTensor<Self> {
        let PackedSpec { ty, rows, cols } = spec.packed;
        let ids = ids.as_slice::<u32>().expect("ids are contiguous u32");
        let words = words
            .as_slice::<u32>()
            .expect("packed words are contiguous u32");
        let shape = [ids.len(), cols];
        let mut out = out
            .into_option()
            .unwrap_or_else(|| flex::tensor(vec![0.0; ids.len() * cols], shape));
        for (&id, row) in ids
            .iter()
            .zip(out.storage_mut::<f32>().chunks_exact_mut(cols))
        {
            if let Some(id) = (id as usize)
                .checked_sub(spec.first)
                .filter(|&id| id < rows)
            {
                retort_cpu::packed::row(ty, rows, cols, words, id, row)
                    .expect("the table's shape was checked at upload");
            }
        }
        out
    }
}
