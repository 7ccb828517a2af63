//! Where the bits of a GGUF matrix lie on a GPU: one buffer of 32-bit words, all quants, then all
//! scales, exactly invertible.
//!
//! Everything is stored as 128-bit *vectors* that hold the same word of four consecutive rows, so
//! that one load brings a unit the same columns of four rows: it reads an activation once and
//! uses it four times, and neighbouring units read neighbouring vectors. In this file a *group*
//! is four such rows (the last is padded with zero rows), a *block* 32 columns of it.
//!
//! Quants of block `b` of group `g` are the vectors `(g * blocks + b) * W ..`, W being the bits
//! of a weight, which is no coincidence: 32 columns of W bits are W words.
//!
//! | type | words of a block (per row) |
//! |---|---|
//! | Q4_0, Q4_1, Q4_K | 0..4: nibble n of word w is column 8w + n |
//! | Q5_K | 0..4 as Q4_K; 4: bit 4n + w is bit 4 of column 8w + n |
//! | Q6_K | 0..4 as Q4_K; 4..6: bits 4n + 2v of word 4 + h are bits 4, 5 of column 16h + 8v + n |
//! | Q8_0 | 0..8: byte n of word w is column 4w + n |
//! | F16, BF16 | 0..16: half n of word w is column 2w + n |
//! | F32 | 0..32: column w |
//!
//! Scales follow, for each group:
//!
//! | type | vectors | words (per row) |
//! |---|---|---|
//! | Q4_0, Q8_0 | one for two blocks | d of the even block, d of the odd block in the high half |
//! | Q4_1 | one a block | d, m in the high half |
//! | Q4_K, Q5_K | four for 256 columns | d, dmin in the high half; scales; mins; their high bits |
//! | Q6_K | five for 256 columns | d; four words of the 16 signed bytes |
//!
//! The words of Q4_K and Q5_K hold a nibble for each of 8 blocks: the low four bits of its scale,
//! of its min, and the high two bits of the scale below those of the min.
//!
//! That is the size of the GGUF blocks, but for Q6_K (6.625 bits a weight, not 6.5625) and for
//! padding. Bits are repacked, never rounded.

use retort_formats::GgmlType;

use crate::PackedSpec;

/// Rows of a group: the lanes of a vector.
pub(crate) const ROWS: usize = 4;
/// Columns of a block.
pub(crate) const COLS: usize = 32;
/// Columns of a K-quant superblock.
const SUPER: usize = 256;

/// Geometry of a packed matrix, in groups, blocks and vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    spec: PackedSpec,
}

impl Layout {
    pub fn new(spec: PackedSpec) -> Self {
        Self { spec }
    }

    pub fn groups(&self) -> usize {
        self.spec.rows.div_ceil(ROWS)
    }

    /// Blocks of a row.
    pub fn blocks(&self) -> usize {
        self.spec.cols.div_ceil(COLS)
    }

    /// Vectors of scales of a group.
    pub fn scales(&self) -> usize {
        match self.spec.ty {
            GgmlType::Q4_0 | GgmlType::Q8_0 => self.blocks().div_ceil(2),
            GgmlType::Q4_1 => self.blocks(),
            GgmlType::Q4_K | GgmlType::Q5_K | GgmlType::Q6_K => {
                self.spec.cols / SUPER * super_scales(self.spec.ty)
            }
            GgmlType::F32 | GgmlType::F16 | GgmlType::BF16 => 0,
        }
    }

    /// The first vector of scales.
    pub fn scale_start(&self) -> usize {
        self.groups() * self.blocks() * bits(self.spec.ty)
    }

    /// Vectors of the whole matrix.
    pub fn vectors(&self) -> usize {
        self.scale_start() + self.groups() * self.scales()
    }

    /// Where word `w` of block `b` of `row` is, in words.
    pub(super) fn quant(&self, row: usize, b: usize, w: usize) -> usize {
        let vector = ((row / ROWS) * self.blocks() + b) * bits(self.spec.ty) + w;
        vector * ROWS + row % ROWS
    }

    /// Where scale word `w` of `row` is, in words.
    pub(super) fn scale(&self, row: usize, w: usize) -> usize {
        let vector = self.scale_start() + (row / ROWS) * self.scales() + w;
        vector * ROWS + row % ROWS
    }
}

/// Bits of a quant, and vectors of a block.
pub(crate) const fn bits(ty: GgmlType) -> usize {
    match ty {
        GgmlType::Q4_0 | GgmlType::Q4_1 | GgmlType::Q4_K => 4,
        GgmlType::Q5_K => 5,
        GgmlType::Q6_K => 6,
        GgmlType::Q8_0 => 8,
        GgmlType::F16 | GgmlType::BF16 => 16,
        GgmlType::F32 => 32,
    }
}

/// Vectors of scales of 256 columns of a K-quant.
pub(crate) const fn super_scales(ty: GgmlType) -> usize {
    match ty {
        GgmlType::Q6_K => 5,
        _ => 4,
    }
}

/// Rearranges the blocks of a GGUF matrix. `blocks` has the length that `spec` says.
pub(crate) fn pack(spec: PackedSpec, blocks: &[u8]) -> Vec<u32> {
    let layout = Layout::new(spec);
    let mut words = vec![0; layout.vectors() * ROWS];
    let row_bytes = blocks.len() / spec.rows.max(1);
    for (row, bytes) in blocks.chunks_exact(row_bytes.max(1)).enumerate() {
        match spec.ty {
            GgmlType::F32 | GgmlType::F16 | GgmlType::BF16 => {
                pack_raw(&layout, row, bytes, &mut words);
            }
            GgmlType::Q8_0 | GgmlType::Q4_0 | GgmlType::Q4_1 => {
                pack_simple(&layout, row, bytes, &mut words);
            }
            GgmlType::Q4_K | GgmlType::Q5_K | GgmlType::Q6_K => {
                for (index, block) in bytes.chunks_exact(spec.ty.block_bytes()).enumerate() {
                    super::k_layout::pack(&layout, row, index, block, &mut words);
                }
            }
        }
    }
    words
}

/// Floats: the words as they are.
fn pack_raw(layout: &Layout, row: usize, bytes: &[u8], words: &mut [u32]) {
    let per_block = bits(layout.spec.ty);
    for (index, word) in bytes.chunks(4).enumerate() {
        words[layout.quant(row, index / per_block, index % per_block)] = le_word(word);
    }
}

/// Blocks of 32: the f16 scale, the f16 minimum of Q4_1, the quants.
fn pack_simple(layout: &Layout, row: usize, bytes: &[u8], words: &mut [u32]) {
    let ty = layout.spec.ty;
    for (b, block) in bytes.chunks_exact(ty.block_bytes()).enumerate() {
        let (header, quants) = block.split_at(if ty == GgmlType::Q4_1 { 4 } else { 2 });
        if ty == GgmlType::Q4_1 {
            words[layout.scale(row, b)] = le_word(header);
        } else {
            words[layout.scale(row, b / 2)] |= le_word(header) << (16 * (b % 2));
        }
        if ty == GgmlType::Q8_0 {
            for (w, word) in quants.chunks_exact(4).enumerate() {
                words[layout.quant(row, b, w)] = le_word(word);
            }
        } else {
            for (w, word) in nibbles_in_order(quants).into_iter().enumerate() {
                words[layout.quant(row, b, w)] = word;
            }
        }
    }
}

/// 16 bytes whose low nibbles are columns 0..16 and whose high nibbles are columns 16..32, as
/// four words in the order of the columns.
fn nibbles_in_order(bytes: &[u8]) -> [u32; 4] {
    std::array::from_fn(|w| {
        let (shift, first) = (4 * (w / 2), 8 * (w % 2));
        bytes[first..first + 8]
            .iter()
            .enumerate()
            .fold(0, |word, (n, byte)| {
                word | u32::from(byte >> shift & 15) << (4 * n)
            })
    })
}

/// Up to four bytes, the missing ones zero.
pub(super) fn le_word(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .rev()
        .fold(0, |word, &byte| word << 8 | u32::from(byte))
}

impl Layout {
    pub(super) fn ty(&self) -> GgmlType {
        self.spec.ty
    }

    /// Stores the words of superblock `index` of `row`: 8 blocks of quants, then its scales.
    pub(super) fn store_super(
        &self,
        row: usize,
        index: usize,
        quants: &[[u32; 6]; 8],
        scales: &[u32],
        words: &mut [u32],
    ) {
        for (b, block) in quants.iter().enumerate() {
            for (w, &word) in block[..bits(self.spec.ty)].iter().enumerate() {
                words[self.quant(row, index * 8 + b, w)] = word;
            }
        }
        for (w, &word) in scales.iter().enumerate() {
            words[self.scale(row, index * scales.len() + w)] = word;
        }
    }
}
