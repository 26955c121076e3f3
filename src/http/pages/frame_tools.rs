//! Sections of the frame for the whole of the data: exports and the audit.

use super::frame::{Frame, Section};
use crate::query::Scope;

pub(super) static EXPORT: Section = Section {
    path: "/export",
    name: "Export",
    icon: "download",
    keeps: &[],
};

pub(super) static AUDIT: Section = Section {
    path: "/audit",
    name: "Audit",
    icon: "scroll-text",
    keeps: &["since", "until"],
};

impl Frame {
    /// Sections with their links, and if each is the present one.
    pub(super) fn tools(&self) -> Vec<(&'static Section, String, bool)> {
        let audit = format!("{}{}", self.base, AUDIT.path);
        let is_current = |section: &'static Section| self.current == Some(section);
        let mut tools = vec![(&EXPORT, self.export(), is_current(&EXPORT))];
        let reads_audit = self.scope.as_ref().is_some_and(Scope::reads_audit);
        tools.extend(reads_audit.then(|| (&AUDIT, audit, is_current(&AUDIT))));
        tools
    }

    /// Link to the form for an export of this page.
    pub(super) fn export(&self) -> String {
        if self.current == Some(&EXPORT) {
            return format!("{}{}", self.base, self.address);
        }
        let from = form_urlencoded::Serializer::new(String::new())
            .append_pair("from", &self.address)
            .finish();
        format!("{}{}?{from}", self.base, EXPORT.path)
    }
}
