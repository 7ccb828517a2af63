//! Embedding lookup over shards.

use burn::tensor::{DType, Int, Tensor, TensorData};
use retort_formats::GgmlType;
use retort_kernels::{Embedding, Linear, Shard, Weight};

use crate::support::{Matrix, Rng, TYPES, devices, values};

#[test]
fn rows_come_from_the_shard_that_holds_them() {
    for ty in TYPES {
        let mut rng = Rng(31);
        let shards = [
            Matrix::random(ty, 7, 256, &mut rng),
            Matrix::random(GgmlType::Q8_0, 6, 256, &mut rng),
        ];
        let ids = [12u32, 0, 6, 7, 7, 3];
        let table = [&shards[0].floats[..], &shards[1].floats[..]].concat();
        let expected: Vec<f32> = ids
            .iter()
            .flat_map(|&id| table[id as usize * 256..][..256].to_vec())
            .collect();
        for (device, _) in devices("embedding", 0.0) {
            let shards = shards.iter().map(|matrix| Shard {
                weight: Weight::Packed(matrix.upload(&device)),
                lora: None,
            });
            let table = Linear {
                shards: shards.collect(),
                bias: None,
            };
            let data = TensorData::new(ids.to_vec(), [ids.len()]);
            let ids = Tensor::<1, Int>::from_data(data, (&device, DType::U32));
            let got = values(Embedding { table }.forward(ids));
            assert_eq!(got, expected, "{ty:?} on {device:?}");
        }
    }
}
