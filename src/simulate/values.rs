//! The values of placeholders: accounts, people, ids, times and texts.

use super::{
    context::Context,
    ids::{mid, padded, scattered},
    people::{Account, Person},
    sample::Piece,
    sender::Sender,
    slot::{Name, Slot},
    texts,
};

/// Between two things that happen in one body.
const STEP_MS: i64 = 700;
/// From the first of them to the sending of the body.
const SENT_MS: i64 = 3_000;
const HALF_A_YEAR_MS: i64 = 180 * 86_400_000;

/// The values of placeholders. Those that are not set here are made when they are needed.
#[derive(Debug)]
pub(super) struct Values {
    /// When it happens, in milliseconds since 1970.
    pub(super) at: i64,
    known: Vec<(Slot, String)>,
    /// Number of values that are the same for all items.
    kept: usize,
}

impl Values {
    /// Values of which none is set.
    pub(super) fn new(at: i64) -> Self {
        Self {
            at,
            known: Vec::with_capacity(16),
            kept: 0,
        }
    }

    /// Sets a value, or replaces it.
    pub(super) fn set(&mut self, slot: impl Into<Slot>, value: impl Into<String>) {
        let slot = slot.into();
        match self.place(slot) {
            Some(place) => self.known[place].1 = value.into(),
            None => self.known.push((slot, value.into())),
        }
    }

    /// Sets a value if there is one.
    pub(super) fn set_some(&mut self, name: Name, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Sets the account with this index.
    pub(super) fn set_account(&mut self, index: u8, account: Account) {
        let slot = |name| Slot { name, index };
        self.set(slot(Name::Account), account.id);
        self.set(slot(Name::AccountUsername), account.username);
        self.set(slot(Name::AccountIgsid), account.own_igsid);
    }

    /// Sets the person with this index.
    pub(super) fn set_person(&mut self, index: u8, person: Person) {
        let slot = |name| Slot { name, index };
        self.set(slot(Name::Igsid), person.igsid);
        self.set(slot(Name::Username), person.username);
    }

    /// Sets the ad with this number among all.
    pub(super) fn set_ad(&mut self, number: u64) {
        let digits = scattered(number, 14);
        self.set(Name::AdId, padded("1206", digits, 14));
        self.set(Name::AdMediaId, padded("181", digits, 14));
        self.set_some(Name::AdTitle, texts::ad_title(number));
    }

    /// The first value of this name.
    pub(super) fn get(&self, name: Name) -> Option<&str> {
        Some(&self.known[self.place(name.into())?].1)
    }

    /// Keeps what is set so far for every item.
    pub(super) fn keep(&mut self) {
        self.kept = self.known.len();
    }

    /// Forgets what was set or made for the item before.
    pub(super) fn renew(&mut self) {
        self.known.truncate(self.kept);
    }

    /// Writes `pieces` as `sender` does.
    pub(super) fn write(
        &mut self,
        context: &mut Context,
        sender: Sender,
        pieces: &[Piece],
        out: &mut Vec<u8>,
    ) {
        for piece in pieces {
            self.write_piece(context, sender, piece, out);
        }
    }

    fn write_piece(
        &mut self,
        context: &mut Context,
        sender: Sender,
        piece: &Piece,
        out: &mut Vec<u8>,
    ) {
        let (slot, own) = match piece {
            Piece::Written(bytes) => return out.extend_from_slice(bytes),
            Piece::Slot(slot, own) => (*slot, own),
        };
        if let Some(time) = self.time(slot) {
            return out.extend_from_slice(itoa::Buffer::new().format(time).as_bytes());
        }
        match (slot.name, self.place(slot)) {
            (Name::Text | Name::AdTitle, Some(place)) => sender.write(&self.known[place].1, out),
            (Name::Text | Name::AdTitle | Name::Product, None) => out.extend_from_slice(own),
            (_, Some(place)) => out.extend_from_slice(self.known[place].1.as_bytes()),
            (_, None) => {
                let value = self.make(context, slot);
                out.extend_from_slice(value.as_bytes());
                self.known.push((slot, value));
            }
        }
    }

    fn time(&self, slot: Slot) -> Option<i64> {
        let now = self.at.saturating_add(i64::from(slot.index) * STEP_MS);
        let sent = self.at.saturating_add(SENT_MS);
        match slot.name {
            Name::Now => Some(now),
            Name::NowSeconds => Some(now / 1000),
            Name::Sent => Some(sent),
            Name::SentSeconds => Some(sent / 1000),
            Name::Expiry => Some(now.saturating_add(HALF_A_YEAR_MS)),
            _ => None,
        }
    }

    fn place(&self, slot: Slot) -> Option<usize> {
        self.known.iter().position(|(known, _)| *known == slot)
    }

    fn make(&self, context: &mut Context, slot: Slot) -> String {
        match slot.name {
            Name::Mid | Name::EarlierMid => self.mid(context),
            Name::CommentId | Name::ParentId => context.id("179"),
            Name::MediaId => context.id("180"),
            Name::AdMediaId => context.id("181"),
            Name::AdId => context.id("1206"),
            Name::NewAccount => context.id("178"),
            Name::Hex => context.hex(),
            Name::Count => self.count(context, slot.index),
            _ => context.id(""),
        }
    }

    fn mid(&self, context: &mut Context) -> String {
        let [account, person] = [Name::Account, Name::Igsid].map(|it| self.get(it).unwrap_or(""));
        let micros = self.at.saturating_mul(1000) + i64::from(context.random.below(1000));
        let micros = u64::try_from(micros).unwrap_or_default();
        mid(account, person, micros, context.random.next())
    }

    /// Numbers of a story: each is a share of the first.
    fn count(&self, context: &mut Context, index: u8) -> String {
        const PERCENT: [u64; 6] = [100, 90, 45, 12, 8, 5];
        let first = self.get(Name::Count).and_then(|first| first.parse().ok());
        let first: u64 = first.unwrap_or_else(|| 120 + u64::from(context.random.below(2000)));
        let percent = PERCENT.get(usize::from(index)).copied().unwrap_or(1);
        (first * percent / 100).to_string()
    }
}
