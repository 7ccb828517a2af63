//! `metrics.jsonl`: what was measured at each step, one JSON object a line, only ever appended to.
//!
//! ```text
//! {"step":12,"time":1760000000.5,"loss":1.832,"learning_rate":1.8e-5}
//! ```
//!
//! A record is any type that serde writes as an object; of its fields only `step` (an unsigned
//! integer) means something here. JSON has no NaN, and a loss that became NaN is what one looks for
//! first, so floats that are not finite are written as the strings `"NaN"`, `"Infinity"` and
//! `"-Infinity"`, at any depth. Types that read such records back name [`float`] or
//! [`optional_float`] at the field.

mod float;
mod reader;
mod visible;
mod writer;

pub use float::{float, optional_float};
pub use reader::{Records, read};
pub use writer::Metrics;
