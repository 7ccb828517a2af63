//! What training needs on a CPU beyond inference: backward passes, the loss and the optimiser
//! step, over plain slices of f32. Native only.
//!
//! Every result is the same for any number of threads: work is cut into pieces of fixed size, and
//! sums over pieces are taken in order. A resumed run can therefore be bit-equal.

mod adamw;
mod attention;
mod cross_entropy;
mod matrix;
mod norm;
mod swiglu;

pub use adamw::{AdamW, adamw, sum_squares};
pub use attention::{Heads, packed_attention, packed_attention_backward};
pub use cross_entropy::softmax_cross_entropy;
pub use matrix::{Matrix, matmul, matmul_add};
pub use norm::rms_norm_backward;
pub use swiglu::swiglu_backward;
