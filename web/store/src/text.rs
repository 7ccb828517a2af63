//! Numbers for people.

/// `1.2 GB`, in powers of ten as download pages count.
pub fn bytes(count: u64) -> String {
    const UNITS: [(&str, f64); 3] = [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    let value = count as f64;
    match UNITS.iter().find(|(_, size)| value >= *size) {
        Some((unit, size)) if value / size < 10.0 => format!("{:.1} {unit}", value / size),
        Some((unit, size)) => format!("{:.0} {unit}", value / size),
        None => format!("{count} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_read_well() {
        assert_eq!(bytes(0), "0 bytes");
        assert_eq!(bytes(999), "999 bytes");
        assert_eq!(bytes(98_362_432), "98 MB");
        assert_eq!(bytes(4_683_073_184), "4.7 GB");
        assert_eq!(bytes(1 << 62), "4611686018 GB");
    }
}
