//! "Did you mean": the known name nearest to one that is not known. It must not know whose
//! names they are.

use std::collections::BTreeSet;

/// The known name fewest edits away, if so few that it was probably meant: at most a third of
/// the letters. Else the shortest that is made of the same words and no more than as many others.
pub fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known: Vec<&str> = known.into_iter().collect();
    let distances = known
        .iter()
        .map(|candidate| (edits(name, candidate), *candidate));
    let near = distances
        .filter(|(distance, candidate)| distance * 3 <= candidate.len().max(name.len()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate);
    let named = words(name);
    let is_meant = |candidate: &&str| {
        let candidate = words(candidate);
        named.len() > 1 && named.is_subset(&candidate) && candidate.len() <= 2 * named.len()
    };
    let of_words = known.iter().copied().filter(is_meant);
    near.or_else(|| of_words.min_by_key(|candidate| candidate.len()))
}

fn words(name: &str) -> BTreeSet<&str> {
    name.split(['_', '-']).collect()
}

/// Levenshtein's distance, one row at a time: letters inserted, removed or replaced.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_the_name() {
        let known = ["listen", "ops_listen", "data_dir"];
        assert_eq!(closest("lisen", known), Some("listen"));
        assert_eq!(closest("datadir", known), Some("data_dir"));
        assert_eq!(closest("ops-listen", known), Some("ops_listen"));
    }

    #[test]
    fn the_same_words_in_another_order_find_the_name() {
        let known = ["body_bytes_max", "connections_max", "token_connections_max"];
        assert_eq!(closest("max_connections", known), Some("connections_max"));
        assert_eq!(closest("max_body", known), Some("body_bytes_max"));
        assert_eq!(closest("max", known), None);
    }

    #[test]
    fn another_word_finds_nothing() {
        assert_eq!(closest("colour", ["listen", "data_dir"]), None);
        assert_eq!(closest("", ["listen"]), None);
    }

    #[test]
    fn distance_counts_single_edits() {
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("same", "same"), 0);
    }
}
