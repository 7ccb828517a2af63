//! The tree of an answer.

use num_rational::BigRational;

/// A literal number.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// Its exact value.
    pub value: BigRational,
    /// Significant digits, where it was written with a point; 0 otherwise.
    pub digits: u32,
}

/// A named constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constant {
    /// The ratio of a circle.
    Pi,
    /// The base of natural logarithms.
    E,
    /// The imaginary unit.
    I,
    /// Infinity, without a direction.
    Infinity,
}

/// A function of one or two arguments that can be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Func {
    Sin,
    Cos,
    Tan,
    Cot,
    Sec,
    Csc,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Exp,
    Ln,
    /// Base ten, or of a base that is its second argument.
    Log,
    Sqrt,
    Abs,
    Floor,
    Ceil,
    /// The binomial coefficient.
    Binomial,
    Factorial,
}

/// What stands before a term of a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `±`
    PlusMinus,
    /// `∓`: the opposite of every `±` of the answer.
    MinusPlus,
}

/// A bracket of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bracket {
    /// No bracket: `1, 2`.
    Bare,
    /// `(` or `)`
    Round,
    /// `[` or `]`
    Square,
    /// `\{` or `\}`
    Curly,
}

/// A relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Rel {
    Equal,
    Approx,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
}

impl Rel {
    /// With its sides exchanged.
    pub fn flipped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessEqual => Self::GreaterEqual,
            Self::Greater => Self::Less,
            Self::GreaterEqual => Self::LessEqual,
            same => same,
        }
    }
}

/// An answer, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A literal.
    Num(Number),
    /// Digits in another base: `1011_2`.
    Based(String, u32),
    /// A constant.
    Const(Constant),
    /// A variable, with its index and primes.
    Symbol(String),
    /// Terms with their signs.
    Sum(Vec<(Sign, Node)>),
    /// Factors.
    Product(Vec<Node>),
    /// A quotient.
    Quotient(Box<Node>, Box<Node>),
    /// A power.
    Power(Box<Node>, Box<Node>),
    /// A root: degree, then what it is of.
    Root(Box<Node>, Box<Node>),
    /// A known function.
    Call(Func, Vec<Node>),
    /// A function, sum or integral that is only known by its name.
    Opaque(String, Vec<Node>),
    /// So many of a hundred.
    Percent(Box<Node>),
    /// An angle in degrees.
    Degrees(Box<Node>),
    /// A quantity of a unit.
    Unit(Box<Node>, String),
    /// Tuples, intervals, sets and bare lists.
    Items(Bracket, Bracket, Vec<Node>),
    /// Rows of a matrix.
    Matrix(Vec<Vec<Node>>),
    /// Parts of a union.
    Union(Vec<Node>),
    /// A chain of relations, one fewer than terms.
    Relation(Vec<Node>, Vec<Rel>),
    /// Words.
    Text(String),
}

impl Node {
    /// An integer literal.
    pub fn int(value: i64) -> Self {
        Self::Num(Number {
            value: BigRational::from_integer(value.into()),
            digits: 0,
        })
    }

    /// Its negative.
    pub(crate) fn negated(self) -> Self {
        match self {
            Self::Num(number) => Self::Num(Number {
                value: -number.value,
                digits: number.digits,
            }),
            other => Self::Sum(vec![(Sign::Minus, other)]),
        }
    }

    /// The nodes right below it.
    pub fn children(&self) -> Vec<&Node> {
        match self {
            Self::Num(_) | Self::Based(..) | Self::Const(_) | Self::Symbol(_) | Self::Text(_) => {
                Vec::new()
            }
            Self::Sum(terms) => terms.iter().map(|(_, term)| term).collect(),
            Self::Product(nodes)
            | Self::Call(_, nodes)
            | Self::Opaque(_, nodes)
            | Self::Items(_, _, nodes)
            | Self::Union(nodes)
            | Self::Relation(nodes, _) => nodes.iter().collect(),
            Self::Quotient(a, b) | Self::Power(a, b) | Self::Root(a, b) => vec![a, b],
            Self::Percent(a) | Self::Degrees(a) | Self::Unit(a, _) => vec![a],
            Self::Matrix(rows) => rows.iter().flatten().collect(),
        }
    }

    /// Whether this holds of it or of a node below it. Trees are not deep, see
    /// [`crate::parse::MAX_DEPTH`].
    pub fn any(&self, test: &dyn Fn(&Node) -> bool) -> bool {
        test(self) || self.children().iter().any(|child| child.any(test))
    }

    /// Whether it is a number or formula rather than a list, relation or text.
    pub fn is_scalar(&self) -> bool {
        !matches!(
            self,
            Self::Items(..) | Self::Matrix(_) | Self::Union(_) | Self::Relation(..) | Self::Text(_)
        )
    }

    /// Whether it has variables or unknown functions.
    pub fn has_symbols(&self) -> bool {
        self.any(&|node| matches!(node, Self::Symbol(_) | Self::Opaque(..) | Self::Text(_)))
    }
}
