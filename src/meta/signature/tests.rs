//! Tests of `verify`: valid signatures are accepted, and nothing else.

use proptest::prelude::*;

use super::*;

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn two_secrets() -> Secrets {
    Secrets::new([("app", &secret("first")), ("instagram", &secret("second"))])
}

fn verify(secrets: &Secrets, header: &str, body: &[u8]) -> Result<VerifiedBody, Fault> {
    secrets.verify(Some(header.as_bytes()), Bytes::copy_from_slice(body))
}

#[test]
fn each_secret_of_the_app_is_tried_and_named() {
    for (text, name) in [("first", "app"), ("second", "instagram")] {
        let verified = verify(&two_secrets(), &sign(&secret(text), b"{}"), b"{}").unwrap();
        assert_eq!(&**verified.secret(), name);
        assert_eq!(&verified.bytes()[..], b"{}");
    }
}

#[test]
fn what_openssl_says_is_what_we_say() {
    // printf '{"object":"instagram"}' | openssl dgst -sha256 -hmac 'bakery-secret'
    assert_eq!(
        sign(&secret("bakery-secret"), br#"{"object":"instagram"}"#),
        "sha256=879b77e13b46a36176720aa55ab91862f0638add2caaf15e0b68c22f3140dfea"
    );
}

#[test]
fn a_header_that_is_not_one_is_refused() {
    let right = sign(&secret("first"), b"{}");
    let secrets = two_secrets();
    assert_eq!(
        secrets.verify(None, Bytes::new()).unwrap_err(),
        Fault::Missing
    );
    for header in [
        "",
        "sha256=",
        "sha1=00",
        "sha256=zz",
        &right[7..],
        &right[..70],
    ] {
        assert_eq!(
            verify(&secrets, header, b"{}").unwrap_err(),
            Fault::Malformed,
            "{header}"
        );
    }
    assert!(
        verify(
            &secrets,
            &format!("sha256={}", right[7..].to_uppercase()),
            b"{}"
        )
        .is_ok()
    );
}

#[test]
fn no_secret_never_means_no_check() {
    let none = Secrets::new([]);
    let header = sign(&secret(""), b"{}");
    assert_eq!(verify(&none, &header, b"{}").unwrap_err(), Fault::Mismatch);
}

#[test]
fn a_signature_is_not_a_mark_and_a_mark_is_not_a_signature() {
    let (secrets, key) = (two_secrets(), secret("first"));
    let (signature, mark) = (sign(&key, b"{}"), sign_simulated(&key, b"{}"));
    assert!(secrets.marks_simulated(mark.as_bytes(), b"{}"));
    assert!(!secrets.marks_simulated(&signature.as_bytes()[7..], b"{}"));
    assert_eq!(
        verify(&secrets, &format!("sha256={mark}"), b"{}").unwrap_err(),
        Fault::Mismatch
    );
}

#[test]
fn debug_shows_names_only() {
    assert_eq!(format!("{:?}", two_secrets()), r#"["app", "instagram"]"#);
}

proptest! {
    #[test]
    fn what_was_signed_verifies(body: Vec<u8>, key in "\\PC{1,80}") {
        let secrets = Secrets::new([("app", &secret(&key))]);
        prop_assert!(verify(&secrets, &sign(&secret(&key), &body), &body).is_ok());
    }

    #[test]
    fn a_flipped_bit_in_the_body_is_refused(
        body in prop::collection::vec(any::<u8>(), 1..400), at: prop::sample::Index, bit in 0..8_u32,
    ) {
        let header = sign(&secret("first"), &body);
        let mut flipped = body.clone();
        flipped[at.index(body.len())] ^= 1_u8 << bit;
        prop_assert_eq!(verify(&two_secrets(), &header, &flipped).unwrap_err(), Fault::Mismatch);
    }

    #[test]
    fn a_flipped_bit_in_the_header_is_refused(body: Vec<u8>, at in 0..71_usize, bit in 0..8_u32) {
        let mut header = sign(&secret("first"), &body).into_bytes();
        header[at] ^= 1_u8 << bit;
        let upper_case_only = header.eq_ignore_ascii_case(sign(&secret("first"), &body).as_bytes());
        let verified = two_secrets().verify(Some(&header), Bytes::from(body));
        // Bit 5 turns `a` into `A`, which is the same hex digit. In the prefix it makes a different
        // word.
        prop_assert_eq!(verified.is_ok(), upper_case_only && at >= PREFIX.len());
    }

    #[test]
    fn no_header_makes_it_panic(header: Vec<u8>, body: Vec<u8>) {
        prop_assert!(two_secrets().verify(Some(&header), Bytes::from(body)).is_err());
    }
}

#[test]
fn a_question_of_our_own_is_marked_for_its_query_only() {
    let secrets = two_secrets();
    let mark = sign_checked(&secret("second"), "hub.challenge=1");
    assert!(secrets.marks_checked(mark.as_bytes(), "hub.challenge=1"));
    assert!(!secrets.marks_checked(mark.as_bytes(), "hub.challenge=2"));
    assert!(!secrets.marks_checked(b"", "hub.challenge=1"));
    let stranger = sign_checked(&secret("third"), "hub.challenge=1");
    assert!(!secrets.marks_checked(stranger.as_bytes(), "hub.challenge=1"));
    // The mark of a body is not valid for a query.
    let simulated = sign_simulated(&secret("second"), b"hub.challenge=1");
    assert!(!secrets.marks_checked(simulated.as_bytes(), "hub.challenge=1"));
}

#[test]
fn a_fingerprint_tells_secrets_apart_and_stays_short() {
    assert_eq!(fingerprint(&secret("first")), fingerprint(&secret("first")));
    assert_ne!(
        fingerprint(&secret("first")),
        fingerprint(&secret("second"))
    );
    assert_eq!(fingerprint(&secret("first")).len(), 8);
}
