//! Tokens: the vectors of the RFCs, every forgery of the fault table, and no bit that may be flipped.
#![expect(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop at a wrong shape")]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deepalpha_io::hub::access::jws::{Key, KeyError, KeySet, MAX_TOKEN_BYTES};
use deepalpha_io::hub::access::jwt::{Claims, Expectations, TokenError};
use proptest::prelude::*;
use ring::signature::{Ed25519KeyPair, KeyPair};

const NOW: i64 = 1_800_000_000;
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

fn key_set(keys: Vec<Key>) -> KeySet {
    KeySet::new(keys).expect("keys")
}

fn shared() -> Key {
    Key::hs256(None, SECRET).expect("key")
}

fn verify(token: &str, keys: &KeySet) -> Result<Claims, TokenError> {
    Claims::verify(token, keys, &Expectations::default(), NOW)
}

fn signed(payload: &str) -> String {
    shared().sign(payload.as_bytes()).expect("signs")
}

/// A token with any header, signed with the shared secret as HS256 whatever the header says.
fn with_header(header: &str, payload: &str) -> String {
    let content = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET);
    let seal = ring::hmac::sign(&key, content.as_bytes());
    format!("{content}.{}", URL_SAFE_NO_PAD.encode(seal))
}

fn ed25519_pair() -> Ed25519KeyPair {
    let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").expect("RFC 8037 A.1");
    Ed25519KeyPair::from_seed_unchecked(&seed).expect("seed")
}

fn ed25519_token(pair: &Ed25519KeyPair, header: &str, payload: &str) -> String {
    let content = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let seal = pair.sign(content.as_bytes());
    format!("{content}.{}", URL_SAFE_NO_PAD.encode(seal))
}

#[test]
fn the_hs256_vector_of_rfc_7515_a_1_passes_until_it_expires() {
    let secret = URL_SAFE_NO_PAD
        .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
        .expect("secret");
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let keys = key_set(vec![Key::hs256(None, &secret).expect("key")]);
    let at = |now| Claims::verify(token, &keys, &Expectations::default(), now);
    let claims = at(1_300_819_379).expect("valid one second before");
    assert_eq!((claims.issuer.as_deref(), claims.expires_at_seconds), (Some("joe"), 1_300_819_380));
    assert_eq!(at(1_300_819_380), Err(TokenError::Expired { seconds: 0 }));
}

#[test]
fn the_ed25519_vector_of_rfc_8037_a_4_passes() {
    let public = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").expect("RFC 8037 A.2");
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let keys = key_set(vec![Key::ed25519(None, &public).expect("key")]);
    assert_eq!(keys.open(token).expect("signature"), b"Example of Ed25519 signing");
    assert_eq!(ed25519_pair().public_key().as_ref(), public);
}

#[test]
fn claims_come_back_as_they_were_issued() {
    let claims = Claims {
        subject: Some("analyst".into()),
        token_id: Some("t-1".into()),
        expires_at_seconds: NOW + 60,
        issued_at_seconds: Some(NOW),
        roles: vec!["reader".into(), "desk".into()],
        subscribe: vec!["trades.*".into()],
        publish: vec!["notes.>".into()],
        issuer: Some("deepalpha".into()),
        audience: vec!["hub".into()],
    };
    let key = Key::hs256(Some("2026-11"), SECRET).expect("key");
    let expected =
        Expectations { issuer: Some("deepalpha".into()), audience: Some("hub".into()), ..Expectations::default() };
    let token = claims.issue(&key).expect("signs");
    assert_eq!(Claims::verify(&token, &key_set(vec![key]), &expected, NOW), Ok(claims));
}

#[test]
fn no_algorithm_but_the_keys_own_is_used() {
    let payload = format!(r#"{{"sub":"a","exp":{}}}"#, NOW + 60);
    let keys = key_set(vec![shared()]);
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"HS512"}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":null}"#,
        "{}",
    ] {
        let wrong = Err(TokenError::WrongAlgorithm { expected: "HS256" });
        assert_eq!(verify(&with_header(header, &payload), &keys), wrong, "{header}");
        let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(&payload));
        assert_eq!(verify(&unsigned, &keys), wrong, "{header}");
    }
    assert!(verify(&with_header(r#"{"alg":"HS256"}"#, &payload), &keys).is_ok());
    let critical = with_header(r#"{"alg":"HS256","crit":["exp"]}"#, &payload);
    assert_eq!(verify(&critical, &keys), Err(TokenError::CriticalExtension));
}

#[test]
fn a_public_key_is_never_taken_for_a_shared_secret() {
    let public = ed25519_pair().public_key().as_ref().to_vec();
    let forger = Key::hs256(None, &public).expect("an attacker may use it so");
    let forged = forger.sign(format!(r#"{{"exp":{}}}"#, NOW + 60).as_bytes()).expect("signs");
    let keys = key_set(vec![Key::ed25519(None, &public).expect("key")]);
    assert_eq!(verify(&forged, &keys), Err(TokenError::WrongAlgorithm { expected: "EdDSA" }));
}

#[test]
fn the_key_id_selects_the_key() {
    let old = Key::hs256(Some("old"), SECRET).expect("key");
    let new = Key::hs256(Some("new"), b"fedcba9876543210fedcba9876543210").expect("key");
    let payload = format!(r#"{{"exp":{}}}"#, NOW + 60);
    let keys = key_set(vec![old.clone(), new.clone()]);
    for key in [&old, &new] {
        assert!(verify(&key.sign(payload.as_bytes()).expect("signs"), &keys).is_ok());
    }
    let named = |id: &str| with_header(&format!(r#"{{"alg":"HS256","kid":{id}}}"#), &payload);
    assert!(verify(&named("\"old\""), &keys).is_ok());
    assert_eq!(verify(&named("\"new\""), &keys), Err(TokenError::BadSignature), "signed with the other");
    assert_eq!(verify(&named("\"lost\""), &keys), Err(TokenError::UnknownKey));
    assert_eq!(verify(&named("7"), &keys), Err(TokenError::UnknownKey));
    assert_eq!(verify(&with_header(r#"{"alg":"HS256"}"#, &payload), &keys), Err(TokenError::NoKeyId));
    assert_eq!(verify(&named("\"old\""), &key_set(vec![shared()])), Err(TokenError::UnknownKey));
}

#[test]
fn claims_that_are_missing_doubled_or_of_another_type_are_refused() {
    let late = NOW + 60;
    let malformed = |claim, expected| TokenError::Malformed { claim, expected };
    let date = "seconds of UTC between 1970 and 9999";
    let texts = "a list of at most 256 texts";
    let rows = [
        ("{}".to_owned(), TokenError::Missing { claim: "exp" }),
        (format!(r#"{{"exp":{}}}"#, NOW), TokenError::Expired { seconds: 0 }),
        (format!(r#"{{"exp":{}.9}}"#, NOW), TokenError::Expired { seconds: 0 }),
        (format!(r#"{{"exp":"{late}"}}"#), malformed("exp", date)),
        (format!(r#"{{"exp":{late}000}}"#), malformed("exp", date)),
        (r#"{"exp":1e300}"#.to_owned(), malformed("exp", date)),
        (r#"{"exp":-1}"#.to_owned(), malformed("exp", date)),
        (format!(r#"{{"exp":{late},"exp":{late}}}"#), TokenError::DuplicateName { part: "payload" }),
        (
            format!(r#"{{"exp":{late},"roles":["a"],"r\u006fles":["b"]}}"#),
            TokenError::DuplicateName { part: "payload" },
        ),
        (format!(r#"{{"exp":{late},"nbf":{}}}"#, NOW + 31), TokenError::NotYetValid { seconds: 31 }),
        (format!(r#"{{"exp":{late},"iat":{}}}"#, NOW + 31), TokenError::NotYetValid { seconds: 31 }),
        (format!(r#"{{"exp":{late},"nbf":true}}"#), malformed("nbf", date)),
        (format!(r#"{{"exp":{late},"sub":7}}"#), malformed("sub", "a text that is not empty")),
        (format!(r#"{{"exp":{late},"roles":"admin"}}"#), malformed("roles", texts)),
        (format!(r#"{{"exp":{late},"roles":[1]}}"#), malformed("roles", texts)),
        (format!(r#"{{"exp":{late},"topics":[">"]}}"#), malformed("topics", "an object")),
        (format!(r#"{{"exp":{late},"topics":{{"subscribe":">"}}}}"#), malformed("topics.subscribe", texts)),
        ("[]".to_owned(), TokenError::NotAnObject { part: "payload" }),
        (format!(r#"{{"exp":{late}}} x"#), TokenError::NotAnObject { part: "payload" }),
    ];
    let keys = key_set(vec![shared()]);
    for (payload, expected) in rows {
        assert_eq!(verify(&signed(&payload), &keys), Err(expected), "{payload}");
    }
    assert!(verify(&signed(&format!(r#"{{"exp":{late}.5,"nbf":{}}}"#, NOW + 30)), &keys).is_ok(), "leeway");
}

#[test]
fn another_audience_or_issuer_is_refused() {
    let keys = key_set(vec![shared()]);
    let expected =
        Expectations { issuer: Some("desk".into()), audience: Some("hub".into()), ..Expectations::default() };
    let check = |rest: &str| {
        Claims::verify(&signed(&format!(r#"{{"exp":{}{rest}}}"#, NOW + 60)), &keys, &expected, NOW).map(|_| ())
    };
    assert_eq!(check(r#","iss":"desk","aud":"hub""#), Ok(()));
    assert_eq!(check(r#","iss":"desk","aud":["x","hub"]"#), Ok(()));
    assert_eq!(check(r#","iss":"desk","aud":"x""#), Err(TokenError::WrongAudience { expected: "hub".into() }));
    assert_eq!(check(r#","iss":"desk""#), Err(TokenError::WrongAudience { expected: "hub".into() }));
    assert_eq!(check(r#","iss":"x","aud":"hub""#), Err(TokenError::WrongIssuer { expected: "desk".into() }));
    assert_eq!(check(r#","aud":"hub""#), Err(TokenError::WrongIssuer { expected: "desk".into() }));
}

#[test]
fn weak_doubled_and_nameless_keys_are_refused() {
    assert_eq!(Key::hs256(None, b"short").err(), Some(KeyError::ShortSecret { bytes: 5 }));
    assert_eq!(Key::ed25519(None, b"short").err(), Some(KeyError::NotEd25519 { bytes: 5 }));
    assert_eq!(Key::hs256(Some(""), SECRET).err(), Some(KeyError::KeyId { bytes: 0 }));
    assert_eq!(KeySet::new(vec![]).err(), Some(KeyError::Count { count: 0 }));
    let named = Key::hs256(Some("a"), SECRET).expect("key");
    assert_eq!(KeySet::new(vec![named.clone(), named.clone()]).err(), Some(KeyError::DuplicateId { id: "a".into() }));
    assert_eq!(KeySet::new(vec![named, shared()]).err(), Some(KeyError::Unnamed { count: 2 }));
    assert!(!format!("{:?}", shared()).contains("0123456789"), "no secret in a debug form");
}

#[test]
fn errors_say_nothing_of_the_token() {
    let keys = key_set(vec![shared()]);
    let secret_word = "Zebrafink";
    for token in [
        secret_word.to_owned(),
        format!("{secret_word}.{secret_word}.{secret_word}"),
        with_header(&format!(r#"{{"alg":"{secret_word}"}}"#), "{}"),
        with_header(&format!(r#"{{"alg":"HS256","kid":"{secret_word}"}}"#), "{}"),
        signed(&format!(r#"{{"exp":"{secret_word}"}}"#)),
        signed(&format!(r#"{{"{secret_word}":1,"{secret_word}":2}}"#)),
        signed(secret_word),
        secret_word.repeat(MAX_TOKEN_BYTES),
    ] {
        let error = verify(&token, &keys).expect_err("not a token");
        assert!(!format!("{error} {error:?}").contains(secret_word), "{error:?}");
    }
}

proptest! {
    #[test]
    fn a_flip_of_any_bit_is_refused(
        public in any::<bool>(), position in any::<prop::sample::Index>(), bit in 0..8_u32, subject in "[a-z]{1,40}",
    ) {
        let payload = format!(r#"{{"sub":"{subject}","exp":{}}}"#, NOW + 60);
        let (token, keys) = if public {
            let pair = ed25519_pair();
            let key = Key::ed25519(None, pair.public_key().as_ref()).expect("key");
            (ed25519_token(&pair, r#"{"alg":"EdDSA"}"#, &payload), key_set(vec![key]))
        } else {
            (signed(&payload), key_set(vec![shared()]))
        };
        prop_assert!(verify(&token, &keys).is_ok());
        let mut bytes = token.into_bytes();
        let index = position.index(bytes.len());
        bytes[index] ^= 1 << bit;
        // A byte that is not UTF-8 cannot be a token at all: the border takes text only.
        if let Ok(altered) = String::from_utf8(bytes) {
            prop_assert!(verify(&altered, &keys).is_err(), "{altered}");
        }
    }

    #[test]
    fn any_text_is_refused_without_a_panic(text in "([a-zA-Z0-9_-]{0,60}\\.?){0,5}|.{0,200}") {
        prop_assert!(verify(&text, &key_set(vec![shared()])).is_err());
    }

    #[test]
    fn any_signed_payload_is_read_or_refused_without_a_panic(payload in "(\\{\"(exp|roles|topics|nbf)\":[0-9\\[\\]{}\",.e-]{0,20}\\}|.{0,80})") {
        let _outcome = verify(&signed(&payload), &key_set(vec![shared()]));
    }
}

#[test]
fn every_single_bit_of_one_token_matters() {
    let keys = key_set(vec![shared()]);
    let token = signed(&format!(r#"{{"sub":"a","exp":{}}}"#, NOW + 60));
    for index in 0..token.len() {
        for bit in 0..7 {
            let mut bytes = token.clone().into_bytes();
            bytes[index] ^= 1 << bit;
            let altered = String::from_utf8(bytes).unwrap_or_else(|error| panic!("seven bits: {error}"));
            assert!(verify(&altered, &keys).is_err(), "byte {index} bit {bit}");
        }
    }
}
