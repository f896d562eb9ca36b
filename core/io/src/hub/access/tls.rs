//! TLS of the hub: certificate and key from PEM files, exchanged while running. The handshake itself, and its deadline,
//! is the hub's: it counts as part of the opening handshake.
//!
//! Invariants: only TLS 1.2 and 1.3; no renegotiation and no early data (rustls has the one not at all and the other off);
//! a key that does not belong to its certificate is refused at load; [`Identity::reload`] either takes the new pair as a
//! whole or keeps the old one; errors name file and line and hold nothing of the key.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use thiserror::Error;

/// More than any chain needs; a wrong path must not read a disk image.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// What is wrong with a PEM file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PemProblem {
    /// A block begins inside another.
    #[error("a block begins before the last one ended")]
    Nested,
    /// An end without its begin, or of another label.
    #[error("this END belongs to no BEGIN")]
    StrayEnd,
    /// The file stops inside a block.
    #[error("the block that begins here never ends")]
    Unfinished,
    /// A line that is not base64.
    #[error("this line is not base64")]
    NotBase64,
    /// The block's base64 is cut.
    #[error("the base64 of the block that begins here is cut or empty")]
    Cut,
    /// A key with a password.
    #[error("the key is encrypted; decrypt it with: openssl pkey -in KEY -out PLAIN")]
    Encrypted,
    /// Two keys.
    #[error("a second private key begins here; the file must have one")]
    SecondKey,
}

/// Why TLS cannot be offered.
#[derive(Debug, Error)]
pub enum TlsError {
    /// Cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Longer than any certificate chain.
    #[error("{path} has {bytes} bytes, at most {MAX_FILE_BYTES} are read; is it a PEM file?")]
    TooLarge {
        /// The file.
        path: String,
        /// Its length.
        bytes: u64,
    },
    /// Malformed.
    #[error("{path}, line {line}: {problem}")]
    Pem {
        /// The file.
        path: String,
        /// Counted from one.
        line: usize,
        /// What is wrong there.
        problem: PemProblem,
    },
    /// Well formed, but not what is needed.
    #[error("{path} has no {wanted}")]
    Missing {
        /// The file.
        path: String,
        /// A certificate or a private key.
        wanted: &'static str,
    },
    /// The pair does not work.
    #[error("certificate {certificate} and key {key} cannot be used together: {source}")]
    Pair {
        /// File of the certificate.
        certificate: String,
        /// File of the key.
        key: String,
        /// What rustls said.
        source: rustls::Error,
    },
    /// TLS itself cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

/// A certificate chain and its key, read from files and exchangeable while connections are open.
pub struct Identity {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Identity")
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// Reads a chain (the hub's own certificate first) and its private key (PKCS#8, PKCS#1 or SEC1).
    pub fn load(certificate: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        let current = RwLock::new(Arc::new(read_pair(certificate, key)?));
        Ok(Arc::new(Self { certificate: certificate.to_owned(), key: key.to_owned(), current }))
    }

    /// Reads both files again; later handshakes use them, and on an error the old ones.
    pub fn reload(&self) -> Result<(), TlsError> {
        let pair = Arc::new(read_pair(&self.certificate, &self.key)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = pair;
        Ok(())
    }

    /// What connections are accepted with; it follows every [`Identity::reload`].
    pub fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, TlsError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        // A client that offers only HTTP/2 is told so in the handshake instead of by a broken connection.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn read_pair(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let certificate_name = certificate.display().to_string();
    let key_name = key.display().to_string();
    let chain: Vec<CertificateDer<'static>> = read_pem(certificate)?
        .into_iter()
        .filter(|block| block.label == "CERTIFICATE")
        .map(|block| CertificateDer::from(block.content))
        .collect();
    if chain.is_empty() {
        return Err(TlsError::Missing { path: certificate_name, wanted: "certificate (-----BEGIN CERTIFICATE-----)" });
    }
    let mut private = None;
    for block in read_pem(key)? {
        let line = block.line;
        let trouble = |problem| TlsError::Pem { path: key_name.clone(), line, problem };
        let found: PrivateKeyDer<'static> = match block.label.as_str() {
            "PRIVATE KEY" => PrivatePkcs8KeyDer::from(block.content).into(),
            "RSA PRIVATE KEY" => PrivatePkcs1KeyDer::from(block.content).into(),
            "EC PRIVATE KEY" => PrivateSec1KeyDer::from(block.content).into(),
            "ENCRYPTED PRIVATE KEY" => return Err(trouble(PemProblem::Encrypted)),
            _ => continue,
        };
        if private.replace(found).is_some() {
            return Err(trouble(PemProblem::SecondKey));
        }
    }
    let private = private.ok_or_else(|| TlsError::Missing {
        path: key_name.clone(),
        wanted: "private key (-----BEGIN PRIVATE KEY-----)",
    })?;
    CertifiedKey::from_der(chain, private, &default_provider()).map_err(|source| TlsError::Pair {
        certificate: certificate_name,
        key: key_name,
        source,
    })
}

struct Block {
    label: String,
    line: usize,
    content: Vec<u8>,
}

fn read_pem(path: &Path) -> Result<Vec<Block>, TlsError> {
    let name = path.display().to_string();
    let failed = |source| TlsError::Read { path: name.clone(), source };
    let bytes = fs::metadata(path).map_err(failed)?.len();
    if bytes > MAX_FILE_BYTES {
        return Err(TlsError::TooLarge { path: name, bytes });
    }
    let text = fs::read(path).map_err(failed)?;
    parse_pem(&String::from_utf8_lossy(&text)).map_err(|(line, problem)| TlsError::Pem { path: name, line, problem })
}

/// The blocks of RFC 7468; text between them is skipped, as `openssl x509 -text` writes it.
fn parse_pem(text: &str) -> Result<Vec<Block>, (usize, PemProblem)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let (number, line) = (index + 1, line.trim());
        let bound = |start| line.strip_prefix(start).and_then(|rest: &str| rest.strip_suffix("-----"));
        if let Some(label) = bound("-----BEGIN ") {
            if open.replace((label.to_owned(), number, String::new())).is_some() {
                return Err((number, PemProblem::Nested));
            }
        } else if let Some(label) = bound("-----END ") {
            let Some((begun, first, body)) = open.take().filter(|(begun, ..)| begun == label) else {
                return Err((number, PemProblem::StrayEnd));
            };
            let content = STANDARD.decode(body).map_err(|_| (first, PemProblem::Cut))?;
            if content.is_empty() {
                return Err((first, PemProblem::Cut));
            }
            blocks.push(Block { label: begun, line: first, content });
        } else if let Some((_, _, body)) = &mut open {
            // "Proc-Type: 4,ENCRYPTED": the encryption of old OpenSSL files.
            if line.contains("ENCRYPTED") {
                return Err((number, PemProblem::Encrypted));
            }
            if !line.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)) {
                return Err((number, PemProblem::NotBase64));
            }
            body.push_str(line);
        }
    }
    match open {
        Some((_, first, _)) => Err((first, PemProblem::Unfinished)),
        None => Ok(blocks),
    }
}
