//! The certificate of the public URL: until when it is good, and why a chain is refused.
//!
//! Whether it is to be trusted is the library's to say. Here it is only read as far as the names
//! and dates that tell an operator what to do.

use jiff::{SignedDuration, Timestamp};
use x509_cert::{der::Decode, time::Time};

use super::finding::{Check, Finding};

/// Renewing by itself happens before this; what is older was forgotten.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

const REFUSED: &str = "Meta refuses the connection and delivers nothing";

/// Certificate fields needed by the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    is_self_signed: bool,
    not_before: Timestamp,
    not_after: Timestamp,
}

impl Certificate {
    /// Reads a certificate in DER.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let certificate = x509_cert::Certificate::from_der(der).ok()?;
        let certificate = certificate.tbs_certificate();
        let validity = certificate.validity();
        Some(Self {
            is_self_signed: certificate.issuer() == certificate.subject(),
            not_before: timestamp(validity.not_before)?,
            not_after: timestamp(validity.not_after)?,
        })
    }
}

/// Times from which and until which a certificate in DER is valid.
pub fn dates(der: &[u8]) -> Option<[Timestamp; 2]> {
    let certificate = Certificate::read(der)?;
    Some([certificate.not_before, certificate.not_after])
}

fn timestamp(time: Time) -> Option<Timestamp> {
    let seconds = time.to_unix_duration().as_secs();
    Timestamp::from_second(seconds.try_into().ok()?).ok()
}

pub(super) fn accepted(certificate: Option<Certificate>, now: Timestamp) -> Finding {
    let Some(certificate) = certificate else {
        return Finding::ok(Check::Certificate, "the chain is valid");
    };
    let left = certificate.not_after.duration_since(now);
    let (until, days) = (certificate.not_after, left.as_hours() / 24);
    let found = format!("the chain is valid; the certificate expires in {days} days, {until:.0}");
    if left > SOON {
        return Finding::ok(Check::Certificate, found);
    }
    Finding::warning(Check::Certificate, found)
        .means("when it expires, Meta refuses the connection and delivers nothing")
        .remedy("renew it now, and check why automatic renewal failed")
}

/// Finding for a refused certificate; `said` is the error of the library.
pub(super) fn refused(certificate: Option<Certificate>, said: &str, now: Timestamp) -> Finding {
    let (found, remedy) = reason(certificate, said, now);
    Finding::wrong(Check::Certificate, found)
        .means(REFUSED)
        .remedy(remedy)
}

fn reason(certificate: Option<Certificate>, said: &str, now: Timestamp) -> (String, &'static str) {
    let said = said.to_lowercase();
    match certificate {
        Some(it) if it.not_after < now => (
            format!("the certificate has expired, {:.0}", it.not_after),
            "renew it, and check why automatic renewal failed",
        ),
        Some(it) if now < it.not_before => (
            format!("the certificate is not valid before {:.0}", it.not_before),
            "check the clock of this machine, and the certificate",
        ),
        Some(it) if it.is_self_signed => (
            "the certificate is self-signed".to_owned(),
            "use one of a public authority, such as Let's Encrypt; Meta accepts no other",
        ),
        _ if said.contains("not valid for") || said.contains("notvalidforname") => (
            "the certificate is for another name".to_owned(),
            "get one for the host of http.public_url, or correct that host",
        ),
        _ if said.contains("unknownissuer") || said.contains("unknown issuer") => (
            "the chain is incomplete: it does not lead to an authority that this machine knows"
                .to_owned(),
            "serve the certificate with its intermediate ones (fullchain.pem); Meta accepts no \
             private authority",
        ),
        _ => (
            "the certificate is refused".to_owned(),
            "inspect it with `openssl s_client -connect HOST:443`",
        ),
    }
}

#[cfg(test)]
mod tests {
    use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject};

    use super::super::finding::Verdict;
    use super::*;

    macro_rules! fixture {
        ($name:literal) => {{
            let pem = include_bytes!(concat!("../../tests/fixtures/tls/", $name));
            CertificateDer::from_pem_slice(pem).unwrap()
        }};
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn names_and_dates_are_read() {
        let expired = Certificate::read(&fixture!("expired.pem")).unwrap();
        assert_eq!(expired.not_before, at("2020-01-01T00:00:00Z"));
        assert_eq!(expired.not_after, at("2020-02-01T00:00:00Z"));
        assert!(!expired.is_self_signed);
        // Its end is beyond 2049, in the longer form.
        let itself = Certificate::read(&fixture!("self.pem")).unwrap();
        assert!(itself.is_self_signed && itself.not_after > at("2100-01-01T00:00:00Z"));
    }

    #[test]
    fn what_is_cut_off_is_no_certificate_and_no_defect() {
        let whole = fixture!("good.pem");
        for end in 0..200 {
            assert_eq!(Certificate::read(&whole[..end]), None, "{end}");
        }
        assert_eq!(
            Certificate::read(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]),
            None
        );
        assert_eq!(Certificate::read(&[0x30, 0xff, 0x30]), None);
    }

    #[test]
    fn one_that_ends_soon_warns_and_one_that_has_not_begun_is_told() {
        let certificate = Certificate::read(&fixture!("expired.pem"));
        let on = |day: &str| at(&format!("{day}T12:00:00Z"));
        assert_eq!(accepted(certificate, on("2020-01-10")).verdict, Verdict::Ok);
        let soon = accepted(certificate, on("2020-01-20"));
        assert_eq!(soon.verdict, Verdict::Warning);
        assert!(soon.found.contains("expires in 11 days"), "{}", soon.found);
        let early = refused(certificate, "", on("2019-12-31"));
        assert!(
            early.found.contains("is not valid before"),
            "{}",
            early.found
        );
    }
}
