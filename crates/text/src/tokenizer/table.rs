//! What each id stands for.

use crate::TextError;

/// How an id is treated when it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Padding, or a hole in the ids: stands for nothing.
    Unused,
    /// Bytes of text.
    Text,
    /// Steers the model (`<|im_end|>`); hidden from readers.
    Control,
}

/// Bytes and kind of every id, in two flat arrays: a vocabulary has 150,000 entries of 6 bytes.
#[derive(Debug)]
pub(super) struct Table {
    bytes: Vec<u8>,
    /// End of each id's bytes; it starts where the one before ends.
    ends: Vec<u32>,
    kinds: Vec<Kind>,
}

impl Table {
    /// A table of `ids` ids whose texts have `bytes` bytes in all.
    pub fn with_capacity(ids: usize, bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            ends: Vec::with_capacity(ids),
            kinds: Vec::with_capacity(ids),
        }
    }

    /// Gives the next id to what `write` appends.
    pub fn push(&mut self, kind: Kind, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), TextError> {
        write(&mut self.bytes);
        let end = u32::try_from(self.bytes.len()).map_err(|_| TextError::Limit {
            field: "size of the vocabulary in bytes",
            got: self.bytes.len(),
            max: u32::MAX as usize,
        })?;
        self.ends.push(end);
        self.kinds.push(kind);
        Ok(())
    }

    /// Drops the padding at the end.
    pub fn trim(&mut self) {
        while self.kinds.last() == Some(&Kind::Unused) {
            self.kinds.pop();
            self.ends.pop();
        }
        self.bytes
            .truncate(self.ends.last().copied().unwrap_or(0) as usize);
    }

    /// One past the last id.
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Kind and bytes of `id`, if it stands for anything.
    pub fn get(&self, id: u32) -> Option<(Kind, &[u8])> {
        let index = id as usize;
        let kind = *self.kinds.get(index)?;
        if kind == Kind::Unused {
            return None;
        }
        let start = match index {
            0 => 0,
            _ => self.ends[index - 1] as usize,
        };
        Some((kind, &self.bytes[start..self.ends[index] as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_give_their_bytes() {
        let mut table = Table::with_capacity(4, 4);
        for (kind, text) in [
            (Kind::Text, "ab"),
            (Kind::Unused, ""),
            (Kind::Control, "c"),
            (Kind::Unused, "pad"),
        ] {
            table
                .push(kind, |out| out.extend_from_slice(text.as_bytes()))
                .unwrap();
        }
        table.trim();
        assert_eq!(table.len(), 3);
        assert_eq!(table.get(0), Some((Kind::Text, &b"ab"[..])));
        assert_eq!(table.get(1), None);
        assert_eq!(table.get(2), Some((Kind::Control, &b"c"[..])));
        assert_eq!(table.get(3), None);
        assert_eq!(table.get(u32::MAX), None);
    }
}
