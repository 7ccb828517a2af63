//! A student's shape from and to GGUF metadata.

use retort_formats::gguf::{Header, Value as Entry};
use retort_formats::{FormatError, Source, blocks};

use crate::{Architecture, Config, ConfigError, RopeScaling};

/// The tensor by which llama.cpp is told what each rotary frequency is divided by.
pub const ROPE_FREQS: &str = "rope_freqs.weight";

pub(crate) const SPLIT: &str = "split.count, a model in several GGUF files,";

impl Config {
    /// From the header of a GGUF file. The rows of the embedding, and whether there is no output of
    /// its own, come from the table of tensors, as llama.cpp takes them. Rotary divisors are a
    /// tensor: see [`Self::read_gguf`].
    ///
    /// # Errors
    /// An entry or the embedding is missing, the file is one part of several, or something is
    /// named that the decoder does not have.
    pub fn from_gguf(header: &Header) -> Result<Self, ConfigError> {
        let metadata = &header.metadata;
        let parts = "split.count";
        if metadata.get(parts).is_some() && metadata.u32(parts)? > 1 {
            return Err(ConfigError::Unsupported {
                feature: SPLIT,
                got: metadata.u32(parts)?.to_string(),
            });
        }
        let architecture = Architecture::from_name(metadata.str("general.architecture")?)?;
        let name = architecture.name();
        let key = |suffix: &str| format!("{name}.{suffix}");
        let size = |suffix: &str| metadata.u32(&key(suffix)).map(|value| value as usize);
        let optional = |suffix: &str, default: usize| match metadata.get(&key(suffix)) {
            Some(_) => size(suffix),
            None => Ok(default),
        };
        let hidden_size = size("embedding_length")?;
        let heads = size("attention.head_count")?;
        let head_dim = optional("attention.key_length", hidden_size / heads.max(1))?;
        for (feature, got, expected) in [
            (
                "rope.dimension_count",
                optional("rope.dimension_count", head_dim)?,
                head_dim,
            ),
            (
                "attention.value_length",
                optional("attention.value_length", head_dim)?,
                head_dim,
            ),
            ("expert_count", optional("expert_count", 0)?, 0),
        ] {
            if got != expected {
                let got = got.to_string();
                return Err(ConfigError::Unsupported { feature, got });
            }
        }
        let theta = key("rope.freq_base");
        let embedding = header.tensor("token_embd.weight")?;
        let config = Self {
            architecture,
            vocab_size: usize::try_from(embedding.rows()).unwrap_or(usize::MAX),
            hidden_size,
            intermediate_size: size("feed_forward_length")?,
            num_hidden_layers: size("block_count")?,
            num_attention_heads: heads,
            num_key_value_heads: optional("attention.head_count_kv", heads)?,
            head_dim,
            rms_norm_eps: metadata.f32(&key("attention.layer_norm_rms_epsilon"))?,
            rope_theta: match metadata.get(&theta) {
                Some(_) => metadata.f32(&theta)?,
                None => 10_000.0,
            },
            rope_scaling: RopeScaling::from_gguf(metadata, name)?,
            max_position_embeddings: size("context_length")?,
            tie_word_embeddings: header.tensor("output.weight").is_err(),
            attention_bias: architecture == Architecture::Qwen2,
        };
        config.validate()
    }

    /// The same with the rotary divisors, which are read out of the file's data.
    ///
    /// # Errors
    /// As for [`Self::from_gguf`]; the divisors cannot be read, or are not one positive number per
    /// frequency.
    pub async fn read_gguf<S: Source>(source: &S, header: &Header) -> Result<Self, ConfigError> {
        let mut config = Self::from_gguf(header)?;
        let Ok(info) = header.tensor(ROPE_FREQS) else {
            return Ok(config);
        };
        let wrong = |expected: String, got: String| ConfigError::Field {
            field: ROPE_FREQS.into(),
            expected,
            got,
        };
        let expected = config.head_dim / 2;
        if info.elements() != expected as u64 {
            let got = format!("{} values", info.elements());
            return Err(wrong(format!("{expected} values"), got));
        }
        let ty = info.ty.known()?;
        let mut bytes = vec![0; ty.row_bytes(expected)?];
        let read = source.read_at(info.offset, &mut bytes).await;
        read.map_err(|error| FormatError::Source {
            field: ROPE_FREQS.into(),
            error,
        })?;
        let mut divisors = vec![0.0_f32; expected];
        blocks::dequantize(ty, &bytes, &mut divisors)?;
        if let Some(bad) = divisors.iter().find(|d| !d.is_finite() || **d <= 0.0) {
            return Err(wrong("positive numbers".into(), bad.to_string()));
        }
        // A converter may write the tensor for a model that has no scaling.
        if divisors.iter().any(|&divisor| divisor != 1.0) {
            config.rope_scaling = Some(RopeScaling::Divisors(divisors));
        }
        Ok(config)
    }

    /// The model's shape as GGUF metadata, with the keys that llama.cpp's converter writes.
    pub fn to_gguf(&self) -> Vec<(String, Entry)> {
        let count = |value: usize| Entry::U32(value as u32); // Bounded by `validate`.
        let mut entries = vec![
            ("block_count", count(self.num_hidden_layers)),
            ("context_length", count(self.max_position_embeddings)),
            ("embedding_length", count(self.hidden_size)),
            ("feed_forward_length", count(self.intermediate_size)),
            ("attention.head_count", count(self.num_attention_heads)),
            ("attention.head_count_kv", count(self.num_key_value_heads)),
            ("rope.freq_base", Entry::F32(self.rope_theta)),
            (
                "attention.layer_norm_rms_epsilon",
                Entry::F32(self.rms_norm_eps),
            ),
            ("attention.key_length", count(self.head_dim)),
            ("attention.value_length", count(self.head_dim)),
            ("rope.dimension_count", count(self.head_dim)),
            ("vocab_size", count(self.vocab_size)),
        ];
        entries.extend(
            self.rope_scaling
                .as_ref()
                .map(RopeScaling::entries)
                .unwrap_or_default(),
        );
        let name = self.architecture.name();
        let entries = entries.into_iter();
        entries
            .map(|(key, value)| (format!("{name}.{key}"), value))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rope::Llama3;
    use pollster::block_on;
    use retort_formats::MemorySource;
    use retort_formats::gguf::{TensorSpec, Writer, read_header};
    use retort_formats::{GgmlType, gguf::Metadata};

    fn config() -> Config {
        Config {
            vocab_size: 32,
            rope_scaling: None,
            ..(crate::presets::STUDENTS[4].config)()
        }
    }

    /// A file that has no weights but the first row of its embedding, and the divisors.
    fn read(config: &Config, divisors: Option<&[f32]>) -> Result<Config, ConfigError> {
        let mut metadata = Metadata::new();
        let name = config.architecture.name().to_owned();
        metadata.set("general.architecture", Entry::String(name));
        for (key, value) in config.to_gguf() {
            metadata.set(key, value);
        }
        let rows = config.vocab_size as u64;
        let spec = |name: &str, dims: Vec<u64>| TensorSpec {
            name: name.into(),
            dims,
            ty: GgmlType::F32,
        };
        let mut specs = vec![spec("token_embd.weight", vec![1, rows])];
        specs.extend(divisors.map(|values| spec(ROPE_FREQS, vec![values.len() as u64])));
        let mut writer = Writer::new(Vec::new(), &metadata, specs).unwrap();
        let bytes = vec![0; 4 * rows as usize];
        writer.write("token_embd.weight", &bytes).unwrap();
        if let Some(values) = divisors {
            let bytes = blocks::quantize(GgmlType::F32, values).unwrap();
            writer.write(ROPE_FREQS, &bytes).unwrap();
        }
        let source = MemorySource::new(writer.finish().unwrap());
        let header = block_on(read_header(&source)).unwrap();
        block_on(Config::read_gguf(&source, &header))
    }

    #[test]
    fn a_shape_survives_its_metadata() {
        for scaling in [None, Some(RopeScaling::Linear { factor: 4.0 })] {
            let config = Config {
                rope_scaling: scaling,
                tie_word_embeddings: true,
                ..config()
            };
            assert_eq!(read(&config, None).unwrap(), config);
        }
    }

    /// Both formats give the same angles, to the bit.
    #[test]
    fn divisors_stand_for_the_scaling_that_gave_them() {
        let llama3 = RopeScaling::Llama3(Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_position_embeddings: 8192,
        });
        let config = Config {
            rope_scaling: Some(llama3),
            ..config()
        };
        let divisors = config.rope_divisors().unwrap();
        let read = read(&config, Some(&divisors)).unwrap();
        assert_eq!(read.rope_scaling, Some(RopeScaling::Divisors(divisors)));
        assert_eq!(read.inverse_frequencies(), config.inverse_frequencies());
        let json = read.to_json().unwrap();
        assert_eq!(
            json["rope_scaling"],
            config.to_json().unwrap()["rope_scaling"]
        );
    }

    #[test]
    fn divisors_are_one_positive_number_per_frequency() {
        let config = config();
        let ones = vec![1.0; config.head_dim / 2];
        assert_eq!(read(&config, Some(&ones)).unwrap().rope_scaling, None);
        let text = read(&config, Some(&ones[1..])).unwrap_err().to_string();
        assert!(text.contains("63 values: expected 64 values"), "{text}");
        for bad in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            let mut divisors = ones.clone();
            divisors[7] = bad;
            let error = read(&config, Some(&divisors)).unwrap_err();
            let text = error.to_string();
            assert!(text.contains("expected positive numbers"), "{text}");
            assert!(error.hint().is_some());
        }
    }
}
