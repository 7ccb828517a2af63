//! The order of the rows of q and k. llama.cpp rotates neighbouring rows where Hugging Face rotates
//! the two halves of a head, so its converter interleaves the halves in llama files (not in qwen2
//! files, whose rotation is Hugging Face's).

use crate::Architecture;

/// Whether a GGUF file of this architecture has the rows of a tensor, given by Hugging Face's name,
/// in the other order.
pub fn are_interleaved(architecture: Architecture, name: &str) -> bool {
    let rotated = name.ends_with("q_proj.weight") || name.ends_with("k_proj.weight");
    architecture == Architecture::Llama && rotated
}

/// From Hugging Face's order to that of llama files: row `half * d / 2 + j` of each head of `d`
/// rows goes to `2 j + half`. A row is `row_len` values, or bytes.
pub fn interleave<T: Copy>(rows: &[T], head_dim: usize, row_len: usize) -> Vec<T> {
    reorder(rows, head_dim, row_len, |row| {
        (row % 2) * head_dim / 2 + row / 2
    })
}

/// The inverse of [`interleave`].
pub fn deinterleave<T: Copy>(rows: &[T], head_dim: usize, row_len: usize) -> Vec<T> {
    let half = head_dim / 2;
    reorder(rows, head_dim, row_len, |row| 2 * (row % half) + row / half)
}

/// Each head with its row `from(i)` in place `i`.
fn reorder<T: Copy>(
    rows: &[T],
    head_dim: usize,
    row_len: usize,
    from: impl Fn(usize) -> usize,
) -> Vec<T> {
    let mut ordered = Vec::with_capacity(rows.len());
    for head in rows.chunks_exact(head_dim * row_len) {
        for row in 0..head_dim {
            ordered.extend_from_slice(&head[from(row) * row_len..][..row_len]);
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
    fn rows_of_bytes_stay_whole() {
        assert_eq!(deinterleave(b"aAbB", 4, 1), b"abAB");
        assert_eq!(deinterleave(b"a1A1b1B1", 4, 2), b"a1b1A1B1");
    }
}
