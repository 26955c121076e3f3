//! Sign-in of a browser with a token, and its end.

use axum::{
    Extension, Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use form_urlencoded::parse;

use super::{
    Access, Admission, Client, check::from_nowhere, cookie::Cookie, given::Given, refused::Refused,
};
use crate::{
    clock::Clock,
    config::{BasePath, Role, Token},
    http::{
        origin,
        problem::{self, Problem},
    },
    store::{
        Error,
        sessions::{AdminSession, Digest},
    },
    telemetry::{LogEvent, QueryFailed},
};

/// Maximum size of a form in bytes.
const LARGEST: usize = 8 << 10;

/// Page of the form.
const LOGIN: &str = "/login";

/// Page for a browser without another wish.
const START: &str = "/";

/// Routes of the forms.
pub(in crate::http) fn routes(access: Access) -> Router {
    Router::new()
        .route(LOGIN, post(sign_in))
        .route("/logout", post(sign_out))
        .route("/logout/everywhere", post(sign_out_everywhere))
        .with_state(access)
}

/// Begins a session with the `token` of a form, and leads to `next` of the form. A wrong token counts
/// as one in a header.
async fn sign_in(State(access): State<Access>, request: Request) -> Result<Response, Problem> {
    if origin::is_change_from_nowhere(&request) {
        return Err(from_nowhere());
    }
    let client = request.extensions().get::<Client>().copied();
    let cookie = request.extensions().get::<Cookie>().cloned();
    let (Some(client), Some(cookie)) = (client, cookie) else {
        return Err(Refused::NoToken.problem());
    };
    let form = read(request).await?;
    let token = Token::digest(field(&form, "token").trim().as_bytes());
    let admitted = access.admit(Given::Token(token), client.0).await;
    let role = admitted
        .map_err(|refused| refused.problem())?
        .scope()
        .role();
    if !role.covers(Role::Viewer) {
        let role = role.as_str();
        let detail = format!("a token with the role {role} shows no pages");
        return Err(Problem::new(problem::FORBIDDEN, detail));
    }
    let id = access.begin_session(&token).await?;
    let path = local(access.base_path(), &field(&form, "next"));
    Ok(see(&path, cookie.set(&id)))
}

/// Ends the session of the browser.
async fn sign_out(
    State(access): State<Access>,
    admission: Option<Extension<Admission>>,
    refused: Option<Extension<Refused>>,
    Extension(cookie): Extension<Cookie>,
) -> Result<Response, Problem> {
    if let Some(session) = session(admission.as_deref(), refused.as_deref())? {
        let ended = access.0.sessions.end(session).await;
        ended.map_err(|error| failed(&error))?;
    }
    Ok(see(&access.base_path().join(LOGIN), cookie.remove()))
}

/// Ends all sessions of the token with which the browser signed in.
async fn sign_out_everywhere(
    State(access): State<Access>,
    admission: Option<Extension<Admission>>,
    refused: Option<Extension<Refused>>,
    Extension(cookie): Extension<Cookie>,
) -> Result<Response, Problem> {
    if let Some(session) = session(admission.as_deref(), refused.as_deref())? {
        let ended = access.0.sessions.end_all(session.token()).await;
        ended.map_err(|error| failed(&error))?;
    }
    Ok(see(&access.base_path().join(LOGIN), cookie.remove()))
}

/// Session that a browser may end.
fn session<'a>(
    admission: Option<&'a Admission>,
    refused: Option<&Refused>,
) -> Result<Option<&'a AdminSession>, Problem> {
    if let Some(refused @ (Refused::Unavailable | Refused::Busy)) = refused {
        return Err(refused.problem());
    }
    if admission.is_some_and(Admission::is_by_proxy) {
        let detail = "the proxy in front of this listener signs you in; sign out there";
        return Err(Problem::new(problem::CONFLICT, detail));
    }
    Ok(admission.and_then(Admission::session))
}

impl Access {
    /// Begins a session of a token, and returns the id for the cookie.
    async fn begin_session(&self, token: &Digest) -> Result<[u8; 32], Problem> {
        let mut id = [0; 32];
        getrandom::fill(&mut id).map_err(|_| {
            let detail = "the system gives no random bytes";
            Problem::new(problem::DEFECT, detail)
        })?;
        let (digest, now) = (Token::digest(&id), Clock::system().now());
        let created = self.0.sessions.create(&digest, token, now).await;
        created.map_err(|error| failed(&error))?;
        Ok(id)
    }
}

async fn read(request: Request) -> Result<Bytes, Problem> {
    let body = to_bytes(request.into_body(), LARGEST).await;
    body.map_err(|_| {
        let detail = "send a form with the token, of at most 8 KiB";
        let problem = Problem::new(problem::BODY, detail);
        // The rest of the body is not read.
        problem.header(header::CONNECTION, HeaderValue::from_static("close"))
    })
}

/// Value of a field of a form; empty if the field is missing.
fn field(form: &[u8], name: &str) -> String {
    let found = parse(form).find(|(found, _)| found == name);
    found.map_or_else(String::new, |(_, value)| value.into_owned())
}

/// The path of this listener that a browser asked for; the start for everything else, which may lead
/// to another site.
fn local(base: &BasePath, next: &str) -> String {
    let is_path = next.starts_with('/') && !next.starts_with("//");
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic()) && !next.contains('\\');
    let is_below = base.strip(next).is_some();
    if is_path && is_plain && is_below {
        next.to_owned()
    } else {
        base.join(START)
    }
}

/// Leads to a path, with a change of the cookie.
fn see(path: &str, cookie: Option<HeaderValue>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    let location = HeaderValue::from_str(path);
    let location = location.unwrap_or(HeaderValue::from_static(START));
    headers.insert(header::LOCATION, location);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.extend(cookie.map(|it| (header::SET_COOKIE, it)));
    response
}

fn failed(error: &Error) -> Problem {
    let cause = error.cause();
    QueryFailed { cause }.emit();
    Refused::Unavailable.problem().caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_leads_to_a_page_of_this_listener_only() {
        for path in ["/", "/events?kind=message&after=7", "/events/7#payload"] {
            assert_eq!(local(&BasePath::default(), path), path);
        }
        for path in [
            "",
            "events",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "https://evil.example/",
            "/\r\nSet-Cookie: a=b",
            "/\u{e9}",
        ] {
            assert_eq!(local(&BasePath::default(), path), "/", "{path:?}");
        }
    }

    #[test]
    fn a_sign_in_below_a_base_path_stays_below_it() {
        let base = BasePath::parse("/hookshelf").unwrap();
        let path = "/hookshelf/events?kind=message";
        assert_eq!(local(&base, path), path);
        for path in ["", "/", "/events", "/hookshelves", "//hookshelf/"] {
            assert_eq!(local(&base, path), "/hookshelf/", "{path:?}");
        }
    }

    #[test]
    fn a_field_is_decoded() {
        let form = b"next=%2Fevents%3Fkind%3Dmessage&token=+hsk_a%2Bb+";
        assert_eq!(field(form, "token"), " hsk_a+b ");
        assert_eq!(field(form, "next"), "/events?kind=message");
        assert_eq!(field(form, "other"), "");
    }
}
