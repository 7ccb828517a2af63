//! LaTeX commands to tokens.

use super::lexer::{Lexer, Token, func};
use super::node::{Bracket, Constant, Rel};
use super::words;
use crate::error::VerifyError;

impl Lexer<'_> {
    /// The command at the current backslash.
    pub fn command(&mut self) -> Result<(), VerifyError> {
        self.at += 1;
        if self.peek(0) == Some('\\') {
            // `\\`: the end of a row, or of a line.
            self.at += 1;
            if self.depth > 0 {
                self.push(Token::Row);
            } else {
                self.space = true;
            }
            return Ok(());
        }
        let Some(first) = self.peek(0) else {
            return Ok(());
        };
        if !first.is_ascii_alphabetic() {
            self.at += 1;
            match first {
                '{' => self.push(Token::Open(Bracket::Curly)),
                '}' => self.push(Token::Close(Bracket::Curly)),
                '%' => self.push(Token::Percent),
                '|' => self.push(Token::Bar),
                // A space of some width, delimiters of mathematics, signs of money.
                _ => self.space = true,
            }
            return Ok(());
        }
        let start = self.at;
        while self.peek(0).is_some_and(|c| c.is_ascii_alphabetic()) {
            self.at += 1;
        }
        let name: String = self.chars[start..self.at].iter().collect();
        self.named(&name)
    }

    fn named(&mut self, name: &str) -> Result<(), VerifyError> {
        let token = match name {
            "frac" | "dfrac" | "tfrac" | "cfrac" => Token::Frac,
            "sqrt" => Token::Root,
            "binom" | "dbinom" | "tbinom" => Token::Binom,
            "pi" => Token::Const(Constant::Pi),
            "infty" | "infin" => Token::Const(Constant::Infinity),
            "cdot" | "times" | "ast" | "cdotp" | "bullet" => Token::Op('*'),
            "div" => Token::Op('/'),
            "colon" => Token::Op(':'),
            "pm" => Token::Op('p'),
            "mp" => Token::Op('m'),
            "cup" => Token::Op('u'),
            "le" | "leq" | "leqslant" | "leqq" => Token::Rel(Rel::LessEqual),
            "ge" | "geq" | "geqslant" | "geqq" => Token::Rel(Rel::GreaterEqual),
            "lt" => Token::Rel(Rel::Less),
            "gt" => Token::Rel(Rel::Greater),
            "ne" | "neq" => Token::Rel(Rel::NotEqual),
            "approx" | "simeq" | "sim" => Token::Rel(Rel::Approx),
            "equiv" => Token::Rel(Rel::Equal),
            "in" => Token::Rel(Rel::In),
            "lbrace" => Token::Open(Bracket::Curly),
            "rbrace" => Token::Close(Bracket::Curly),
            "lbrack" => Token::Open(Bracket::Square),
            "rbrack" => Token::Close(Bracket::Square),
            "vert" | "mid" | "lvert" | "rvert" | "Vert" => Token::Bar,
            "lfloor" => Token::FloorOpen,
            "rfloor" => Token::FloorClose,
            "lceil" => Token::CeilOpen,
            "rceil" => Token::CeilClose,
            "emptyset" | "varnothing" => Token::Empty,
            "circ" | "degree" => Token::Degree,
            "percent" => Token::Percent,
            "land" | "wedge" | "lor" => Token::And,
            "overline" | "bar" | "vec" | "hat" | "overrightarrow" | "widehat" | "tilde" => {
                Token::Over
            }
            "sum" | "int" | "prod" | "lim" | "oint" | "max" | "min" | "gcd" | "lcm" | "sup"
            | "inf" | "det" | "deg" => Token::Large(name.to_owned()),
            "mathbb" if self.chars[self.at..].starts_with(&['{', 'R', '}']) => {
                self.at += 3;
                self.reals();
                return Ok(());
            }
            "left" | "right" => {
                // An invisible bracket.
                if self.peek(0) == Some('.') {
                    self.at += 1;
                }
                return Ok(());
            }
            "begin" | "end" => {
                let inside = self.braced();
                if name == "begin" {
                    self.depth += 1;
                    if inside == "array" {
                        self.braced();
                    }
                    Token::Begin(inside)
                } else {
                    self.depth = self.depth.saturating_sub(1);
                    Token::End(inside)
                }
            }
            "phantom" | "pmod" | "hspace" | "vspace" | "label" | "tag" | "color" => {
                self.braced();
                return Ok(());
            }
            "text" | "mbox" | "textbf" | "textrm" | "textit" | "textnormal" | "mathrm"
            | "operatorname" | "texttt" | "textsf" | "mathbf" | "mathit" | "emph" | "bf" | "rm"
            | "mathsf" => {
                self.words(name);
                return Ok(());
            }
            "boxed" | "fbox" | "displaystyle" | "textstyle" | "limits" | "quad" | "qquad"
            | "big" | "Big" | "bigl" | "bigr" | "Bigl" | "Bigr" | "bigg" | "Bigg" | "biggl"
            | "biggr" | "angle" | "triangle" | "mathbb" | "mathcal" | "thinspace" | "space"
            | "enspace" | "medspace" | "nonumber" | "n" | "hline" | "mathop" | "ensuremath"
            | "boldsymbol" | "underline" | "cancel" | "middle" | "nobreak" | "not" => {
                self.space = true;
                return Ok(());
            }
            _ => match func(name) {
                Some(func) => Token::Func(func),
                None => Token::Symbol(name.to_owned()),
            },
        };
        self.push(token);
        Ok(())
    }

    /// The real numbers, as the interval that they are.
    pub fn reals(&mut self) {
        for token in [
            Token::Open(Bracket::Round),
            Token::Op('-'),
            Token::Const(Constant::Infinity),
            Token::Comma,
            Token::Const(Constant::Infinity),
            Token::Close(Bracket::Round),
        ] {
            self.push(token);
        }
    }

    /// What stands in the braces that follow, taken away.
    fn braced(&mut self) -> String {
        while self.peek(0).is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        if self.peek(0) != Some('{') {
            return String::new();
        }
        let (start, mut depth) = (self.at + 1, 0_usize);
        while let Some(c) = self.peek(0) {
            self.at += 1;
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        let end = if depth == 0 { self.at - 1 } else { self.at };
        self.chars[start.min(end)..end].iter().collect()
    }

    /// `\text{...}`: a unit, "and", a name, or words.
    fn words(&mut self, command: &str) {
        while self.peek(0) == Some(' ') {
            self.at += 1;
        }
        if self.peek(0) != Some('{') {
            return;
        }
        // A formula in upright letters is read where it stands.
        let rest = &self.chars[self.at + 1..];
        let text: String = rest.iter().take_while(|c| **c != '}').collect();
        let words = text.trim().trim_matches([',', '.', '$', '(', ')']).trim();
        let after_value = self.out.last().is_some_and(|last| {
            matches!(
                last.token,
                Token::Num(..)
                    | Token::GroupClose
                    | Token::Close(_)
                    | Token::Const(_)
                    | Token::Symbol(_)
                    | Token::Percent
            )
        });
        let lower = words.to_lowercase();
        let token = match lower.as_str() {
            "" => None,
            "and" | "or" | "&" => Some(Token::And),
            _ if words::is_percent(&lower) => Some(Token::Percent),
            "degree" | "degrees" => Some(Token::Degree),
            _ if after_value && words::unit(&lower).is_some() => Some(Token::Text(lower)),
            _ if text.contains(['\\', '{', '^', '_'])
                || words.chars().count() == 1
                || words
                    .split(',')
                    .all(|part| part.trim().chars().count() == 1) =>
            {
                self.space = true;
                return;
            }
            "gcd" | "lcm" | "max" | "min" => Some(Token::Large(lower)),
            _ if words.chars().any(|c| c.is_ascii_digit()) => {
                self.space = true;
                return;
            }
            _ if func(words).is_some() || words::numeral(words).is_some() => {
                self.at += 1 + text.chars().count() + 1;
                return self.word(words, false);
            }
            _ if command.starts_with("math") && words.chars().count() <= 3 && !after_value => {
                self.space = true;
                return;
            }
            _ => Some(Token::Text(words.to_owned())),
        };
        self.at += 1 + text.chars().count() + 1;
        self.at = self.at.min(self.chars.len());
        if let Some(token) = token {
            self.push(token);
        }
        self.space = true;
    }
}
