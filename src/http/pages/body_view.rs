//! Body of a delivery with its signature, as far as the reader may see them.

use std::{borrow::Borrow, ops::Range};

use askama::filters::Safe;
use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    bytes::{BytesForm, PART, Slice, html, part},
    delivery_items::ItemView,
    digits::grouped,
    reserialized::{Changes, changes},
};
use crate::{
    http::api::deliveries::SignatureReport,
    meta::json::{Index, MAX_DEPTH},
};

/// Maximum size of a body that is compared with another, in bytes.
const MOST_COMPARED: usize = 256 << 10;

/// Body and verification of a delivery.
pub(super) enum Kept {
    Shown(Bytes, SignatureReport),
    /// The body was erased at this time.
    Erased(Option<Timestamp>),
    /// The reader may not see it, for this reason.
    Hidden(&'static str),
}

/// The chosen part of the bytes.
pub(super) struct Chosen {
    /// Path of the page.
    pub(super) path: String,
    /// Delivery beside this one.
    pub(super) with: Option<Uuid>,
    pub(super) form: BytesForm,
    /// Offset in the part.
    pub(super) from: usize,
    /// Number of items before the shown ones; `None` for those of the part.
    pub(super) item: Option<usize>,
}

/// Body as a page shows it.
pub(super) enum BodyView {
    Shown(Box<ShownBody>),
    Erased(Option<Timestamp>),
    Hidden(&'static str),
}

/// Bytes and verification of a delivery.
pub(super) struct ShownBody {
    bytes: Bytes,
    pub(super) report: SignatureReport,
    pub(super) changes: Changes,
    /// Link to the first part whose places are marked.
    pub(super) places: Option<String>,
    /// Forms with their names, links, and if it is the chosen one.
    pub(super) tabs: Vec<(&'static str, String, bool)>,
    /// The part in the chosen form; `None` if it has none.
    pub(super) html: Option<Safe<String>>,
    pub(super) is_hex: bool,
    /// True if places that a serializer would change are marked.
    pub(super) has_marks: bool,
    /// The shown bytes in words.
    pub(super) shown: String,
    pub(super) earlier: Option<String>,
    pub(super) later: Option<String>,
    /// Links to the bytes of each item.
    anchors: Vec<String>,
}

impl BodyView {
    /// View of a body with these items, whose anchors begin with `anchor`.
    pub(super) fn of(kept: Kept, chosen: &Chosen, items: (&[ItemView], &str)) -> Self {
        match kept {
            Kept::Shown(bytes, report) => {
                Self::Shown(Box::new(ShownBody::of(bytes, report, chosen, items)))
            }
            Kept::Erased(at) => Self::Erased(at),
            Kept::Hidden(why) => Self::Hidden(why),
        }
    }

    /// The bytes, if the reader sees them.
    pub(super) fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Shown(body) => Some(&body.bytes),
            Self::Erased(_) | Self::Hidden(_) => None,
        }
    }

    /// The body as JSON, if it is shown, and is neither so large nor so deep that a comparison of its
    /// values would take long.
    pub(super) fn json(&self) -> Option<&str> {
        let bytes = self.bytes().filter(|it| it.len() <= MOST_COMPARED)?;
        let text = std::str::from_utf8(bytes).ok()?;
        let depth = Index::of(text)?.depth();
        (depth <= MAX_DEPTH).then_some(text)
    }
}

impl ShownBody {
    /// Link to the bytes of an item, below `base`.
    pub(super) fn anchor(&self, base: &str, item: impl Borrow<usize>) -> String {
        match self.anchors.get(*item.borrow()) {
            Some(anchor) if anchor.starts_with('/') => format!("{base}{anchor}"),
            anchor => anchor.cloned().unwrap_or_default(),
        }
    }

    /// Name that an item shares with its bytes.
    pub(super) fn item(&self, item: impl Borrow<usize>) -> &str {
        let anchor = self.anchors.get(*item.borrow());
        let named = anchor.and_then(|anchor| anchor.split_once('#'));
        named.map_or("", |(_, name)| name)
    }

    fn of(
        bytes: Bytes,
        report: SignatureReport,
        chosen: &Chosen,
        (items, anchor): (&[ItemView], &str),
    ) -> Self {
        let part = part(bytes.len(), chosen.from);
        let link = |form, from| chosen.link(form, from);
        let slices = slices(items, anchor);
        let tab = |form: &BytesForm| {
            let is_chosen = *form == chosen.form;
            (name(*form), link(*form, part.start), is_chosen)
        };
        let of_item = |item: &ItemView| {
            let page = if part.contains(&item.start) {
                String::new()
            } else {
                let from = item.start / PART * PART;
                chosen.address(chosen.form, from, Some(item.number - 1))
            };
            format!("{page}#{anchor}-{}", item.number)
        };
        let text = std::str::from_utf8(&bytes);
        let changes = text.map_or_else(|_| Changes::default(), |text| changes(text, &part));
        let of_part = |at: usize| link(BytesForm::Received, at / PART * PART);
        Self {
            report,
            places: changes.first.first().map(|first| of_part(first.at)),
            tabs: BytesForm::ALL.iter().map(tab).collect(),
            html: html(
                chosen.form,
                (&bytes, part.clone()),
                &slices,
                &changes.places,
            ),
            is_hex: chosen.form == BytesForm::Hex,
            has_marks: chosen.form == BytesForm::Received && !changes.places.is_empty(),
            changes,
            shown: shown(bytes.len(), &part),
            earlier: part
                .start
                .checked_sub(PART)
                .map(|from| link(chosen.form, from)),
            later: (part.end < bytes.len()).then(|| link(chosen.form, part.end)),
            anchors: items.iter().map(of_item).collect(),
            bytes,
        }
    }
}

impl Chosen {
    /// Place of the first chosen item among all, which are in the order of their bytes.
    pub(super) fn first(&self, all: &[ItemView]) -> usize {
        let of_part = || all.iter().position(|item| item.end > self.from);
        self.item.or_else(of_part).unwrap_or_default()
    }

    /// Link to the page of items that begins with this one.
    pub(super) fn link_to_items(&self, item: usize) -> String {
        let address = self.address(self.form, self.from, Some(item));
        format!("{address}#items")
    }

    fn address(&self, form: BytesForm, from: usize, item: Option<usize>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("bytes", form.as_str());
        if from > 0 {
            query.append_pair("from", &from.to_string());
        }
        if let Some(item) = item {
            query.append_pair("item", &item.to_string());
        }
        if let Some(with) = self.with {
            query.append_pair("with", &with.to_string());
        }
        format!("{}?{}", self.path, query.finish())
    }

    fn link(&self, form: BytesForm, from: usize) -> String {
        format!("{}#bytes", self.address(form, from, None))
    }
}

fn name(form: BytesForm) -> &'static str {
    match form {
        BytesForm::Formatted => "Formatted",
        BytesForm::Received => "As received",
        BytesForm::Hex => "Hex",
    }
}

/// The shown bytes in words.
fn shown(length: usize, part: &Range<usize>) -> String {
    let all = grouped(length);
    if part.len() == length {
        return format!("{all}, all shown");
    }
    let last = part.end.saturating_sub(1);
    format!("{} to {} of {all}", grouped(part.start), grouped(last))
}

/// Bytes of the items in order. An item that overlaps the one before is left out.
fn slices(items: &[ItemView], anchor: &str) -> Vec<Slice> {
    let mut slices: Vec<Slice> = Vec::with_capacity(items.len());
    for item in items {
        let end = slices.last().map_or(0, |slice| slice.bytes.end);
        if item.start >= end && item.end > item.start {
            slices.push(Slice {
                anchor: format!("{anchor}-{}", item.number),
                family: item.look.family,
                link: item.link(),
                bytes: item.start..item.end,
            });
        }
    }
    slices
}
