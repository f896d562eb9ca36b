//! From an address to a stream of bytes: TCP, or TLS over it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::endpoint::Endpoint;

/// A stream of bytes in both directions.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// What [`Dial::dial`] gives, now or later.
pub type Dialing<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Transport>>> + Send + 'a>>;

/// Something that opens streams to one server: the network, or a scripted peer.
pub trait Dial: Send + Sync {
    /// Opens one; the caller sets the deadline.
    fn dial(&self) -> Dialing<'_>;
}

/// Which certificates are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Roots {
    /// Mozilla's list.
    #[default]
    Public,
    /// Only these certificates, in PEM.
    Pem(Vec<u8>),
}

/// A certificate list that TLS cannot use.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("TLS roots or server name: {0}; give PEM certificates and an address with a host name or an IP address")]
pub struct TlsError(String);

/// The network.
#[derive(Clone)]
pub struct Network {
    endpoint: Endpoint,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Network {
    /// For one server; `roots` matter for `wss` only.
    ///
    /// # Errors
    /// Roots that hold no certificate, or a host that is no server name.
    pub fn new(endpoint: Endpoint, roots: &Roots) -> Result<Self, TlsError> {
        let tls = if endpoint.secure { Some(Self::tls(&endpoint, roots)?) } else { None };
        Ok(Self { endpoint, tls })
    }

    fn tls(endpoint: &Endpoint, roots: &Roots) -> Result<(TlsConnector, ServerName<'static>), TlsError> {
        let wrong = |error: &dyn std::fmt::Display| TlsError(error.to_string());
        let mut store = RootCertStore::empty();
        match roots {
            Roots::Public => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Roots::Pem(pem) => {
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    let certificate = certificate.map_err(|error| wrong(&error))?;
                    store.add(certificate).map_err(|error| wrong(&error))?;
                }
            }
        }
        if store.is_empty() {
            return Err(wrong(&"no certificate"));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(&error))?
            .with_root_certificates(store)
            .with_no_client_auth();
        let name = ServerName::try_from(endpoint.host.clone()).map_err(|error| wrong(&error))?;
        Ok((TlsConnector::from(Arc::new(config)), name))
    }
}

impl Dial for Network {
    fn dial(&self) -> Dialing<'_> {
        Box::pin(async move {
            let stream = TcpStream::connect((self.endpoint.host.as_str(), self.endpoint.port)).await?;
            stream.set_nodelay(true)?;
            let transport: Box<dyn Transport> = match &self.tls {
                None => Box::new(stream),
                Some((connector, name)) => Box::new(connector.connect(name.clone(), stream).await?),
            };
            Ok(transport)
        })
    }
}
