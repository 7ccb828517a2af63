//! A key: sent in a header, and nowhere else.

use std::fmt;

/// Shorter ones are placeholders ("none", "EMPTY"), which replies may well hold.
const SHORTEST: usize = 8;

/// A key that does not show when it is printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub fn new(key: String) -> Self {
        Self(key)
    }

    /// The value of the header.
    pub fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// Takes the key out of what a server said: some repeat it when they refuse it, and what servers
    /// say ends in journals.
    pub fn scrub(&self, text: String) -> String {
        match self.0.len() >= SHORTEST && text.contains(&self.0) {
            true => text.replace(&self.0, "[key]"),
            false => text,
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_neither_print_nor_come_back() {
        let secret = Secret::new("sk-0123456789".into());
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        let said = "wrong key sk-0123456789!".to_owned();
        assert_eq!(secret.scrub(said), "wrong key [key]!");
        let placeholder = Secret::new("none".into());
        assert_eq!(placeholder.scrub("none".into()), "none");
    }
}
