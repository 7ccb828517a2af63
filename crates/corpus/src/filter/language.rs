//! Thoughts that change their language.

use serde::{Deserialize, Serialize};

use super::Reason;
use crate::Trace;

/// Drops a reply in which letters of a script stand that is neither the reply's main one nor one
/// that the problem uses. Greek and mathematical letters are signs, not language.
///
/// Languages of the same script (English and French) are not told apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MixedLanguage {
    /// At most this share of the reply's letters may be of other scripts.
    pub max_share: f64,
    /// So few letters of other scripts are always allowed: a name, a quotation.
    pub min_letters: usize,
}

impl Default for MixedLanguage {
    fn default() -> Self {
        Self {
            max_share: 0.002,
            min_letters: 4,
        }
    }
}

/// Scripts that are written together are one: Chinese characters stand in Japanese and Korean.
const SCRIPTS: [&str; 9] = [
    "Latin",
    "East Asian",
    "Cyrillic",
    "Arabic",
    "Hebrew",
    "Devanagari",
    "Thai",
    "Georgian",
    "other scripts",
];

/// Of a letter outside ASCII.
fn script(c: char) -> Option<usize> {
    Some(match c {
        _ if !c.is_alphabetic() => return None,
        '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => 0,
        // Greek, superscripts, letterlike signs, mathematical letters.
        '\u{aa}' | '\u{b5}' | '\u{ba}' | '\u{250}'..='\u{3ff}' | '\u{1d00}'..='\u{1dff}' => {
            return None;
        }
        '\u{1f00}'..='\u{2bff}' | '\u{1d400}'..='\u{1d7ff}' => return None,
        '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' => 1,
        '\u{ff66}'..='\u{ffdc}' | '\u{20000}'..='\u{323af}' => 1,
        '\u{ff21}'..='\u{ff5a}' => 0,
        '\u{400}'..='\u{52f}' => 2,
        '\u{600}'..='\u{77f}' | '\u{8a0}'..='\u{8ff}' | '\u{fb50}'..='\u{fefc}' => 3,
        '\u{590}'..='\u{5ff}' => 4,
        '\u{900}'..='\u{97f}' => 5,
        '\u{e00}'..='\u{e7f}' => 6,
        '\u{10a0}'..='\u{10ff}' => 7,
        _ => 8,
    })
}

fn count(text: &str, counts: &mut [usize; SCRIPTS.len()]) {
    // Nearly all letters are Latin ones, and these need no decoding.
    let latin = text.bytes().filter(u8::is_ascii_alphabetic).count();
    counts[0] += latin;
    if text.is_ascii() {
        return;
    }
    for c in text.chars().filter(|c| !c.is_ascii()) {
        if let Some(script) = script(c) {
            counts[script] += 1;
        }
    }
}

impl MixedLanguage {
    pub(super) fn check(&self, trace: &Trace) -> Option<Reason> {
        let mut counts = [0; SCRIPTS.len()];
        count(trace.thought(), &mut counts);
        count(trace.said(), &mut counts);
        let mut asked = [0; SCRIPTS.len()];
        count(&trace.problem, &mut asked);
        let main = (0..SCRIPTS.len()).max_by_key(|at| counts[*at])?;
        let letters: usize = counts.iter().sum();
        let foreign = |at: usize| {
            // Latin is at home in every language's mathematics.
            let allowed = at == main || at == 0 || asked[at] > 0;
            if allowed { 0 } else { counts[at] }
        };
        let sum: usize = (0..SCRIPTS.len()).map(foreign).sum();
        if sum <= self.min_letters || (sum as f64) <= self.max_share * letters as f64 {
            return None;
        }
        let most = (0..SCRIPTS.len()).max_by_key(|at| foreign(*at))?;
        let detail = format!(
            "{sum} of {letters} letters are {} among {}",
            SCRIPTS[most], SCRIPTS[main]
        );
        Some(Reason::new("mixed_language", detail))
    }
}
