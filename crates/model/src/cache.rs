//! The KV cache: keys and values of every position so far, preallocated for a fixed context.

use burn::tensor::{Device, Tensor};

use crate::Config;

/// Keys and values of one sequence, [kv_heads, capacity, head_dim] per layer.
#[derive(Debug)]
pub struct KvCache {
    layers: Vec<Option<(Tensor<3>, Tensor<3>)>>,
    len: usize,
    capacity: usize,
}

impl KvCache {
    /// Allocates room for `capacity` tokens.
    pub fn new(config: &Config, capacity: usize, device: &Device) -> Self {
        let shape = [config.num_key_value_heads, capacity, config.head_dim];
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

    /// Lends the buffers of a layer to an op that writes them in place; they must come back
    /// through [`KvCache::put`].
    pub(crate) fn take(&mut self, layer: usize) -> (Tensor<3>, Tensor<3>) {
        self.layers[layer]
            .take()
            .expect("the cache of a layer is lent once at a time")
    }

    pub(crate) fn put(&mut self, layer: usize, buffers: (Tensor<3>, Tensor<3>)) {
        self.layers[layer] = Some(buffers);
    }
}
