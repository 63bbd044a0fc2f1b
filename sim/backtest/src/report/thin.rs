//! Fewer points of a curve for the eye: what a plot of a thousand pixels shows is not lost.

/// Places to keep of a curve of which `value` is drawn, at most about `most`: the ends of each of
/// equally many places, and the lowest and highest between. Spikes stay, where every n-th point
/// would lose them.
pub(crate) fn places(len: usize, most: usize, value: impl Fn(usize) -> f64) -> Vec<usize> {
    if len <= most {
        return (0..len).collect();
    }
    let buckets = (most / 4).max(1);
    let mut kept = Vec::with_capacity(4 * buckets);
    for bucket in 0..buckets {
        let (from, to) = (bucket * len / buckets, (bucket + 1) * len / buckets);
        let by_value = |a: &usize, b: &usize| value(*a).total_cmp(&value(*b));
        let (Some(low), Some(high)) = ((from..to).min_by(by_value), (from..to).max_by(by_value))
        else {
            continue;
        };
        let mut four = [from, low, high, to - 1];
        four.sort_unstable();
        kept.extend(four);
    }
    kept.dedup();
    kept
}

/// Every n-th place, so that at most `most` are left.
pub(crate) fn every(len: usize, most: usize) -> impl Iterator<Item = usize> {
    (0..len).step_by(len.div_ceil(most.max(1)).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ends_and_extremes_stay(
            values in prop::collection::vec(-1e3_f64..1e3, 1..500),
            most in 4_usize..100,
        ) {
            let kept = places(values.len(), most, |at| values[at]);
            prop_assert!(kept.len() <= most.max(4));
            prop_assert!(kept.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert_eq!((kept[0], *kept.last().unwrap()), (0, values.len() - 1));
            let most_of = |places: &mut dyn Iterator<Item = usize>| {
                places.map(|at| values[at]).fold(f64::MIN, f64::max)
            };
            prop_assert_eq!(most_of(&mut kept.iter().copied()), most_of(&mut (0..values.len())));
            prop_assert!(every(values.len(), most).count() <= most);
        }
    }
}
