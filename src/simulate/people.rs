//! The accounts of the small world that simulated deliveries speak of, and who writes to them.

/// An Instagram professional account.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) id: &'static str,
    pub(super) username: &'static str,
    /// Its IGSID where it writes to or comments on itself.
    pub(super) own_igsid: &'static str,
}

/// Somebody who writes to the accounts.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) igsid: &'static str,
    pub(super) username: &'static str,
}

pub(super) static ACCOUNTS: [Account; 3] = [
    Account {
        id: "17841460310258847",
        username: "mehl.und.morgen",
        own_igsid: "1157304928816402",
    },
    Account {
        id: "17841461774093215",
        username: "speichenwerk.rad",
        own_igsid: "914820367715093",
    },
    Account {
        id: "17841463052917684",
        username: "museum.am.siel",
        own_igsid: "27610548839205174",
    },
];

pub(super) static PEOPLE: [Person; 5] = [
    Person {
        igsid: "739184620517346",
        username: "nele.backt",
    },
    Person {
        igsid: "1284730965518207",
        username: "tomasz_rides",
    },
    Person {
        igsid: "26497318850142973",
        username: "aiko.draws.ships",
    },
    Person {
        igsid: "9031758426610385",
        username: "fatma.schaut",
    },
    Person {
        igsid: "30518846207791536",
        username: "jo_unterwegs_",
    },
];

/// The conversation of one person with one account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Talk {
    pub(super) account: &'static Account,
    pub(super) person: &'static Person,
}
