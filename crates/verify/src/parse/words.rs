//! Words of answers: units, numerals, and what is text rather than a formula.

/// Units that can be converted: name, what they measure, and how many of the first of its kind.
const UNITS: &[(&[&str], u8, f64)] = &[
    (&["m", "meter", "metre"], 1, 1.0),
    (&["cm", "centimeter", "centimetre"], 1, 0.01),
    (&["mm", "millimeter", "millimetre"], 1, 0.001),
    (&["km", "kilometer", "kilometre"], 1, 1000.0),
    (&["in", "inch", "inche"], 1, 0.0254),
    (&["ft", "feet", "foot"], 1, 0.3048),
    (&["yd", "yard"], 1, 0.9144),
    (&["mi", "mile"], 1, 1609.344),
    (&["g", "gram"], 2, 1.0),
    (&["kg", "kilogram"], 2, 1000.0),
    (&["mg", "milligram"], 2, 0.001),
    (&["lb", "pound"], 2, 453.592_37),
    (&["oz", "ounce"], 2, 28.349_523_125),
    (&["s", "sec", "second"], 3, 1.0),
    (&["min", "minute"], 3, 60.0),
    (&["h", "hr", "hour"], 3, 3600.0),
    (&["day"], 3, 86_400.0),
    (&["week"], 3, 604_800.0),
    (&["month"], 4, 1.0),
    (&["year", "yr"], 4, 12.0),
    (&["dollar", "usd", "buck"], 5, 1.0),
    (&["cent"], 5, 0.01),
    (&["l", "liter", "litre"], 6, 1.0),
    (&["ml", "milliliter", "millilitre"], 6, 0.001),
    (&["mph"], 7, 1.0),
    (&["kph", "kmh"], 7, 0.621_371_192),
    (&["euro"], 8, 1.0),
    (&["kpa", "kilopascal"], 9, 1.0),
    (&["kw", "kilowatt"], 10, 1.0),
    (&["kj", "kilojoule"], 11, 1.0),
    (&["hz", "hertz"], 12, 1.0),
    (&["mol", "mole"], 13, 1.0),
    (&["unit", "square unit", "cubic unit", "sq unit"], 0, 1.0),
];

/// What a unit measures (0: just "units") and its size; the power is part of what it measures.
pub fn unit(name: &str) -> Option<(u32, f64)> {
    let mut name = name.trim().trim_end_matches('.').to_lowercase();
    let mut power = 1_u32;
    for (word, of) in [
        ("square ", 2),
        ("sq ", 2),
        ("sq. ", 2),
        ("cubic ", 3),
        ("cu ", 3),
    ] {
        if let Some(rest) = name.strip_prefix(word) {
            (name, power) = (rest.to_owned(), of);
            break;
        }
    }
    if let Some((base, exponent)) = name.clone().split_once('^') {
        power = exponent.trim_matches(['{', '}']).parse().ok()?;
        name = base.trim().to_owned();
    }
    let power = power.min(9);
    let found = UNITS.iter().find(|(names, ..)| {
        let single = name.strip_suffix('s').filter(|rest| rest.len() > 1);
        names.iter().any(|one| *one == name || Some(*one) == single)
    })?;
    let (_, kind, size) = *found;
    if kind == 0 {
        return Some((0, 1.0));
    }
    Some((u32::from(kind) * 10 + power, size.powi(power as i32)))
}

/// Letters that are a unit after a number even outside of `\text`; single letters are variables.
pub fn is_plain_unit(word: &str) -> bool {
    word.len() > 1 && word != "in" && unit(word).is_some()
}

/// "percent" in its spellings.
pub fn is_percent(word: &str) -> bool {
    matches!(
        word.trim(),
        "percent" | "percents" | "percentage" | "pct" | "per cent"
    )
}

/// Numerals up to twelve and the round ones.
pub fn numeral(word: &str) -> Option<i64> {
    const WORDS: [&str; 13] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    let word = word.trim().to_lowercase();
    WORDS
        .iter()
        .position(|one| *one == word)
        .map(|at| at as i64)
}

/// Scales that follow a number.
pub fn scale(word: &str) -> Option<i64> {
    match word {
        "thousand" => Some(1_000),
        "million" => Some(1_000_000),
        "billion" => Some(1_000_000_000),
        "trillion" => Some(1_000_000_000_000),
        _ => None,
    }
}

/// Names that are functions or constants outside of LaTeX too.
pub fn is_known(word: &str) -> bool {
    super::lexer::func(word).is_some()
        || matches!(
            word,
            "pi" | "inf"
                | "infinity"
                | "infty"
                | "oo"
                | "and"
                | "or"
                | "sqrt"
                | "cbrt"
                | "root"
                | "theta"
                | "alpha"
                | "beta"
                | "gamma"
                | "lambda"
                | "omega"
                | "phi"
        )
}

/// Two letters that are a word and not a product.
const SHORT_WORDS: &[&str] = &[
    "no", "on", "so", "of", "is", "it", "at", "in", "to", "up", "us", "we", "he", "am", "an", "as",
    "be", "by", "do", "go", "if", "me", "my", "or", "ok",
];

/// The text of an answer that is nothing but words, or sentences; `None` where it may be a
/// formula.
///
/// It matters because a product of letters may be reordered and a word may not: `cat` is not
/// `act`.
pub fn as_text(answer: &str) -> Option<String> {
    if answer.contains(['\\', '^', '_', '=', '<', '>', '√']) {
        return None;
    }
    let words: Vec<&str> = answer
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let is_word = |word: &str| {
        let lower = word.to_lowercase();
        word.chars().all(char::is_alphabetic)
            && (word.chars().count() > 2 || SHORT_WORDS.contains(&lower.as_str()))
            && !is_known(&lower)
            && numeral(&lower).is_none()
            && scale(&lower).is_none()
    };
    let plain = |word: &&&str| is_word(word) && !is_percent(&word.to_lowercase());
    let count = words.iter().filter(plain).count();
    let starts_with_number = answer
        .trim_start_matches(|c: char| "-−+$(~ ".contains(c))
        .starts_with(|c: char| c.is_ascii_digit() || c == '.');
    // "35 cm and 4 apples" is a list of quantities; "apples" and "an apple a day" are text.
    (count > 0 && !starts_with_number && words.first().is_some_and(|w| is_word(w)) || count > 4)
        .then(|| answer.to_owned())
}

/// Whether it is a list of words rather than a sentence.
pub fn is_word_list(answer: &str) -> bool {
    answer.contains(',')
        && answer
            .split(',')
            .all(|part| part.split_whitespace().count() == 1)
}
