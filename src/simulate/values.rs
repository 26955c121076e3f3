//! The values of placeholders: accounts, people, ids, times and texts.

use super::{
    context::Context,
    ids::{mid, padded, scattered, thread},
    people::{self, Profile},
    sample::Piece,
    sender::Sender,
    slot::{Name, Slot},
    texts::{self, Text},
};

/// Between two things that happen in one body.
const STEP_MS: i64 = 700;
/// From the first of them to the sending of the body.
const SENT_MS: i64 = 3_000;
const HALF_A_YEAR_MS: i64 = 180 * 86_400_000;

/// An ad of an account.
#[derive(Debug)]
pub(super) struct Ad {
    id: String,
    media_id: String,
    number: usize,
}

impl Ad {
    /// An ad of the account at this place.
    pub(super) fn of(account: u64, number: u32) -> Self {
        let place = account.wrapping_mul(3).wrapping_add(number.into());
        let digits = scattered(place, 14);
        Self {
            id: padded("1206", digits, 14),
            media_id: padded("181", digits, 14),
            number: usize::try_from(place).unwrap_or_default(),
        }
    }
}

/// The text of an item.
#[derive(Debug)]
pub(super) enum Said {
    /// The text in the sample.
    Sample,
    /// A text of the catalog.
    Told(&'static Text),
    /// The user's own words.
    Own(String),
}

/// The values of placeholders. Those that are not set here are made when they are needed.
#[derive(Debug)]
pub(super) struct Values {
    pub(super) accounts: Vec<Profile>,
    pub(super) people: Vec<Profile>,
    /// When it happens, in milliseconds since 1970.
    pub(super) at: i64,
    pub(super) said: Said,
    pub(super) earlier_mid: Option<String>,
    pub(super) parent_id: Option<String>,
    /// The media it is about, and where that is shown.
    pub(super) media: Option<(String, &'static str)>,
    pub(super) ad: Option<Ad>,
    made: Vec<(Slot, String)>,
}

impl Values {
    /// Values for the account at this place and these people.
    pub(super) fn new(account: u64, people: Vec<Profile>) -> Self {
        Self {
            accounts: vec![people::account(account)],
            people,
            at: 0,
            said: Said::Sample,
            earlier_mid: None,
            parent_id: None,
            media: None,
            ad: None,
            made: Vec::new(),
        }
    }

    /// Forgets what was made for the item before.
    pub(super) fn renew(&mut self) {
        self.made.clear();
    }

    /// The value made for the first placeholder of this name.
    pub(super) fn made(&self, name: Name) -> Option<&String> {
        let mut made = self.made.iter();
        let found = made.find(|(slot, _)| *slot == Slot::first(name));
        found.map(|(_, value)| value)
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
            match piece {
                Piece::Written(bytes) => out.extend_from_slice(bytes),
                Piece::Slot(slot, own) => match slot.name {
                    Name::Text => self.say(sender, own, out),
                    Name::AdTitle => {
                        let title = self.ad.as_ref().and_then(|ad| texts::ad_title(ad.number));
                        out.extend_from_slice(
                            title.map_or(own.as_slice(), |title| title.written(sender)),
                        );
                    }
                    Name::Product => {
                        let product = self.media.as_ref().map(|(_, product)| product.as_bytes());
                        out.extend_from_slice(product.unwrap_or(own.as_slice()));
                    }
                    _ => self.put(context, *slot, out),
                },
            }
        }
    }

    fn say(&self, sender: Sender, own: &[u8], out: &mut Vec<u8>) {
        match &self.said {
            Said::Sample => out.extend_from_slice(own),
            Said::Told(text) => out.extend_from_slice(text.written(sender)),
            Said::Own(text) => sender.write(text, out),
        }
    }

    fn put(&mut self, context: &mut Context, slot: Slot, out: &mut Vec<u8>) {
        if let Some(time) = self.time(slot) {
            return out.extend_from_slice(itoa::Buffer::new().format(time).as_bytes());
        }
        if let Some(known) = self.known(slot) {
            return out.extend_from_slice(known.as_bytes());
        }
        let made = self.made.iter().position(|(made, _)| *made == slot);
        let place = made.unwrap_or_else(|| {
            let value = self.make(context, slot);
            self.made.push((slot, value));
            self.made.len() - 1
        });
        out.extend_from_slice(self.made[place].1.as_bytes());
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

    fn known(&self, slot: Slot) -> Option<&str> {
        match slot.name {
            Name::Account => Some(&nth(&self.accounts, slot)?.id),
            Name::AccountUsername => Some(&nth(&self.accounts, slot)?.username),
            Name::AccountIgsid => Some(&nth(&self.accounts, slot)?.own_igsid),
            Name::Igsid => Some(&nth(&self.people, slot)?.id),
            Name::Username => Some(&nth(&self.people, slot)?.username),
            Name::EarlierMid => self.earlier_mid.as_deref(),
            Name::ParentId => self.parent_id.as_deref(),
            Name::AdId => Some(&self.ad.as_ref()?.id),
            Name::AdMediaId => Some(&self.ad.as_ref()?.media_id),
            Name::MediaId if slot.index == 0 => Some(&self.media.as_ref()?.0),
            _ => None,
        }
    }

    fn make(&mut self, context: &mut Context, slot: Slot) -> String {
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
        let [account, person] = [&self.accounts, &self.people]
            .map(|all| all.first().map_or("", |profile| profile.id.as_str()));
        let micros = self.at.saturating_mul(1000) + i64::from(context.random.below(1000));
        let micros = u64::try_from(micros).unwrap_or_default();
        mid(
            account,
            &thread(account, person),
            micros,
            context.random.next(),
        )
    }

    /// Numbers of a story: each is a share of the first.
    fn count(&self, context: &mut Context, index: u8) -> String {
        const PERCENT: [u64; 6] = [100, 90, 45, 12, 8, 5];
        let first = self.made(Name::Count).and_then(|first| first.parse().ok());
        let first: u64 = first.unwrap_or_else(|| 120 + u64::from(context.random.below(2000)));
        let percent = PERCENT.get(usize::from(index)).copied().unwrap_or(1);
        (first * percent / 100).to_string()
    }
}

/// The profile that a placeholder names; the first one if there are fewer.
fn nth(all: &[Profile], slot: Slot) -> Option<&Profile> {
    all.get(usize::from(slot.index)).or(all.first())
}
