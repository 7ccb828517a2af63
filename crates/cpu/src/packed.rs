//! GGUF-quantised matrices laid out for the CPU: the same bits, interleaved by sixteen rows.
//!
//! Rows are taken in tiles of 16 (the last one filled up with zero blocks). Within a tile, blocks
//! follow each other along the columns, and each block of sixteen rows holds field after field
//! (`quant.rs`) and in a field word after word, every word for all sixteen rows:
//!
//! ```text
//! Q4_0, 288 bytes:  d0 d1 .. d15 | w0 of rows 0..16 | w1 of rows 0..16 | w2 .. | w3 ..
//!                   16 x f16       16 x 4 bytes
//! ```
//!
//! So a vector load gets the same four columns of 4, 8 or 16 rows, one row a lane: a lane's sum
//! never has to be added to another's, the activations are a broadcast, and a matvec reads the
//! matrix strictly forward. The float types are kept row-major as they are.

use retort_formats::{GgmlType, blocks};

use crate::error::{CpuError, check_len, product};
use crate::quant::{Field, TILE, fields};

/// Rows of a tile: whoever packs a matrix in parts cuts at multiples of this.
pub const TILE_ROWS: usize = TILE;

/// A packed matrix [rows, cols], borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a> {
    pub(crate) ty: GgmlType,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) words: &'a [u32],
}

impl<'a> Packed<'a> {
    /// A view of `words` as [`pack`] made them.
    ///
    /// # Errors
    /// `cols` is not a multiple of the block, or `words` has not the length of [`packed_words`].
    pub fn new(ty: GgmlType, rows: usize, cols: usize, words: &'a [u32]) -> Result<Self, CpuError> {
        check_len("packed words", packed_words(ty, rows, cols)?, words.len())?;
        Ok(Self {
            ty,
            rows,
            cols,
            words,
        })
    }

    /// Weight type.
    pub fn ty(&self) -> GgmlType {
        self.ty
    }

    /// Outputs.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Inputs.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Words of a tile of a quantised type.
    pub(crate) fn tile_words(&self) -> usize {
        self.words.len() / self.rows.div_ceil(TILE).max(1)
    }
}

/// Words of a packed matrix.
///
/// # Errors
/// `cols` is not a multiple of the block, or the size overflows.
pub fn packed_words(ty: GgmlType, rows: usize, cols: usize) -> Result<usize, CpuError> {
    let row = ty.row_bytes(cols)?;
    if fields(ty).is_empty() {
        Ok(product("matrix bytes", rows, row)?.div_ceil(4))
    } else {
        // A row of every quantised type may be an odd number of halves, sixteen never are.
        product(
            "matrix words",
            rows.div_ceil(TILE),
            product("row bytes", row, TILE / 4)?,
        )
    }
}

/// Lays out `blocks`, the matrix [rows, cols] as it stands in a GGUF file (row after row).
///
/// # Errors
/// `cols` is not a multiple of the block, or `blocks` has another length than the matrix.
pub fn pack(ty: GgmlType, rows: usize, cols: usize, blocks: &[u8]) -> Result<Vec<u32>, CpuError> {
    let row_bytes = ty.row_bytes(cols)?;
    check_len(
        "block bytes",
        product("matrix bytes", rows, row_bytes)?,
        blocks.len(),
    )?;
    let mut words = vec![0u32; packed_words(ty, rows, cols)?];
    let packed: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    if fields(ty).is_empty() {
        packed[..blocks.len()].copy_from_slice(blocks);
    } else if row_bytes > 0 {
        let pieces = pieces(ty);
        for (i, row) in blocks.chunks_exact(row_bytes).enumerate() {
            let tile = &mut packed[i / TILE * TILE * row_bytes..][..TILE * row_bytes];
            for_each_piece(ty, &pieces, row_bytes, i % TILE, |at, from, piece| {
                let (at, from) = (&mut tile[at..at + piece.len], &row[from..from + piece.len]);
                at.copy_from_slice(from);
                at.iter_mut().for_each(|byte| *byte ^= piece.flip);
            });
        }
    }
    Ok(words)
}

/// The GGUF bytes of the matrix: the exact inverse of [`pack`].
///
/// # Errors
/// As [`Packed::new`].
pub fn unpack(ty: GgmlType, rows: usize, cols: usize, words: &[u32]) -> Result<Vec<u8>, CpuError> {
    let matrix = Packed::new(ty, rows, cols, words)?;
    let row_bytes = ty.row_bytes(cols)?;
    let mut bytes = vec![0; rows * row_bytes];
    if row_bytes > 0 {
        let pieces = pieces(ty);
        for (i, row) in bytes.chunks_exact_mut(row_bytes).enumerate() {
            copy_row(&matrix, &pieces, i, row);
        }
    }
    Ok(bytes)
}

/// Row `index` of the matrix, dequantised exactly: the embedding of token `index`.
///
/// # Errors
/// As [`Packed::new`]; `index` is not below `rows`; `out` has not `cols` elements.
pub fn row(
    ty: GgmlType,
    rows: usize,
    cols: usize,
    words: &[u32],
    index: usize,
    out: &mut [f32],
) -> Result<(), CpuError> {
    let matrix = Packed::new(ty, rows, cols, words)?;
    check_len("embedding row", cols, out.len())?;
    if index >= rows {
        return Err(CpuError::Range {
            what: "embedding row",
            got: index,
            end: rows,
        });
    }
    let mut bytes = vec![0; ty.row_bytes(cols)?];
    copy_row(&matrix, &pieces(ty), index, &mut bytes);
    Ok(blocks::dequantize(ty, &bytes, out)?)
}

/// Copies the GGUF bytes of row `index` to `row`, which has their length.
fn copy_row(matrix: &Packed, pieces: &[Piece], index: usize, row: &mut [u8]) {
    let (packed, len): (&[u8], _) = (bytemuck::cast_slice(matrix.words), row.len());
    if pieces.is_empty() {
        row.copy_from_slice(&packed[index * len..][..len]);
        return;
    }
    let tile = &packed[index / TILE * TILE * len..][..TILE * len];
    for_each_piece(matrix.ty, pieces, len, index % TILE, |from, at, piece| {
        let (at, from) = (&mut row[at..at + piece.len], &tile[from..from + piece.len]);
        at.copy_from_slice(from);
        at.iter_mut().for_each(|byte| *byte ^= piece.flip);
    });
}

/// A run of bytes that stays together.
struct Piece {
    /// Where it is in a GGUF block.
    gguf: usize,
    /// Where row 0's is in a packed block; the next rows' follow.
    packed: usize,
    len: usize,
    /// XORed to each byte.
    flip: u8,
}

/// The pieces of a block in packed order.
fn pieces(ty: GgmlType) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut packed = 0;
    for &field in fields(ty) {
        let (gguf, count, len, flip) = match field {
            Field::Half(at) => (at, 1, 2, 0),
            Field::Words(at, count) => (at, count, 4, 0),
            Field::Flipped(at, count) => (at, count, 4, 0x80),
        };
        for i in 0..count {
            pieces.push(Piece {
                gguf: gguf + i * len,
                packed,
                len,
                flip,
            });
            packed += len * TILE;
        }
    }
    pieces
}

/// Calls `f(offset in the packed tile, offset in the GGUF row, piece)` for every piece of row
/// `lane` of a tile.
fn for_each_piece(
    ty: GgmlType,
    pieces: &[Piece],
    row_bytes: usize,
    lane: usize,
    mut f: impl FnMut(usize, usize, &Piece),
) {
    for block in (0..row_bytes).step_by(ty.block_bytes()) {
        for piece in pieces {
            let packed = block * TILE + piece.packed + lane * piece.len;
            f(packed, block + piece.gguf, piece);
        }
    }
}

#[cfg(target_endian = "big")]
compile_error!("packed matrices are GGUF bytes seen as words, which is little-endian");
