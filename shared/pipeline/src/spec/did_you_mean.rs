//! Did you mean: the known name that is closest to a mistyped one.

/// Longer names are not mistyped ones of ours, and not worth the comparison.
const LONGEST: usize = 40;

/// Returns what to write instead of `name`: the nearest of `known`, or all of them.
pub fn instead<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let nearest = known
        .iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(3) / 3)
        .min();
    match nearest {
        Some((_, candidate)) => format!("did you mean {candidate}?"),
        None if known.is_empty() => "there are none".to_owned(),
        None => format!("write one of {}", known.join(", ")),
    }
}

/// Returns how many letters must be added, removed, changed or swapped with their neighbour.
fn distance(one: &str, other: &str) -> usize {
    let [one, other] = [one, other].map(|name| {
        let same = name.to_lowercase().replace('-', "_");
        same.chars().take(LONGEST).collect::<Vec<char>>()
    });
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for row in 1..=one.len() {
        let mut current = vec![row];
        for column in 1..=other.len() {
            let changed = usize::from(one[row - 1] != other[column - 1]);
            let mut best =
                (last[column - 1] + changed).min(last[column] + 1).min(current[column - 1] + 1);
            let swapped = row > 1
                && column > 1
                && one[row - 1] == other[column - 2]
                && one[row - 2] == other[column - 1];
            if swapped {
                best = best.min(before_last[column - 2] + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last[other.len()]
}
