//! Filters of a list as chips, each a field of a form with GET.

use super::filters::Field;
use crate::http::parameters::Parameters;

/// Filters of a list.
#[derive(Debug)]
pub(super) struct Chips {
    /// Path of the list.
    pub(super) action: &'static str,
    pub(super) fields: Vec<Field>,
    /// Parameters that the form keeps without showing them.
    pub(super) hidden: Vec<(&'static str, String)>,
}

/// Parameters of a time range, and those that only other pages apply.
const KEPT: [&str; 4] = ["since", "until", "account", "client"];

/// Name, label and meaning of a filter, and its values if they are few.
pub(super) type Chip = (
    &'static str,
    &'static str,
    &'static str,
    Option<Vec<&'static str>>,
);

impl Chips {
    /// Filters of a request to the list at `action`. `link` makes a link to the list with changed
    /// parameters.
    pub(super) fn of(
        action: &'static str,
        chips: impl IntoIterator<Item = Chip>,
        parameters: &Parameters,
        link: impl Fn(&[(&str, String)]) -> String,
    ) -> Self {
        let given = |name: &str| parameters.get(name).map(str::to_owned);
        let field = |(name, label, about, choices): Chip| Field {
            name,
            label,
            about,
            choices,
            value: given(name),
            without: link(&[(name, String::new())]),
        };
        let kept = KEPT.into_iter();
        Self {
            action,
            fields: chips.into_iter().map(field).collect(),
            hidden: kept.filter_map(|name| Some((name, given(name)?))).collect(),
        }
    }

    /// True if a filter is set.
    pub(super) fn is_narrowed(&self) -> bool {
        let is_time = |(name, _): &(&str, String)| matches!(*name, "since" | "until");
        self.fields.iter().any(|field| field.value.is_some()) || self.hidden.iter().any(is_time)
    }
}
