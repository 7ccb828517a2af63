//! What a tree stands for: `±` as two values, chains of equations as their ends, membership as
//! the set.

use crate::parse::{Bracket, Node, Rel, Sign};

/// A tree without `±`, nested bare lists and steps on the way.
pub fn settle(node: Node) -> Node {
    match node {
        Node::Items(open, close, items) => {
            let mut flat = Vec::with_capacity(items.len());
            for item in items {
                // Groups such as `p=5,q=2; p=7,q=2` stay groups.
                let group = matches!(item, Node::Items(Bracket::Bare, ..));
                match settle(item) {
                    Node::Items(Bracket::Bare, Bracket::Bare, inner)
                        if !group && open != Bracket::Round && open != Bracket::Square =>
                    {
                        flat.extend(inner);
                    }
                    other => flat.push(other),
                }
            }
            Node::Items(open, close, flat)
        }
        Node::Relation(terms, rels) => relation(terms, rels),
        Node::Union(parts) => union(parts.into_iter().map(settle).collect()),
        Node::Matrix(rows) => Node::Matrix(
            rows.into_iter()
                .map(|row| row.into_iter().map(settle).collect())
                .collect(),
        ),
        Node::Product(factors) => scaled(factors),
        node if has_choice(&node) => both(&node),
        node => node,
    }
}

/// Inequalities and finite sets of a union as what they stand for.
fn union(parts: Vec<Node>) -> Node {
    let curly = |node: &Node| matches!(node, Node::Items(Bracket::Curly, Bracket::Curly, _));
    if parts.iter().all(curly) {
        let mut members = Vec::new();
        for part in parts {
            if let Node::Items(_, _, items) = part {
                members.extend(items);
            }
        }
        return Node::Items(Bracket::Curly, Bracket::Curly, members);
    }
    let set = |part: Node| super::relation::as_set(&part).unwrap_or(part);
    Node::Union(parts.into_iter().map(set).collect())
}

fn has_choice(node: &Node) -> bool {
    node.any(&|node| {
        let Node::Sum(terms) = node else { return false };
        terms
            .iter()
            .any(|(sign, _)| matches!(sign, Sign::PlusMinus | Sign::MinusPlus))
    })
}

fn both(node: &Node) -> Node {
    Node::Items(
        Bracket::Bare,
        Bracket::Bare,
        vec![chosen(node, true), chosen(node, false)],
    )
}

/// The tree with the upper or the lower signs.
fn chosen(node: &Node, upper: bool) -> Node {
    let one = |node: &Node| Box::new(chosen(node, upper));
    let all = |nodes: &[Node]| nodes.iter().map(|node| chosen(node, upper)).collect();
    match node {
        Node::Sum(terms) => Node::Sum(
            terms
                .iter()
                .map(|(sign, term)| {
                    let plus = match sign {
                        Sign::Plus => true,
                        Sign::Minus => false,
                        Sign::PlusMinus => upper,
                        Sign::MinusPlus => !upper,
                    };
                    let sign = if plus { Sign::Plus } else { Sign::Minus };
                    (sign, chosen(term, upper))
                })
                .collect(),
        ),
        Node::Product(nodes) => Node::Product(all(nodes)),
        Node::Call(func, nodes) => Node::Call(*func, all(nodes)),
        Node::Opaque(name, nodes) => Node::Opaque(name.clone(), all(nodes)),
        Node::Relation(nodes, rels) => Node::Relation(all(nodes), rels.clone()),
        Node::Quotient(a, b) => Node::Quotient(one(a), one(b)),
        Node::Power(a, b) => Node::Power(one(a), one(b)),
        Node::Root(a, b) => Node::Root(one(a), one(b)),
        Node::Percent(a) => Node::Percent(one(a)),
        Node::Degrees(a) => Node::Degrees(one(a)),
        Node::Unit(a, name) => Node::Unit(one(a), name.clone()),
        other => other.clone(),
    }
}

/// A number times a matrix or vector is a matrix; other products stay.
fn scaled(factors: Vec<Node>) -> Node {
    let node = Node::Product(factors);
    if has_choice(&node) {
        return both(&node);
    }
    let Node::Product(mut factors) = node else {
        return node;
    };
    let last_is_matrix = matches!(factors.last(), Some(Node::Matrix(_)));
    let others_are_scalars = factors[..factors.len().saturating_sub(1)]
        .iter()
        .all(Node::is_scalar);
    if !(last_is_matrix && others_are_scalars) {
        return Node::Product(factors);
    }
    let Some(Node::Matrix(rows)) = factors.pop() else {
        return Node::Product(factors);
    };
    let times = |cell: Node| {
        let mut all = factors.clone();
        all.push(cell);
        Node::Product(all)
    };
    Node::Matrix(
        rows.into_iter()
            .map(|row| row.into_iter().map(times).collect())
            .collect(),
    )
}

fn relation(mut terms: Vec<Node>, mut rels: Vec<Rel>) -> Node {
    // `x ∈ S` is S.
    if rels.first() == Some(&Rel::In) && terms.len() == 2 {
        return settle(terms.remove(1));
    }
    // An approximation after an equation repeats it; alone it is the equation.
    if let Some(at) = rels.iter().position(|rel| *rel == Rel::Approx) {
        if at == 0 && !terms[0].has_symbols() && terms[0].is_scalar() {
            return settle(terms.swap_remove(0));
        }
        if at > 0 {
            terms.truncate(at + 1);
            rels.truncate(at);
        } else {
            rels[0] = Rel::Equal;
        }
    }
    // Approximations that are left stand at the end of the chain.
    for rel in &mut rels {
        if *rel == Rel::Approx {
            *rel = Rel::Equal;
        }
    }
    if rels.iter().all(|rel| *rel == Rel::Equal) {
        let last = terms.len() - 1;
        if !terms[0].has_symbols() && terms[0].is_scalar() {
            // `2 + 3 = 5`, `1 = x = 0`
            let symbols = terms[last].has_symbols();
            if !symbols || last > 1 {
                return settle(terms.swap_remove(last));
            }
        }
        if last > 1 {
            let (first, last) = (terms.remove(0), terms.remove(last - 1));
            terms = vec![first, last];
            rels.truncate(1);
        }
        let right = settle(terms.remove(1));
        // `x = 1 ± √2` is two equations.
        if let Node::Items(Bracket::Bare, Bracket::Bare, values) = right {
            let name = terms.remove(0);
            let one = |value| Node::Relation(vec![name.clone(), value], vec![Rel::Equal]);
            return Node::Items(
                Bracket::Bare,
                Bracket::Bare,
                values.into_iter().map(one).collect(),
            );
        }
        return Node::Relation(vec![terms.remove(0), right], vec![Rel::Equal]);
    }
    Node::Relation(terms, rels)
}
