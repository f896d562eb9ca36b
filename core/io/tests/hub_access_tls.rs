//! TLS over loopback sockets: the right name passes; wrong authorities, old versions and half handshakes do not.
#![expect(clippy::expect_used, clippy::panic, reason = "tests may stop at a wrong shape")]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use deepalpha_io::hub::access::tls::{Identity, PemProblem, TlsError, accept};
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};
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

type Outcome = thread::JoinHandle<Vec<Result<&'static str, String>>>;

/// Accepts `count` connections one after the other and answers each with its TLS version.
fn serve(identity: &Arc<Identity>, count: usize, within: Duration) -> (SocketAddr, Outcome) {
    let config = identity.server_config().expect("config");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    listener.set_nonblocking(true).expect("nonblocking");
    let address = listener.local_addr().expect("address");
    let serving = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("listener");
            let mut outcomes = Vec::new();
            for _ in 0..count {
                let (socket, _) = listener.accept().await.expect("accepts");
                outcomes.push(match accept(Arc::clone(&config), socket, within).await {
                    Ok((socket, mut session)) => {
                        session.writer().write_all(b"hello").expect("buffers");
                        let mut records = Vec::new();
                        while session.wants_write() {
                            session.write_tls(&mut records).expect("encrypts");
                        }
                        // One small record fits any send buffer.
                        socket.writable().await.expect("writable");
                        assert_eq!(socket.try_write(&records).ok(), Some(records.len()));
                        match session.protocol_version() {
                            Some(rustls::ProtocolVersion::TLSv1_3) => Ok("1.3"),
                            Some(rustls::ProtocolVersion::TLSv1_2) => Ok("1.2"),
                            other => Err(format!("{other:?}")),
                        }
                    }
                    Err(error) => Err(error.to_string()),
                });
            }
            outcomes
        })
    });
    (address, serving)
}

fn client(
    address: SocketAddr,
    name: &str,
    trusted: &Authority,
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.certificate.der().clone()).expect("root");
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).expect("name");
    let session = ClientConnection::new(Arc::new(config), name).expect("session");
    let socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut stream = StreamOwned::new(session, socket);
    let mut greeting = [0_u8; 5];
    stream.read_exact(&mut greeting)?;
    Ok(String::from_utf8_lossy(&greeting).into_owned())
}

const LONG: Duration = Duration::from_secs(10);

#[test]
fn both_versions_reach_the_right_name() {
    let ca = authority();
    let (certificate, key) = ca.issue("hub.example");
    let files = write(&certificate, &key);
    let identity = Identity::load(&files.certificate, &files.key).expect("loads");
    let (address, serving) = serve(&identity, 2, LONG);
    assert_eq!(client(address, "hub.example", &ca, &[&TLS13]).expect("1.3"), "hello");
    assert_eq!(client(address, "hub.example", &ca, &[&TLS12]).expect("1.2"), "hello");
    assert_eq!(serving.join().expect("serves"), [Ok("1.3"), Ok("1.2")]);
}

#[test]
fn wrong_names_and_unknown_authorities_are_refused_by_the_client_and_noticed_by_the_hub() {
    let (ca, stranger) = (authority(), authority());
    let (certificate, key) = ca.issue("hub.example");
    let files = write(&certificate, &key);
    let identity = Identity::load(&files.certificate, &files.key).expect("loads");
    let (address, serving) = serve(&identity, 2, LONG);
    // Both authorities call themselves the same, so it is the signature that tells them apart.
    for (name, trusted, expected) in
        [("other.example", &ca, "NotValidForName"), ("hub.example", &stranger, "BadSignature")]
    {
        let error = client(address, name, trusted, &[&TLS12]).expect_err("refuses");
        assert!(format!("{error:?}").contains(expected), "{error:?}");
    }
    for outcome in serving.join().expect("serves") {
        let error = outcome.expect_err("the client's alert or its end");
        assert!(error.starts_with("the TLS handshake failed"), "{error}");
    }
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

#[test]
fn tls_1_1_and_what_is_not_tls_get_an_alert_and_the_end() {
    let (certificate, key) = authority().issue("hub.example");
    let files = write(&certificate, &key);
    let identity = Identity::load(&files.certificate, &files.key).expect("loads");
    let (address, serving) = serve(&identity, 2, LONG);
    for bytes in [hello_of_tls_1_1(), b"GET / HTTP/1.1\r\nHost: hub.example\r\n\r\n".to_vec()] {
        let mut socket = TcpStream::connect(address).expect("connects");
        socket.set_read_timeout(Some(LONG)).expect("deadline");
        socket.write_all(&bytes).expect("writes");
        let mut answer = Vec::new();
        // The end may be a reset, when the hub left bytes unread.
        let _end = socket.read_to_end(&mut answer);
        assert!(answer.is_empty() || answer.starts_with(&[21, 3]), "an alert record: {answer:?}");
    }
    for outcome in serving.join().expect("serves") {
        assert!(outcome.is_err(), "{outcome:?}");
    }
}

#[test]
fn a_half_handshake_ends_at_the_deadline() {
    let (certificate, key) = authority().issue("hub.example");
    let files = write(&certificate, &key);
    let identity = Identity::load(&files.certificate, &files.key).expect("loads");
    let (address, serving) = serve(&identity, 2, Duration::from_millis(150));
    let begun = Instant::now();
    for bytes in [&[][..], &[22, 3, 1, 2, 0, 1]] {
        let mut socket = TcpStream::connect(address).expect("connects");
        socket.set_read_timeout(Some(LONG)).expect("deadline");
        socket.write_all(bytes).expect("writes");
        let mut answer = Vec::new();
        let _end = socket.read_to_end(&mut answer);
        assert!(answer.is_empty(), "{answer:?}");
    }
    let spent = begun.elapsed();
    assert!(spent < LONG, "closed by the hub, not by this test's own deadline: {spent:?}");
    for outcome in serving.join().expect("serves") {
        assert_eq!(outcome, Err("the TLS handshake was not finished within 150ms".to_owned()));
    }
}

#[test]
fn a_reload_takes_the_new_pair_or_keeps_the_old_one() {
    let (old, new) = (authority(), authority());
    let (certificate, key) = old.issue("hub.example");
    let files = write(&certificate, &key);
    let identity = Identity::load(&files.certificate, &files.key).expect("loads");
    let (address, serving) = serve(&identity, 3, LONG);
    assert!(client(address, "hub.example", &old, &[&TLS13]).is_ok());

    let (certificate, key) = new.issue("hub.example");
    fs::write(&files.certificate, &certificate).expect("writes");
    let error = identity.reload().expect_err("the key is still the old one");
    assert!(matches!(error, TlsError::Pair { .. }), "{error}");
    assert!(client(address, "hub.example", &old, &[&TLS13]).is_ok());

    fs::write(&files.key, &key).expect("writes");
    identity.reload().expect("both are new");
    assert!(client(address, "hub.example", &new, &[&TLS13]).is_ok());
    assert_eq!(serving.join().expect("serves").len(), 3);
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
