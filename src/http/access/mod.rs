//! Access to the admin listener: tokens, sessions, users, roles and the header `Host`.
//!
//! With tokens, each route except `/healthz` and the status of `/readyz` needs one: in the header
//! `Authorization`, or as the cookie of a browser that signed in with it. Or a trusted proxy names
//! the user. Without all of these, the listener has a loopback address, and each client is an
//! operator. The server's own token, in the
//! data directory, lets local commands in either way.

mod admission;
mod callers;
mod check;
mod cookie;
mod failures;
mod given;
mod hosts;
mod refused;
mod sign_in;
mod users;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use arc_swap::ArcSwap;
use ipnet::IpNet;
use subtle::ConstantTimeEq;
use tokio::sync::{mpsc, watch};

use crate::{
    clock::Clock,
    config::{self, Admin, BasePath, Role, User},
    query::Scope,
    store::sessions::{AdminSessions, Digest, LookupError},
    telemetry::{LogEvent, QueryFailed},
};
use admission::Credential;
use failures::Failures;
use given::Given;
use hosts::Hosts;
use refused::Refused;
use users::ProxyUser;

pub(super) use admission::Admission;
pub(super) use callers::{Consumer, ConsumerViewer, Metrics, Operator, Privacy, Viewer};
pub(super) use check::check;
pub(super) use sign_in::routes;

/// Maximum number of failed logins that wait for the audit.
const FAILED_LOGINS: usize = 256;

/// Access to the admin listener. Clones share it.
#[derive(Clone, Debug)]
pub struct Access(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Tokens and users.
    admin: ArcSwap<Admin>,
    /// SHA-256 of the server's own token.
    own: Option<Digest>,
    hosts: Hosts,
    base_path: BasePath,
    trusted_proxies: Vec<IpNet>,
    failures: Failures,
    sessions: AdminSessions,
    /// Addresses of failed logins, for the audit. Further ones are counted only.
    failed: mpsc::Sender<IpAddr>,
    /// Changes when tokens and users are replaced.
    replaced: watch::Sender<()>,
}

/// Address of the client of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client(pub(super) IpAddr);

impl Access {
    /// Access to a listener at `address`, and the addresses of failed logins. `own` is the SHA-256
    /// of the server's own token; browsers have `sessions`.
    pub fn new(
        config: &config::Config,
        address: SocketAddr,
        own: Option<Digest>,
        sessions: AdminSessions,
    ) -> (Self, mpsc::Receiver<IpAddr>) {
        let admin = &config.admin;
        let (failed, failures) = mpsc::channel(FAILED_LOGINS);
        let access = Self(Arc::new(Shared {
            admin: ArcSwap::from_pointee(admin.clone()),
            own,
            hosts: Hosts::new(address, &admin.names),
            base_path: admin.base_path.clone(),
            trusted_proxies: config.http.trusted_proxies.clone(),
            failures: Failures::default(),
            sessions,
            failed,
            replaced: watch::Sender::new(()),
        }));
        access.keep_sessions();
        (access, failures)
    }

    /// Path below which the listener serves.
    pub(super) fn base_path(&self) -> &BasePath {
        &self.0.base_path
    }

    /// Replaces tokens, users and the header of the user.
    pub fn replace(&self, admin: Admin) {
        self.0.admin.store(Arc::new(admin));
        self.keep_sessions();
        self.0.replaced.send_replace(());
    }

    /// Ends the sessions of tokens that are not configured: a token that comes back later revives none.
    fn keep_sessions(&self) {
        let admin = self.0.admin.load();
        let tokens = admin.tokens.iter().map(|token| token.sha256);
        let now = Clock::system().now();
        self.0.sessions.keep(tokens.chain(self.0.own), now);
    }

    /// True if nobody signs in, and each client is an operator.
    fn is_open(&self) -> bool {
        self.0.admin.load().is_open()
    }

    /// Scope of the token with this SHA-256: compares it with every token, in constant time.
    fn scope(&self, digest: &Digest) -> Option<Scope> {
        let is = |other: &Digest| bool::from(digest.ct_eq(other));
        let own = self.0.own.as_ref().is_some_and(is);
        let mut found = own.then(|| Scope::local(Role::Operator));
        for token in &self.0.admin.load().tokens {
            if is(&token.sha256) {
                found = Some(Scope::of(token));
            }
        }
        found
    }

    /// Scope of a user. The audit could not tell a user with the name of a token from the token.
    fn scope_of_user(&self, user: &ProxyUser) -> Option<Scope> {
        let (admin, name) = (self.0.admin.load(), user.name());
        let is_distinct = User::is_name(name) && !admin.has_named(name);
        let entry = user.entry(&admin.users).filter(|_| is_distinct);
        entry.map(|entry| Scope::of_user(name, entry))
    }

    /// Scope that a credential has now.
    fn scope_of(&self, credential: &Credential) -> Option<Scope> {
        match credential {
            Credential::None => self.is_open().then(|| Scope::local(Role::Operator)),
            Credential::Token(token) => self.scope(token),
            Credential::User(user) => self.scope_of_user(user),
            Credential::Session(session) if session.has_ended() => None,
            Credential::Session(session) => self.scope(session.token()),
        }
    }

    /// Finds the scope of a request from `address` that comes with a credential.
    async fn admit(&self, given: Given, address: IpAddr) -> Result<Admission, Refused> {
        let credential = match given {
            // Only tokens can be guessed: others from this address may go on.
            Given::Token(token) => match self.0.failures.blocked_for(address) {
                Some(seconds) => return Err(Refused::TooManyFailures(seconds)),
                None => Credential::Token(token),
            },
            // A wrong token beside a user is no attempt. It is not tried while the address waits.
            Given::User(user, token) => {
                let token = token.filter(|it| self.scope(it).is_some());
                let token = token.filter(|_| self.0.failures.blocked_for(address).is_none());
                token.map_or(Credential::User(user), Credential::Token)
            }
            Given::Session(id) if !self.is_open() => self.session(&id).await?,
            Given::Session(_) | Given::Nothing => Credential::None,
        };
        match self.scope_of(&credential) {
            Some(scope) => Ok(Admission::new(self, credential, scope)),
            None => Err(self.refuse(&credential, address)),
        }
    }

    async fn session(&self, id: &Digest) -> Result<Credential, Refused> {
        let found = self.0.sessions.find(id, Clock::system().now()).await;
        let found = found.map_err(|error| match error {
            LookupError::Busy => Refused::Busy,
            LookupError::Store(error) => {
                let cause = error.cause();
                QueryFailed { cause }.emit();
                Refused::Unavailable
            }
        })?;
        found.map(Credential::Session).ok_or(Refused::SignedOut)
    }

    /// Reason to refuse a credential. A wrong token is noted.
    fn refuse(&self, credential: &Credential, address: IpAddr) -> Refused {
        match credential {
            Credential::None => Refused::NoToken,
            Credential::Session(_) => Refused::SignedOut,
            Credential::User(user) => Refused::UnknownUser(user.name().to_owned()),
            Credential::Token(_) => {
                self.0.failures.note(address);
                let _ = self.0.failed.try_send(address);
                Refused::WrongToken
            }
        }
    }
}
