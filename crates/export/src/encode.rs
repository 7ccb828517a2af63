//! Values to a file's blocks: rows put in llama.cpp's order, and encoded on all cores.

use rayon::prelude::*;
use retort_formats::{FormatError, GgmlType, blocks};

use crate::ExportError;

/// Values that one thread encodes at a time.
const PIECE: usize = 1 << 16;
/// Pieces whose bytes are held before they are written.
const PIECES: usize = 64;

/// Encodes whole rows of `cols` values, and hands their bytes to `sink` in order.
pub(crate) fn encode(
    tensor: &str,
    ty: GgmlType,
    cols: usize,
    values: &[f32],
    mut sink: impl FnMut(&[u8]) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    // A block never crosses a row.
    ty.row_bytes(cols)?;
    let piece = (PIECE / cols.max(1)).max(1) * cols.max(1);
    for (batch, values) in values.chunks(piece * PIECES).enumerate() {
        let encoded: Vec<_> = values
            .par_chunks(piece)
            .map(|values| blocks::quantize(ty, values))
            .collect();
        for (i, bytes) in encoded.into_iter().enumerate() {
            let start = (batch * PIECES + i) * piece;
            sink(&bytes.map_err(|error| located(tensor, start, error))?)?;
        }
    }
    Ok(())
}

/// Names the tensor, and counts from its start.
fn located(tensor: &str, start: usize, error: FormatError) -> ExportError {
    match error {
        FormatError::Unrepresentable { ty, index, value } => ExportError::Unrepresentable {
            tensor: tensor.to_owned(),
            index: start + index,
            value,
            ty,
        },
        other => other.into(),
    }
}

/// Puts the rows of q or k in the order of llama files: llama.cpp rotates neighbouring rows where
/// Hugging Face rotates the two halves of a head, so row `half * d / 2 + j` of each head of `d`
/// rows goes to `2 j + half`.
pub(crate) fn interleave(values: &[f32], head_dim: usize, cols: usize) -> Vec<f32> {
    reorder(values, head_dim, cols, |row| {
        (row % 2) * head_dim / 2 + row / 2
    })
}

/// The inverse of [`interleave`].
pub(crate) fn deinterleave(values: &[f32], head_dim: usize, cols: usize) -> Vec<f32> {
    let half = head_dim / 2;
    reorder(values, head_dim, cols, |row| 2 * (row % half) + row / half)
}

/// Each head with its row `from(i)` in place `i`.
fn reorder(
    values: &[f32],
    head_dim: usize,
    cols: usize,
    from: impl Fn(usize) -> usize,
) -> Vec<f32> {
    let mut ordered = Vec::with_capacity(values.len());
    for head in values.chunks_exact(head_dim * cols) {
        for row in 0..head_dim {
            ordered.extend_from_slice(&head[from(row) * cols..][..cols]);
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_a_head_take_turns() {
        // Two heads of four rows of one value.
        let rows = [0.0, 1.0, 2.0, 3.0, 10.0, 11.0, 12.0, 13.0];
        let mixed = interleave(&rows, 4, 1);
        assert_eq!(mixed, [0.0, 2.0, 1.0, 3.0, 10.0, 12.0, 11.0, 13.0]);
        assert_eq!(deinterleave(&mixed, 4, 1), rows);
        let rows: Vec<f32> = (0..3 * 6 * 5).map(|i| i as f32).collect();
        assert_eq!(deinterleave(&interleave(&rows, 6, 5), 6, 5), rows);
        assert_ne!(interleave(&rows, 6, 5), rows);
    }

    #[test]
    fn pieces_join_to_the_whole() {
        // More than one batch, and a last piece that is not full.
        let (cols, rows) = (32 * 3, 45_000);
        let values: Vec<f32> = (0..cols * rows)
            .map(|i| ((i * 7) % 1013) as f32 - 500.0)
            .collect();
        let mut bytes = Vec::new();
        encode("x", GgmlType::Q8_0, cols, &values, |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })
        .unwrap();
        assert!(bytes == blocks::quantize(GgmlType::Q8_0, &values).unwrap());
    }

    #[test]
    fn a_value_is_located_in_its_tensor() {
        let mut values = vec![0.0; 200_000];
        values[150_001] = 1e6;
        let error = encode("x", GgmlType::F16, 8, &values, |_| Ok(())).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("150001") && text.contains("`x`"), "{text}");
        assert!(error.hint().is_some());
    }
}
