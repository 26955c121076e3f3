//! Any number of accounts and people, each made from its place in the crowd.
//!
//! The first are those of the fixtures; the others are computed when they are needed and never
//! kept, so that a crowd of a million costs as little as one of five. The same place is the same
//! account or person in every run, whatever its seed.

use std::{collections::BTreeMap, sync::LazyLock};

use super::ids::{padded, scattered};

/// An account.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) username: String,
    /// Its IGSID if it comments itself.
    pub(super) own_igsid: String,
}

/// A person, as one account knows them.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) igsid: String,
    pub(super) username: String,
    /// Chooses the language.
    pub(super) language: usize,
}

/// Id, user name and own IGSID of the first accounts.
const ACCOUNTS: [(&str, &str, &str); 3] = [
    ("17841460310258847", "mehl.und.morgen", "1157304928816402"),
    ("17841461774093215", "speichenwerk.rad", "914820367715093"),
    ("17841463052917684", "museum.am.siel", "27610548839205174"),
];

/// IGSID, as the first account knows it, and user name of the first people.
const PEOPLE: [(&str, &str); 5] = [
    ("739184620517346", "nele.backt"),
    ("1284730965518207", "tomasz_rides"),
    ("26497318850142973", "aiko.draws.ships"),
    ("9031758426610385", "fatma.schaut"),
    ("30518846207791536", "jo_unterwegs_"),
];

/// The account at this place.
pub(super) fn account(place: u64) -> Account {
    let (id, username, own_igsid) = match nth(&ACCOUNTS, place) {
        Some((id, username, own)) => ((*id).to_owned(), (*username).to_owned(), (*own).to_owned()),
        None => (
            padded("1784140", scattered(place, 10), 10),
            username(place, "shops", "places"),
            padded("14", scattered(place, 14), 14),
        ),
    };
    Account {
        id,
        username,
        own_igsid,
    }
}

/// The person at this place, as the account at that place knows them: an IGSID is scoped to the
/// account, a user name is not. The IGSIDs of real people have 15 to 17 digits.
pub(super) fn person(account: u64, place: u64) -> Person {
    let named = nth(&PEOPLE, place);
    Person {
        igsid: match named {
            Some((igsid, _)) if account == 0 => (*igsid).to_owned(),
            _ => igsid(account, place),
        },
        username: match named {
            Some((_, username)) => (*username).to_owned(),
            None => username(place, "people", "habits"),
        },
        language: usize::try_from(scattered(place, 6)).unwrap_or_default(),
    }
}

fn nth<T>(all: &[T], place: u64) -> Option<&T> {
    all.get(usize::try_from(place).ok()?)
}

fn igsid(account: u64, place: u64) -> String {
    /// More people than any account knows, so that nobody has the place of another account's.
    const CROWD: u64 = 100_000_000;
    let prefix = ["8", "10", "288"][usize::try_from(place % 3).unwrap_or_default()];
    let place = account.wrapping_mul(CROWD).wrapping_add(place);
    padded(prefix, scattered(place, 14), 14)
}

/// A user name that no other place has: two words and the place.
fn username(place: u64, first: &str, second: &str) -> String {
    let (first, second) = (words(first), words(second));
    let word = |words: &[&'static str], at: u64| {
        let place = usize::try_from(at % words.len() as u64);
        words[place.unwrap_or_default()]
    };
    let other = word(second, scattered(place, 6));
    format!("{}.{other}_{place}", word(first, place))
}

/// The words under `name` in `samples/names.txt`.
fn words(name: &str) -> &'static [&'static str] {
    static LISTS: LazyLock<BTreeMap<&str, Vec<&str>>> = LazyLock::new(|| {
        let lines = include_str!("../../samples/names.txt").lines();
        let lists = lines.filter_map(|line| line.split_once(": "));
        let list = |(name, words): (_, &'static str)| (name, words.split(' ').collect());
        lists.map(list).collect()
    });
    &LISTS[name]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn nobody_shares_an_id_or_a_name() {
        let (mut ids, mut names) = (HashSet::new(), HashSet::new());
        for someone in (0..100_000).map(|place| person(0, place)) {
            assert!((15..=17).contains(&someone.igsid.len()), "{someone:?}");
            assert!(ids.insert(someone.igsid) && names.insert(someone.username));
        }
        for shop in (0..20_000).map(account) {
            assert!(
                shop.id.starts_with("17841") && shop.id.len() == 17,
                "{shop:?}"
            );
            assert!((15..=17).contains(&shop.own_igsid.len()));
            assert!(ids.insert(shop.own_igsid) && ids.insert(shop.id));
            assert!(names.insert(shop.username));
        }
    }

    #[test]
    fn each_account_knows_a_person_by_another_id_and_the_same_name() {
        let mut ids = HashSet::new();
        for place in 0..1000 {
            let known: Vec<_> = (0..20).map(|account| person(account, place)).collect();
            assert!(known.iter().all(|it| it.username == known[0].username));
            assert!(known.into_iter().all(|it| ids.insert(it.igsid)));
        }
    }

    #[test]
    fn ids_and_names_are_spelled_as_instagram_allows() {
        for someone in (0..5000).map(|place| person(1, place)) {
            let allowed =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c);
            assert!(someone.username.len() <= 30 && someone.username.chars().all(allowed));
            assert!(someone.igsid.bytes().all(|byte| byte.is_ascii_digit()));
            assert!(!someone.igsid.starts_with('0'));
        }
    }
}
