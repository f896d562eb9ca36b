//! `Origin` and `Host`: which web pages may talk to the hub, and under which names.
//!
//! A browser lets every page open a WebSocket to 127.0.0.1; only `Origin` tells the pages apart. And a page may point its
//! own name at 127.0.0.1 (DNS rebinding), which makes it "same host"; only a list of known names in `Host` stops that.
//!
//! Invariants: `Host` must be a loopback name, the bound address (any address when all are bound: who rebinds has a
//! name) or a configured name; an `Origin`, when there is one, must have the same name as `Host`, be loopback like it, or
//! be configured. Programs that are not browsers send none and are let in.
//! By default the port of a loopback origin does not matter: Streamlit's, JupyterLab's and Panel's are chosen freely.

use std::net::{IpAddr, SocketAddr};

use thiserror::Error;

use super::roles::is_loopback;

/// Why a request is answered 403.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OriginError {
    /// Under a name that is not the hub's.
    #[error("the hub is not known under the Host of this request; add the name to the allowed hosts")]
    Host,
    /// From a page that is not on the list.
    #[error("pages of this Origin may not connect; add it to the allowed origins")]
    Origin,
    /// Said more than once, or not a name.
    #[error("the {header} header is malformed")]
    Malformed {
        /// Which header.
        header: &'static str,
    },
}

impl OriginError {
    /// A short word for counters.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Origin | Self::Malformed { .. } => "origin",
        }
    }
}

/// Names under which the hub is reached and pages that may reach it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OriginPolicy {
    /// Further names in `Host`, without a port, such as `desk.example.com`.
    pub hosts: Vec<String>,
    /// Further origins, whole, such as `https://desk.example.com:8443`.
    pub origins: Vec<String>,
    /// Refuse pages even from loopback and the same host: only [`Self::origins`] counts.
    pub listed_origins_only: bool,
}

/// Scheme, name and port of an origin, or name and port of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Authority {
    name: String,
    port: Option<u16>,
}

impl Authority {
    /// `name`, `name:port`, `[v6]`, `[v6]:port`; lower case, without a trailing dot.
    fn parse(text: &str) -> Option<Self> {
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (inside, after) = rest.split_once(']')?;
                let address: std::net::Ipv6Addr = inside.parse().ok()?;
                let port = if after.is_empty() { None } else { Some(after.strip_prefix(':')?) };
                (address.to_string(), port)
            }
            None => match text.split_once(':') {
                Some((name, port)) => (name.to_ascii_lowercase(), Some(port)),
                None => (text.to_ascii_lowercase(), None),
            },
        };
        let port = match port {
            None => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
            Some(_) => return None,
        };
        let name = name.strip_suffix('.').unwrap_or(&name).to_owned();
        let legal = |character: char| character.is_ascii_alphanumeric() || "-_.:".contains(character);
        (!name.is_empty() && name.len() <= 253 && name.chars().all(legal)).then_some(Self { name, port })
    }

    fn address(&self) -> Option<IpAddr> {
        self.name.parse().ok()
    }

    /// `localhost`, names below it (RFC 6761 section 6.3) and loopback addresses.
    fn is_loopback(&self) -> bool {
        self.name == "localhost" || self.name.ends_with(".localhost") || self.address().is_some_and(is_loopback)
    }
}

impl OriginPolicy {
    /// Checks a request to a hub bound to `bound`. `host` and `origin` are all values of these headers.
    pub fn check<'a>(
        &self,
        bound: SocketAddr,
        host: impl IntoIterator<Item = &'a str>,
        origin: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), OriginError> {
        let mut hosts = host.into_iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(OriginError::Malformed { header: "Host" });
        };
        let host = Authority::parse(host.trim()).ok_or(OriginError::Malformed { header: "Host" })?;
        let address = host
            .address()
            .is_some_and(|address| bound.ip().is_unspecified() || address.to_canonical() == bound.ip().to_canonical());
        let listed = self.hosts.iter().any(|name| name.eq_ignore_ascii_case(&host.name));
        if !(address || listed || host.is_loopback()) {
            return Err(OriginError::Host);
        }
        let mut origins = origin.into_iter();
        match (origins.next(), origins.next()) {
            (None, _) => Ok(()),
            (Some(origin), None) => self.check_origin(origin.trim(), &host),
            (Some(_), Some(_)) => Err(OriginError::Malformed { header: "Origin" }),
        }
    }

    fn check_origin(&self, origin: &str, host: &Authority) -> Result<(), OriginError> {
        if self.origins.iter().any(|listed| listed.trim_end_matches('/').eq_ignore_ascii_case(origin)) {
            return Ok(());
        }
        if self.listed_origins_only {
            return Err(OriginError::Origin);
        }
        // `null` (sandboxed frames, local files) and schemes of extensions are no web origin.
        let authority = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"))
            .and_then(Authority::parse)
            .ok_or(OriginError::Origin)?;
        let near = authority.name == host.name || (authority.is_loopback() && host.is_loopback());
        if near { Ok(()) } else { Err(OriginError::Origin) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: &OriginPolicy, bound: &str, host: &str, origin: Option<&str>) -> Result<(), OriginError> {
        policy.check(bound.parse().unwrap_or_else(|error| unreachable!("{error}")), [host], origin)
    }

    #[test]
    fn pages_of_this_machine_and_programs_are_let_in() {
        let policy = OriginPolicy::default();
        for host in ["127.0.0.1:9000", "localhost:9000", "LOCALHOST", "[::1]:9000", "hub.localhost:1"] {
            for origin in [
                None,
                Some("http://localhost:8501"),
                Some("http://127.0.0.1:8888"),
                Some("http://[::1]:5006"),
                Some("https://localhost"),
            ] {
                assert_eq!(check(&policy, "127.0.0.1:9000", host, origin), Ok(()), "{host} {origin:?}");
            }
        }
    }

    #[test]
    fn foreign_pages_are_refused() {
        let policy = OriginPolicy::default();
        for origin in [
            "https://evil.example",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example:8501",
            "http://evil.example#localhost",
            "http://localhost@evil.example",
            "http://localhost:8501/path",
            "http://localhost:http",
            "null",
            "",
            "file://",
            "chrome-extension://abc",
            "http://",
        ] {
            let answer = check(&policy, "127.0.0.1:9000", "127.0.0.1:9000", Some(origin));
            assert_eq!(answer, Err(OriginError::Origin), "{origin}");
        }
    }

    #[test]
    fn a_name_pointed_at_loopback_by_its_owner_is_refused() {
        let policy = OriginPolicy::default();
        let rebound = check(&policy, "127.0.0.1:9000", "evil.example:9000", Some("http://evil.example:9000"));
        assert_eq!(rebound, Err(OriginError::Host));
        assert_eq!(check(&policy, "10.0.0.5:9000", "10.0.0.6", None), Err(OriginError::Host));
        assert_eq!(check(&policy, "0.0.0.0:9000", "10.0.0.6", None), Ok(()));
        assert_eq!(check(&policy, "0.0.0.0:9000", "evil.example", None), Err(OriginError::Host));
        assert_eq!(check(&policy, "10.0.0.5:9000", "10.0.0.5:9000", Some("http://10.0.0.5")), Ok(()));
        assert_eq!(check(&policy, "10.0.0.5:9000", "10.0.0.5", Some("http://localhost")), Err(OriginError::Origin));
    }

    #[test]
    fn configured_names_and_origins_are_let_in() {
        let policy = OriginPolicy {
            hosts: vec!["desk.example".into()],
            origins: vec!["https://app.example:8443/".into()],
            listed_origins_only: false,
        };
        let ask = |origin| check(&policy, "10.0.0.5:443", "Desk.Example.", origin);
        assert_eq!(ask(None), Ok(()));
        assert_eq!(ask(Some("https://app.example:8443")), Ok(()));
        assert_eq!(ask(Some("https://desk.example")), Ok(()));
        assert_eq!(ask(Some("https://app.example")), Err(OriginError::Origin));
        let strict = OriginPolicy { listed_origins_only: true, ..policy };
        assert_eq!(
            check(&strict, "10.0.0.5:443", "desk.example", Some("https://desk.example")),
            Err(OriginError::Origin)
        );
    }

    #[test]
    fn doubled_and_malformed_headers_are_refused() {
        let policy = OriginPolicy::default();
        let bound = SocketAddr::from(([127, 0, 0, 1], 9000));
        let malformed = |header| Err(OriginError::Malformed { header });
        assert_eq!(policy.check(bound, [], []), malformed("Host"));
        assert_eq!(policy.check(bound, ["localhost", "localhost"], []), malformed("Host"));
        for host in ["", "a b", "[::1", "[::1]x", "localhost:", "localhost:99999", "localhost:-1", "[zz]"] {
            assert_eq!(policy.check(bound, [host], []), malformed("Host"), "{host}");
        }
        let twice = policy.check(bound, ["localhost"], ["http://localhost", "http://localhost"]);
        assert_eq!(twice, malformed("Origin"));
    }
}
