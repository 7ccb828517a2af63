//! Typed key-value entries of a GGUF file.

use indexmap::IndexMap;

use crate::FormatError;

/// One metadata value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    U8(u8),
    I8(i8),
    U16(u16),
    I16(i16),
    U32(u32),
    I32(i32),
    F32(f32),
    Bool(bool),
    String(String),
    Array(Array),
    U64(u64),
    I64(i64),
    F64(f64),
}

/// A homogeneous array, kept as a plain vector. Arrays of arrays do not exist in practice and are
/// refused, as in llama.cpp.
#[derive(Clone, Debug, PartialEq)]
pub enum Array {
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
    F32(Vec<f32>),
    Bool(Vec<bool>),
    String(Vec<String>),
    U64(Vec<u64>),
    I64(Vec<i64>),
    F64(Vec<f64>),
}

/// Names of the types, and of arrays of them, in the order of ggml's numbers.
const TYPES: [(&str, &str); 13] = [
    ("u8", "array of u8"),
    ("i8", "array of i8"),
    ("u16", "array of u16"),
    ("i16", "array of i16"),
    ("u32", "array of u32"),
    ("i32", "array of i32"),
    ("f32", "array of f32"),
    ("bool", "array of bool"),
    ("string", "array of string"),
    ("array", "array of array"),
    ("u64", "array of u64"),
    ("i64", "array of i64"),
    ("f64", "array of f64"),
];

impl Value {
    /// The type, as messages name it: `"u32"`, `"array of string"`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Array(array) => array.type_name(),
            other => TYPES[other.type_id() as usize].0,
        }
    }

    /// ggml's number of the type (`enum gguf_type`).
    pub(super) fn type_id(&self) -> u32 {
        match self {
            Self::U8(_) => 0,
            Self::I8(_) => 1,
            Self::U16(_) => 2,
            Self::I16(_) => 3,
            Self::U32(_) => 4,
            Self::I32(_) => 5,
            Self::F32(_) => 6,
            Self::Bool(_) => 7,
            Self::String(_) => 8,
            Self::Array(_) => 9,
            Self::U64(_) => 10,
            Self::I64(_) => 11,
            Self::F64(_) => 12,
        }
    }

    /// Any integer value, whatever its width.
    pub fn as_integer(&self) -> Option<i128> {
        Some(match *self {
            Self::U8(v) => v.into(),
            Self::I8(v) => v.into(),
            Self::U16(v) => v.into(),
            Self::I16(v) => v.into(),
            Self::U32(v) => v.into(),
            Self::I32(v) => v.into(),
            Self::U64(v) => v.into(),
            Self::I64(v) => v.into(),
            _ => return None,
        })
    }
}

impl Array {
    /// `"array of u32"`.
    pub fn type_name(&self) -> &'static str {
        TYPES[self.element_type_id() as usize].1
    }

    /// ggml's number of the elements' type.
    pub(super) fn element_type_id(&self) -> u32 {
        match self {
            Self::U8(_) => 0,
            Self::I8(_) => 1,
            Self::U16(_) => 2,
            Self::I16(_) => 3,
            Self::U32(_) => 4,
            Self::I32(_) => 5,
            Self::F32(_) => 6,
            Self::Bool(_) => 7,
            Self::String(_) => 8,
            Self::U64(_) => 10,
            Self::I64(_) => 11,
            Self::F64(_) => 12,
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(v) => v.len(),
            Self::I8(v) => v.len(),
            Self::U16(v) => v.len(),
            Self::I16(v) => v.len(),
            Self::U32(v) => v.len(),
            Self::I32(v) => v.len(),
            Self::F32(v) => v.len(),
            Self::Bool(v) => v.len(),
            Self::String(v) => v.len(),
            Self::U64(v) => v.len(),
            Self::I64(v) => v.len(),
            Self::F64(v) => v.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The entries of a file, in its order. Keys are unique.
///
/// The typed getters name the key, the expected and the found type in their errors. Converters
/// disagree on integer widths, so an integer getter takes any integer that fits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    entries: IndexMap<String, Value>,
}

impl Metadata {
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `key`: a new key goes to the end, a known one keeps its place.
    pub fn set(&mut self, key: impl Into<String>, value: Value) {
        self.entries.insert(key.into(), value);
    }

    /// Adds an entry at the end; `false` (and the old value lost) where the key was there already.
    pub(super) fn push(&mut self, key: String, value: Value) -> bool {
        self.entries.insert(key, value).is_none()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.entries
            .iter()
            .map(|(key, value)| (key.as_str(), value))
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.get(key)
    }

    /// Takes the value out, as for a vocabulary that moves into a tokenizer without a copy. The
    /// order of the others stays.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.entries.shift_remove(key)
    }

    pub fn u32(&self, key: &str) -> Result<u32, FormatError> {
        self.integer(key, "u32")
    }

    pub fn u64(&self, key: &str) -> Result<u64, FormatError> {
        self.integer(key, "u64")
    }

    /// An `f32`, or an `f64` rounded to one.
    pub fn f32(&self, key: &str) -> Result<f32, FormatError> {
        match self.require(key)? {
            Value::F32(v) => Ok(*v),
            Value::F64(v) => Ok(*v as f32),
            other => Err(wrong_type(key, "f32", other)),
        }
    }

    pub fn bool(&self, key: &str) -> Result<bool, FormatError> {
        match self.require(key)? {
            Value::Bool(v) => Ok(*v),
            other => Err(wrong_type(key, "bool", other)),
        }
    }

    pub fn str(&self, key: &str) -> Result<&str, FormatError> {
        match self.require(key)? {
            Value::String(v) => Ok(v),
            other => Err(wrong_type(key, "string", other)),
        }
    }

    pub fn strings(&self, key: &str) -> Result<&[String], FormatError> {
        match self.require(key)? {
            Value::Array(Array::String(v)) => Ok(v),
            other => Err(wrong_type(key, "array of string", other)),
        }
    }

    pub fn i32s(&self, key: &str) -> Result<&[i32], FormatError> {
        match self.require(key)? {
            Value::Array(Array::I32(v)) => Ok(v),
            other => Err(wrong_type(key, "array of i32", other)),
        }
    }

    pub fn f32s(&self, key: &str) -> Result<&[f32], FormatError> {
        match self.require(key)? {
            Value::Array(Array::F32(v)) => Ok(v),
            other => Err(wrong_type(key, "array of f32", other)),
        }
    }

    fn require(&self, key: &str) -> Result<&Value, FormatError> {
        self.get(key).ok_or_else(|| FormatError::MissingKey {
            key: key.to_owned(),
        })
    }

    fn integer<T: TryFrom<i128>>(
        &self,
        key: &str,
        expected: &'static str,
    ) -> Result<T, FormatError> {
        let value = self.require(key)?;
        let integer = value
            .as_integer()
            .ok_or_else(|| wrong_type(key, expected, value))?;
        T::try_from(integer).map_err(|_| FormatError::WrongType {
            key: key.to_owned(),
            expected,
            got: format!("{} {integer}", value.type_name()),
        })
    }
}

impl FromIterator<(String, Value)> for Metadata {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(entries: I) -> Self {
        Self {
            entries: entries.into_iter().collect(),
        }
    }
}

fn wrong_type(key: &str, expected: &'static str, got: &Value) -> FormatError {
    FormatError::WrongType {
        key: key.to_owned(),
        expected,
        got: got.type_name().to_owned(),
    }
}
