//! `[[admin.tokens]]`: tokens of the admin listener, with their roles and scopes.

use std::{collections::BTreeSet, fmt};

use secrecy::{ExposeSecret, zeroize::Zeroizing};
use sha2::{Digest, Sha256};

use super::{
    app_name::AppName, consumers::Consumers, fault::Fault, name::Name, print::Printer,
    reader::Reader,
};

/// Beginning of a generated token.
const MARK: &str = "hsk_";

/// Minimum length of a token in plain text, in bytes.
const SHORTEST: usize = 32;

/// Maximum length of a name.
const LONGEST_NAME: usize = 32;

/// The keys that hold a token, of which one is set.
const ONE_OF: &str = "one of token, token_file and token_sha256";

/// Actions that a token may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Metrics and readiness.
    Metrics,
    /// Everything except bodies and the audit.
    Viewer,
    /// Also bodies, exports with content, labels of accounts, and the drain of the spool.
    Operator,
    /// Also the audit.
    Privacy,
    /// Lease and settle events of the token's consumers, and read their state; nothing else.
    Consumer,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 5] = [
        Self::Metrics,
        Self::Viewer,
        Self::Operator,
        Self::Privacy,
        Self::Consumer,
    ];

    /// Name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Privacy => "privacy",
            Self::Consumer => "consumer",
        }
    }

    /// True if a token with this role may do what needs the role `needed`.
    pub fn covers(self, needed: Self) -> bool {
        match needed {
            Self::Metrics => self != Self::Consumer,
            Self::Viewer => matches!(self, Self::Viewer | Self::Operator | Self::Privacy),
            Self::Operator => matches!(self, Self::Operator | Self::Privacy),
            Self::Privacy => self == Self::Privacy,
            Self::Consumer => matches!(self, Self::Consumer | Self::Operator | Self::Privacy),
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// A configured token. Only its SHA-256 is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Unique name, in the audit and in messages.
    pub name: String,
    /// SHA-256 of the token.
    pub sha256: [u8; 32],
    /// Actions that the token may take.
    pub role: Role,
    /// True if texts, user names and payloads are shown.
    pub content: bool,
    /// Visible apps; `None` for all.
    pub apps: Option<Vec<AppName>>,
    /// Visible clients of accounts; `None` for all.
    pub clients: Option<Vec<String>>,
    /// Consumers of a token with the role consumer; empty for other roles.
    pub consumers: Vec<Name>,
}

/// Shows no digest: it would let a guess be checked.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = self.role.as_str();
        f.debug_struct("Token")
            .field("name", &self.name)
            .field("role", &role)
            .finish_non_exhaustive()
    }
}

impl Token {
    /// Names that are allowed.
    pub const NAMES: &str = "1 to 32 of a-z, 0-9, - and _";

    /// True if `text` is allowed as a name.
    pub fn is_name(text: &str) -> bool {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(allowed)
    }

    /// Makes a token of 256 random bits.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub fn generate() -> Result<Zeroizing<String>, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes)?;
        Ok(Zeroizing::new(format!("{MARK}{}", hex::encode(*bytes))))
    }

    /// True if a text has the form of a generated token.
    pub fn is_generated(text: &[u8]) -> bool {
        text.starts_with(MARK.as_bytes())
    }

    /// SHA-256 of a token in plain text.
    pub fn digest(text: &[u8]) -> [u8; 32] {
        Sha256::digest(text).into()
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let faults = reader.fault_count();
        let name = reader.optional("name", Self::NAMES, |text| {
            Self::is_name(text).then(|| text.to_owned())
        });
        let sha256 = read_digest(reader);
        let roles = "metrics, viewer, operator, privacy or consumer";
        let role = reader.optional("role", roles, Role::parse);
        let content = reader.optional_flag("content");
        let (apps, clients) = read_restriction(reader);
        let consumers = reader.optional_list("consumers", Name::ALLOWED, |text| text.parse().ok());
        if reader.fault_count() > faults {
            return None;
        }
        let name = reader.set("name", name, Self::NAMES);
        let sha256 = reader.set("token_sha256", sha256, ONE_OF);
        let role = reader.set("role", role, roles)?;
        let is_narrowed = apps.is_some() || clients.is_some();
        let has = (content.is_some(), is_narrowed, consumers.is_some());
        check_keys(reader, role, has);
        Some(Self {
            name: name?,
            sha256: sha256?,
            role,
            content: content.unwrap_or(!matches!(role, Role::Metrics | Role::Viewer)),
            apps,
            clients,
            consumers: consumers.unwrap_or_default(),
        })
    }

    fn print(&self, out: &mut Printer) {
        out.table("admin.tokens");
        out.text("name", &self.name);
        out.secret("token_sha256", true);
        out.text("role", self.role.as_str());
        out.plain("content", self.content);
        if self.role == Role::Consumer {
            out.list("consumers", &self.consumers);
        }
        print_restriction((self.apps.as_deref(), self.clients.as_deref()), out);
    }
}

/// Reads the apps and clients to which a token or user is restricted.
pub(super) fn read_restriction(
    reader: &mut Reader<'_>,
) -> (Option<Vec<AppName>>, Option<Vec<String>>) {
    let apps = reader.optional_list("apps", AppName::ALLOWED, |text| text.parse().ok());
    let clients = reader.optional_list("clients", "names of clients", |text| {
        (!text.is_empty()).then(|| text.to_owned())
    });
    (apps, clients)
}

/// Prints the apps and clients to which a token or user is restricted.
pub(super) fn print_restriction(
    (apps, clients): (Option<&[AppName]>, Option<&[String]>),
    out: &mut Printer,
) {
    if let Some(apps) = apps {
        out.list("apps", apps);
    }
    if let Some(clients) = clients {
        out.list("clients", clients);
    }
}

/// Notes a key that does not go with the role. The token has `content`, apps or clients, and
/// `consumers`, in this order, or not.
fn check_keys(
    reader: &mut Reader<'_>,
    role: Role,
    (has_content, is_narrowed, has_consumers): (bool, bool, bool),
) {
    let (key, problem, allowed) = match role {
        Role::Metrics if has_content || is_narrowed => (
            "role",
            "a metrics token reads no events",
            "another role, or no content, apps and clients",
        ),
        Role::Consumer if is_narrowed => (
            "role",
            "a consumer token gets the events of its consumers",
            "another role, or no apps and clients",
        ),
        Role::Consumer if !has_consumers => ("consumers", "is missing", "names of consumers"),
        Role::Metrics | Role::Viewer | Role::Operator | Role::Privacy if has_consumers => (
            "consumers",
            "only a consumer token has consumers",
            "role = \"consumer\", or no such key",
        ),
        _ => return,
    };
    reader.note(reader.fault(key, problem).allowed(allowed));
}

/// SHA-256 of the token of a table, given as such or made of the plain text.
fn read_digest(reader: &mut Reader<'_>) -> Option<[u8; 32]> {
    let given = reader.optional("token_sha256", "64 hexadecimal digits", |text| {
        let mut digest = [0; 32];
        hex::decode_to_slice(text, &mut digest).ok()?;
        Some(digest)
    });
    let Some(token) = reader.secret("token") else {
        return given;
    };
    let token = token.expose_secret();
    let fault = if given.is_some() {
        reader
            .fault("token", "token and token_sha256 are both set")
            .allowed(ONE_OF)
    } else if token.len() < SHORTEST {
        let problem = format!("is shorter than {SHORTEST} characters");
        let fault = reader.fault("token", problem);
        fault.allowed("a token of `hookshelf token new`")
    } else {
        return Some(Token::digest(token.as_bytes()));
    };
    reader.note(fault);
    None
}

pub(super) fn read(reader: &mut Reader<'_>) -> Vec<Token> {
    let tokens = reader.tables("tokens", Token::read);
    let (mut names, mut digests) = (BTreeSet::new(), BTreeSet::new());
    for token in &tokens {
        if !names.insert(&token.name) {
            let problem = format!("two tokens have the name {}", token.name);
            reader.note(Fault::new("admin.tokens", problem).allowed("a name of its own for each"));
        } else if !digests.insert(token.sha256) {
            let problem = format!("{} is the token of another name, too", token.name);
            reader.note(Fault::new("admin.tokens", problem).allowed("a token of its own for each"));
        }
    }
    tokens
}

/// Notes consumers of tokens that are not among `consumers`.
pub(super) fn check(tokens: &[Token], consumers: &Consumers, root: &mut Reader<'_>) {
    let known: Vec<_> = consumers.keys().map(Name::as_str).collect();
    for (token, number) in tokens.iter().zip(1..) {
        let unknown = token.consumers.iter();
        for name in unknown.filter(|name| !consumers.contains_key(*name)) {
            let key = format!("admin.tokens[{number}].consumers");
            root.note(Fault::unknown(key, name.as_str(), &known));
        }
    }
}

pub(super) fn print(tokens: &[Token], out: &mut Printer) {
    for token in tokens {
        token.print(out);
    }
}
