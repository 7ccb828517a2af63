//! The student as files that others load, each compared with the trainer before it gets its name.

use std::error::Error;
use std::path::{Path, PathBuf};

use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use retort_export::{
    Base, Dtype, GgufKind, Progress, Provenance, TensorInfo, Weights, write_gguf,
    write_hugging_face,
};
use retort_model::tensors::NamedTensor;
use retort_model::{Config, Decoder, LoadPlan, WeightForm};

use crate::TrainError;
use crate::student::Student;
use crate::trainer::read;

/// What a student is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    HuggingFace(Dtype),
    Gguf(GgufKind),
}

/// A file or folder that agrees with the trainer.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    pub path: PathBuf,
    pub agreement: Agreement,
}

/// Of two decoders on the same tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Agreement {
    /// Mean Kullback-Leibler divergence of the next token, in nats.
    pub divergence: f64,
    /// Share of positions with the same likeliest token.
    pub same: f64,
    pub positions: usize,
}

impl Format {
    /// From a configuration: `BF16` and the like for a Hugging Face folder.
    ///
    /// # Errors
    /// There is no such type.
    pub fn hugging_face(name: &str) -> Result<Self, TrainError> {
        let dtype = Dtype::from_name(name).ok_or_else(|| TrainError::Config {
            field: "export.hugging_face",
            expected: "BF16, F16 or F32",
            got: name.into(),
        })?;
        Ok(Self::HuggingFace(dtype))
    }

    /// From a configuration: `Q8_0` and the like for a GGUF file.
    ///
    /// # Errors
    /// There is no such type.
    pub fn gguf(name: &str) -> Result<Self, TrainError> {
        let kind = GgufKind::from_name(name).ok_or_else(|| TrainError::Config {
            field: "export.gguf",
            expected: "F16, Q8_0, Q4_K or Q4_0",
            got: name.into(),
        })?;
        Ok(Self::Gguf(kind))
    }

    /// The name of its file or folder.
    pub fn file_name(self, student: &str) -> String {
        let safe: String = student
            .chars()
            .map(
                |c| match c.is_alphanumeric() || matches!(c, '-' | '_' | '.') {
                    true => c,
                    false => '-',
                },
            )
            .collect();
        match self {
            Self::HuggingFace(dtype) => {
                let dtype = format!("{dtype:?}").to_uppercase();
                format!("{safe}-{dtype}")
            }
            Self::Gguf(kind) => format!("{safe}-{}.gguf", kind.name()),
        }
    }

    /// The most that rounding to this type may change a student. Files that were written wrongly
    /// (rows in another order, a tensor swapped) are off by several nats; rounding a small model to
    /// 4 bits by some tenths.
    pub fn tolerance(self) -> f64 {
        match self {
            Self::HuggingFace(Dtype::F32) => 1e-6,
            Self::HuggingFace(Dtype::F16) | Self::Gguf(GgufKind::F16) => 1e-3,
            Self::HuggingFace(Dtype::Bf16) | Self::Gguf(GgufKind::Q8_0) => 0.02,
            Self::Gguf(GgufKind::Q4_K) => 0.5,
            Self::Gguf(GgufKind::Q4_0) => 1.5,
        }
    }
}

/// The decoder's tensors, read from the device one at a time.
struct Trained<'a>(Vec<NamedTensor<'a>>);

impl Weights for Trained<'_> {
    fn tensors(&self) -> Vec<TensorInfo> {
        let info = |tensor: &NamedTensor| TensorInfo {
            name: tensor.name.clone(),
            shape: tensor.shape.clone(),
        };
        self.0.iter().map(info).collect()
    }

    fn read(&mut self, name: &str) -> Result<Vec<f32>, Box<dyn Error + Send + Sync>> {
        let found = self.0.iter().find(|tensor| tensor.name == name);
        let tensor = found.ok_or_else(|| format!("there is no tensor `{name}`"))?;
        Ok(pollster::block_on(read(tensor.read()))?)
    }
}

/// What is published, and what it is compared on.
pub struct Publication<'a> {
    pub name: &'a str,
    pub base: &'a Base,
    pub config: &'a Config,
    pub decoder: &'a Decoder,
    pub device: &'a Device,
    pub provenance: &'a Provenance,
    /// Sequences of token ids, some tens of tokens each.
    pub prompts: &'a [Vec<u32>],
}

impl Publication<'_> {
    /// Writes one format into `folder`, loads it again and compares. What was there under the name
    /// is replaced.
    ///
    /// # Errors
    /// [`TrainError::Parity`] if what was written does not compute what the trainer does; nothing
    /// has the name then. Those of `retort-export`.
    pub async fn write(
        &self,
        format: Format,
        folder: &Path,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Published, TrainError> {
        std::fs::create_dir_all(folder).map_err(|error| TrainError::io("make", folder, error))?;
        let name = format.file_name(self.name);
        let path = folder.join(&name);
        // A GGUF file is told by its content, not by its ending.
        let unchecked = folder.join(format!(".unchecked-{name}"));
        remove(&unchecked)?;
        let mut weights = Trained(self.decoder.tensors(self.config));
        match format {
            Format::HuggingFace(dtype) => write_hugging_face(
                self.base,
                &mut weights,
                self.provenance,
                dtype,
                &unchecked,
                progress,
            )?,
            Format::Gguf(kind) => write_gguf(
                self.base,
                &mut weights,
                self.provenance,
                kind,
                &unchecked,
                progress,
            )?,
        }
        let agreement = self.compare(&unchecked).await;
        let agreement =
            agreement.and_then(
                |agreement| match agreement.divergence <= format.tolerance() {
                    true => Ok(agreement),
                    false => Err(TrainError::Parity {
                        path: path.clone(),
                        divergence: agreement.divergence,
                        tolerance: format.tolerance(),
                    }),
                },
            );
        if agreement.is_err() {
            remove(&unchecked)?;
        }
        let agreement = agreement?;
        remove(&path)?;
        std::fs::rename(&unchecked, &path)
            .map_err(|error| TrainError::io("write", &path, error))?;
        Ok(Published { path, agreement })
    }

    async fn compare(&self, path: &Path) -> Result<Agreement, TrainError> {
        let student = Student::open(path, None).await?;
        let longest = self.prompts.iter().map(Vec::len).max().unwrap_or(0);
        let plan = LoadPlan {
            form: WeightForm::Packed,
            positions: longest.max(1),
            max_shard_bytes: 128 << 20,
        };
        let reloaded = student.decoder(self.device, &plan, |_| {}).await?;
        agreement(self.decoder, &reloaded, self.prompts, self.device).await
    }
}

fn remove(path: &Path) -> Result<(), TrainError> {
    let removed = match path.is_dir() {
        true => std::fs::remove_dir_all(path),
        false => std::fs::remove_file(path),
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(TrainError::io("remove", path, error))
        }
        _ => Ok(()),
    }
}

/// Compares what two decoders expect after each token of the prompts.
///
/// # Errors
/// The device fails.
pub async fn agreement(
    expected: &Decoder,
    got: &Decoder,
    prompts: &[Vec<u32>],
    device: &Device,
) -> Result<Agreement, TrainError> {
    /// Positions whose logits are on the host at once.
    const ROWS: usize = 16;
    let mut total = Agreement::default();
    for prompt in prompts.iter().filter(|prompt| !prompt.is_empty()) {
        let data = TensorData::new(prompt.clone(), [1, prompt.len()]);
        let ids = Tensor::<2, Int>::from_data(data, (device, DType::U32));
        let hidden = [expected, got].map(|decoder| decoder.forward(ids.clone(), None));
        for first in (0..prompt.len()).step_by(ROWS) {
            let count = ROWS.min(prompt.len() - first);
            let mut logits = Vec::new();
            for (decoder, hidden) in [expected, got].iter().zip(&hidden) {
                let rows = decoder.logits(hidden.clone().narrow(0, first, count));
                logits.push(read(rows.flatten(0, 1)).await?);
            }
            let width = logits[0].len() / count;
            let rows = logits[0].chunks(width).zip(logits[1].chunks(width));
            for (expected, got) in rows {
                total.divergence += divergence(expected, got);
                total.same += f64::from(u8::from(argmax(expected) == argmax(got)));
                total.positions += 1;
            }
        }
    }
    let positions = total.positions.max(1) as f64;
    total.divergence /= positions;
    total.same /= positions;
    Ok(total)
}

/// `sum p (log p - log q)` of the distributions of two rows of logits. Infinite if a row holds NaN.
fn divergence(p: &[f32], q: &[f32]) -> f64 {
    let log_sum = |logits: &[f32]| {
        let max = logits.iter().fold(f32::MIN, |max, x| max.max(*x));
        let sum: f64 = logits.iter().map(|x| f64::from(x - max).exp()).sum();
        f64::from(max) + sum.ln()
    };
    let (log_p, log_q) = (log_sum(p), log_sum(q));
    let terms = p.iter().zip(q).map(|(&p, &q)| {
        let (p, q) = (f64::from(p) - log_p, f64::from(q) - log_q);
        p.exp() * (p - q)
    });
    match terms.sum::<f64>() {
        sum if sum.is_finite() => sum.max(0.0),
        _ => f64::INFINITY,
    }
}

fn argmax(logits: &[f32]) -> usize {
    let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or(0, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divergence_is_that_of_the_distributions() {
        assert_eq!(divergence(&[1.0, 2.0, 3.0], &[11.0, 12.0, 13.0]), 0.0);
        // p = (1/2, 1/2), q = (1/4, 3/4): ln(4/3) + ln(1/3)/2... by hand 0.14384.
        let got = divergence(&[0.0, 0.0], &[0.0, 3f32.ln()]);
        assert!((got - 0.143_841).abs() < 1e-5, "{got}");
        assert_eq!(divergence(&[0.0, 1.0], &[f32::NAN, 0.0]), f64::INFINITY);
    }

    #[test]
    fn names_of_files_are_safe() {
        let gguf = Format::gguf("Q8_0").unwrap();
        assert_eq!(gguf.file_name("a/b c"), "a-b-c-Q8_0.gguf");
        let folder = Format::hugging_face("bf16").unwrap();
        assert_eq!(folder.file_name("s"), "s-BF16");
        assert!(Format::gguf("Q9").is_err());
    }
}
