//! Every op on every device against one reference in f64, on seeded inputs.
//!
//! The GPU side runs on whatever adapter there is, a software one (Mesa's lavapipe) included;
//! without any it is skipped, and says so. The CPU side always runs.

mod attention;
mod embedding;
#[cfg(feature = "train")]
mod gradients;
mod linear;
mod pointwise;
mod support;
