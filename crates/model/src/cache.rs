//! The KV cache: keys and values of every position so far, up to a fixed context.

use burn::tensor::{Device, Tensor};

use crate::Config;

/// Keys and values of one sequence, [kv_heads, room, head_dim] per layer. The room is all of the
/// capacity, or doubles as needed.
#[derive(Debug)]
pub struct KvCache {
    layers: Vec<Option<(Tensor<3>, Tensor<3>)>>,
    len: usize,
    capacity: usize,
}

impl KvCache {
    /// Allocates room for `capacity` tokens, so that nothing can run out of memory later.
    pub fn new(config: &Config, capacity: usize, device: &Device) -> Self {
        Self::growing(config, capacity, capacity, device)
    }

    /// Allocates `room` for the first tokens, for a host whose memory is everybody's: most replies
    /// are far shorter than the context.
    pub fn growing(config: &Config, capacity: usize, room: usize, device: &Device) -> Self {
        let shape = [
            config.num_key_value_heads,
            room.clamp(1, capacity.max(1)),
            config.head_dim,
        ];
        let layer = || (Tensor::zeros(shape, device), Tensor::zeros(shape, device));
        let layers = (0..config.num_hidden_layers)
            .map(|_| Some(layer()))
            .collect();
        Self {
            layers,
            len: 0,
            capacity,
        }
    }

    /// Tokens held.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Tokens that fit.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Forgets everything after the first `len` tokens, to reuse a shared prefix.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    pub(crate) fn advance(&mut self, tokens: usize) {
        self.len += tokens;
    }

    /// Lends the buffers of a layer, with room for so many more tokens, to an op that writes them
    /// in place; they must come back through [`KvCache::put`].
    pub(crate) fn take(&mut self, layer: usize, tokens: usize) -> (Tensor<3>, Tensor<3>) {
        let (keys, values) = self.layers[layer]
            .take()
            .expect("the cache of a layer is lent once at a time");
        let (needed, room) = (self.len + tokens, keys.dims()[1]);
        if needed <= room {
            return (keys, values);
        }
        let room = needed.max(2 * room).min(self.capacity.max(needed));
        (
            enlarged(keys, self.len, room),
            enlarged(values, self.len, room),
        )
    }

    pub(crate) fn put(&mut self, layer: usize, buffers: (Tensor<3>, Tensor<3>)) {
        self.layers[layer] = Some(buffers);
    }
}

/// The first `len` positions of [heads, positions, d] in a larger buffer.
fn enlarged(buffer: Tensor<3>, len: usize, room: usize) -> Tensor<3> {
    let [heads, _, d] = buffer.dims();
    let larger = Tensor::zeros([heads, room, d], &buffer.device());
    if len == 0 {
        return larger;
    }
    larger.slice_assign([0..heads, 0..len, 0..d], buffer.narrow(1, 0, len))
}
