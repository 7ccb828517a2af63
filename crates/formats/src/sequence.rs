//! What both writers have in common: tensors come whole or in pieces, in an order fixed before.

use crate::FormatError;

/// The tensors of a file being written, and how far it has come.
pub(crate) struct Sequence {
    /// Name and size of each, in the file's order.
    tensors: Vec<(String, u64)>,
    current: usize,
    /// Bytes of the current tensor so far.
    written: u64,
}

impl Sequence {
    pub fn new(tensors: Vec<(String, u64)>) -> Self {
        Self {
            tensors,
            current: 0,
            written: 0,
        }
    }

    /// The tensor whose bytes come next.
    pub fn due(&self) -> Option<&str> {
        self.tensors
            .get(self.current)
            .map(|(name, _)| name.as_str())
    }

    /// Whether `bytes` more bytes of `name` may be written now.
    pub fn check(&self, name: &str, bytes: usize) -> Result<(), FormatError> {
        let due = self.tensors.get(self.current);
        let Some((_, size)) = due.filter(|(due, _)| due == name) else {
            let expected = due.map(|(due, _)| due.clone());
            return Err(FormatError::TensorOrder {
                expected,
                got: name.to_owned(),
            });
        };
        let written = self.written.saturating_add(bytes as u64);
        if written > *size {
            let (tensor, expected) = (name.to_owned(), *size);
            return Err(FormatError::TensorBytes {
                tensor,
                expected,
                got: written,
            });
        }
        Ok(())
    }

    /// Counts checked bytes as written. Returns the size of the tensor where they completed it.
    pub fn advance(&mut self, bytes: usize) -> Option<u64> {
        let (_, size) = self.tensors.get(self.current)?;
        self.written += bytes as u64;
        if self.written < *size {
            return None;
        }
        self.current += 1;
        self.written = 0;
        Some(*size)
    }

    /// Errs where a tensor is not complete.
    pub fn finish(&self) -> Result<(), FormatError> {
        match self.tensors.get(self.current) {
            None => Ok(()),
            Some((tensor, expected)) => Err(FormatError::TensorBytes {
                tensor: tensor.clone(),
                expected: *expected,
                got: self.written,
            }),
        }
    }
}
