//! Broken and hostile files: each is read or refused with a typed error that says where, nothing
//! panics, and nothing allocates more than the file's size plus 64 MB.

#[path = "../common/mod.rs"]
mod common;
mod counting;
mod gguf;
mod safetensors;

use counting::peak_allocation;
use retort_formats::{FormatError, MemorySource, Source, SourceError};

const ALLOWANCE: usize = 64 << 20;

/// Runs `read` on a file and checks what every file is due. Returns its error.
fn check<T>(
    file: &[u8],
    what: &str,
    read: impl Fn(&MemorySource) -> Result<T, FormatError>,
) -> Option<FormatError> {
    let source = MemorySource::new(file);
    let (result, peak) = peak_allocation(|| read(&source).err());
    assert!(
        peak <= file.len() + ALLOWANCE,
        "{what}: {peak} bytes for a file of {}",
        file.len()
    );
    if let Some(error) = &result {
        assert!(error.to_string().len() > 10, "{what}: {error}");
    }
    result
}

/// Numbers that break arithmetic: counts, lengths, dimensions and offsets are all u64.
fn absurd_numbers(len: usize) -> [u64; 10] {
    let len = len as u64;
    [
        0,
        1,
        len,
        len + 1,
        1 << 20,
        1 << 32,
        1 << 40,
        1 << 63,
        u64::MAX - 31,
        u64::MAX,
    ]
}

/// A pseudo-random byte that depends on the place only.
fn noise(at: usize) -> u8 {
    ((at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

/// Applies every corruption of the header that knows nothing of its structure.
/// Returns how many there were, and how many were refused.
fn corrupt_everywhere(
    good: &[u8],
    header: usize,
    check: impl Fn(&[u8], &str) -> Option<FormatError>,
) -> (usize, usize) {
    assert!(check(good, "good").is_none());
    let mut counts = (0, 0);
    let mut variant = |file: &[u8], what: String| {
        counts.0 += 1;
        counts.1 += usize::from(check(file, &what).is_some());
    };
    for at in 0..header {
        let mut file = good.to_vec();
        for byte in [
            0,
            0xff,
            good[at] ^ (1 << (at % 8)),
            good[at].wrapping_add(1),
            noise(at),
        ] {
            file[at] = byte;
            variant(&file, format!("byte {at} = {byte}"));
        }
        for number in absurd_numbers(good.len()) {
            let mut file = good.to_vec();
            let end = (at + 8).min(file.len());
            file[at..end].copy_from_slice(&number.to_le_bytes()[..end - at]);
            variant(&file, format!("{number} at {at}"));
        }
        let mut longer = good.to_vec();
        longer.insert(at, noise(at));
        variant(&longer, format!("inserted at {at}"));
        let mut shorter = good.to_vec();
        shorter.remove(at);
        variant(&shorter, format!("removed at {at}"));
    }
    counts
}

/// A file that goes on with zeros for longer than there is memory.
struct Padded<'a>(&'a [u8], u64);

impl Source for Padded<'_> {
    fn len(&self) -> u64 {
        self.1
    }

    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
        SourceError::check_bounds(offset, buf.len() as u64, self.1)?;
        buf.fill(0);
        let head = self.0.get(offset as usize..).unwrap_or_default();
        let count = head.len().min(buf.len());
        buf[..count].copy_from_slice(&head[..count]);
        Ok(())
    }
}
