//! The decoder of a student, its KV cache and weights.
//!
//! [`decoder`] is the whole network, of dense or packed weights, with a cache or without, on any
//! device; `backward` is its way back. It may branch on the configuration
//! and on "is there a cache", on nothing else: dtypes and devices are `retort-kernels`' business.
//!
//! | module | holds |
//! |---|---|
//! | [`decoder`] | embedding, blocks, final norm, output projection |
//! | [`cache`] | the preallocated KV cache |
//! | [`checkpoint`] | weights by their Hugging Face names, out of either format |
//! | [`load`] | a checkpoint onto a device, tensor by tensor |
//! | `backward` (feature `train`) | loss and gradients of a batch of documents |
//! | `parameters` (feature `train`) | the parameters for an optimiser, low-rank adapters |
//! | `tensors` (feature `train`) | the weights under their Hugging Face names, for an export |

#[cfg(feature = "train")]
pub mod backward;
pub mod cache;
pub mod checkpoint;
pub mod decoder;
mod error;
pub mod load;
#[cfg(feature = "train")]
pub mod parameters;
#[cfg(feature = "train")]
pub mod tensors;

pub use cache::KvCache;
pub use checkpoint::{Checkpoint, GgufCheckpoint, HfCheckpoint};
pub use decoder::Decoder;
pub use error::ModelError;
pub use load::{LoadEvent, LoadPlan, WeightForm, load};
pub use retort_config::{Architecture, Config, ConfigError};
