//! Text that behaves like a teacher's: words by a skewed law, numbers, formulas, sentences with few
//! fixed runs of words, so that shingles of unrelated texts rarely agree.

/// A stream of numbers that a seed decides (splitmix64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed ^ stream.wrapping_mul(0xd6e8_feb8_6659_fd93));
        random.next();
        random
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// From 0 to below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    pub fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    /// Early words are the common ones.
    fn word<'a>(&mut self, of: &[&'a str]) -> &'a str {
        let place = self.unit();
        of[((place * place * of.len() as f64) as usize).min(of.len() - 1)]
    }

    /// A length of median `median` whose logarithm is normal with this deviation.
    pub fn log_normal(&mut self, median: f64, deviation: f64) -> f64 {
        // Irwin and Hall: twelve uniform numbers add up to a normal one, near enough.
        let normal = (0..12).map(|_| self.unit()).sum::<f64>() - 6.0;
        median * (deviation * normal).exp()
    }
}

/// The words of all texts.
pub struct Vocabulary {
    nouns: Vec<&'static str>,
    verbs: Vec<&'static str>,
    adjectives: Vec<&'static str>,
    things: Vec<&'static str>,
    names: Vec<&'static str>,
}

const NOUNS: &str = "number value sum case term side answer point line equation problem way step \
    part length area angle result product factor root pair set total ratio rate day hour row group \
    triangle circle square function sequence difference condition digit remainder volume speed \
    distance price cost share age edge path graph tree node list string array index loop table \
    column matrix vector field plane sphere cube radius diameter center slope curve limit bound \
    proof claim lemma fact idea method approach formula pattern rule order sign power base exponent \
    fraction numerator denominator percentage average median mode range probability outcome event \
    card coin die box bag shelf drawer corner street bridge station market garden river island boat \
    train journey ticket letter story page chapter teacher student worker farmer baker driver \
    machine engine wheel gear bottle glass bucket fence field orchard harvest season winter summer \
    morning evening weekend holiday budget profit interest loan salary bonus tax discount coupon \
    temperature pressure mass weight density charge current voltage energy wave frequency molecule \
    reaction solution mixture sample cell organ species habitat climate region border capital";
const VERBS: &str = "is has gives takes makes needs shows uses equals becomes means finds keeps \
    leaves adds holds follows divides counts covers meets crosses passes reaches splits shares \
    moves turns starts ends grows drops rises falls cuts joins fills empties buys sells carries \
    brings sends builds paints plants picks reads writes solves checks tests proves implies yields \
    satisfies contains includes exceeds doubles halves triples squares cancels simplifies factors \
    expands substitutes eliminates reduces bounds minimises maximises intersects touches bisects \
    reflects rotates scales maps sorts swaps stores returns prints calls visits skips marks labels \
    colours orders compares matches repeats alternates converges diverges oscillates depends";
const ADJECTIVES: &str = "same other first last next whole small large right left second third \
    different possible simple new only final correct positive negative even odd prime common equal \
    constant linear unique smallest largest shorter longer remaining original given known unknown \
    exact rough careful quick strange clear hidden upper lower inner outer parallel perpendicular \
    isosceles regular random fair empty full heavy light cheap expensive early late young old red \
    blue green yellow white black wooden golden broken fresh frozen distant nearby ancient modern \
    local global finite infinite rational integer complex real recursive greedy sorted";
const THINGS: &str = "apples marbles coins books pencils tickets cookies boxes stamps oranges cards \
    balls eggs flowers chairs candles bottles stickers shirts kites lanterns bricks tiles ropes \
    postcards beads magnets puzzles cupcakes sandwiches melons peaches carrots pumpkins seedlings \
    bicycles scooters kettles blankets pillows mirrors clocks radios cameras drums flutes violins \
    helmets ladders hammers nails barrels crates sacks parcels envelopes notebooks rulers crayons";
const NAMES: &str = "Ana Boris Chen Dora Emil Fatima Goran Hana Ivo Jana Karl Lena Marco Nadia Omar \
    Priya Quentin Rosa Sven Tara Ulrich Vera Wanda Xavier Yusuf Zoe Amir Bella Carlos Diana Elena \
    Felix Grace Hugo Irene José Kenji Lucía Mateo Noor Olga Pavel Renée Samir Tomás Uma Viktor \
    Weronika Yara Zoltán";

const OPENERS: [&str; 24] = [
    "So",
    "Wait,",
    "Now",
    "Hmm,",
    "Then",
    "Okay,",
    "But",
    "Therefore",
    "Alternatively,",
    "Also",
    "Let me see:",
    "Since",
    "First,",
    "Next,",
    "Actually,",
    "Right,",
    "Suppose",
    "Because",
    "Again,",
    "Thus",
    "In fact,",
    "Maybe",
    "Note that",
    "Hence",
];
const JOINTS: [&str; 14] = [
    "and",
    "so",
    "but",
    "because",
    "while",
    "which means",
    "since",
    "or",
    "when",
    "if",
    "where",
    "although",
    "that is,",
    "unless",
];
const PLACES: [&str; 16] = [
    "of", "in", "on", "from", "with", "by", "over", "under", "between", "after", "before", "for",
    "near", "along", "without", "across",
];
const ARTICLES: [&str; 8] = ["the", "a", "this", "that", "each", "every", "one", "some"];
const ASKS: [&str; 12] = [
    "How many",
    "What is",
    "Find",
    "Determine",
    "Compute",
    "What fraction of",
    "For which",
    "When does",
    "Which",
    "Prove that",
    "Calculate",
    "What must be",
];
const LETTERS: [&str; 12] = ["x", "y", "n", "k", "m", "a", "b", "t", "r", "p", "q", "z"];

impl Vocabulary {
    pub fn new() -> Self {
        let list = |text: &'static str| text.split_whitespace().collect();
        Self {
            nouns: list(NOUNS),
            verbs: list(VERBS),
            adjectives: list(ADJECTIVES),
            things: list(THINGS),
            names: list(NAMES),
        }
    }

    /// Some words that a problem is about.
    fn phrase(&self, random: &mut Random, out: &mut String) {
        match random.below(9) {
            0 => out.push_str(random.pick(&self.names)),
            1 => self.amount(random, out),
            2 => formula(random, out),
            3 => out.push_str(random.pick(&LETTERS)),
            at => {
                push(out, random.pick(&ARTICLES));
                if at > 5 {
                    push(out, random.word(&self.adjectives));
                }
                out.push_str(random.word(&self.nouns));
            }
        }
    }

    fn amount(&self, random: &mut Random, out: &mut String) {
        push(out, &number(random).to_string());
        if random.chance(0.4) {
            push(out, random.word(&self.adjectives));
        }
        out.push_str(random.pick(&self.things));
    }

    fn clause(&self, random: &mut Random, out: &mut String) {
        self.phrase(random, out);
        out.push(' ');
        push(out, random.word(&self.verbs));
        self.phrase(random, out);
        for _ in 0..random.below(3) {
            out.push(' ');
            push(out, random.pick(&PLACES));
            self.phrase(random, out);
        }
    }

    fn sentence(&self, random: &mut Random, out: &mut String) {
        if random.chance(0.5) {
            push(out, random.pick(&OPENERS));
        }
        self.clause(random, out);
        while random.chance(0.4) {
            out.push_str(if random.chance(0.5) { ", " } else { " " });
            push(out, random.pick(&JOINTS));
            self.clause(random, out);
        }
        out.push_str([".", ".", ".", "?", "!", "."][random.below(6)]);
    }

    /// A question of some 30 to 80 words.
    pub fn problem(&self, random: &mut Random) -> String {
        let mut out = String::new();
        out.push_str(random.pick(&self.names));
        for _ in 0..2 + random.below(3) {
            out.push(' ');
            push(&mut out, random.word(&self.verbs));
            self.amount(random, &mut out);
            out.push(' ');
            push(&mut out, random.pick(&PLACES));
            self.phrase(random, &mut out);
            out.push_str(". ");
            self.sentence(random, &mut out);
            out.push(' ');
            out.push_str(random.pick(&self.names));
        }
        out.push_str(". ");
        push(&mut out, random.pick(&ASKS));
        self.clause(random, &mut out);
        out.push('?');
        out
    }

    /// Paragraphs of at least so many bytes altogether.
    pub fn thought(&self, random: &mut Random, bytes: usize) -> String {
        let mut out = String::with_capacity(bytes + 400);
        while out.len() < bytes {
            for _ in 0..1 + random.below(5) {
                self.sentence(random, &mut out);
                out.push(' ');
            }
            if random.chance(0.3) {
                out.push_str("\n\\[ ");
                formula(random, &mut out);
                out.push_str(" \\implies ");
                formula(random, &mut out);
                out.push_str(" \\]");
            }
            out.push_str("\n\n");
        }
        out
    }

    pub fn answer(&self, random: &mut Random, result: usize) -> String {
        let mut out = String::new();
        for _ in 0..2 + random.below(4) {
            self.sentence(random, &mut out);
            out.push(' ');
        }
        out.push_str(&format!("\n\n**Answer:** \\boxed{{{result}}}"));
        out
    }

    /// Another word for one of a near duplicate's.
    pub fn other_word(&self, random: &mut Random) -> &'static str {
        random.pick(&self.things)
    }
}

fn push(out: &mut String, word: &str) {
    out.push_str(word);
    out.push(' ');
}

/// Small numbers are the common ones.
pub fn number(random: &mut Random) -> usize {
    let digits = 1 + random.below(4);
    random.below(10_usize.pow(digits as u32)) + 2
}

fn formula(random: &mut Random, out: &mut String) {
    let (a, b) = (random.pick(&LETTERS), random.pick(&LETTERS));
    let (m, n) = (number(random), number(random));
    out.push_str(&match random.below(7) {
        0 => format!("${a} = {m}$"),
        1 => format!("${a}^2 + {m}{b} = {n}$"),
        2 => format!("$\\frac{{{m}}}{{{n}}}$"),
        3 => format!("{m} + {n} = {}", m + n),
        4 => format!("{m} × {n} = {}", m * n),
        5 => format!("${a} \\le \\sqrt{{{n}}}$"),
        _ => format!("{a}_{{{m}}} - {n}{b}"),
    });
}
