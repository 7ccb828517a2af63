//! A decoded token costs six dispatches a layer. Alone in its process, because the count is global.

use burn::module::{Param, ParamId};
use burn::tensor::{Device, Tensor};
use retort_formats::GgmlType;
use retort_kernels::{
    Attention, Fusion, Linear, Packed, PackedSpec, RopeTable, Shard, Weight, attention, dispatches,
    rope_append,
};

const HIDDEN: usize = 128;
const FEED_FORWARD: usize = 256;
const SHAPE: Attention = Attention {
    heads: 4,
    kv_heads: 2,
    head_dim: 32,
    scale: 0.2,
};

struct Layer {
    gamma: Param<Tensor<1>>,
    qkv: Linear,
    o: Linear,
    gate_up: Linear,
    down: Linear,
}

impl Layer {
    fn new(device: &Device) -> Self {
        let linear = |rows, cols| {
            let spec = PackedSpec {
                ty: GgmlType::Q4_0,
                rows,
                cols,
            };
            let zeros = vec![0; spec.bytes().expect("whole blocks")];
            let packed = Packed::upload(spec, &zeros, device).expect("a supported matrix");
            let shards = vec![Shard {
                weight: Weight::Packed(packed),
                lora: None,
            }];
            Linear { shards, bias: None }
        };
        Self {
            gamma: Param::initialized(ParamId::new(), Tensor::ones([HIDDEN], device)),
            qkv: linear((SHAPE.heads + 2 * SHAPE.kv_heads) * SHAPE.head_dim, HIDDEN),
            o: linear(HIDDEN, HIDDEN),
            gate_up: linear(2 * FEED_FORWARD, HIDDEN),
            down: linear(HIDDEN, FEED_FORWARD),
        }
    }

    fn forward(
        &self,
        x: Tensor<2>,
        cache: (Tensor<3>, Tensor<3>),
        rope: &RopeTable,
        past: usize,
    ) -> (Tensor<2>, (Tensor<3>, Tensor<3>)) {
        let qkv = self.qkv.forward(x.clone(), Fusion::norm(&self.gamma, 1e-5));
        let (q, k, v) = rope_append(qkv, cache, rope, SHAPE, past);
        let attended = attention(q, k.clone(), v.clone(), SHAPE, past);
        let x = self.o.forward(attended, Fusion::residual(x));
        let hidden = self
            .gate_up
            .forward(x.clone(), Fusion::norm(&self.gamma, 1e-5).swiglu());
        (self.down.forward(hidden, Fusion::residual(x)), (k, v))
    }
}

#[test]
fn a_decoded_token_takes_six_dispatches_a_layer() {
    let device = match Device::wgpu_options().init() {
        Ok(device) => device,
        Err(error) => {
            eprintln!("SKIPPED: no GPU: {error}");
            return;
        }
    };
    let layer = Layer::new(&device);
    let rope = RopeTable::new(&[0.1; 16], 64, &device);
    let cache = || Tensor::zeros([SHAPE.kv_heads, 64, SHAPE.head_dim], &device);
    let x = Tensor::ones([1, HIDDEN], &device);
    let before = dispatches();
    let (x, cache) = layer.forward(x, (cache(), cache()), &rope, 0);
    assert_eq!(dispatches() - before, 6);
    layer.forward(x, cache, &rope, 1);
    assert_eq!(dispatches() - before, 12);
}
