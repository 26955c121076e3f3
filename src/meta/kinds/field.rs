//! Own fields of a kind: the columns of its view that `events` lacks.

/// Own fields of a kind, in groups that kinds can share.
pub(super) type Fields = &'static [&'static [Field]];

/// Own fields of a kind without any.
pub(super) const NONE: Fields = &[];

/// Own field of a kind: a column of its view, and a key of `data` in the JSON of an event.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Name in the view and in the JSON.
    pub name: &'static str,
    /// Keys of the objects around the field in the stored `data`, then its own key, joined by dots.
    pub path: &'static str,
    /// Object in the stored `data` that contains the path; empty for `data` itself.
    pub within: &'static str,
    /// Type of the value.
    pub form: Form,
    /// True for written text, media and developers' payloads: null for a reader without content.
    pub is_content: bool,
}

/// Type of an own field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text or an id; null if absent.
    Text,
    /// The column `text` under another name.
    Written,
    /// Whole number; null if absent.
    Integer,
    /// Flag; false if absent.
    Flag,
    /// Time, stored in milliseconds; null if absent.
    Moment,
    /// JSON as Meta sent it; null if absent.
    Json,
    /// Type of each attachment in the list at the path; empty if absent.
    Types,
}

impl Field {
    const fn new(name: &'static str, form: Form) -> Self {
        Self {
            name,
            path: name,
            within: "",
            form,
            is_content: false,
        }
    }

    /// Sets another path than the name.
    pub(super) const fn at(self, path: &'static str) -> Self {
        Self { path, ..self }
    }

    /// Sets the object that contains the path.
    pub(super) const fn within(self, within: &'static str) -> Self {
        Self { within, ..self }
    }

    /// Marks the field as content.
    pub(super) const fn content(self) -> Self {
        Self {
            is_content: true,
            ..self
        }
    }

    /// Keys from `data` to the field.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        let within = self.within.split('.').filter(|key| !key.is_empty());
        within.chain(self.path.split('.'))
    }
}

/// Declares a text or an id.
pub(super) const fn text(name: &'static str) -> Field {
    Field::new(name, Form::Text)
}

/// Declares the column `text` under another name.
pub(super) const fn written(name: &'static str) -> Field {
    Field::new(name, Form::Written).content()
}

/// Declares a whole number.
pub(super) const fn integer(name: &'static str) -> Field {
    Field::new(name, Form::Integer)
}

/// Declares a flag.
pub(super) const fn flag(name: &'static str) -> Field {
    Field::new(name, Form::Flag)
}

/// Declares a time.
pub(super) const fn moment(name: &'static str) -> Field {
    Field::new(name, Form::Moment)
}

/// Declares JSON as Meta sent it.
pub(super) const fn json(name: &'static str) -> Field {
    Field::new(name, Form::Json)
}

/// Declares the types of attachments.
pub(super) const fn types(name: &'static str) -> Field {
    Field::new(name, Form::Types)
}
