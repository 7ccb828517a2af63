//! Safetensors files and checkpoint folders, held against the `safetensors` crate.

use std::{collections::HashMap, fs, path::Path};

use pollster::block_on;
use retort_formats::{
    FormatError, GgmlType, MemorySource, Source,
    hf::{
        Dtype, Folder, FolderWriter, HfTensorSpec, SafetensorsWriter, parse_safetensors_header,
        read_safetensors_header,
    },
};
use safetensors::{SafeTensors, tensor::TensorView};

fn spec(name: &str, dims: &[u64], ty: GgmlType) -> HfTensorSpec {
    HfTensorSpec {
        name: name.into(),
        dims: dims.into(),
        ty,
    }
}

/// Bytes that differ by tensor and place.
fn data(spec: &HfTensorSpec) -> Vec<u8> {
    let salt = spec
        .name
        .bytes()
        .fold(7u8, |salt, b| salt.wrapping_mul(31).wrapping_add(b));
    (0..spec.bytes().expect("a small tensor"))
        .map(|i| (i as u8).wrapping_mul(13) ^ salt)
        .collect()
}

fn specs() -> Vec<HfTensorSpec> {
    vec![
        spec("model.norm.weight", &[3], GgmlType::BF16),
        spec("model.embed_tokens.weight", &[10, 4], GgmlType::F16),
        spec("lm_head.weight", &[5, 4], GgmlType::F32),
        spec("scalar", &[], GgmlType::F32),
        spec("é \"quoted\"\n", &[2, 2, 2], GgmlType::BF16),
        spec("empty", &[0, 4], GgmlType::F32),
    ]
}

fn safetensors_file(specs: &[HfTensorSpec]) -> Vec<u8> {
    let mut writer = SafetensorsWriter::new(Vec::new(), specs.to_vec()).expect("valid specs");
    while let Some(due) = writer.due().map(str::to_owned) {
        let spec = specs
            .iter()
            .find(|spec| spec.name == due)
            .expect("one of them");
        let bytes = data(spec);
        let (head, tail) = bytes.split_at(bytes.len() / 3);
        writer.write(&due, head).expect("in order");
        if !tail.is_empty() {
            writer.write(&due, tail).expect("in order");
        }
    }
    writer.finish().expect("complete")
}

#[test]
fn what_is_written_is_read_by_both() {
    let specs = specs();
    let file = safetensors_file(&specs);
    let theirs = SafeTensors::deserialize(&file).expect("a valid file");
    let ours = block_on(read_safetensors_header(&MemorySource::new(file.clone()))).unwrap();
    assert_eq!(theirs.len(), specs.len());
    assert_eq!(ours.tensors.len(), specs.len());
    assert_eq!(ours.metadata, [("format".to_owned(), "pt".to_owned())]);
    for spec in &specs {
        let view = theirs.tensor(&spec.name).expect("listed");
        let tensor = ours
            .tensors
            .iter()
            .find(|tensor| tensor.name == spec.name)
            .unwrap();
        assert_eq!(view.data(), data(spec));
        assert_eq!(
            &file[tensor.offset as usize..][..tensor.bytes as usize],
            data(spec)
        );
        assert_eq!((&tensor.dims, tensor.ty().unwrap()), (&spec.dims, spec.ty));
        assert_eq!(
            view.shape().iter().map(|&d| d as u64).collect::<Vec<_>>(),
            spec.dims
        );
        assert_eq!(view.dtype().to_string(), spec.ty.name());
        assert_eq!(tensor.offset % spec.ty.block_bytes() as u64, 0, "aligned");
    }
}

#[test]
fn their_files_are_read_and_other_types_listed() {
    use safetensors::Dtype as Their;
    let (floats, ints) = ([1u8; 24], [2u8; 16]);
    let views = [
        (
            "a",
            TensorView::new(Their::F32, vec![2, 3], &floats).unwrap(),
        ),
        ("b", TensorView::new(Their::I64, vec![2], &ints).unwrap()),
        (
            "c",
            TensorView::new(Their::F8_E4M3, vec![16], &ints).unwrap(),
        ),
    ];
    let metadata = HashMap::from([("by".to_owned(), "them".to_owned())]);
    let file = safetensors::serialize(views, Some(metadata)).unwrap();
    let header = parse_safetensors_header(&file, file.len() as u64).unwrap();
    assert_eq!(header.metadata, [("by".to_owned(), "them".to_owned())]);
    let mut types: Vec<_> = header
        .tensors
        .iter()
        .map(|t| (&*t.name, t.dtype.name()))
        .collect();
    types.sort_unstable();
    assert_eq!(types, [("a", "F32"), ("b", "I64"), ("c", "F8_E4M3")]);
    let b = header
        .tensors
        .iter()
        .find(|tensor| tensor.name == "b")
        .unwrap();
    assert_eq!(b.dtype, Dtype::Unsupported("I64".into()));
    assert!(matches!(b.ty(), Err(FormatError::UnsupportedDtype { .. })));
}

#[test]
fn a_shard_over_4_gib_is_described() {
    let json = br#"{"w":{"dtype":"BF16","shape":[3000000000,2],"data_offsets":[0,12000000000]}}"#;
    let mut file = (json.len() as u64).to_le_bytes().to_vec();
    file.extend(json);
    let len = file.len() as u64 + 12_000_000_000;
    assert_eq!(
        parse_safetensors_header(&file, len).unwrap().tensors[0].bytes,
        12_000_000_000
    );
    let short = parse_safetensors_header(&file, len - 1);
    assert!(
        matches!(short, Err(FormatError::OutOfFile { .. })),
        "{short:?}"
    );
    let long = parse_safetensors_header(&file, len + 1);
    assert!(
        matches!(long, Err(FormatError::TrailingBytes { .. })),
        "{long:?}"
    );
}

#[test]
fn broken_headers_are_named() {
    let entry = |json: &str| {
        let text = format!("{{{json}}}");
        let mut file = (text.len() as u64).to_le_bytes().to_vec();
        file.extend(text.bytes());
        file.extend([0; 8]);
        parse_safetensors_header(&file, file.len() as u64)
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    let f32 = r#""dtype":"F32","shape""#;
    for (json, expected) in [
        (
            format!(r#""w":{{{f32}:[2],"data_offsets":[8,0]}}"#),
            "`w` has data_offsets [8, 0]",
        ),
        (
            format!(r#""w":{{{f32}:[3],"data_offsets":[0,8]}}"#),
            "`w` has dimensions [3]",
        ),
        (
            format!(r#""w":{{{f32}:[1],"data_offsets":[4,8]}}"#),
            "`w` has data_offsets [4, 8]",
        ),
        (
            format!(r#""w":{{{f32}:[2],"data_offsets":[0]}}"#),
            "expected a tuple of size 2",
        ),
        (
            format!(r#""w":{{{f32}:[-2],"data_offsets":[0,8]}}"#),
            "invalid value",
        ),
        (
            format!(r#""w":{{{f32}:[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}}"#),
            "8 dimensions",
        ),
        (
            r#""w":{"shape":[2],"data_offsets":[0,8]}"#.into(),
            "missing field `dtype`",
        ),
        (r#""__metadata__":{"a":1}"#.into(), "expected a string"),
        (
            String::new(),
            "the tensors end at byte 10, but the file has 18 bytes",
        ),
    ] {
        let error = entry(&json);
        assert!(error.contains(expected), "{json}: {error}");
    }
    let half = format!(r#""w":{{{f32}:[1],"data_offsets":[0,4]}}"#);
    let twice = format!(r#"{half},"w":{{{f32}:[1],"data_offsets":[4,8]}}"#);
    assert_eq!(entry(&twice), "tensor `w` appears twice");
    let over = format!(r#"{half},"v":{{{f32}:[2],"data_offsets":[0,8]}}"#);
    assert!(entry(&over).contains("where the tensor before ends"));
}

fn write_folder(path: &Path, specs: &[HfTensorSpec], shard_bytes: u64) {
    let mut writer = FolderWriter::create(path, specs.to_vec(), shard_bytes).unwrap();
    while let Some(due) = writer.due().map(str::to_owned) {
        let spec = specs.iter().find(|spec| spec.name == due).unwrap();
        writer.write(&due, &data(spec)).unwrap();
    }
    writer
        .write_file("config.json", br#"{"model_type": "qwen2"}"#)
        .unwrap();
    writer.write_file("tokenizer.json", b"{}").unwrap();
    writer
        .write_file("chat_template.jinja", "{{ messages }} é".as_bytes())
        .unwrap();
    writer.finish().unwrap();
}

#[test]
fn folders_are_written_and_read_whole_and_sharded() {
    let specs = specs();
    for (shard_bytes, shards) in [(FolderWriter::SHARD_BYTES, 1), (90, 3), (1, 6)] {
        let folder = tempfile::tempdir().unwrap();
        write_folder(folder.path(), &specs, shard_bytes);
        let read = block_on(Folder::open(folder.path())).unwrap();
        assert_eq!(read.shards.len(), shards, "{:?}", read.shards);
        assert_eq!(read.config["model_type"], "qwen2");
        assert_eq!(read.tokenizer_json.as_deref(), Some(&b"{}"[..]));
        assert_eq!(read.tokenizer_config, None);
        assert_eq!(read.chat_template.as_deref(), Some("{{ messages }} é"));
        assert_eq!(read.tensors.len(), specs.len());
        let sources = read.sources().unwrap();
        for spec in &specs {
            let tensor = read.tensor(&spec.name).unwrap();
            let mut bytes = vec![0; tensor.bytes as usize];
            block_on(sources[tensor.shard].read_at(tensor.offset, &mut bytes)).unwrap();
            assert_eq!(bytes, data(spec), "{}", spec.name);
        }
    }
}

#[test]
fn broken_folders_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let open = || block_on(Folder::open(folder.path()));
    let missing = open().unwrap_err();
    assert!(
        missing.to_string().ends_with("config.json` is missing"),
        "{missing}"
    );
    write_folder(folder.path(), &specs(), 90);
    let index = folder.path().join("model.safetensors.index.json");
    let good = fs::read_to_string(&index).unwrap();

    fs::write(&index, good.replace("\"scalar\"", "\"other\"")).unwrap();
    let error = open().unwrap_err();
    assert!(
        matches!(&error, FormatError::MissingTensor { tensor } if tensor == "other"),
        "{error}"
    );

    for outside in [
        "../m.safetensors",
        "/etc/passwd",
        "a/b",
        "..",
        "",
        "C:x",
        "a\\\\b",
    ] {
        let first = "model-00001-of-00003.safetensors";
        fs::write(&index, good.replace(first, outside)).unwrap();
        let error = open().unwrap_err();
        assert!(
            matches!(error, FormatError::FileName { .. }),
            "{outside}: {error}"
        );
    }
    fs::write(&index, &good).unwrap();

    let shard = folder.path().join("model-00002-of-00003.safetensors");
    let bytes = fs::read(&shard).unwrap();
    fs::write(&shard, &bytes[..bytes.len() - 1]).unwrap();
    let error = open().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("model-00002-of-00003.safetensors`: tensor"),
        "{error}"
    );
    assert!(error.hint().is_some_and(|hint| hint.contains("incomplete")));
    fs::write(&shard, &bytes).unwrap();

    fs::write(folder.path().join("config.json"), "[".repeat(200_000)).unwrap();
    let error = open().unwrap_err();
    assert!(error.to_string().contains("recursion limit"), "{error}");
    fs::write(folder.path().join("config.json"), " ".repeat(300_000)).unwrap();
    let error = open().unwrap_err();
    assert!(matches!(error, FormatError::Limit { .. }), "{error}");
}

#[test]
fn writers_refuse_what_the_format_has_not() {
    let quantized = SafetensorsWriter::new(Vec::new(), vec![spec("w", &[32], GgmlType::Q8_0)]);
    assert!(matches!(
        quantized.err(),
        Some(FormatError::UnsupportedDtype { .. })
    ));
    for name in ["w", "__metadata__"] {
        let twice = vec![
            spec("w", &[1], GgmlType::F32),
            spec(name, &[1], GgmlType::F32),
        ];
        let error = SafetensorsWriter::new(Vec::new(), twice).err();
        assert!(
            matches!(error, Some(FormatError::Duplicate { .. })),
            "{name} {error:?}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let specs = vec![spec("w", &[1], GgmlType::F32)];
    let mut writer = FolderWriter::create(folder.path(), specs, 1).unwrap();
    assert!(writer.write_file("../x", b"").is_err());
    assert!(writer.write("w", &[0; 5]).is_err());
    writer.write("w", &[0; 3]).unwrap();
    assert!(matches!(
        writer.finish(),
        Err(FormatError::TensorBytes { got: 3, .. })
    ));
}
