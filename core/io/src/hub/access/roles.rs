//! Roles, what they may read and write, and the tokens that give them.
//!
//! Invariants: with authentication on, what no pattern allows is denied; with it off everything is allowed, but the hub
//! then binds only loopback addresses ([`check_bind`]); a grant ends on the monotonic clock, so a jump of the wall clock
//! neither prolongs it nor ends all sessions at once; revocation is by subject, by token id or by topic and only grows.
//! A decision is linear in the patterns of one grant.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use thiserror::Error;

use super::jwt::{Claims, TokenError};
use super::limits::LimitError;
use super::pattern::{PatternError, TopicPattern};

/// Subprotocol by which a browser hands over its token: `bearer.<token>`. It is never selected as the answer.
pub const TOKEN_SUBPROTOCOL: &str = "bearer.";
/// The role that may read `/metrics` of a hub from elsewhere.
pub const METRICS_ROLE: &str = "metrics";

const NANOSECONDS: i64 = 1_000_000_000;

/// A hub that would be open to others.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AccessError {
    /// Public and without authentication.
    #[error(
        "{address} can be reached by others and the hub has no keys; bind 127.0.0.1 or ::1, or configure a key so that \
         every connection needs a token"
    )]
    PublicWithoutAuthentication {
        /// The address asked for.
        address: SocketAddr,
    },
    /// A pattern of a role.
    #[error("role {role:?}: pattern {pattern:?}: {source}")]
    RolePattern {
        /// Name of the role.
        role: String,
        /// As configured.
        pattern: String,
        /// What is wrong with it.
        source: PatternError,
    },
    /// A rate or bound.
    #[error(transparent)]
    Limit(#[from] LimitError),
}

/// Refuses to listen where others can reach a hub that asks nobody who he is.
pub fn check_bind(address: SocketAddr, authentication: bool) -> Result<(), AccessError> {
    if authentication || is_loopback(address.ip()) {
        Ok(())
    } else {
        Err(AccessError::PublicWithoutAuthentication { address })
    }
}

/// Loopback, also when an IPv4 address is written as an IPv6 one.
#[must_use]
pub fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Reading a topic, or all that a pattern matches.
    Subscribe,
    /// Writing to one topic.
    Publish,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Permissions {
    subscribe: Vec<TopicPattern>,
    publish: Vec<TopicPattern>,
}

/// Roles and their topics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleTable {
    roles: BTreeMap<String, Permissions>,
}

impl RoleTable {
    /// `deepalpha`'s own roles: `reader` reads all, `publisher` also writes all, `metrics` reads only the counters.
    #[must_use]
    pub fn standard() -> Self {
        let mut table = Self::default();
        let all = || TopicPattern::parse(">").into_iter().collect::<Vec<_>>();
        let mut insert = |name: &str, subscribe, publish| {
            table.roles.insert(name.to_owned(), Permissions { subscribe, publish });
        };
        insert("reader", all(), Vec::new());
        insert("publisher", all(), all());
        insert(METRICS_ROLE, Vec::new(), Vec::new());
        table
    }

    /// Adds a role or replaces it.
    pub fn set(&mut self, role: &str, subscribe: &[&str], publish: &[&str]) -> Result<(), AccessError> {
        let parse = |patterns: &[&str]| {
            patterns
                .iter()
                .map(|pattern| {
                    TopicPattern::parse(pattern).map_err(|source| AccessError::RolePattern {
                        role: role.to_owned(),
                        pattern: pattern.chars().take(64).collect(),
                        source,
                    })
                })
                .collect::<Result<Vec<_>, _>>()
        };
        let permissions = Permissions { subscribe: parse(subscribe)?, publish: parse(publish)? };
        self.roles.insert(role.to_owned(), permissions);
        Ok(())
    }

    /// What the claims of a verified token allow. A role that is not in the table allows nothing.
    ///
    /// `now_utc_nanos` and `now_monotonic_nanos` are the same moment on two clocks.
    pub fn grant(&self, claims: Claims, now_utc_nanos: i64, now_monotonic_nanos: u64) -> Result<Grant, TokenError> {
        let mut permissions = Permissions::default();
        for role in claims.roles.iter().filter_map(|name| self.roles.get(name)) {
            permissions.subscribe.extend(role.subscribe.iter().cloned());
            permissions.publish.extend(role.publish.iter().cloned());
        }
        let own = |patterns: &[String], claim| {
            patterns
                .iter()
                .map(|pattern| TopicPattern::parse(pattern))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|_| TokenError::Malformed { claim, expected: "a list of topic patterns" })
        };
        permissions.subscribe.extend(own(&claims.subscribe, "topics.subscribe")?);
        permissions.publish.extend(own(&claims.publish, "topics.publish")?);
        for patterns in [&mut permissions.subscribe, &mut permissions.publish] {
            patterns.sort();
            patterns.dedup();
        }
        let left = claims.expires_at_seconds.saturating_mul(NANOSECONDS).saturating_sub(now_utc_nanos);
        let left =
            u64::try_from(left).map_err(|_| TokenError::Expired { seconds: left.saturating_neg() / NANOSECONDS })?;
        Ok(Grant {
            subject: claims.subject,
            token_id: claims.token_id,
            may_read_metrics: claims.roles.iter().any(|role| role == METRICS_ROLE),
            permissions: Some(permissions),
            ends_monotonic_nanos: now_monotonic_nanos.saturating_add(left),
        })
    }
}

/// What one connection may do, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    subject: Option<String>,
    token_id: Option<String>,
    may_read_metrics: bool,
    /// `None`: everything, for a hub without authentication.
    permissions: Option<Permissions>,
    ends_monotonic_nanos: u64,
}

impl Grant {
    /// Everything for ever: authentication is off and the hub is bound to loopback.
    #[must_use]
    pub const fn everything() -> Self {
        Self {
            subject: None,
            token_id: None,
            may_read_metrics: true,
            permissions: None,
            ends_monotonic_nanos: u64::MAX,
        }
    }

    /// Who, if the token said so.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Whether `/metrics` may be read from elsewhere than this machine.
    #[must_use]
    pub const fn may_read_metrics(&self) -> bool {
        self.may_read_metrics
    }

    /// When it ends on the monotonic clock (`u64::MAX`: never).
    #[must_use]
    pub const fn ends_monotonic_nanos(&self) -> u64 {
        self.ends_monotonic_nanos
    }

    /// Whether its token has expired.
    #[must_use]
    pub const fn is_over(&self, now_monotonic_nanos: u64) -> bool {
        now_monotonic_nanos >= self.ends_monotonic_nanos
    }

    /// Whether a topic or pattern may be read or written.
    #[must_use]
    pub fn allows(&self, operation: Operation, topic: &TopicPattern) -> bool {
        let Some(permissions) = &self.permissions else { return true };
        let patterns = match operation {
            Operation::Subscribe => &permissions.subscribe,
            Operation::Publish => &permissions.publish,
        };
        patterns.iter().any(|allowed| allowed.covers(topic))
    }
}

/// What was taken back before its time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revocations {
    subjects: BTreeSet<String>,
    token_ids: BTreeSet<String>,
    topics: Vec<TopicPattern>,
    generation: u64,
}

impl Revocations {
    /// Every token of a subject.
    pub fn revoke_subject(&mut self, subject: &str) {
        self.generation += u64::from(self.subjects.insert(subject.to_owned()));
    }

    /// One token by its `jti`.
    pub fn revoke_token(&mut self, token_id: &str) {
        self.generation += u64::from(self.token_ids.insert(token_id.to_owned()));
    }

    /// A topic, or all that a pattern matches, for everybody.
    pub fn revoke_topic(&mut self, topic: TopicPattern) {
        if !self.topics.contains(&topic) {
            self.topics.push(topic);
            self.generation += 1;
        }
    }

    /// Rises with every change: an open connection is looked at again only then.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether a grant was taken back.
    #[must_use]
    pub fn holds(&self, grant: &Grant) -> bool {
        let listed =
            |set: &BTreeSet<String>, name: &Option<String>| name.as_ref().is_some_and(|name| set.contains(name));
        listed(&self.subjects, &grant.subject) || listed(&self.token_ids, &grant.token_id)
    }

    /// Whether any topic was taken back.
    #[must_use]
    pub const fn has_topics(&self) -> bool {
        !self.topics.is_empty()
    }

    /// Whether something that a topic or pattern matches was taken back.
    #[must_use]
    pub fn touches(&self, topic: &TopicPattern) -> bool {
        self.topics.iter().any(|revoked| revoked.overlaps(topic))
    }

    /// Whether a topic was taken back. A pattern is taken back only as a whole; what it matches is asked one by one.
    #[must_use]
    pub fn holds_topic(&self, topic: &TopicPattern) -> bool {
        self.topics.iter().any(|revoked| revoked.covers(topic))
    }
}

/// The token in `Authorization: Bearer ...`; the scheme in any case (RFC 9110 section 11.1).
#[must_use]
pub fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    let token = token.trim_start();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The token among the subprotocols that a browser offers.
#[must_use]
pub fn subprotocol_token<'a>(offered: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    offered.into_iter().find_map(|name| name.trim().strip_prefix(TOKEN_SUBPROTOCOL)).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(text: &str) -> TopicPattern {
        TopicPattern::parse(text).unwrap_or_else(|error| unreachable!("{text}: {error}"))
    }

    fn claims(roles: &[&str], subscribe: &[&str]) -> Claims {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Claims {
            subject: Some("ann".into()),
            token_id: Some("t1".into()),
            expires_at_seconds: 100,
            roles: owned(roles),
            subscribe: owned(subscribe),
            ..Claims::default()
        }
    }

    fn grant(table: &RoleTable, claims: Claims) -> Grant {
        table.grant(claims, 90 * NANOSECONDS, 7).unwrap_or_else(|error| unreachable!("{error}"))
    }

    #[test]
    fn denies_what_no_role_and_no_claim_allows() -> Result<(), AccessError> {
        let mut table = RoleTable::standard();
        table.set("desk", &["trades.*", "quotes.>"], &["notes.*"])?;
        let desk = grant(&table, claims(&["desk", "unknown"], &["bars.BTCUSDT"]));
        let may = |operation, text| desk.allows(operation, &topic(text));
        assert!(may(Operation::Subscribe, "trades.BTCUSDT") && may(Operation::Subscribe, "trades.*"));
        assert!(may(Operation::Subscribe, "bars.BTCUSDT") && may(Operation::Publish, "notes.a"));
        for denied in [">", "trades.>", "bars.ETHUSDT", "bars.*", "orders.fills", "notes.a"] {
            assert!(!may(Operation::Subscribe, denied), "{denied}");
        }
        assert!(!may(Operation::Publish, "trades.BTCUSDT"));
        let nobody = grant(&table, claims(&[], &[]));
        assert!(!nobody.allows(Operation::Subscribe, &topic("trades.BTCUSDT")));
        let metrics = grant(&table, claims(&[METRICS_ROLE], &[]));
        assert!(metrics.may_read_metrics() && !desk.may_read_metrics());
        assert!(!metrics.allows(Operation::Subscribe, &topic("a")));
        Ok(())
    }

    #[test]
    fn a_grant_ends_with_its_token_on_the_monotonic_clock() {
        let grant = grant(&RoleTable::standard(), claims(&["reader"], &[]));
        let end = 7 + 10 * 1_000_000_000;
        assert_eq!(grant.ends_monotonic_nanos(), end);
        assert!(!grant.is_over(end - 1) && grant.is_over(end));
        assert!(!Grant::everything().is_over(u64::MAX - 1));
    }

    #[test]
    fn a_hub_without_authentication_listens_only_on_loopback() {
        for text in ["127.0.0.1:0", "127.8.8.8:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert_eq!(text.parse().map(|address| check_bind(address, false)), Ok(Ok(())), "{text}");
        }
        for text in ["0.0.0.0:80", "[::]:80", "192.168.1.5:80", "[::ffff:10.0.0.1]:80"] {
            let address: SocketAddr = text.parse().unwrap_or_else(|error| unreachable!("{error}"));
            assert_eq!(check_bind(address, false), Err(AccessError::PublicWithoutAuthentication { address }), "{text}");
            assert_eq!(check_bind(address, true), Ok(()), "{text}");
        }
    }

    #[test]
    fn revocation_is_by_subject_token_or_topic_and_counts_changes() {
        let grant = grant(&RoleTable::standard(), claims(&["reader"], &[]));
        let mut revocations = Revocations::default();
        revocations.revoke_subject("bob");
        revocations.revoke_token("t2");
        assert!(!revocations.holds(&grant) && !revocations.holds(&Grant::everything()));
        let mut by_token = revocations.clone();
        by_token.revoke_token("t1");
        revocations.revoke_subject("ann");
        revocations.revoke_subject("ann");
        assert!(revocations.holds(&grant) && by_token.holds(&grant));
        assert_eq!(revocations.generation(), 3);
        revocations.revoke_topic(topic("orders.>"));
        assert!(revocations.holds_topic(&topic("orders.fills")) && !revocations.holds_topic(&topic("trades.a")));
    }

    #[test]
    fn finds_the_token_where_clients_put_it() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bEARER  abc"), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("Bearer "), None);
        assert_eq!(subprotocol_token(["deepalpha.v1", " bearer.abc"]), Some("abc"));
        assert_eq!(subprotocol_token(["deepalpha.v1", "bearer."]), None);
    }
}
