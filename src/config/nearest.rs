//! Guesses which key was meant by an unknown one.

/// The known key that is nearest to an unknown path: misspelt, or put into another section.
pub fn nearest<'known>(
    path: &str,
    known: impl IntoIterator<Item = &'known str>,
) -> Option<&'known str> {
    let (section, key) = split(path);
    let distance = |candidate: &str| {
        let (other_section, other_key) = split(candidate);
        let moved = usize::from(section != other_section);
        moved + strsim::osa_distance(key, other_key)
    };
    let best = known
        .into_iter()
        .min_by_key(|candidate| distance(candidate))?;
    // A third of the letters may be wrong; beyond that a guess helps nobody.
    (distance(best) <= 1 + key.chars().count() / 3).then_some(best)
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('.').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_or_misplaced_key_is_recognised_and_a_strange_one_is_not() {
        let known = [
            "http",
            "http.listen",
            "admin.listen",
            "database.run_as",
            "log.level",
        ];
        assert_eq!(nearest("http.lisen", known), Some("http.listen"));
        assert_eq!(nearest("admin.listne", known), Some("admin.listen"));
        assert_eq!(nearest("htpp", known), Some("http"));
        assert_eq!(nearest("run_as", known), Some("database.run_as"));
        assert_eq!(nearest("http.colour", known), None);
    }
}
