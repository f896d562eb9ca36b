//! Settings of the hub from a dictionary of Python: names, kinds and access rules. Bounds are the hub's own.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use deepalpha_io::hub::access::guard::{AccessConfig, AccessGate, Authentication};
use deepalpha_io::hub::access::jws::{Key, KeySet};
use deepalpha_io::hub::access::jwt::{Claims, Expectations};
use deepalpha_io::hub::access::limits::{Limits, Rate};
use deepalpha_io::hub::access::origin::OriginPolicy;
use deepalpha_io::hub::access::roles::RoleTable;
use deepalpha_io::hub::access::tls::Identity;
use deepalpha_io::hub::{Gate, HubConfig};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{Kind, raise};
use crate::feed_options::Options;
use crate::hub::class_of;

/// More than any connection sends: the load generator is not to be slowed down.
const UNLIMITED: Rate = Rate::new(1_000_000_000, 1_000_000_000);

/// Times and rates among the settings.
trait Access {
    fn set_ms(&mut self, name: &'static str, slot: &mut Duration) -> PyResult<()>;
    fn set_rate(&mut self, name: &'static str, slot: &mut Rate) -> PyResult<()>;
}

impl Access for Options<'_> {
    fn set_ms(&mut self, name: &'static str, slot: &mut Duration) -> PyResult<()> {
        if let Some(milliseconds) = self.take(name)? {
            *slot = Duration::from_millis(milliseconds);
        }
        Ok(())
    }

    fn set_rate(&mut self, name: &'static str, slot: &mut Rate) -> PyResult<()> {
        // An array, not a tuple: a list of YAML or JSON is as good.
        if let Some([per_second, burst]) = self.take::<[u64; 2]>(name)? {
            *slot = Rate::new(per_second, burst);
        }
        Ok(())
    }
}

fn refuse(error: impl std::fmt::Display) -> PyErr {
    raise(Kind::Hub, error)
}

/// A hub's configuration and its gate.
pub(crate) fn config(given: &Bound<'_, PyDict>) -> PyResult<(HubConfig, Arc<AccessGate>)> {
    let mut options = Options::of(given, (Kind::Hub, "hub setting"))?;
    let mut config = HubConfig::default();
    let host: IpAddr = match options.take::<String>("host")? {
        None => config.address.ip(),
        Some(host) if host == "localhost" => config.address.ip(),
        Some(host) => host.parse().map_err(|_| {
            refuse(format!("hub setting host = {host:?} is no IP address; take 127.0.0.1, or 0.0.0.0 with auth"))
        })?,
    };
    let mut port: u16 = 0;
    options.set("port", &mut port)?;
    config.address = SocketAddr::new(host, port);
    options.set("shards", &mut config.shards)?;
    options.set("max_connections", &mut config.max_connections)?;
    options.set("max_topics", &mut config.max_topics)?;
    options.set("max_subscriptions", &mut config.max_subscriptions)?;
    options.set("max_payload", &mut config.max_payload)?;
    options.set("max_message", &mut config.max_message)?;
    if let Some(delivery) = options.take::<String>("default_delivery")? {
        config.default_class = class_of(&delivery)?;
    }
    options.set("default_capacity", &mut config.default_capacity)?;
    options.set("max_topic_bytes", &mut config.max_topic_bytes)?;
    options.set("max_backlog", &mut config.max_backlog)?;
    options.set("max_control_pending", &mut config.max_control_pending)?;
    options.set_ms("ping_interval_ms", &mut config.ping_interval)?;
    options.set_ms("pong_timeout_ms", &mut config.pong_timeout)?;
    options.set_ms("handshake_timeout_ms", &mut config.handshake_timeout)?;
    options.set_ms("close_timeout_ms", &mut config.close_timeout)?;
    options.set_ms("retry_spread_ms", &mut config.retry_spread)?;
    config.send_buffer = options.take("send_buffer")?.or(config.send_buffer);
    options.set("deflate", &mut config.deflate)?;
    options.set("bench", &mut config.bench)?;
    if let Some([certificate, key]) = options.take::<[PathBuf; 2]>("tls")? {
        let identity = Identity::load(&certificate, &key).map_err(refuse)?;
        config.tls = Some(identity.server_config().map_err(refuse)?);
    }
    let access = access(&mut options, config.bench)?;
    options.end()?;
    let gate = AccessGate::new(access, config.address).map_err(refuse)?;
    config.gate = Arc::clone(&gate) as Arc<dyn Gate>;
    Ok((config, gate))
}

fn access(options: &mut Options<'_>, bench: bool) -> PyResult<AccessConfig> {
    let mut origin = OriginPolicy::default();
    options.set("hosts", &mut origin.hosts)?;
    options.set("origins", &mut origin.origins)?;
    options.set("listed_origins_only", &mut origin.listed_origins_only)?;
    let mut limits = Limits::default();
    if bench {
        (limits.messages, limits.bytes, limits.control) = (UNLIMITED, UNLIMITED, UNLIMITED);
        (limits.subscribes, limits.publishes) = (UNLIMITED, UNLIMITED);
    }
    options.set_rate("connect_rate", &mut limits.connects)?;
    options.set("connections_per_address", &mut limits.connections_per_address)?;
    options.set("loopback_exempt", &mut limits.loopback_exempt)?;
    options.set_rate("message_rate", &mut limits.messages)?;
    options.set_rate("byte_rate", &mut limits.bytes)?;
    options.set_rate("control_rate", &mut limits.control)?;
    options.set_rate("subscribe_rate", &mut limits.subscribes)?;
    options.set_rate("publish_rate", &mut limits.publishes)?;
    options.set("wildcard_subscriptions", &mut limits.wildcard_subscriptions)?;
    options.set("refusals", &mut limits.refusals)?;
    options.set("connection_bytes", &mut limits.connection_bytes)?;
    options.set("memory", &mut limits.memory)?;
    options.set_ms("auth_timeout_ms", &mut limits.authentication)?;
    let authentication = options.take::<Bound<'_, PyDict>>("auth")?.map(|given| authentication(&given)).transpose()?;
    Ok(AccessConfig { authentication, origin, limits })
}

/// `{"keys": [{"alg": "HS256", "file": "hub.key", "kid": "a"}], "roles": {"desk": {"subscribe": ["fills.*"]}}}`.
fn authentication(given: &Bound<'_, PyDict>) -> PyResult<Authentication> {
    let mut options = Options::of(given, (Kind::Hub, "auth setting"))?;
    let (issuer, audience) = (options.take("issuer")?, options.take("audience")?);
    let mut expected = Expectations { issuer, audience, ..Expectations::default() };
    options.set("leeway_seconds", &mut expected.leeway_seconds)?;
    let keys: Vec<Bound<'_, PyDict>> = options.take("keys")?.unwrap_or_default();
    let keys = keys.iter().map(key).collect::<PyResult<Vec<Key>>>()?;
    if keys.is_empty() {
        return Err(refuse("auth has no keys; give keys=[{\"alg\": \"HS256\", \"file\": \"hub.key\"}]"));
    }
    let mut roles = RoleTable::standard();
    if let Some(table) = options.take::<Bound<'_, PyDict>>("roles")? {
        for (name, given) in table.iter() {
            let mut rights = Options::of(given.cast::<PyDict>()?, (Kind::Hub, "right of a role"))?;
            let subscribe: Vec<String> = rights.take("subscribe")?.unwrap_or_default();
            let publish: Vec<String> = rights.take("publish")?.unwrap_or_default();
            rights.end()?;
            let subscribe: Vec<&str> = subscribe.iter().map(String::as_str).collect();
            let publish: Vec<&str> = publish.iter().map(String::as_str).collect();
            roles.set(name.extract()?, &subscribe, &publish).map_err(refuse)?;
        }
    }
    options.end()?;
    Ok(Authentication { keys: KeySet::new(keys).map_err(refuse)?, expected, roles })
}

fn key(given: &Bound<'_, PyDict>) -> PyResult<Key> {
    let mut options = Options::of(given, (Kind::Hub, "key setting"))?;
    let algorithm: String = options.take("alg")?.unwrap_or_else(|| "HS256".to_owned());
    let id: Option<String> = options.take("kid")?;
    let file: Option<PathBuf> = options.take("file")?;
    let secret: Option<Vec<u8>> = options.take("secret")?;
    options.end()?;
    let material = match (file, secret) {
        (Some(path), None) => read_key(&path)?,
        (None, Some(secret)) => secret,
        _ => return Err(refuse("a key needs either \"file\" (a path) or \"secret\" (bytes)")),
    };
    match algorithm.as_str() {
        "HS256" => Key::hs256(id.as_deref(), &material),
        "EdDSA" => Key::ed25519(id.as_deref(), &material),
        other => return Err(refuse(format!("key setting alg = {other:?} is unknown; take HS256 or EdDSA"))),
    }
    .map_err(refuse)
}

/// A key file's bytes, without a newline at the end. The content is never part of an error.
fn read_key(path: &std::path::Path) -> PyResult<Vec<u8>> {
    let bytes = std::fs::read(path).map_err(|error| {
        refuse(format!("key file {} cannot be read: {error}; make one of 32 random bytes or more", path.display()))
    })?;
    let end = bytes.len() - bytes.iter().rev().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
    Ok(bytes.get(..end).unwrap_or_default().to_vec())
}

/// A token signed with the HS256 key of a file.
#[pyfunction]
#[pyo3(signature = (key_file, *, roles, expires_at_s, subject = None, key_id = None))]
fn hub_token(
    key_file: PathBuf,
    roles: Vec<String>,
    expires_at_s: i64,
    subject: Option<String>,
    key_id: Option<&str>,
) -> PyResult<String> {
    let key = Key::hs256(key_id, &read_key(&key_file)?).map_err(refuse)?;
    let claims = Claims { subject, roles, expires_at_seconds: expires_at_s, ..Claims::default() };
    claims.issue(&key).map_err(refuse)
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(hub_token, module)?)
}
