//! Shoppers: an opaque id for the service, which must learn no name, and a first name for the
//! person who watches. It must not know what they buy.

/// Made-up people.
const NAMES: [&str; 24] = [
    "Anna", "Björn", "Cecilia", "David", "Elsa", "Filip", "Greta", "Hugo", "Ida", "Johan", "Karin",
    "Lars", "Maja", "Nils", "Olga", "Per", "Rosa", "Sven", "Tyra", "Ulf", "Vera", "Wilma", "Åsa",
    "Östen",
];

/// The id of the shopper who came as the so many-th to a channel.
pub(super) fn id(prefix: &str, count: u32) -> String {
    format!("{prefix}{count:05}")
}

/// What a shopper is called, by the id.
pub(super) fn name(id: &str) -> &str {
    let digits = id.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let count: Option<usize> = digits.parse().ok();
    count.map_or(id, |count| NAMES[count % NAMES.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_a_name_and_says_nothing_of_it() {
        assert_eq!(id("c", 25), "c00025");
        assert_eq!(name("c00025"), "Björn");
        assert_eq!(name("you"), "you");
    }
}
