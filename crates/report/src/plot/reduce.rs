//! Fewer points that look the same.

/// Cuts a series at its gaps, and reduces it to at most two points for each of `columns` columns of
/// pixels: the lowest and the highest, in their order. What a million points would paint is their
/// extremes, so no spike is lost.
///
/// `points` are in pixels, in order of x from `left` to `right`; where y is NaN is a gap. A gap
/// inside a single column is not seen.
pub fn reduce(
    points: &[(f64, f64)],
    (left, right): (f64, f64),
    columns: usize,
) -> Vec<Vec<(f64, f64)>> {
    if points.len() <= 2 * columns {
        return points
            .split(|(_, y)| y.is_nan())
            .filter(|run| !run.is_empty())
            .map(<[_]>::to_vec)
            .collect();
    }
    let column = |x: f64| ((x - left) / (right - left) * columns as f64) as usize;
    let mut runs: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut run = Vec::new();
    for chunk in points.chunk_by(|a, b| column(a.0) == column(b.0)) {
        if chunk[0].1.is_nan() && !run.is_empty() {
            runs.push(std::mem::take(&mut run));
        }
        let seen = || chunk.iter().filter(|(_, y)| !y.is_nan());
        let lowest = seen().min_by(|a, b| a.1.total_cmp(&b.1));
        let highest = seen().max_by(|a, b| a.1.total_cmp(&b.1));
        if let (Some(a), Some(b)) = (lowest, highest) {
            let (first, second) = if a.0 <= b.0 { (*a, *b) } else { (*b, *a) };
            run.push(first);
            if second != first {
                run.push(second);
            }
        }
        if chunk[chunk.len() - 1].1.is_nan() && !run.is_empty() {
            runs.push(std::mem::take(&mut run));
        }
    }
    if !run.is_empty() {
        runs.push(run);
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_among_a_million_points_stays() {
        let mut points: Vec<_> = (0..1_000_000).map(|x| (f64::from(x) / 1e4, 50.0)).collect();
        points[567_890].1 = 3.0;
        points[567_891].1 = 97.0;
        let runs = reduce(&points, (0.0, 100.0), 100);
        assert_eq!(runs.len(), 1);
        assert!(runs[0].len() <= 202, "{}", runs[0].len());
        assert!(runs[0].contains(&points[567_890]) && runs[0].contains(&points[567_891]));
        assert!(runs[0].is_sorted_by(|a, b| a.0 <= b.0));
    }

    #[test]
    fn gaps_break_the_line() {
        let gap = f64::NAN;
        let few = [(0.0, 1.0), (1.0, gap), (2.0, 3.0), (3.0, 4.0)];
        let runs = reduce(&few, (0.0, 3.0), 10);
        assert_eq!(runs, [vec![(0.0, 1.0)], vec![(2.0, 3.0), (3.0, 4.0)]]);

        let many: Vec<_> = (0..10_000)
            .map(|x| {
                (
                    f64::from(x),
                    if (4000..6000).contains(&x) { gap } else { 1.0 },
                )
            })
            .collect();
        let runs = reduce(&many, (0.0, 9999.0), 100);
        assert_eq!(runs.len(), 2);
        assert!(runs[0].iter().all(|(x, _)| *x < 4000.0));
        assert!(runs[1].iter().all(|(x, _)| *x >= 6000.0));
    }

    #[test]
    fn gaps_everywhere_cost_no_more() {
        let points: Vec<_> = (0..1_000_000)
            .map(|x| (f64::from(x), if x % 2 == 0 { f64::NAN } else { 1.0 }))
            .collect();
        let runs = reduce(&points, (0.0, 999_999.0), 100);
        assert!(runs.iter().map(Vec::len).sum::<usize>() <= 202);
    }
}
