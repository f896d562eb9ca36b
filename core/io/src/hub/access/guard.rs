//! The hub's hooks, filled: [`AccessGate`] for all connections, one session for each.
//!
//! Invariants: without keys everything is allowed and only loopback may be bound; with keys nothing is allowed before a
//! token was believed, and a token comes in a header, as a subprotocol or as the first message, never in the query (it
//! would be written into logs on the way); expiry, revocation and a missing token close an open connection with 4401 at
//! the next check, at the latest within a second. A token is never kept: only its claims are.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::super::gate::{Admission, Gate, Inbound, Session, Verdict};
use super::jws::KeySet;
use super::jwt::{Claims, Expectations, TokenError};
use super::limits::{Action, Admissions, Limits, Usage};
use super::origin::{OriginError, OriginPolicy};
use super::pattern::TopicPattern;
use super::roles::{
    AccessError, Grant, Operation, Revocations, RoleTable, bearer, check_bind, is_loopback, subprotocol_token,
};
use crate::ws::{Rejection, Request};

const NANOSECONDS: i64 = 1_000_000_000;
/// Close code of a connection whose token is missing, wrong, over or taken back.
pub const UNAUTHORIZED: u16 = 4401;

/// The wall clock in nanoseconds of UTC.
pub type WallClock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How tokens are believed and what they give.
#[derive(Clone, Debug)]
pub struct Authentication {
    /// Keys that sign.
    pub keys: KeySet,
    /// Issuer, audience, leeway.
    pub expected: Expectations,
    /// What roles allow.
    pub roles: RoleTable,
}

/// Everything about access; the default is a hub of one analyst on loopback.
#[derive(Clone, Debug, Default)]
pub struct AccessConfig {
    /// `None`: nobody is asked, and only loopback is bound.
    pub authentication: Option<Authentication>,
    /// Names and pages.
    pub origin: OriginPolicy,
    /// Rates and bounds.
    pub limits: Limits,
}

struct Rules {
    config: AccessConfig,
    bound: SocketAddr,
    clock: WallClock,
    revocations: RwLock<Revocations>,
    /// Copy of the revocations' generation that sessions compare without a lock.
    generation: AtomicU64,
}

/// Decides over connections as [`AccessConfig`] says.
pub struct AccessGate {
    rules: Arc<Rules>,
    admissions: Mutex<Admissions>,
    rejections: Mutex<BTreeMap<&'static str, u64>>,
}

impl AccessGate {
    /// A gate for a hub that will listen at `bound`.
    pub fn new(config: AccessConfig, bound: SocketAddr) -> Result<Arc<Self>, AccessError> {
        let clock = || {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
            i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
        };
        Self::with_clock(config, bound, Arc::new(clock))
    }

    /// The same with another wall clock.
    pub fn with_clock(config: AccessConfig, bound: SocketAddr, clock: WallClock) -> Result<Arc<Self>, AccessError> {
        check_bind(bound, config.authentication.is_some())?;
        let limits = config.limits.checked()?;
        let rules = Rules { config, bound, clock, revocations: RwLock::default(), generation: AtomicU64::new(0) };
        Ok(Arc::new(Self {
            rules: Arc::new(rules),
            admissions: Mutex::new(Admissions::new(limits)),
            rejections: Mutex::default(),
        }))
    }

    /// Takes something back; open connections that it concerns are closed at their next check.
    pub fn revoke(&self, change: impl FnOnce(&mut Revocations)) {
        let mut revocations = self.rules.revocations.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut revocations);
        self.rules.generation.store(revocations.generation(), Ordering::Release);
    }

    fn rejected<T>(&self, outcome: Result<T, (&'static str, Rejection)>) -> Result<T, Rejection> {
        outcome.map_err(|(reason, rejection)| {
            let mut counts = self.rejections.lock().unwrap_or_else(PoisonError::into_inner);
            *counts.entry(reason).or_insert(0) += 1;
            rejection
        })
    }
}

/// A word for counters and the answer.
type Rejected = (&'static str, Rejection);

impl Rules {
    fn limits(&self) -> &Limits {
        &self.config.limits
    }

    /// Believes a token, or says why not.
    fn believe(&self, authentication: &Authentication, token: &str, now: u64) -> Result<Grant, TokenError> {
        let wall = (self.clock)();
        let claims =
            Claims::verify(token, &authentication.keys, &authentication.expected, wall.div_euclid(NANOSECONDS))?;
        let grant = authentication.roles.grant(claims, wall, now)?;
        if self.revocations.read().unwrap_or_else(PoisonError::into_inner).holds(&grant) {
            return Err(TokenError::Revoked);
        }
        Ok(grant)
    }

    fn check_origin(&self, request: &Request) -> Result<(), Rejected> {
        let headers = &request.headers;
        self.config.origin.check(self.bound, headers.all("host"), headers.all("origin")).map_err(|error| {
            let text = match error {
                OriginError::Host => "this Host is not among the hub's names",
                OriginError::Origin => "pages of this Origin may not connect",
                OriginError::Malformed { .. } => "Host or Origin is malformed",
            };
            (error.label(), Rejection::Forbidden(text))
        })
    }

    fn admit(&self, request: &Request, now: u64) -> Result<Standing, Rejected> {
        self.check_origin(request)?;
        let deadline = now.saturating_add(u64::try_from(self.limits().authentication.as_nanos()).unwrap_or(u64::MAX));
        match (&self.config.authentication, token(request)) {
            (None, _) => Ok(Standing::Granted(Grant::everything())),
            (Some(_), None) => Ok(Standing::Waiting { deadline }),
            (Some(authentication), Some(token)) => {
                self.believe(authentication, token, now).map(Standing::Granted).map_err(unauthorized)
            }
        }
    }

    fn may_read_figures(&self, peer: SocketAddr, request: &Request, now: u64) -> Result<(), Rejected> {
        self.check_origin(request)?;
        // A proxy on this machine is not the one who asks.
        let forwarded = ["forwarded", "x-forwarded-for", "x-real-ip"];
        if is_loopback(peer.ip()) && forwarded.iter().all(|name| request.headers.get(name).is_none()) {
            return Ok(());
        }
        let (Some(authentication), Some(token)) = (&self.config.authentication, token(request)) else {
            return Err(("no_token", Rejection::Unauthorized("the figures need a token with the role metrics")));
        };
        let grant = self.believe(authentication, token, now).map_err(unauthorized)?;
        if grant.may_read_metrics() {
            Ok(())
        } else {
            Err(("role", Rejection::Forbidden("the figures need the role metrics")))
        }
    }

    fn topic_revoked(&self, topic: &TopicPattern) -> bool {
        self.revocations.read().unwrap_or_else(PoisonError::into_inner).holds_topic(topic)
    }
}

fn token(request: &Request) -> Option<&str> {
    let header = request.headers.get("authorization").and_then(bearer);
    header.or_else(|| subprotocol_token(request.headers.list("sec-websocket-protocol")))
}

/// The answer says which kind of thing is wrong; the word is also the counter's.
fn unauthorized(error: TokenError) -> Rejected {
    (error.label(), Rejection::Unauthorized(error.label()))
}

impl Gate for AccessGate {
    fn accept(&self, peer: SocketAddr, now: u64) -> Result<(), Rejection> {
        let entered = self.admissions.lock().unwrap_or_else(PoisonError::into_inner).enter(peer.ip(), now);
        self.rejected(entered.map_err(|action| match action {
            Action::Refuse { status: 429, limit, retry_after_seconds } => {
                (limit, Rejection::TooManyRequests { retry_after_s: retry_after_seconds })
            }
            Action::Refuse { limit, retry_after_seconds, .. } => {
                (limit, Rejection::Unavailable { retry_after_s: retry_after_seconds })
            }
            Action::Answer { .. } | Action::Close { .. } => ("limit", Rejection::Unavailable { retry_after_s: 1 }),
        }))
    }

    fn upgrade(&self, _: SocketAddr, request: &Request, now: u64) -> Result<Admission, Rejection> {
        let session = AccessSession {
            standing: self.rejected(self.rules.admit(request, now))?,
            rules: Arc::clone(&self.rules),
            usage: Usage::default(),
            asked: BTreeSet::new(),
            generation: self.rules.generation.load(Ordering::Acquire),
        };
        Ok(Admission { session: Some(Box::new(session)), subprotocol: None })
    }

    fn may_read_figures(&self, peer: SocketAddr, request: &Request, now: u64) -> Result<(), Rejection> {
        self.rejected(self.rules.may_read_figures(peer, request, now))
    }

    fn rejections(&self) -> Vec<(&'static str, u64)> {
        let counts = self.rejections.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(&reason, &count)| (reason, count)).collect()
    }

    fn left(&self, peer: SocketAddr) {
        self.admissions.lock().unwrap_or_else(PoisonError::into_inner).leave(peer.ip());
    }
}

enum Standing {
    /// No token yet.
    Waiting {
        /// Until when, on the hub's clock.
        deadline: u64,
    },
    Granted(Grant),
}

struct AccessSession {
    rules: Arc<Rules>,
    standing: Standing,
    usage: Usage,
    /// What was allowed to be subscribed, kept only with authentication: it may be taken back.
    asked: BTreeSet<TopicPattern>,
    generation: u64,
}

/// How long an open connection may outlive the revocation of its token.
const REVOCATION_DELAY: u64 = 1_000_000_000;
/// More remembered names than this and a revocation of any topic closes the connection: it may hold one of them.
const MAX_ASKED: usize = 4_096;

impl AccessSession {
    fn deny(&mut self, code: &'static str, message: String) -> Verdict {
        match self.usage.refused(self.rules.limits(), code, 0) {
            Action::Close { code, reason } => Verdict::Close { code, reason },
            Action::Answer { .. } | Action::Refuse { .. } => Verdict::Deny { code, message },
        }
    }

    fn permitted(&mut self, operation: Operation, topic: &TopicPattern, now: u64) -> Verdict {
        let Standing::Granted(grant) = &self.standing else {
            let message = "send {\"op\":\"auth\",\"token\":...} first".to_owned();
            return self.deny("unauthenticated", message);
        };
        if grant.is_over(now) {
            return EXPIRED;
        }
        if grant.allows(operation, topic) && !self.rules.topic_revoked(topic) {
            return Verdict::Allow;
        }
        let verb = if operation == Operation::Subscribe { "read" } else { "write" };
        let message = format!("this connection may not {verb} {}; its token needs a role that does", topic.as_str());
        self.deny("forbidden", message)
    }
}

const EXPIRED: Verdict = Verdict::Close { code: UNAUTHORIZED, reason: "token expired" };

fn verdict(action: Action) -> Verdict {
    match action {
        Action::Close { code, reason } => Verdict::Close { code, reason },
        Action::Answer { code, retry_after_millis: 0 } => {
            Verdict::Deny { code, message: "this connection has had as many as it may; open another".to_owned() }
        }
        Action::Answer { code, retry_after_millis } => {
            Verdict::Deny { code, message: format!("too fast; ask again in {retry_after_millis} ms") }
        }
        Action::Refuse { .. } => Verdict::Close { code: 1008, reason: "limit" },
    }
}

impl Session for AccessSession {
    fn inbound(&mut self, kind: Inbound, length: usize, now: u64) -> Verdict {
        let limits = self.rules.limits();
        let outcome = match kind {
            Inbound::Message => self.usage.message(limits, length, now),
            Inbound::Control => self.usage.control(limits, length, now),
        };
        outcome.map_or_else(verdict, |()| Verdict::Allow)
    }

    fn subscribe(&mut self, pattern: &str, now: u64) -> Verdict {
        let topic = TopicPattern::parse(pattern);
        let is_pattern = topic.as_ref().is_ok_and(|topic| !topic.is_single());
        if let Err(action) = self.usage.subscribe(self.rules.limits(), is_pattern, now) {
            return verdict(action);
        }
        let topic = match topic {
            Ok(topic) => topic,
            Err(error) => return self.deny("bad_topic", error.to_string()),
        };
        let allowed = self.permitted(Operation::Subscribe, &topic, now);
        if allowed == Verdict::Allow && self.rules.config.authentication.is_some() && self.asked.len() <= MAX_ASKED {
            self.asked.insert(topic);
        }
        allowed
    }

    fn receive(&self, topic: &str) -> bool {
        let Ok(topic) = TopicPattern::parse_single(topic) else { return false };
        match &self.standing {
            Standing::Waiting { .. } => false,
            Standing::Granted(grant) => grant.allows(Operation::Subscribe, &topic) && !self.rules.topic_revoked(&topic),
        }
    }

    fn publish(&mut self, topic: &str, now: u64) -> Verdict {
        if let Err(action) = self.usage.publish(self.rules.limits(), now) {
            return verdict(action);
        }
        match TopicPattern::parse_single(topic) {
            Ok(topic) => self.permitted(Operation::Publish, &topic, now),
            Err(error) => self.deny("bad_topic", error.to_string()),
        }
    }

    fn authenticate(&mut self, token: &str, now: u64) -> Verdict {
        // Nobody is asked here: a client that always sends its token is not refused for it.
        let Some(authentication) = &self.rules.config.authentication else { return Verdict::Allow };
        let close = |reason| Verdict::Close { code: UNAUTHORIZED, reason };
        match self.rules.believe(authentication, token, now) {
            Err(TokenError::Expired { .. }) => EXPIRED,
            Err(TokenError::Revoked) => close("token revoked"),
            Err(_) => close("token refused"),
            Ok(grant) => {
                if let Standing::Granted(old) = &self.standing
                    && old.subject() != grant.subject()
                {
                    return close("token of another subject");
                }
                // A narrower token must not keep what the wider one had.
                if !self.asked.iter().all(|topic| grant.allows(Operation::Subscribe, topic)) {
                    return close("token does not cover the subscriptions");
                }
                self.standing = Standing::Granted(grant);
                Verdict::Allow
            }
        }
    }

    fn check(&mut self, now: u64) -> Verdict {
        let close = |reason| Verdict::Close { code: UNAUTHORIZED, reason };
        let grant = match &self.standing {
            Standing::Waiting { deadline } if now >= *deadline => return close("no token in time"),
            Standing::Waiting { .. } => return Verdict::Allow,
            Standing::Granted(grant) if grant.is_over(now) => return EXPIRED,
            Standing::Granted(grant) => grant,
        };
        let generation = self.rules.generation.load(Ordering::Acquire);
        if generation != self.generation {
            self.generation = generation;
            let revocations = self.rules.revocations.read().unwrap_or_else(PoisonError::into_inner);
            if revocations.holds(grant) {
                return close("token revoked");
            }
            let many = self.asked.len() > MAX_ASKED && revocations.has_topics();
            if many || self.asked.iter().any(|topic| revocations.touches(topic)) {
                return close("a subscribed topic was revoked");
            }
        }
        Verdict::Allow
    }

    fn next_check(&self, now: u64) -> u64 {
        match &self.standing {
            Standing::Waiting { deadline } => *deadline,
            // Nothing can end it.
            Standing::Granted(_) if self.rules.config.authentication.is_none() => u64::MAX,
            // A revocation is noticed within a second, the end of the token when it comes.
            Standing::Granted(grant) => grant.ends_monotonic_nanos().min(now.saturating_add(REVOCATION_DELAY)),
        }
    }
}
