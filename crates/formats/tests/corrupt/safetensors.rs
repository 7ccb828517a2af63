//! Safetensors headers, and folders of them.

use pollster::block_on;
use retort_formats::{FormatError, hf};

use crate::{ALLOWANCE, Padded, check, corrupt_everywhere, counting::peak_allocation};

fn check_safetensors(file: &[u8], what: &str) -> Option<FormatError> {
    check(file, what, |source| {
        block_on(hf::read_safetensors_header(source))
    })
}

fn safetensors_file(json: &str, data: usize) -> Vec<u8> {
    let mut file = (json.len() as u64).to_le_bytes().to_vec();
    file.extend(json.bytes());
    file.resize(file.len() + data, 0);
    file
}

#[test]
fn with_any_byte_broken_or_cut() {
    let json = r#"{"__metadata__":{"format":"pt"},"model.embed_tokens.weight":{"dtype":"BF16",
        "shape":[8,4],"data_offsets":[0,64]},"b":{"dtype":"F32","shape":[2],"data_offsets":[64,72]},
        "c":{"dtype":"I64","shape":[],"data_offsets":[72,80]}}"#;
    let good = safetensors_file(json, 80);
    let (variants, refused) = corrupt_everywhere(&good, good.len() - 80, check_safetensors);
    assert!(
        variants > 3000 && refused > variants / 2,
        "{refused} of {variants}"
    );
    for len in 0..good.len() {
        assert!(
            check_safetensors(&good[..len], "cut").is_some(),
            "cut at {len}"
        );
    }
}

#[test]
fn amplifiers_stay_in_bounds() {
    let most = (16 << 20) - 100;
    let tensors: String = (0..1 << 16)
        .map(|i| {
            format!(
                r#","{i:x}":{{"dtype":"U8","shape":[1,1,1,1,1,1,1,1],"data_offsets":[{i},{}]}}"#,
                i + 1
            )
        })
        .collect();
    let unknown = |text: &str| {
        format!(r#"{{"a":{{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":{text}}}}}"#)
    };
    let pairs: String = (0..1_200_000).map(|i| format!(r#","{i:x}":"""#)).collect();
    for (what, json, valid) in [
        ("tensors", format!("{{{}}}", &tensors[1..]), true),
        (
            "shape",
            format!(r#"{{"a":{{"shape":[{}1]"#, "1,".repeat(most / 2)),
            false,
        ),
        (
            "dtype",
            format!(r#"{{"a":{{"dtype":"{}"#, "\\u0041".repeat(most / 6)),
            false,
        ),
        ("name", format!(r#"{{"{}"#, "x".repeat(most)), false),
        (
            "metadata",
            format!(r#"{{"__metadata__":{{{}}}}}"#, &pairs[1..]),
            false,
        ),
        ("nesting", unknown(&"[".repeat(most)), false),
        (
            "array",
            unknown(&format!("[{}0]", "0,".repeat(most / 2))),
            true,
        ),
    ] {
        let file = safetensors_file(&json, if what == "tensors" { 1 << 16 } else { 0 });
        let error = check_safetensors(&file, what);
        assert_eq!(error.is_none(), valid, "{what}: {error:?}");
    }
    let long = safetensors_file(&" ".repeat((16 << 20) + 1), 0);
    assert!(matches!(
        check_safetensors(&long, "long"),
        Some(FormatError::Limit { .. })
    ));
}

#[test]
fn folder_amplifiers_stay_in_bounds() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let open = |what: &str, size: usize| {
        let (_, peak) = peak_allocation(|| block_on(hf::Folder::open(folder.path())).err());
        assert!(peak <= size + ALLOWANCE, "{what}: {peak} bytes for {size}");
    };
    let zeros = format!("[{}0]", "0,".repeat((255 << 10) / 2));
    file("config.json", &zeros);
    open("config", zeros.len());
    file("config.json", "{}");
    let entries: String = (0..1 << 16)
        .map(|i| format!(r#","{i:x}":"f{i:x}""#))
        .collect();
    let index = format!(r#"{{"weight_map":{{{}}}}}"#, &entries[1..]);
    file("model.safetensors.index.json", &index);
    open("index", index.len());
}

#[test]
fn a_large_file_does_not_excuse_a_large_header() {
    let head = (1u64 << 32).to_le_bytes();
    let (error, peak) =
        peak_allocation(|| block_on(hf::read_safetensors_header(&Padded(&head, 1 << 34))).err());
    assert!(
        matches!(error, Some(FormatError::Limit { .. })),
        "{error:?}"
    );
    assert!(peak < 1 << 20, "{peak}");
}
