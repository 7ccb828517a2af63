//! Characters to tokens: LaTeX commands, Unicode mathematics, numbers with their separators.

use super::node::{Bracket, Constant, Func, Node, Rel};
use super::{Commas, MAX_NODES, big, words};
use crate::error::VerifyError;

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A literal, with its digits where it is a plain integer.
    Num(Node, String),
    Symbol(String),
    Const(Constant),
    Func(Func),
    /// `\max`, `f`: a name that is called.
    Name(String),
    /// `\sum`, `\int`, `\lim` and their like.
    Large(String),
    Frac,
    Root,
    Binom,
    /// `\overline` and other marks over what follows.
    Over,
    /// `+ - * / ^ _ ! : ;`, and `p` for `±`, `m` for `∓`, `u` for `∪`.
    Op(char),
    Open(Bracket),
    Close(Bracket),
    /// A brace that only groups.
    GroupOpen,
    GroupClose,
    /// Left, right or either bar.
    Bar,
    FloorOpen,
    FloorClose,
    CeilOpen,
    CeilClose,
    Comma,
    And,
    Ampersand,
    Row,
    Begin(String),
    End(String),
    Rel(Rel),
    Percent,
    Degree,
    Empty,
    /// Words, from `\text` or from letters that are no variable.
    Text(String),
}

/// A token, and whether there was space before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Spaced {
    pub token: Token,
    pub space: bool,
}

/// A known function by its name.
pub fn func(name: &str) -> Option<Func> {
    Some(match name {
        "sin" => Func::Sin,
        "cos" => Func::Cos,
        "tan" | "tg" => Func::Tan,
        "cot" | "ctg" => Func::Cot,
        "sec" => Func::Sec,
        "csc" => Func::Csc,
        "arcsin" | "asin" => Func::Asin,
        "arccos" | "acos" => Func::Acos,
        "arctan" | "atan" | "arctg" => Func::Atan,
        "sinh" => Func::Sinh,
        "cosh" => Func::Cosh,
        "tanh" => Func::Tanh,
        "exp" => Func::Exp,
        "ln" => Func::Ln,
        "log" | "lg" => Func::Log,
        "abs" => Func::Abs,
        "floor" => Func::Floor,
        "ceil" => Func::Ceil,
        "binom" | "binomial" => Func::Binomial,
        "factorial" => Func::Factorial,
        _ => return None,
    })
}

pub struct Lexer<'a> {
    pub chars: &'a [char],
    pub at: usize,
    pub commas: Commas,
    pub out: Vec<Spaced>,
    pub space: bool,
    /// Open `\begin`s: only in them `\\` ends a row.
    pub depth: usize,
}

/// The tokens of an answer.
pub fn tokens(answer: &str, commas: Commas) -> Result<Vec<Spaced>, VerifyError> {
    let single;
    let answer = if is_doubled(answer) {
        single = answer.replace("\\\\", "\\");
        &single
    } else {
        answer
    };
    let chars: Vec<char> = answer.chars().collect();
    let mut lexer = Lexer {
        chars: &chars,
        at: 0,
        commas,
        out: Vec::new(),
        space: false,
        depth: 0,
    };
    while lexer.at < chars.len() {
        lexer.step()?;
        if lexer.out.len() > MAX_NODES {
            return Err(VerifyError::TooComplex {
                what: "tokens",
                limit: MAX_NODES,
            });
        }
    }
    Ok(lexer.out)
}

/// Text that went through an escaping too many: `\\frac{1}{2}`.
fn is_doubled(answer: &str) -> bool {
    const NAMES: [&str; 12] = [
        "frac", "dfrac", "tfrac", "left", "right", "sqrt", "boxed", "begin", "end", "le", "text",
        "pi",
    ];
    answer.match_indices("\\\\").any(|(at, _)| {
        let rest = &answer[at + 2..];
        let name: &str = &rest[..rest.bytes().take_while(u8::is_ascii_alphabetic).count()];
        NAMES.contains(&name) && !answer[..at].ends_with('\\')
    })
}

impl Lexer<'_> {
    pub fn push(&mut self, token: Token) {
        let space = std::mem::take(&mut self.space);
        self.out.push(Spaced { token, space });
    }

    pub fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn step(&mut self) -> Result<(), VerifyError> {
        let c = self.chars[self.at];
        if c.is_ascii_digit() || (c == '.' && self.peek(1).is_some_and(|d| d.is_ascii_digit())) {
            return self.number();
        }
        if c == '\\' {
            return self.command();
        }
        if c.is_ascii_alphabetic() {
            self.letters();
            return Ok(());
        }
        self.at += 1;
        let token = match c {
            '$' | '"' | '`' | '~' | '\u{200b}' | '?' => return Ok(()),
            '.' => {
                self.space = true;
                return Ok(());
            }
            c if c.is_whitespace() => {
                self.space = true;
                return Ok(());
            }
            '+' | '/' | '!' | '_' | ':' | ';' => {
                if c == '!' && self.peek(0) == Some('=') {
                    self.at += 1;
                    Token::Rel(Rel::NotEqual)
                } else {
                    Token::Op(c)
                }
            }
            '^' => self.caret(),
            '*' if self.peek(0) == Some('*') => {
                self.at += 1;
                Token::Op('^')
            }
            '*' | '×' | '·' | '⋅' | '∗' | '∙' => Token::Op('*'),
            '-' | '−' | '–' | '—' => Token::Op('-'),
            '÷' | '⁄' => Token::Op('/'),
            '：' => Token::Op(':'),
            '±' => Token::Op('p'),
            '∓' => Token::Op('m'),
            '∪' => Token::Op('u'),
            '(' => Token::Open(Bracket::Round),
            ')' => Token::Close(Bracket::Round),
            '[' => Token::Open(Bracket::Square),
            ']' => Token::Close(Bracket::Square),
            '{' => Token::GroupOpen,
            '}' => Token::GroupClose,
            '|' => Token::Bar,
            '⌊' => Token::FloorOpen,
            '⌋' => Token::FloorClose,
            '⌈' => Token::CeilOpen,
            '⌉' => Token::CeilClose,
            ',' | '，' => Token::Comma,
            '&' => Token::Ampersand,
            '=' => {
                if self.peek(0) == Some('=') {
                    self.at += 1;
                }
                Token::Rel(Rel::Equal)
            }
            '<' | '>' => {
                let equal = self.peek(0) == Some('=');
                self.at += usize::from(equal);
                Token::Rel(match (c, equal) {
                    ('<', true) => Rel::LessEqual,
                    ('<', false) => Rel::Less,
                    (_, true) => Rel::GreaterEqual,
                    _ => Rel::Greater,
                })
            }
            '≤' | '⩽' => Token::Rel(Rel::LessEqual),
            '≥' | '⩾' => Token::Rel(Rel::GreaterEqual),
            '≠' => Token::Rel(Rel::NotEqual),
            '≈' => Token::Rel(Rel::Approx),
            '∈' => Token::Rel(Rel::In),
            '√' => Token::Root,
            '∛' => return self.digit_root(3),
            '∞' => Token::Const(Constant::Infinity),
            '∅' => Token::Empty,
            'ℝ' => {
                self.reals();
                return Ok(());
            }
            'π' => Token::Const(Constant::Pi),
            '°' | 'º' => Token::Degree,
            '%' | '％' => Token::Percent,
            '\'' | '′' => {
                if let Some(Spaced {
                    token: Token::Symbol(name) | Token::Name(name),
                    ..
                }) = self.out.last_mut()
                {
                    name.push('\'');
                }
                return Ok(());
            }
            '€' | '£' | '¥' | '₹' => return Ok(()),
            '½' => return self.fraction(1, 2),
            '⅓' => return self.fraction(1, 3),
            '⅔' => return self.fraction(2, 3),
            '¼' => return self.fraction(1, 4),
            '¾' => return self.fraction(3, 4),
            '⅕' => return self.fraction(1, 5),
            '⅛' => return self.fraction(1, 8),
            _ => match super::atoms::script(c) {
                Some((op, digit)) => return self.script(op, digit),
                None if c.is_alphabetic() => Token::Symbol(c.to_string()),
                None => {
                    return Err(VerifyError::Unexpected {
                        at: self.out.len(),
                        found: c.to_string(),
                    });
                }
            },
        };
        self.push(token);
        Ok(())
    }

    /// `^`, or the degrees that LaTeX writes with it.
    fn caret(&mut self) -> Token {
        let rest: String = self.chars[self.at..].iter().take(16).collect();
        let flat = rest.trim_start();
        for form in [
            "\\circ",
            "{\\circ}",
            "{\\circ }",
            "{ \\circ }",
            "\\degree",
            "°",
            "∘",
        ] {
            if flat.starts_with(form) {
                self.at += rest.chars().count() - flat.chars().count() + form.chars().count();
                return Token::Degree;
            }
        }
        Token::Op('^')
    }

    /// `²`, `₁₂`: all digits that follow each other.
    fn script(&mut self, op: char, first: char) -> Result<(), VerifyError> {
        let mut digits = first.to_string();
        while let Some((_, digit)) = self
            .peek(0)
            .and_then(super::atoms::script)
            .filter(|s| s.0 == op)
        {
            digits.push(digit);
            self.at += 1;
        }
        self.push(Token::Op(op));
        self.push(Token::GroupOpen);
        let negative = digits.starts_with('-');
        if negative {
            self.push(Token::Op('-'));
        }
        let digits = digits.trim_start_matches('-').replace('-', "");
        self.push(Token::Num(big::decimal(&digits, None, 0)?, digits));
        self.push(Token::GroupClose);
        Ok(())
    }

    fn fraction(&mut self, above: i64, below: i64) -> Result<(), VerifyError> {
        self.push(Token::Frac);
        for digit in [above, below] {
            self.push(Token::GroupOpen);
            self.push(Token::Num(Node::int(digit), digit.to_string()));
            self.push(Token::GroupClose);
        }
        Ok(())
    }

    fn digit_root(&mut self, degree: i64) -> Result<(), VerifyError> {
        self.push(Token::Root);
        self.push(Token::Open(Bracket::Square));
        self.push(Token::Num(Node::int(degree), degree.to_string()));
        self.push(Token::Close(Bracket::Square));
        Ok(())
    }

    /// A run of letters outside of commands.
    fn letters(&mut self) {
        let start = self.at;
        while self.peek(0).is_some_and(|c| c.is_ascii_alphabetic()) {
            self.at += 1;
        }
        let word: String = self.chars[start..self.at].iter().collect();
        let after_value = matches!(
            self.out.last().map(|last| &last.token),
            Some(
                Token::Num(..)
                    | Token::GroupClose
                    | Token::Close(_)
                    | Token::Const(_)
                    | Token::Text(_)
            )
        );
        self.word(&word, after_value);
    }

    /// A word: a name that is known, a unit, text, or a product of letters.
    pub fn word(&mut self, word: &str, after_value: bool) {
        let lower = word.to_lowercase();
        let counted = matches!(
            self.out.last().map(|last| &last.token),
            Some(Token::Text(_))
        );
        if let Some(func) = func(word) {
            return self.push(Token::Func(func));
        }
        let token = match lower.as_str() {
            "pi" => Token::Const(Constant::Pi),
            "inf" | "infinity" | "infty" | "oo" if word.len() > 1 && word != "OO" => {
                Token::Const(Constant::Infinity)
            }
            "and" | "or" => Token::And,
            "sqrt" => Token::Root,
            "cbrt" => {
                let _ = self.digit_root(3);
                return;
            }
            "degree" | "degrees" | "deg" => Token::Degree,
            _ if words::is_percent(&lower) => Token::Percent,
            _ if after_value && words::is_plain_unit(&lower) => Token::Text(lower),
            _ if words::numeral(&lower).is_some() => {
                let value = words::numeral(&lower).unwrap_or_default();
                Token::Num(Node::int(value), value.to_string())
            }
            // "miles per hour", "years old": words go on.
            _ if word.len() > 3 || (word.len() > 1 && counted) => Token::Text(word.to_owned()),
            _ => {
                for letter in word.chars() {
                    self.push(match letter {
                        'e' => Token::Const(Constant::E),
                        'i' | 'I' => Token::Const(Constant::I),
                        'f' | 'g' | 'h' | 'F' | 'G' => Token::Name(letter.to_string()),
                        _ => Token::Symbol(letter.to_string()),
                    });
                }
                return;
            }
        };
        self.push(token);
    }
}
