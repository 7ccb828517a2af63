//! End-to-end tests of the workspace; this library holds what several of them need.

use std::path::PathBuf;
use std::sync::OnceLock;

use burn::tensor::Device;
use retort_formats::gguf::read_header;
use retort_formats::hf::{Folder, read_safetensors_header};
use retort_formats::{FileSource, Source, blocks};
use retort_model::backward::Batch;
use retort_model::{Checkpoint, Decoder, GgufCheckpoint, HfCheckpoint, LoadPlan, WeightForm, load};

/// A file or folder under `tests/golden`.
pub fn golden(name: &str) -> PathBuf {
    PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where"))
        .join("golden")
        .join(name)
}

/// The GPU, a software one included. Where there is none, says so and gives none.
pub fn gpu(test: &str) -> Option<Device> {
    static DEVICE: OnceLock<Result<Device, String>> = OnceLock::new();
    let device = DEVICE.get_or_init(|| {
        let device = Device::wgpu_options().init();
        device.map_err(|error| error.to_string())
    });
    match device {
        Ok(device) => Some(device.clone()),
        Err(error) => {
            eprintln!("SKIPPED on GPU: {test}: {error}");
            None
        }
    }
}

/// Loads a Hugging Face folder of `tests/golden`.
pub fn load_golden(name: &str, device: &Device, form: WeightForm) -> Decoder {
    pollster::block_on(async {
        let folder = Folder::open(golden(name)).await.expect("golden folder");
        let sources = folder.sources().expect("golden shards");
        let checkpoint = HfCheckpoint::new(&folder.config, folder.tensors.clone(), sources)
            .expect("golden configuration");
        load_from(&checkpoint, device, form).await
    })
}

/// Loads the GGUF file of the same model.
pub fn load_golden_gguf(name: &str, device: &Device, form: WeightForm) -> Decoder {
    pollster::block_on(async {
        let source = FileSource::open(golden(name).join("model.gguf")).expect("golden file");
        let header = read_header(&source).await.expect("golden header");
        let checkpoint = GgufCheckpoint::new(source, &header)
            .await
            .expect("golden configuration");
        load_from(&checkpoint, device, form).await
    })
}

async fn load_from(checkpoint: &impl Checkpoint, device: &Device, form: WeightForm) -> Decoder {
    let plan = LoadPlan {
        form,
        positions: 128,
        max_shard_bytes: 1 << 20,
    };
    load(checkpoint, device, &plan, |_| {})
        .await
        .expect("golden weights")
}

/// Ids of a document, and whether each is learnt.
pub type Document = (Vec<u32>, Vec<bool>);

/// Documents as one batch.
pub fn batch(documents: &[Document], device: &Device) -> Batch {
    let parts = documents
        .iter()
        .map(|(ids, learnt)| (&ids[..], &learnt[..]));
    Batch::new(parts, device)
}

/// The bytes and shape of one tensor of a safetensors file.
pub fn tensor(path: &PathBuf, name: &str) -> (Vec<u8>, Vec<usize>) {
    pollster::block_on(async {
        let source = FileSource::open(path).expect("golden file");
        let header = read_safetensors_header(&source)
            .await
            .expect("golden header");
        let info = header
            .tensors
            .iter()
            .find(|t| t.name == name)
            .expect("golden tensor");
        let mut bytes = vec![0; info.bytes as usize];
        source
            .read_at(info.offset, &mut bytes)
            .await
            .expect("golden data");
        (bytes, info.dims.iter().map(|&dim| dim as usize).collect())
    })
}

/// The elements of an f32 tensor of a safetensors file.
pub fn floats(path: &PathBuf, name: &str) -> Vec<f32> {
    let (bytes, dims) = tensor(path, name);
    let mut values = vec![0.0; dims.iter().product()];
    blocks::dequantize(retort_formats::GgmlType::F32, &bytes, &mut values).expect("f32");
    values
}

/// The largest absolute difference.
///
/// # Panics
/// If the lengths differ or a difference is NaN.
pub fn max_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let difference = |(a, b): (&f32, &f32)| (a - b).abs();
    let max = a.iter().zip(b).map(difference).fold(0.0, f32::max);
    assert!(a.iter().zip(b).all(|(a, b)| !(a - b).is_nan()), "NaN");
    max
}
