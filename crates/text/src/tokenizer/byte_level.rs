//! GPT-2's printable spelling of bytes, in which byte-level vocabularies are written.

/// Character of each byte: the byte's own where it is a printable Latin-1 character, else one
/// from U+0100 on, in order (Radford et al. 2019, `encoder.py`, `bytes_to_unicode`).
const CHARS: [char; 256] = chars();

const fn printable(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff)
}

const fn chars() -> [char; 256] {
    let mut chars = ['\0'; 256];
    let mut next = 0x100;
    let mut byte = 0;
    while byte < 256 {
        chars[byte] = if printable(byte as u8) {
            byte as u8 as char
        } else {
            next += 1;
            match char::from_u32(next - 1) {
                Some(char) => char,
                None => panic!("U+0100 to U+0143 are characters"),
            }
        };
        byte += 1;
    }
    chars
}

/// Byte of each character below U+0144; 256 where none.
const BYTES: [u16; 0x144] = bytes();

const fn bytes() -> [u16; 0x144] {
    let mut bytes = [256; 0x144];
    let mut byte = 0;
    while byte < 256 {
        bytes[CHARS[byte] as usize] = byte as u16;
        byte += 1;
    }
    bytes
}

/// Appends the spelling of `text`'s bytes.
pub(super) fn spell(text: &str, out: &mut String) {
    out.extend(text.bytes().map(|byte| CHARS[usize::from(byte)]));
}

/// Appends the bytes that `token` spells. A token with any other character stands for its own
/// UTF-8 bytes, as in Hugging Face's decoder.
pub(super) fn read(token: &str, out: &mut Vec<u8>) {
    let start = out.len();
    for char in token.chars() {
        match BYTES.get(char as usize).map(|&byte| u8::try_from(byte)) {
            Some(Ok(byte)) => out.push(byte),
            _ => {
                out.truncate(start);
                out.extend_from_slice(token.as_bytes());
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_gpt2_names() {
        let mut spelled = String::new();
        spell(" \na\u{ad}", &mut spelled);
        assert_eq!(spelled, "ĠĊaÂŃ");
        let mut bytes = Vec::new();
        read(&spelled, &mut bytes);
        assert_eq!(bytes, " \na\u{ad}".as_bytes());
        assert_eq!(CHARS[0], 'Ā');
        assert_eq!(CHARS[0xad], 'Ń');
    }

    #[test]
    fn every_byte_is_read_back() {
        for byte in 0..=255u8 {
            let mut bytes = Vec::new();
            read(&CHARS[usize::from(byte)].to_string(), &mut bytes);
            assert_eq!(bytes, [byte]);
        }
    }

    #[test]
    fn other_tokens_stand_for_themselves() {
        for token in ["<｜User｜>", "a b", "\u{144}"] {
            let mut bytes = vec![7];
            read(token, &mut bytes);
            assert_eq!(&bytes[1..], token.as_bytes());
        }
    }
}
