//! Any number of accounts and people, each made from its place in the crowd.
//!
//! The first are those of the small world; the others are computed when they are needed and never
//! kept, so that a crowd of a million costs as little as one of five. The same place is the same
//! account or person in every run, whatever its seed.

use super::{
    digits::padded,
    people::{ACCOUNTS, PEOPLE},
};

/// Somebody with an id and a user name: an account or a person.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    /// The account id, or the IGSID of a person.
    pub(super) id: String,
    pub(super) username: String,
    /// Of an account, its IGSID where it comments itself; of a person, the same as `id`.
    pub(super) own_igsid: String,
    /// What the shop deals in, or the language the person writes: a number to choose by.
    pub(super) sort: usize,
}

/// The account at this place.
pub(super) fn account(place: u64) -> Profile {
    let sort = usize::try_from(place % 3).unwrap_or_default();
    if let Some(named) = usize::try_from(place).ok().and_then(|at| ACCOUNTS.get(at)) {
        return Profile {
            id: named.id.to_owned(),
            username: named.username.to_owned(),
            own_igsid: named.own_igsid.to_owned(),
            sort,
        };
    }
    Profile {
        id: padded("1784140", scattered(place, 10), 10),
        username: username(place, &SHOPS[sort], &PLACES),
        own_igsid: padded("14", scattered(place, 14), 14),
        sort,
    }
}

/// The person at this place, as the account at that place knows them: an IGSID is scoped to the
/// account, a user name is not. The IGSIDs of real people have 15 to 17 digits.
pub(super) fn person(account: u64, place: u64) -> Profile {
    let named = usize::try_from(place).ok().and_then(|at| PEOPLE.get(at));
    let id = match named {
        Some(named) if account == 0 => named.igsid.to_owned(),
        _ => igsid(account, place),
    };
    let username = match named {
        Some(named) => named.username.to_owned(),
        None => username(place, &NAMES, &HABITS),
    };
    Profile {
        own_igsid: id.clone(),
        id,
        username,
        sort: usize::try_from(scattered(place, 6)).unwrap_or_default(),
    }
}

fn igsid(account: u64, place: u64) -> String {
    /// More people than any account knows, so that nobody has the place of another account's.
    const CROWD: u64 = 100_000_000;
    let prefix = ["8", "10", "288"][usize::try_from(place % 3).unwrap_or_default()];
    let place = account.wrapping_mul(CROWD).wrapping_add(place);
    padded(prefix, scattered(place, 14), 14)
}

/// A number of at most `digits` digits, up to 18, that no other place below 10 to their power has:
/// one step of a walk that meets every such number once.
pub(super) fn scattered(place: u64, digits: u32) -> u64 {
    /// Digits of the golden ratio, which spreads the steps of such a walk most evenly.
    const GOLDEN: u64 = 6_180_339_887_498_948_482;
    let size = 10_u64.pow(digits);
    // Ending in seven, it has no divisor in common with the size, so that nothing is left out.
    let step = GOLDEN / 10_u64.pow(19 - digits) / 10 * 10 + 7;
    let number = (u128::from(place) + 7) * u128::from(step) % u128::from(size);
    u64::try_from(number).unwrap_or_default()
}

/// A user name that no other place has: two words, and a number once all pairs are taken.
fn username(place: u64, first: &[&str], second: &[&str]) -> String {
    let pairs = (first.len() * second.len()) as u64;
    let pair = usize::try_from((place % pairs) * 1013 % pairs).unwrap_or_default();
    let (first, second) = (first[pair % first.len()], second[pair / first.len()]);
    let joint = [".", "_", ""][pair % 3];
    match place / pairs {
        0 => [first, joint, second].concat(),
        round => format!("{first}{joint}{second}_{round}"),
    }
}

/// What shops of the three trades call themselves.
const SHOPS: [[&str; 7]; 3] = [
    [
        "panaderia",
        "backhaus",
        "bakery",
        "fournil",
        "firin",
        "forno",
        "piekarnia",
    ],
    [
        "radladen",
        "bici",
        "cyclery",
        "velo",
        "bisiklet",
        "rowery",
        "bikeworks",
    ],
    [
        "museum",
        "galerie",
        "musee",
        "museo",
        "muze",
        "kunsthalle",
        "archive",
    ],
];

const PLACES: [&str; 19] = [
    "amkanal",
    "altstadt",
    "westend",
    "oberhafen",
    "lindenhof",
    "delsol",
    "duport",
    "northside",
    "karakoy",
    "staremiasto",
    "hinterhof",
    "brueckentor",
    "riverside",
    "montrouge",
    "kadikoy",
    "sanlorenzo",
    "gleis9",
    "bergstrasse",
    "oldmill",
];

const NAMES: [&str; 43] = [
    "lena", "mehmet", "sofia", "yuki", "amira", "jonas", "camille", "piotr", "noor", "emre",
    "ines", "hana", "liam", "olena", "mateo", "zeynep", "kofi", "greta", "salma", "luca", "mina",
    "oskar", "thu", "ada", "youssef", "elif", "bruno", "freya", "ravi", "nadia", "tomas", "aylin",
    "marie", "kenji", "leila", "anton", "paula", "dilan", "hugo", "maja", "omar", "selin", "theo",
];

const HABITS: [&str; 37] = [
    "backt",
    "rides",
    "liest",
    "paints",
    "unterwegs",
    "voyage",
    "kocht",
    "runs",
    "fotos",
    "draws",
    "gezgin",
    "cocina",
    "am.meer",
    "climbs",
    "ceramics",
    "tea",
    "naeht",
    "gardens",
    "film",
    "analog",
    "tanzt",
    "swims",
    "haekelt",
    "en.bici",
    "okuyor",
    "vinyl",
    "skizzen",
    "bakes",
    "wandert",
    "plants",
    "und.fritz",
    "kahve",
    "typo",
    "sourdough",
    "nachts",
    "sings",
    "maps",
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_first_are_the_named_ones() {
        assert_eq!(account(0).username, ACCOUNTS[0].username);
        assert_eq!(person(0, 4).id, PEOPLE[4].igsid);
    }

    #[test]
    fn nobody_shares_an_id_or_a_name() {
        let (mut ids, mut names) = (HashSet::new(), HashSet::new());
        for someone in (0..100_000).map(|place| person(0, place)) {
            assert!((15..=17).contains(&someone.id.len()), "{}", someone.id);
            assert!(ids.insert(someone.id) && names.insert(someone.username));
        }
        for shop in (0..20_000).map(account) {
            assert!(shop.id.starts_with("17841") && shop.id.len() == 17);
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
            assert!(known.into_iter().all(|it| ids.insert(it.id)));
        }
    }

    #[test]
    fn ids_and_names_are_spelled_as_instagram_allows() {
        for someone in (0..5000)
            .map(|place| person(1, place))
            .chain((0..500).map(account))
        {
            let allowed =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c);
            assert!(someone.username.len() <= 30 && someone.username.chars().all(allowed));
            assert!(someone.id.bytes().all(|byte| byte.is_ascii_digit()));
            assert!(!someone.id.starts_with('0'));
        }
    }
}
