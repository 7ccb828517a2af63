//! Tensor encodings and their sizes, numbered and named as in ggml's `enum ggml_type`.

use std::fmt;

use crate::FormatError;

/// An encoding that Retort computes with.
///
/// A row (the fastest dimension) is a whole number of blocks of [`block_len`](Self::block_len)
/// values in [`block_bytes`](Self::block_bytes) bytes; the float types have blocks of one value.
/// [`crate::blocks`] documents each block's layout.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(non_camel_case_types)] // ggml's own names: they are what users see and type.
pub enum GgmlType {
    F32,
    F16,
    Q4_0,
    Q4_1,
    Q8_0,
    Q4_K,
    Q5_K,
    Q6_K,
    BF16,
}

impl GgmlType {
    /// Every type, in the order of ggml's numbers.
    pub const ALL: [Self; 9] = [
        Self::F32,
        Self::F16,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q8_0,
        Self::Q4_K,
        Self::Q5_K,
        Self::Q6_K,
        Self::BF16,
    ];

    /// The type of ggml's number `id`.
    ///
    /// # Errors
    /// [`FormatError::UnsupportedType`] names the type where ggml has one.
    pub fn from_id(id: u32) -> Result<Self, FormatError> {
        Self::ALL
            .into_iter()
            .find(|ty| ty.id() == id)
            .ok_or_else(|| FormatError::UnsupportedType {
                id,
                name: TensorType::from_id(id).name(),
            })
    }

    /// The type of this name (`"Q4_K"`), in either case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|ty| ty.name().eq_ignore_ascii_case(name))
    }

    /// ggml's number, as stored in a GGUF file.
    pub fn id(self) -> u32 {
        self.layout().0
    }

    /// ggml's name: `"Q4_K"`.
    pub fn name(self) -> &'static str {
        self.layout().1
    }

    /// Values in a block.
    pub fn block_len(self) -> usize {
        self.layout().2
    }

    /// Bytes of a block.
    pub fn block_bytes(self) -> usize {
        self.layout().3
    }

    /// Bytes of a row of `cols` values.
    ///
    /// # Errors
    /// [`FormatError::RowLength`] where `cols` is not a whole number of blocks, or the row is
    /// larger than the address space.
    pub fn row_bytes(self, cols: usize) -> Result<usize, FormatError> {
        let block_len = self.block_len();
        if cols.is_multiple_of(block_len)
            && let Some(bytes) = (cols / block_len).checked_mul(self.block_bytes())
        {
            return Ok(bytes);
        }
        Err(FormatError::RowLength {
            ty: self,
            block_len,
            cols,
        })
    }

    /// Whether values share a scale: everything but the float types.
    pub fn is_quantized(self) -> bool {
        self.block_len() > 1
    }

    /// (number, name, values in a block, bytes of a block).
    fn layout(self) -> (u32, &'static str, usize, usize) {
        match self {
            Self::F32 => (0, "F32", 1, 4),
            Self::F16 => (1, "F16", 1, 2),
            Self::Q4_0 => (2, "Q4_0", 32, 18),
            Self::Q4_1 => (3, "Q4_1", 32, 20),
            Self::Q8_0 => (8, "Q8_0", 32, 34),
            Self::Q4_K => (12, "Q4_K", 256, 144),
            Self::Q5_K => (13, "Q5_K", 256, 176),
            Self::Q6_K => (14, "Q6_K", 256, 210),
            Self::BF16 => (30, "BF16", 1, 2),
        }
    }
}

impl fmt::Display for GgmlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The encoding of a tensor as a file states it, whether or not Retort computes with it.
///
/// A tensor of an unsupported type does not make a file unreadable: it can still be listed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TensorType {
    Known(GgmlType),
    Unsupported {
        id: u32,
        /// ggml's name, `"unknown"` for a number ggml did not have when this was written.
        name: &'static str,
    },
}

impl TensorType {
    pub fn from_id(id: u32) -> Self {
        if let Some(known) = GgmlType::ALL.into_iter().find(|ty| ty.id() == id) {
            return Self::Known(known);
        }
        let name = OTHER_TYPES
            .iter()
            .find(|other| other.0 == id)
            .map_or("unknown", |o| o.1);
        Self::Unsupported { id, name }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Known(ty) => ty.name(),
            Self::Unsupported { name, .. } => name,
        }
    }

    /// The type to compute with.
    ///
    /// # Errors
    /// [`FormatError::UnsupportedType`].
    pub fn known(self) -> Result<GgmlType, FormatError> {
        match self {
            Self::Known(ty) => Ok(ty),
            Self::Unsupported { id, name } => Err(FormatError::UnsupportedType { id, name }),
        }
    }

    /// (values, bytes) of a block, where known.
    pub(crate) fn block(self) -> Option<(u64, u64)> {
        match self {
            Self::Known(ty) => Some((ty.block_len() as u64, ty.block_bytes() as u64)),
            Self::Unsupported { id, .. } => OTHER_TYPES
                .iter()
                .find(|other| other.0 == id)
                .map(|o| (o.2, o.3)),
        }
    }
}

impl From<GgmlType> for TensorType {
    fn from(ty: GgmlType) -> Self {
        Self::Known(ty)
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The types of ggml that Retort does not compute with, with their sizes so that a file that has
/// them can be inspected: (number, name, values in a block, bytes of a block).
const OTHER_TYPES: [(u32, &str, u64, u64); 25] = [
    (6, "Q5_0", 32, 22),
    (7, "Q5_1", 32, 24),
    (9, "Q8_1", 32, 36),
    (10, "Q2_K", 256, 84),
    (11, "Q3_K", 256, 110),
    (15, "Q8_K", 256, 292),
    (16, "IQ2_XXS", 256, 66),
    (17, "IQ2_XS", 256, 74),
    (18, "IQ3_XXS", 256, 98),
    (19, "IQ1_S", 256, 50),
    (20, "IQ4_NL", 32, 18),
    (21, "IQ3_S", 256, 110),
    (22, "IQ2_S", 256, 82),
    (23, "IQ4_XS", 256, 136),
    (24, "I8", 1, 1),
    (25, "I16", 1, 2),
    (26, "I32", 1, 4),
    (27, "I64", 1, 8),
    (28, "F64", 1, 8),
    (29, "IQ1_M", 256, 56),
    (34, "TQ1_0", 256, 54),
    (35, "TQ2_0", 256, 66),
    (39, "MXFP4", 32, 17),
    (40, "NVFP4", 64, 36),
    (41, "Q1_0", 128, 18),
];
