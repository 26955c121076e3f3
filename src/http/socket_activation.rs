//! Socket activation: a service manager holds the sockets and passes them on, so that connections
//! wait through a restart.
//!
//! systemd says in `LISTEN_FDS` how many there are and in `LISTEN_FDNAMES` how they are called. A
//! listener that is passed wins over the configured address.

use std::{
    io,
    net::{TcpListener, TcpStream},
    os::fd::OwnedFd,
};

use listenfd::ListenFd;

use super::names::{ADMIN, PUBLIC};

/// The listeners that can be passed, in the order in which unnamed ones are taken.
const LISTENERS: [&str; 2] = [PUBLIC, ADMIN];

/// What is wrong with the sockets that were passed.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// There are more sockets than listeners.
    #[error(
        "too many sockets: {0} were passed to this process; pass one for the public listener and \
         at most one for the admin listener"
    )]
    TooMany(usize),
    /// A name that no listener has.
    #[error(
        "unknown socket name {0:?}: set FileDescriptorName= of the socket unit to public or admin"
    )]
    Name(String),
    /// Two sockets for one listener.
    #[error(
        "two sockets are named {0}: set FileDescriptorName= of one socket unit to the other \
         listener, public or admin"
    )]
    Twice(&'static str),
    /// It is no socket, or not one that accepts TCP connections.
    #[error(
        "the socket passed for the {0} listener is not a listening TCP socket: the socket unit \
         needs ListenStream= with an address and a port, and Accept=no"
    )]
    Kind(&'static str, #[source] io::Error),
}

/// The sockets that were passed and are not in use yet, each with its listener's name.
#[derive(Debug, Default)]
pub struct PassedSockets(Vec<(&'static str, TcpListener)>);

impl PassedSockets {
    /// Takes the sockets that were passed to this process; `names` is `LISTEN_FDNAMES`. Without a
    /// service manager there are none.
    ///
    /// # Errors
    /// They are not what the two listeners can use.
    pub fn take(names: Option<&str>) -> Result<Self, SocketError> {
        let mut passed = ListenFd::from_env();
        let listeners = assign(passed.len(), names)?;
        let sockets = listeners.into_iter().enumerate();
        sockets
            .map(|(place, name)| Ok((name, take(&mut passed, place).map_err(kind(name))?)))
            .collect::<Result<_, SocketError>>()
            .map(Self)
    }

    /// Takes the socket that was passed for the listener `name`.
    pub(super) fn socket(&mut self, name: &str) -> Option<TcpListener> {
        let place = self.0.iter().position(|(passed, _)| *passed == name)?;
        Some(self.0.swap_remove(place).1)
    }
}

fn kind(name: &'static str) -> impl FnOnce(io::Error) -> SocketError {
    move |source| SocketError::Kind(name, source)
}

/// Which listener each socket is for: by its name, or by its place where none has one.
fn assign(count: usize, names: Option<&str>) -> Result<Vec<&'static str>, SocketError> {
    if count > LISTENERS.len() {
        return Err(SocketError::TooMany(count));
    }
    let names: Vec<_> = names.unwrap_or_default().split(':').take(count).collect();
    if names.iter().all(|name| is_no_name(name)) {
        return Ok(LISTENERS.into_iter().take(count).collect());
    }
    let known = |name: &&str| LISTENERS.into_iter().find(|known| known == name);
    let unknown = |name: &&str| SocketError::Name((*name).to_owned());
    let assigned: Result<Vec<_>, _> = names
        .iter()
        .map(|name| known(name).ok_or_else(|| unknown(name)))
        .collect();
    match assigned?[..] {
        [first, second] if first == second => Err(SocketError::Twice(first)),
        [only] if count > 1 => Err(SocketError::Name(format!("{only}, and one without a name"))),
        ref assigned => Ok(assigned.to_vec()),
    }
}

/// A socket that was given no name carries none, or that of its unit.
fn is_no_name(name: &str) -> bool {
    name.is_empty() || name == "unknown" || name.ends_with(".socket")
}

/// The socket at `place`. One that has a peer is a connection (`Accept=yes`) and no listener.
fn take(passed: &mut ListenFd, place: usize) -> io::Result<TcpListener> {
    let gone = || io::Error::other("it is in use already");
    let socket = passed.take_tcp_listener(place)?.ok_or_else(gone)?;
    let connection = TcpStream::from(OwnedFd::from(socket.try_clone()?));
    match connection.peer_addr() {
        Ok(_) => Err(io::Error::other("it is a connection")),
        Err(_) => Ok(socket),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assigned(count: usize, names: &str) -> Result<Vec<&'static str>, String> {
        assign(count, Some(names)).map_err(|unfit| unfit.to_string())
    }

    #[test]
    fn sockets_go_by_their_names() {
        assert_eq!(assigned(2, "admin:public").unwrap(), [ADMIN, PUBLIC]);
        assert_eq!(assigned(1, "admin").unwrap(), [ADMIN]);
    }

    #[test]
    fn sockets_without_names_go_by_their_places() {
        assert_eq!(assign(0, None).unwrap(), [""; 0]);
        assert_eq!(assign(2, None).unwrap(), [PUBLIC, ADMIN]);
        let unit = "hookshelf.socket";
        assert_eq!(assigned(1, unit).unwrap(), [PUBLIC]);
        assert_eq!(
            assigned(2, &format!("{unit}:{unit}")).unwrap(),
            [PUBLIC, ADMIN]
        );
        assert_eq!(assigned(2, "unknown:unknown").unwrap(), [PUBLIC, ADMIN]);
    }

    #[test]
    fn what_fits_no_listener_is_said() {
        assert!(assigned(3, "").unwrap_err().contains("3 were passed"));
        assert!(assigned(1, "web").unwrap_err().contains("name \"web\""));
        assert!(assigned(2, "public:public").unwrap_err().contains("two"));
        assert!(assigned(2, "public:").unwrap_err().contains("name \"\""));
        assert!(assigned(2, "public").unwrap_err().contains("one without"));
    }
}
