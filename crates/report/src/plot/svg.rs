//! The marks charts are made of, and how they look.

use std::fmt::Write;

/// Width of all charts, in the SVG's units.
pub const WIDTH: f64 = 960.0;

/// How charts look, for a page that holds inset ones. The colours are those of the product's page,
/// with three more for further series.
pub const STYLE: &str = "\
svg{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','Liberation Sans',sans-serif;\
font-size:12px}\
.paper{fill:#faf9f6}.sheet{fill:#fff;stroke:#e2dfd6}\
.title{font-size:20px;font-weight:650;letter-spacing:-.01em;fill:#22201c}\
.subtitle{font-size:13px;fill:#5f5b52}\
.name{font-size:13px;font-weight:600;fill:#22201c}.unit,.key{fill:#5f5b52}.tick{fill:#77736a}\
.value{font-weight:600;fill:#22201c}.tick,.value{font-variant-numeric:tabular-nums}\
.grid{stroke:#eeebe3;fill:none}.minor{stroke:#f5f3ed;fill:none}.base{stroke:#c9c5b9;fill:none}\
.mark{stroke:#5f5b52;stroke-dasharray:3 3;fill:none}\
.line{fill:none;stroke-width:1.75;stroke-linejoin:round;stroke-linecap:round}\
.raw{fill:none;stroke-width:1;stroke-linejoin:round;stroke-linecap:round;opacity:.32}.dense{stroke-width:1.5;opacity:.26}\
.few{stroke-width:4;opacity:.4}.lone{stroke-width:5}\
.dots{fill:none;stroke-width:7;stroke-linecap:round}.ring{fill:none;stroke-width:10;\
stroke-linecap:round;stroke:#fff}\
.s0{stroke:#a84c1c}.s1{stroke:#1f6f8b}.s2{stroke:#5d7c26}.s3{stroke:#7d5097}\
.bar{fill:#a84c1c}.bad{stroke:#a3262c;fill:none;stroke-width:2}.badkey{fill:#a3262c}\
@media(prefers-color-scheme:dark){\
.paper{fill:#171614}.sheet{fill:#201e1b;stroke:#35322c}\
.title,.name,.value{fill:#ebe7de}.subtitle,.unit,.key{fill:#b0aa9d}.tick{fill:#949083}\
.grid{stroke:#2d2a25}.minor{stroke:#262420}.base{stroke:#4d4941}.mark{stroke:#b0aa9d}\
.ring{stroke:#201e1b}\
.s0{stroke:#e8935f}.s1{stroke:#6cbcd6}.s2{stroke:#a6c66a}.s3{stroke:#c39bdc}\
.bar{fill:#e8935f}.bad{stroke:#f0868a}.badkey{fill:#f0868a}}";

/// Series have one of so many colours, classes `s0` and on.
pub const COLOURS: usize = 4;

/// Where a text's `x` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    fn attribute(self) -> &'static str {
        match self {
            Self::Start => "",
            Self::Middle => " text-anchor=\"middle\"",
            Self::End => " text-anchor=\"end\"",
        }
    }
}

/// An SVG in the making.
pub struct Svg {
    body: String,
    top: f64,
    width: f64,
    inset: bool,
}

impl Svg {
    /// Begins with the title and the subtitle, either of which may be empty.
    pub fn new(title: &str, subtitle: &str) -> Self {
        let mut svg = Self {
            body: String::new(),
            top: 24.0,
            width: WIDTH,
            inset: false,
        };
        if !title.is_empty() {
            svg.top += 20.0;
            svg.text((24.0, svg.top), "title", Anchor::Start, title);
        }
        if !subtitle.is_empty() {
            svg.top += 22.0;
            svg.text((24.0, svg.top), "subtitle", Anchor::Start, subtitle);
        }
        if svg.top > 24.0 {
            svg.top += 18.0;
        }
        svg
    }

    /// For a page, which has the title, the style and the background.
    pub fn inset(width: f64) -> Self {
        Self {
            body: String::new(),
            top: 0.0,
            width,
            inset: true,
        }
    }

    /// Below the titles.
    pub fn top(&self) -> f64 {
        self.top
    }

    pub fn text(&mut self, (x, y): (f64, f64), class: &str, anchor: Anchor, text: &str) {
        let anchor = anchor.attribute();
        let (x, y, text) = (number(x), number(y), escape(text));
        self.put(format_args!(
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\"{anchor}>{text}</text>"
        ));
    }

    /// Two texts on a line, of which the second follows the first however wide that is.
    pub fn pair(
        &mut self,
        (x, y): (f64, f64),
        anchor: Anchor,
        (class, text): (&str, &str),
        (next_class, next): (&str, &str),
    ) {
        if text.is_empty() || next.is_empty() {
            let (class, text) = if next.is_empty() {
                (class, text)
            } else {
                (next_class, next)
            };
            return self.text((x, y), class, anchor, text);
        }
        let anchor = anchor.attribute();
        let (x, y, text, next) = (number(x), number(y), escape(text), escape(next));
        self.put(format_args!(
            "<text x=\"{x}\" y=\"{y}\"{anchor}><tspan class=\"{class}\">{text}</tspan>\
             <tspan class=\"{next_class}\" dx=\"7\">{next}</tspan></text>"
        ));
    }

    pub fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), r: f64, class: &str) {
        let (x, y) = (number(x), number(y));
        let (width, height, r) = (number(width), number(height), number(r));
        self.put(format_args!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
             rx=\"{r}\"/>"
        ));
    }

    pub fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), class: &str) {
        let (x1, y1, x2, y2) = (number(x1), number(y1), number(x2), number(y2));
        self.put(format_args!(
            "<path class=\"{class}\" d=\"M{x1} {y1}L{x2} {y2}\"/>"
        ));
    }

    /// A line with gaps: one run of points after another.
    pub fn runs(&mut self, runs: &[Vec<(f64, f64)>], class: &str) {
        let (lone, runs): (Vec<_>, Vec<_>) = runs.iter().partition(|run| run.len() == 1);
        let mut path = String::new();
        for run in runs {
            for (index, (x, y)) in run.iter().enumerate() {
                let command = if index == 0 { 'M' } else { 'L' };
                let _ = write!(path, "{command}{} {}", number(*x), number(*y));
            }
        }
        self.path(&path, class);
        // A point between two gaps would not be seen as a line.
        let lone: Vec<_> = lone.into_iter().flatten().copied().collect();
        self.dots(&lone, &format!("{class} lone"));
    }

    /// Dots, as lines of no length with round ends: far fewer bytes than circles.
    pub fn dots(&mut self, points: &[(f64, f64)], class: &str) {
        let mut path = String::new();
        for (x, y) in points {
            let _ = write!(path, "M{} {}h0", number(*x), number(*y));
        }
        self.path(&path, class);
    }

    fn path(&mut self, path: &str, class: &str) {
        if !path.is_empty() {
            self.put(format_args!("<path class=\"{class}\" d=\"{path}\"/>"));
        }
    }

    fn put(&mut self, text: std::fmt::Arguments) {
        let _ = self.body.write_fmt(text);
        self.body.push('\n');
    }

    /// The whole document, `height` high. `label` is what a screen reader says.
    pub fn finish(self, height: f64, label: &str) -> String {
        let (label, height, width) = (escape(label), number(height), number(self.width));
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"{label}\">\n"
        );
        if !self.inset {
            let _ = write!(
                svg,
                "<style>{STYLE}</style>\n\
                 <rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n"
            );
        }
        svg + &self.body + "</svg>\n"
    }
}

/// A coordinate to a tenth.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

/// For text and attributes. Characters that XML cannot hold become the replacement character.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{0}'..='\u{8}'
            | '\u{b}'
            | '\u{c}'
            | '\u{e}'..='\u{1f}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                escaped.push(char::REPLACEMENT_CHARACTER);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// About how wide a text of 12 px is: fonts are the reader's own, so this can only be a guess.
pub fn width(text: &str) -> f64 {
    text.chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | 'f' | 't' | 'r' | 'I' | '.' | ',' | ':' | '\'' | '|' | '(' | ')'
            | '-' | ' ' => 4.2,
            'm' | 'w' | 'M' | 'W' | '%' | '@' => 11.0,
            'A'..='Z' => 8.4,
            c if c > '\u{2e80}' => 12.0,
            _ => 7.3,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_element() {
        assert_eq!(
            escape("a<b & \"c\"\u{0}\n"),
            "a&lt;b &amp; &quot;c&quot;\u{fffd}\n"
        );
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!(number(12.04), "12");
        assert_eq!(number(-0.01), "0");
        assert_eq!(number(3.25), "3.2");
    }
}
