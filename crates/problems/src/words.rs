//! Names, things and words to tell problems with, and the helpers that put them into sentences.

use crate::rng::Rng;

/// People of whom nothing is known but their name.
pub(crate) const NAMES: [&str; 32] = [
    "Ada", "Bruno", "Chidi", "Dana", "Emil", "Farah", "Goran", "Hana", "Ivo", "Jun", "Kofi",
    "Lena", "Mira", "Nils", "Oksana", "Pia", "Quinn", "Rosa", "Samir", "Tessa", "Umar", "Vera",
    "Wen", "Ximena", "Yusuf", "Zoe", "Amara", "Boris", "Celia", "Dmitri", "Elif", "Felix",
];

/// Things that are bought, given away and counted: singular and plural.
pub(crate) const THINGS: [(&str, &str); 20] = [
    ("apple", "apples"),
    ("pencil", "pencils"),
    ("marble", "marbles"),
    ("notebook", "notebooks"),
    ("candle", "candles"),
    ("button", "buttons"),
    ("lemon", "lemons"),
    ("postcard", "postcards"),
    ("sticker", "stickers"),
    ("muffin", "muffins"),
    ("key ring", "key rings"),
    ("seashell", "seashells"),
    ("tulip", "tulips"),
    ("battery", "batteries"),
    ("brush", "brushes"),
    ("cup", "cups"),
    ("ribbon", "ribbons"),
    ("poster", "posters"),
    ("walnut", "walnuts"),
    ("peach", "peaches"),
];

/// Common words without a repeated theme, lower case.
pub(crate) const WORDS: [&str; 120] = [
    "anchor", "basket", "bridge", "candle", "canyon", "carpet", "castle", "cherry", "circle",
    "cloud", "copper", "cotton", "desert", "dragon", "eagle", "engine", "falcon", "feather",
    "fender", "forest", "garden", "ginger", "glacier", "hammer", "harbor", "helmet", "hollow",
    "island", "jacket", "jungle", "kettle", "ladder", "lantern", "lemon", "letter", "lizard",
    "magnet", "marble", "meadow", "mirror", "monkey", "morning", "mountain", "needle", "number",
    "ocean", "olive", "orange", "orchard", "oyster", "paddle", "palace", "parrot", "pebble",
    "pencil", "pepper", "pillow", "planet", "pocket", "potato", "puzzle", "quarter", "rabbit",
    "raisin", "ribbon", "river", "rocket", "saddle", "salmon", "school", "season", "shadow",
    "silver", "spider", "spring", "square", "station", "stone", "summer", "sunset", "table",
    "teapot", "temple", "thunder", "ticket", "timber", "tomato", "tunnel", "turtle", "valley",
    "velvet", "violin", "wagon", "walnut", "water", "whistle", "willow", "window", "winter",
    "wizard", "yellow", "zebra", "bottle", "button", "camera", "doctor", "finger", "flower",
    "guitar", "hunter", "insect", "kitten", "market", "nephew", "office", "people", "record",
    "singer", "travel", "wonder",
];

/// Words each of which rearranges to the other.
pub(crate) const ANAGRAMS: [(&str, &str); 24] = [
    ("listen", "silent"),
    ("stream", "master"),
    ("danger", "garden"),
    ("thing", "night"),
    ("heart", "earth"),
    ("angle", "glean"),
    ("state", "taste"),
    ("study", "dusty"),
    ("brake", "break"),
    ("below", "elbow"),
    ("cider", "cried"),
    ("stale", "least"),
    ("resist", "sister"),
    ("players", "parsley"),
    ("ocean", "canoe"),
    ("lemon", "melon"),
    ("save", "vase"),
    ("bored", "robed"),
    ("course", "source"),
    ("nails", "snail"),
    ("points", "piston"),
    ("regal", "large"),
    ("reward", "drawer"),
    ("tablet", "battle"),
];

/// How answers are to be written, as the last sentence of a question.
pub(crate) const INTEGER: &str = "Answer with an integer.";
pub(crate) const FRACTION: &str =
    "Answer with an exact number: an integer, a decimal or a fraction a/b.";
pub(crate) const LIST: &str = "Answer with the numbers separated by commas.";

/// A value for difficulty `d`, from `low` at 1 to `high` at 10, in equal steps.
pub(crate) fn dial(d: u8, low: i64, high: i64) -> i64 {
    low + (high - low) * (i64::from(d.clamp(1, 10)) - 1) / 9
}

/// `1, 2, 3`.
pub(crate) fn list<T: ToString>(items: &[T]) -> String {
    join(items, ", ")
}

pub(crate) fn join<T: ToString>(items: &[T], between: &str) -> String {
    items
        .iter()
        .map(T::to_string)
        .collect::<Vec<_>>()
        .join(between)
}

/// `Ada, Bruno and Chidi`.
pub(crate) fn and<T: ToString>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.to_string(),
        [first @ .., last] => format!("{} and {}", list(first), last.to_string()),
    }
}

/// Asks for the value of an expression, in one of several ways.
pub(crate) fn compute(rng: &mut Rng, expression: &str) -> String {
    match rng.below(4) {
        0 => format!("What is {expression}?"),
        1 => format!("Compute {expression}."),
        2 => format!("Find the value of {expression}."),
        _ => format!("Work out {expression}."),
    }
}

/// `count` different names.
pub(crate) fn names(rng: &mut Rng, count: usize) -> Vec<&'static str> {
    rng.sample(&NAMES, count)
}

/// `1 apple`, `2 apples`.
pub(crate) fn counted(n: impl Into<i64>, one: &str, many: &str) -> String {
    match n.into() {
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    }
}

/// `a` or `an`, as the word or number is spoken: an 8, an 11, an 80.
pub(crate) fn article(text: &str) -> &'static str {
    let vowel = text.starts_with(['a', 'e', 'i', 'o', 'u', '8']);
    match vowel || matches!(text, "11" | "18") {
        true => "an",
        false => "a",
    }
}

/// The length of a time: `45 minutes`, `1 hour`, `2 hours and 1 minute`.
pub(crate) fn duration(minutes: i64) -> String {
    let hours = counted(minutes / 60, "hour", "hours");
    let rest = counted(minutes % 60, "minute", "minutes");
    match (minutes / 60, minutes % 60) {
        (0, _) => rest,
        (_, 0) => hours,
        _ => format!("{hours} and {rest}"),
    }
}

/// With a capital letter.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// Small counts in letters, as they are spelled in running text.
pub(crate) fn spelled_count(n: usize) -> String {
    match ["no", "one", "two", "three", "four", "five", "six", "seven"].get(n) {
        Some(word) => (*word).to_owned(),
        None => n.to_string(),
    }
}

/// `+ 5`, `- 5`: a term after the first of a sum.
pub(crate) fn term(value: i64) -> String {
    match value {
        value if value < 0 => format!("- {}", -value),
        value => format!("+ {value}"),
    }
}

/// 1st, 2nd, 3rd, 4th.
pub(crate) fn ordinal(n: i64) -> String {
    let end = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{end}")
}
