//! The table of families, one file per domain.

mod algebra;
mod amounts;
mod arithmetic;
mod chance;
mod coordinates;
mod counting;
mod games;
mod geometry;
mod grids;
mod jugs;
mod lists;
mod logic;
mod numbers;
mod orders;
mod polynomials;
mod programs;
mod rates;
mod sequences;
mod shares;
mod spelling;
mod stories;
mod strings;
mod targets;
mod time;

use std::sync::LazyLock;

use crate::error::ProblemError;
use crate::problem::Family;

static ALL: LazyLock<Vec<Family>> = LazyLock::new(|| {
    [
        arithmetic::FAMILIES,
        algebra::FAMILIES,
        polynomials::FAMILIES,
        numbers::FAMILIES,
        amounts::FAMILIES,
        counting::FAMILIES,
        chance::FAMILIES,
        geometry::FAMILIES,
        coordinates::FAMILIES,
        time::FAMILIES,
        rates::FAMILIES,
        logic::FAMILIES,
        orders::FAMILIES,
        grids::FAMILIES,
        sequences::FAMILIES,
        strings::FAMILIES,
        lists::FAMILIES,
        programs::FAMILIES,
        games::FAMILIES,
        jugs::FAMILIES,
        targets::FAMILIES,
        stories::FAMILIES,
        shares::FAMILIES,
    ]
    .concat()
});

/// All families, in a fixed order: by domain.
pub fn families() -> &'static [Family] {
    &ALL
}

/// The family of this name.
pub fn family(name: &str) -> Result<&'static Family, ProblemError> {
    find(name)
}

pub(crate) fn find(name: &str) -> Result<&'static Family, ProblemError> {
    families()
        .iter()
        .find(|family| family.name == name)
        .ok_or_else(|| ProblemError::UnknownFamily {
            name: name.chars().take(80).collect(),
            near: nearest(name),
        })
}

/// The family whose name shares most letter pairs with this one, if it shares half of them.
fn nearest(name: &str) -> Option<&'static str> {
    let pairs = |text: &str| -> Vec<(char, char)> {
        let chars = text.chars().take(80);
        chars.clone().zip(chars.skip(1)).collect()
    };
    let wanted = pairs(name);
    families()
        .iter()
        .map(|family| {
            let have = pairs(family.name);
            let shared = wanted.iter().filter(|pair| have.contains(pair)).count();
            (
                2 * shared * 100 / (wanted.len() + have.len()).max(1),
                family.name,
            )
        })
        .max_by_key(|(score, _)| *score)
        .filter(|(score, _)| *score >= 50)
        .map(|(_, name)| name)
}
