//! `[admin]`: the listener for operators.

use std::net::SocketAddr;

use super::base_path::BasePath;
use super::fault::Fault;
use super::http::{ADDRESS, Http, origin};
use super::print::Printer;
use super::reader::Reader;
use super::tokens::{self, Token};
use super::users::{self, User, Who};

/// Expected form of `advertise`.
const ADVERTISED: &str = "http:// or https:// and a host, without a user, path or query";

/// Expected form of `user_header`.
const HEADER: &str = "the name of a header, such as X-Forwarded-User";

/// Expected form of `groups_header`.
const GROUPS: &str = "the name of a header, such as X-Forwarded-Groups";

/// The listener of the API, the pages and the metrics; never the public one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Listen address.
    pub listen: SocketAddr,
    /// Host names under which clients reach the listener, beside localhost and its own address.
    pub names: Vec<String>,
    /// Path below which everything is served.
    pub base_path: BasePath,
    /// URL of this listener for other processes, without the base path.
    pub advertise: Option<String>,
    /// Maximum number of open streams of events.
    pub max_streams: usize,
    /// Header in which a trusted proxy names the user, in lower case.
    pub user_header: Option<String>,
    /// Header in which the proxy names the groups of the user, in lower case. Without it, nobody has
    /// a group.
    pub groups_header: Option<String>,
    /// The tokens; without any, and without `user_header`, a loopback client is an operator.
    pub tokens: Vec<Token>,
    /// Users that a proxy signs in.
    pub users: Vec<User>,
}

impl Admin {
    /// Name of local access.
    pub const LOCAL: &str = "local";

    pub(super) fn read(reader: &mut Reader<'_>, http: Option<&Http>) -> Option<Self> {
        let faults = reader.fault_count();
        let listen = reader.parsed("listen", ADDRESS);
        let names = reader.list("names", "host names without a port", host);
        let base_path = BasePath::read(reader);
        let advertise = reader.optional("advertise", ADVERTISED, |text| {
            origin(text, &["http", "https"])
        });
        let max_streams = reader.number("max_streams", 0..=100_000);
        let admin = Self {
            user_header: reader.optional("user_header", HEADER, header),
            groups_header: reader.optional("groups_header", GROUPS, header),
            tokens: tokens::read(reader),
            users: users::read(reader),
            listen: listen?,
            names,
            base_path: base_path?,
            advertise,
            max_streams: max_streams?,
        };
        if let Some(http) = http
            && reader.fault_count() == faults
        {
            admin.check_users(http, reader);
        }
        Some(admin)
    }

    /// Address of this listener for other processes, without a slash at the end.
    pub fn advertised(&self) -> Option<String> {
        let url = self.advertise.as_ref()?;
        Some(format!("{url}{}", self.base_path))
    }

    /// True if nobody signs in, and each client is an operator.
    pub fn is_open(&self) -> bool {
        self.tokens.is_empty() && self.user_header.is_none()
    }

    /// True if `name` stands for a token or for local access in the audit.
    pub fn has_named(&self, name: &str) -> bool {
        name == Self::LOCAL || self.tokens.iter().any(|token| token.name == name)
    }

    /// Notes users who can never sign in, and those whom the audit could not tell from others.
    fn check_users(&self, http: &Http, reader: &mut Reader<'_>) {
        let mut note = |key: &str, problem: &str, allowed: &str| {
            reader.note(Fault::new(key, problem).allowed(allowed));
        };
        for (is_wrong, key, problem, allowed) in self.faults(http) {
            if is_wrong {
                note(key, problem, allowed);
            }
        }
        let lacks_groups = self.user_header.is_some() && self.groups_header.is_none();
        for (user, number) in self.users.iter().zip(1..) {
            match &user.who {
                Who::Name(name) if self.has_named(name) => {
                    let key = format!("admin.users[{number}].name");
                    let problem = format!("{name} is also the name of a token or of local access");
                    note(&key, &problem, "a name that the audit tells from others");
                }
                Who::Group(_) if lacks_groups => {
                    let key = format!("admin.users[{number}].group");
                    let problem = "has no effect without admin.groups_header";
                    let allowed = "a header that the proxy sets or removes in admin.groups_header, \
                                   such as X-Forwarded-Groups";
                    note(&key, problem, allowed);
                }
                Who::Name(_) | Who::Group(_) => {}
            }
        }
    }

    /// Faults of the keys beside each other: if it is one, key, problem and allowed values.
    fn faults(&self, http: &Http) -> [(bool, &'static str, &'static str, &'static str); 4] {
        let (has_header, has_users) = (self.user_header.is_some(), !self.users.is_empty());
        [
            (
                has_users && !has_header,
                "admin.users",
                "has no effect without admin.user_header",
                "the name of the proxy's header in user_header",
            ),
            (
                self.groups_header.is_some() && !has_header,
                "admin.groups_header",
                "has no effect without admin.user_header",
                "the name of the proxy's header in user_header",
            ),
            (
                has_header && !has_users,
                "admin.user_header",
                "lets nobody in without admin.users",
                "an entry of admin.users for each user or group",
            ),
            (
                has_header && http.trusted_proxies.is_empty(),
                "admin.user_header",
                "is trusted from no proxy",
                "the address of the proxy in http.trusted_proxies",
            ),
        ]
    }

    pub(super) fn print(&self, out: &mut Printer) {
        out.section("admin");
        out.text("listen", self.listen);
        out.list("names", &self.names);
        out.text("base_path", &self.base_path);
        out.optional("advertise", self.advertise.as_ref());
        out.plain("max_streams", self.max_streams);
        out.optional("user_header", self.user_header.as_ref());
        out.optional("groups_header", self.groups_header.as_ref());
        tokens::print(&self.tokens, out);
        users::print(&self.users, out);
    }
}

/// The name of a header, in lower case.
fn header(text: &str) -> Option<String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_name = (1..=64).contains(&text.len()) && text.bytes().all(allowed);
    is_name.then(|| text.to_ascii_lowercase())
}

/// A host name or address as in the header `Host`, without a port, in lower case.
fn host(text: &str) -> Option<String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
    let is_name = !text.is_empty() && text.bytes().all(allowed);
    let has_port = text.contains(':') && !text.starts_with('[');
    (is_name && !has_port).then(|| text.to_ascii_lowercase())
}
