//! "Did you mean": the known name nearest to one that is not known. It must not know whose
//! names they are.

/// The known name fewest edits away, if so few that it was probably meant: at most a third of
/// the letters.
pub fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (edits(name, candidate), candidate))
        .filter(|(distance, candidate)| distance * 3 <= candidate.len().max(name.len()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
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
