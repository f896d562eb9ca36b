//! TLS over loopback sockets: the right name passes; wrong authorities, old versions and half handshakes do not.
#![expect(clippy::expect_used, clippy::panic, reason = "tests may stop at a wrong shape")]

#[path = "hub_access/client.rs"]
mod client;

use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use client::{Client, open, socket, upgrade_request};
use deepalpha_io::hub::access::limits::Limits;
use deepalpha_io::hub::access::tls::{Identity, PemProblem, TlsError};
use deepalpha_io::hub::{Class, Hub, HubConfig};
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned, SupportedProtocolVersion};
use tempfile::TempDir;

struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).expect("names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("key");
    let certificate = params.self_signed(&key).expect("signs");
    Authority { certificate, issuer: Issuer::new(params, key) }
}

impl Authority {
    /// PEM of a certificate for `name` and of its key.
    fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().expect("key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("name");
        (params.signed_by(&key, &self.issuer).expect("signs").pem(), key.serialize_pem())
    }
}

struct Files {
    _folder: TempDir,
    certificate: PathBuf,
    key: PathBuf,
}

fn write(certificate: &str, key: &str) -> Files {
    let folder = tempfile::tempdir().expect("folder");
    let files =
        Files { certificate: folder.path().join("hub.pem"), key: folder.path().join("hub.key"), _folder: folder };
    fs::write(&files.certificate, certificate).expect("writes");
    fs::write(&files.key, key).expect("writes");
    files
}

/// A hub behind these files.
fn hub(files: &Files, handshake_timeout: Duration) -> (Hub, Arc<Identity>) {
    let identity = Identity::load(&files.certificate, &files.key).expect("loads");
    let tls = Some(identity.server_config().expect("config"));
    // Room for a reader that reads only when all is published.
    let (max_backlog, max_topic_bytes) = (64 << 20, 64 << 20);
    let config = HubConfig { tls, handshake_timeout, max_backlog, max_topic_bytes, ..HubConfig::default() };
    (open(Limits::default(), config), identity)
}

/// Upgrades over TLS and gives the version that was agreed on.
fn dial(
    address: SocketAddr,
    name: &str,
    trusted: &Authority,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<(Client, Option<ProtocolVersion>), String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.certificate.der().clone()).expect("root");
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).expect("name");
    let session = ClientConnection::new(Arc::new(config), name).expect("session");
    let mut stream = StreamOwned::new(session, socket(address));
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).map_err(|error| format!("{error:?}"))?;
    }
    let version = stream.conn.protocol_version();
    Ok((Client::try_over(Box::new(stream), "")?, version))
}

const LONG: Duration = Duration::from_secs(20);

#[test]
fn both_versions_carry_messages_both_ways_under_the_right_name() {
    let ca = authority();
    let (certificate, key) = ca.issue("localhost");
    let (hub, _identity) = hub(&write(&certificate, &key), LONG);
    hub.topic("trades.BTCUSDT", Class::Reliable, 1_000).expect("topic");
    for (version, expected) in [(&TLS13, ProtocolVersion::TLSv1_3), (&TLS12, ProtocolVersion::TLSv1_2)] {
        let (mut reader, agreed) = dial(hub.local_addr(), "localhost", &ca, &[version]).expect("dials");
        assert_eq!(agreed, Some(expected));
        reader.send(r#"{"op":"subscribe","topics":["trades.BTCUSDT"]}"#).expect("sends");
        assert!(reader.text().contains("subscribed"));
        // More than one record and more than one socket buffer, read only afterwards.
        let long = format!("\"{}\"", "x".repeat(100_000));
        let first = hub.publish("trades.BTCUSDT", long.as_bytes()).expect("publishes");
        for _ in 1..50 {
            hub.publish("trades.BTCUSDT", long.as_bytes()).expect("publishes");
        }
        let mut expected = first;
        while expected < first + 50 {
            let text = reader.text();
            // Before the first of them comes the last value at the time of the subscription, if there was one.
            if !text.contains("\"snapshot\":true") {
                assert!(text.contains(&format!("\"offset\":{expected},")), "{}", text.get(..80).unwrap_or(&text));
                assert!(text.len() > 100_000);
                expected += 1;
            }
        }
    }
}

#[test]
fn wrong_names_and_strangers_are_refused_by_the_client_and_others_go_on() {
    let (ca, stranger) = (authority(), authority());
    let (certificate, key) = ca.issue("localhost");
    let (hub, _identity) = hub(&write(&certificate, &key), LONG);
    // Both authorities call themselves the same, so it is the signature that tells them apart.
    for (name, trusted, expected) in
        [("other.example", &ca, "NotValidForName"), ("localhost", &stranger, "BadSignature")]
    {
        let error = dial(hub.local_addr(), name, trusted, &[&TLS12]).err().expect("refuses");
        assert!(error.contains(expected), "{error}");
    }
    assert!(dial(hub.local_addr(), "localhost", &ca, &[&TLS13]).is_ok());
    assert_eq!(hub.stats().counters.opened, 1);
}

/// A ClientHello of TLS 1.1: record and handshake version 3.2, one cipher suite, no extensions.
fn hello_of_tls_1_1() -> Vec<u8> {
    let mut body = vec![3, 2];
    body.extend([7_u8; 32]); // random
    body.push(0); // no session
    body.extend([0, 2, 0xc0, 0x13]); // TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA
    body.extend([1, 0]); // no compression
    let mut hello = vec![22, 3, 2, 0, u8::try_from(body.len() + 4).expect("short"), 1, 0, 0];
    hello.push(u8::try_from(body.len()).expect("short"));
    hello.extend(body);
    hello
}

/// What the hub answers to raw bytes until it closes; a reset is an end too.
fn raw(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut socket = socket(address);
    socket.write_all(bytes).expect("writes");
    let mut answer = Vec::new();
    let _end = socket.read_to_end(&mut answer);
    answer
}

#[test]
fn tls_1_1_and_what_is_not_tls_get_an_alert_and_the_end() {
    let (certificate, key) = authority().issue("localhost");
    let (hub, _identity) = hub(&write(&certificate, &key), LONG);
    let begun = Instant::now();
    for bytes in [hello_of_tls_1_1(), upgrade_request("").into_bytes()] {
        let answer = raw(hub.local_addr(), &bytes);
        assert!(answer.is_empty() || answer.starts_with(&[21, 3]), "an alert record: {answer:?}");
    }
    assert!(begun.elapsed() < LONG, "closed by the hub, not by this test's own deadline");
    assert_eq!(hub.stats().counters.opened, 0);
}

#[test]
fn a_half_handshake_ends_at_the_deadline() {
    let ca = authority();
    let (certificate, key) = ca.issue("localhost");
    let (hub, _identity) = hub(&write(&certificate, &key), Duration::from_millis(150));
    let begun = Instant::now();
    for bytes in [&[][..], &[22, 3, 1, 2, 0, 1]] {
        assert_eq!(raw(hub.local_addr(), bytes), b"");
    }
    assert!(begun.elapsed() < LONG, "closed by the hub, not by this test's own deadline");
    assert_eq!(hub.stats().counters.handshake_timeouts, 2);
    assert!(dial(hub.local_addr(), "localhost", &ca, &[&TLS13]).is_ok());
}

#[test]
fn a_reload_takes_the_new_pair_or_keeps_the_old_one() {
    let (old, new) = (authority(), authority());
    let (certificate, key) = old.issue("localhost");
    let files = write(&certificate, &key);
    let (hub, identity) = hub(&files, LONG);
    let passes = |trusted| dial(hub.local_addr(), "localhost", trusted, &[&TLS13]).is_ok();
    let mut stays = dial(hub.local_addr(), "localhost", &old, &[&TLS13]).expect("dials").0;

    let (certificate, key) = new.issue("localhost");
    fs::write(&files.certificate, &certificate).expect("writes");
    let error = identity.reload().expect_err("the key is still the old one");
    assert!(matches!(error, TlsError::Pair { .. }), "{error}");
    assert!(passes(&old) && !passes(&new));

    fs::write(&files.key, &key).expect("writes");
    identity.reload().expect("both are new");
    assert!(passes(&new) && !passes(&old));
    stays.send(r#"{"op":"ping","id":1}"#).expect("sends");
    assert!(stays.text().contains("pong"), "an open connection does not notice");
}

#[test]
fn trouble_in_a_file_is_named_with_its_line() {
    let (certificate, key) = authority().issue("hub.example");
    let lines = |text: &str, change: fn(&mut Vec<String>)| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        change(&mut lines);
        lines.join("\n")
    };
    let rows: [(String, String, usize, PemProblem); 8] = [
        (lines(&certificate, |l| l.insert(2, "not base64!".into())), key.clone(), 3, PemProblem::NotBase64),
        (lines(&certificate, |l| drop(l.pop())), key.clone(), 1, PemProblem::Unfinished),
        (
            lines(&certificate, |l| drop(l.remove(0))),
            key.clone(),
            certificate.lines().count() - 1,
            PemProblem::StrayEnd,
        ),
        (lines(&certificate, |l| l.insert(0, "-----BEGIN X-----".into())), key.clone(), 2, PemProblem::Nested),
        (lines(&certificate, |l| l.insert(2, "A".into())), key.clone(), 1, PemProblem::Cut),
        (certificate.clone(), format!("# mine\n{key}{key}"), 2 + key.lines().count(), PemProblem::SecondKey),
        (certificate.clone(), key.replace("PRIVATE", "ENCRYPTED PRIVATE"), 1, PemProblem::Encrypted),
        (certificate.clone(), lines(&key, |l| l.insert(1, "Proc-Type: 4,ENCRYPTED".into())), 2, PemProblem::Encrypted),
    ];
    for (certificate, key, expected_line, expected) in rows {
        let files = write(&certificate, &key);
        match Identity::load(&files.certificate, &files.key) {
            Err(TlsError::Pem { path, line, problem }) => {
                assert_eq!((line, problem), (expected_line, expected));
                assert!(path.ends_with("hub.pem") || path.ends_with("hub.key"));
            }
            other => panic!("{expected}: {other:?}"),
        }
    }
    let missing = write("nothing here", &key);
    assert!(matches!(Identity::load(&missing.certificate, &missing.key), Err(TlsError::Missing { .. })));
    let gone = missing.certificate.with_file_name("gone.pem");
    let error = Identity::load(&gone, &missing.key).expect_err("no such file");
    assert!(error.to_string().contains("gone.pem"), "{error}");
}
