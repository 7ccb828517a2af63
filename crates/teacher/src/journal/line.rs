//! A record as a line with a checksum, and back.

use crc::{CRC_32_ISCSI, Crc, Table};

use super::Record;

const CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);
const BEFORE: &[u8] = b"{\"crc\":\"";
const BETWEEN: &[u8] = b"\",\"record\":";
const DIGITS: usize = 8;

/// Appends the line of a record, with its end.
pub fn encode(record: &Record, bytes: &mut Vec<u8>) {
    // Strings, numbers and options: serde_json writes them all, floats that are not finite as null.
    let json = serde_json::to_vec(record).unwrap_or_default();
    bytes.extend_from_slice(BEFORE);
    bytes.extend_from_slice(format!("{:08x}", CRC.checksum(&json)).as_bytes());
    bytes.extend_from_slice(BETWEEN);
    bytes.extend_from_slice(&json);
    bytes.extend_from_slice(b"}\n");
}

/// The record of a line, with or without its end; `None` if it is not as it was written.
pub fn decode(line: &[u8]) -> Option<Record> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let rest = line.strip_prefix(BEFORE)?;
    let (digits, rest) = rest.split_at_checked(DIGITS)?;
    let json = rest.strip_prefix(BETWEEN)?.strip_suffix(b"}")?;
    let crc = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    match CRC.checksum(json) == crc {
        true => serde_json::from_slice(json).ok(),
        false => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_changed_byte_is_noticed() {
        let mut line = Vec::new();
        let record = Record::Journal { version: 1 };
        encode(&record, &mut line);
        assert_eq!(decode(&line), Some(record.clone()));
        assert!(serde_json::from_slice::<serde_json::Value>(&line).is_ok());
        for place in 0..line.len() - 1 {
            let mut changed = line.clone();
            changed[place] ^= 4;
            assert_eq!(decode(&changed), None, "{place}");
            assert_eq!(decode(&line[..place]), None, "{place}");
        }
    }
}
