//! *Copy as* for a delivery: its data, and commands that send and verify its bytes again.

use bytes::Bytes;
use serde_json::json;

use super::{
    copies::{Copied, CopyEntry, MOST, copy, curl, from, quoted},
    delivery_view::DeliveryView,
    visit::Visit,
};
use crate::query::{Scope, delivery_statement};

/// Copies of a delivery. `public_url` is the base of the callback URLs.
pub(super) fn of_delivery(
    (visit, scope): (&Visit, &Scope),
    public_url: Option<&str>,
    view: &DeliveryView,
) -> Vec<CopyEntry> {
    let base = &visit.base;
    let api = format!("{base}/v1/deliveries/{}", view.id);
    let copied = Copied {
        visit,
        page: format!("{base}{}", visit.address),
        api: Some(api.clone()),
        command: Some((format!("deliveries show {}", view.id), Vec::new())),
        statement: Some(delivery_statement(view.row.id)),
    };
    let mut entries = copied.entries(scope);
    let Some(body) = view.body.bytes() else {
        return entries;
    };
    let path = format!("{api}/body");
    if let Some(signature) = &view.signature {
        let signed = Signed {
            bytes: printed(body).unwrap_or_else(|| curl(&visit.origin, &path)),
            signature,
            media: view.header("content-type").unwrap_or("application/json"),
            app: &view.row.app,
        };
        // The mark of a simulated delivery is not stored: without it, the same bytes are live.
        let is_simulated = view.row.source == "simulated";
        entries.extend((!is_simulated).then(|| copy("Again with curl", signed.sent(public_url))));
        entries.push(copy("openssl check", signed.checked()));
        let text = text_of(body).filter(|_| !is_simulated);
        entries.extend(text.map(|text| copy("Fixture", signed.fixture(text))));
    }
    entries.push(from("Bytes", path));
    entries
}

/// Signed bytes of a delivery.
struct Signed<'s> {
    /// Command that writes the bytes.
    bytes: String,
    signature: &'s str,
    /// Media type.
    media: &'s str,
    app: &'s str,
}

impl Signed<'_> {
    /// Command that sends the bytes again, with their signature.
    fn sent(&self, public_url: Option<&str>) -> String {
        let path = self.path();
        let url = match public_url {
            Some(base) => quoted(&format!("{}{path}", base.trim_end_matches('/'))),
            None => format!("\"$HOOKSHELF__HTTP__PUBLIC_URL\"{}", quoted(&path)),
        };
        let headers = self.headers().map(|(name, value)| {
            let header = quoted(&format!("{name}: {value}"));
            format!(" -H {header}")
        });
        let headers = headers.concat();
        format!("{} | curl -fsS{headers} --data-binary @- {url}", self.bytes)
    }

    /// Command that tells if the secret in `$APP_SECRET` makes the signature.
    fn checked(&self) -> String {
        let signature = quoted(&self.signature.to_ascii_lowercase());
        let digest = "openssl dgst -sha256 -hmac \"$APP_SECRET\" -r | cut -d' ' -f1";
        format!(
            "[ \"sha256=$({} | {digest})\" = {signature} ] && echo valid || echo invalid",
            self.bytes
        )
    }

    /// Request as JSON, for a test.
    fn fixture(&self, body: &str) -> String {
        let headers: serde_json::Map<_, _> = self
            .headers()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        let request = json!({"path": self.path(), "headers": headers, "body": body});
        format!("{request:#}")
    }

    fn headers(&self) -> [(&'static str, &str); 2] {
        [
            ("Content-Type", self.media),
            ("X-Hub-Signature-256", self.signature),
        ]
    }

    /// Path of the callback.
    fn path(&self) -> String {
        match self.app {
            "default" => "/webhook".to_owned(),
            app => format!("/webhook/{app}"),
        }
    }
}

/// A body that a copy can hold.
fn text_of(body: &Bytes) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?;
    (text.len() <= MOST && !text.contains('\0')).then_some(text)
}

/// Command that prints a body; `None` if a copy cannot hold it.
fn printed(body: &Bytes) -> Option<String> {
    Some(format!("printf %s {}", quoted(text_of(body)?)))
}
