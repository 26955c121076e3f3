//! Pages for a browser, as HTML without scripts.

mod accounts;
mod audit;
mod bounds;
mod browser;
mod comments;
mod conversations;
mod copies;
mod deliveries;
mod delivery;
mod events;
mod export;
mod find;
mod frame;
mod health;
mod hostile;
mod licences;
mod live;
mod overview;
mod rejections;
mod scope;
mod sign_in;
mod states;
mod views;
mod weights;

use crate::{
    api::{Desk, token},
    support::server::Answer,
};

/// A page as a browser without scripts gets it.
struct Page {
    answer: Answer,
    html: String,
}

impl Desk {
    /// Opens a page with the token of a name.
    async fn page_as(&self, name: &str, path: &str) -> Page {
        self.page_with(name, path, &[]).await
    }

    /// Opens a page that has to be there.
    async fn page(&self, path: &str) -> Page {
        let page = self.page_as("reader", path).await;
        assert_eq!(page.answer.status, 200, "{path}: {}", page.text());
        page
    }

    /// Opens a page with further headers.
    async fn page_with(&self, name: &str, path: &str, headers: &[(&str, &str)]) -> Page {
        let bearer = format!("Bearer {}", token(name));
        let own = [
            ("Authorization", bearer.as_str()),
            ("Accept", "text/html,*/*;q=0.8"),
        ];
        let headers = [&own, headers].concat();
        let answer = self.server.ask_admin_with(("GET", path), &headers).await;
        let html = String::from_utf8_lossy(&answer.body).into_owned();
        Page { answer, html }
    }
}

/// Decodes the value of an attribute.
fn decoded(html: &str) -> String {
    let mut parts = html.split('&');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (entity, rest) = part.split_once(';').unwrap();
        text.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            number => {
                let number = number.strip_prefix('#').unwrap();
                let code = match number.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16),
                    None => number.parse(),
                };
                char::from_u32(code.unwrap()).unwrap()
            }
        });
        text.push_str(rest);
    }
    text
}

impl Page {
    /// Shown text: without tags, and with entities decoded.
    fn text(&self) -> String {
        let mut text = String::new();
        for part in self.html.split('<') {
            text.push_str(part.split_once('>').map_or("", |(_, after)| after));
        }
        let text = [
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&quot;", "\""),
            ("&#34;", "\""),
            ("&#39;", "'"),
            ("&amp;", "&"),
        ]
        .into_iter()
        .fold(text, |text, (entity, character)| {
            text.replace(entity, character)
        });
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Expects a text.
    #[track_caller]
    fn says(&self, text: &str) -> &Self {
        assert!(self.text().contains(text), "{text:?} in {}", self.text());
        self
    }

    /// Expects that a text is neither shown nor in an attribute.
    #[track_caller]
    fn hides(&self, text: &str) -> &Self {
        assert!(!self.html.contains(text), "{text:?} in {}", self.text());
        self
    }

    /// Targets of its links that contain `part`.
    fn links(&self, part: &str) -> Vec<String> {
        let all = self.html.split("href=\"").skip(1);
        let all = all.filter_map(|rest| rest.split('"').next());
        let found = all.filter(|link| link.contains(part));
        found
            .map(|link| link.replace("&#38;", "&").replace("&amp;", "&"))
            .collect()
    }

    fn header(&self, name: &str) -> &str {
        let value = self.answer.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}
