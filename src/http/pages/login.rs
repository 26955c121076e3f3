//! Page of the sign-in with a token.

use askama::Template;
use axum::{extract::Request, response::Response};
use form_urlencoded::parse;

use super::{
    answer::{page, rendered},
    frame::Frame,
    visit::Visit,
};

#[derive(Template)]
#[template(path = "login.html", blocks = ["main"])]
struct LoginPage {
    frame: Frame,
    /// Page to which the sign-in leads.
    next: String,
}

rendered!(LoginPage);

/// Shows the form. It sends the token to the route of the same path.
pub(super) async fn show(visit: Visit, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let mut given = parse(query.as_bytes());
    let next = given.find(|(name, _)| name == "next");
    let login = LoginPage {
        frame: Frame::new(&visit, None, "Sign in", None),
        next: next.map_or_else(String::new, |(_, next)| next.into_owned()),
    };
    page(&visit, &login)
}
