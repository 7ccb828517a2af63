//! Values to a file's blocks, encoded on all cores.

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

#[cfg(test)]
mod tests {
    use super::*;

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
