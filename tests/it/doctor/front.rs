//! A TLS-terminating proxy with a certificate of the fixtures, in front of the server or a fixed
//! answer.

use std::{net::SocketAddr, path::Path, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::WebPkiClientVerifier,
    },
};

/// Upstream of the proxy.
#[derive(Clone, Debug)]
pub(super) enum Behind {
    /// Address of a server.
    Server(SocketAddr),
    /// A fixed response for every path; `{challenge}` is replaced by the challenge of the request.
    Answer(&'static str),
}

/// A running proxy with its own port. Dropping the value stops the proxy.
pub(super) struct Front {
    pub(super) url: String,
    task: JoinHandle<()>,
}

impl Front {
    /// Starts a proxy with the certificate `chain` and the key `key` of the fixtures.
    pub(super) async fn open([chain, key]: [&str; 2], behind: Behind) -> Self {
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(certificates(chain), private_key(key));
        Self::listen(config.unwrap(), behind).await
    }

    /// Starts a proxy that requires a client certificate of the authority.
    pub(super) async fn closed(behind: Behind) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates("authority.pem"));
        let clients = WebPkiClientVerifier::builder(Arc::new(roots)).build();
        let config = ServerConfig::builder().with_client_cert_verifier(clients.unwrap());
        let config = config.with_single_cert(certificates("good.pem"), private_key("good.key"));
        Self::listen(config.unwrap(), behind).await
    }

    async fn listen(config: ServerConfig, behind: Behind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "https://localhost:{}",
            listener.local_addr().unwrap().port()
        );
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, behind) = (acceptor.clone(), behind.clone());
                tokio::spawn(async move {
                    // The client ends the handshake if it rejects the certificate.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = serve(stream, behind).await;
                    }
                });
            }
        });
        Self { url, task }
    }

    /// Starts a proxy with a valid certificate.
    pub(super) async fn good(behind: Behind) -> Self {
        Self::open(["good.pem", "good.key"], behind).await
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Path of a fixture.
pub(super) fn fixture(name: &str) -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls");
    directory.join(name).display().to_string()
}

fn certificates(name: &str) -> Vec<CertificateDer<'static>> {
    let all = CertificateDer::pem_file_iter(fixture(name)).unwrap();
    all.map(Result::unwrap).collect()
}

fn private_key(name: &str) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_file(fixture(name)).unwrap()
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    behind: Behind,
) -> std::io::Result<()> {
    let answer = match behind {
        Behind::Server(address) => {
            let mut server = TcpStream::connect(address).await?;
            copy_bidirectional(&mut stream, &mut server).await?;
            return Ok(());
        }
        Behind::Answer(answer) => answer,
    };
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let challenge = head.split("hub.challenge=").nth(1).unwrap_or_default();
    let challenge = challenge.split(['&', ' ']).next().unwrap_or_default();
    let (head, body) = answer.split_once("\n\n").unwrap_or((answer, ""));
    let body = body.replace("{challenge}", challenge);
    let head = head.replace('\n', "\r\n");
    let length = body.len();
    let answer =
        format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}
