//! Ways in which a host, or the way to it, can misbehave.

/// What happens to the answers for one path.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The connection is cut when byte `at` of the file would be sent, so often; then all is well.
    Cut { at: u64, times: u32 },
    /// Ranges are ignored: the whole file, status 200, always.
    NoRanges,
    /// This status and no file, so often.
    Status { code: u16, times: u32 },
    /// The bits of the byte `at` are flipped.
    FlipByte { at: u64 },
    /// The file ends before byte `len`, and says so: a host that holds a short copy.
    Short { len: u64 },
    /// Bodies are sent at this speed.
    Slow { bytes_per_second: u64 },
    /// The entity tag is this one: the file changed on the host.
    Tag(String),
}

impl Fault {
    /// Takes one use of a fault that happens a number of times; whether there was one.
    pub(super) fn spend(&mut self) -> bool {
        match self {
            Self::Cut { times, .. } | Self::Status { times, .. } => {
                let left = *times > 0;
                *times = times.saturating_sub(1);
                left
            }
            _ => true,
        }
    }
}
