//! The gate behind the hub's hooks, asked as the hub asks it, with both clocks in the test's hand.
#![expect(clippy::expect_used, clippy::panic, reason = "tests may stop at a wrong shape")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::BytesMut;
use deepalpha_io::hub::access::guard::{AccessConfig, AccessGate, Authentication, UNAUTHORIZED};
use deepalpha_io::hub::access::jws::{Key, KeySet};
use deepalpha_io::hub::access::jwt::{Claims, Expectations};
use deepalpha_io::hub::access::limits::{Limits, Rate};
use deepalpha_io::hub::access::pattern::TopicPattern;
use deepalpha_io::hub::access::roles::{AccessError, METRICS_ROLE, RoleTable};
use deepalpha_io::hub::gate::{Gate, Inbound, Session, Verdict};
use deepalpha_io::ws::{Rejection, Request, RequestParser};

const SECOND: u64 = 1_000_000_000;
/// Seconds of UTC at which every test begins; the hub's own clock then stands at `BEGIN`.
const NOON: i64 = 1_800_000_000;
const BEGIN: u64 = 500 * SECOND;

fn key() -> Key {
    Key::hs256(None, b"0123456789abcdef0123456789abcdef").expect("key")
}

fn local() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 9_000))
}

fn token(subject: &str, lifetime: i64, roles: &[&str], subscribe: &[&str]) -> String {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let claims = Claims {
        subject: Some(subject.to_owned()),
        token_id: Some(format!("{subject}-1")),
        expires_at_seconds: NOON + lifetime,
        roles: owned(roles),
        subscribe: owned(subscribe),
        ..Claims::default()
    };
    claims.issue(&key()).expect("signs")
}

struct Desk {
    gate: Arc<AccessGate>,
    wall: Arc<AtomicI64>,
}

fn desk(limits: Limits) -> Desk {
    let authentication = Authentication {
        keys: KeySet::new(vec![key()]).expect("keys"),
        expected: Expectations::default(),
        roles: RoleTable::standard(),
    };
    let config = AccessConfig { authentication: Some(authentication), limits, ..AccessConfig::default() };
    let wall = Arc::new(AtomicI64::new(NOON));
    let clock = Arc::clone(&wall);
    let clock = Arc::new(move || clock.load(Ordering::Relaxed) * 1_000_000_000);
    Desk { gate: AccessGate::with_clock(config, local(), clock).expect("gate"), wall }
}

fn request(headers: &str) -> Request {
    let text = format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:9000\r\n{headers}\r\n");
    let mut input = BytesMut::from(text.as_bytes());
    RequestParser::default().parse(&mut input).expect("well formed").expect("whole")
}

fn enter(desk: &Desk, headers: &str, now: u64) -> Result<Box<dyn Session>, Rejection> {
    desk.gate.upgrade(local(), &request(headers), now).map(|admission| admission.session.expect("a session"))
}

fn with_token(desk: &Desk, token: &str) -> Box<dyn Session> {
    enter(desk, &format!("Authorization: Bearer {token}\r\n"), BEGIN).expect("let in")
}

fn close(reason: &'static str) -> Verdict {
    Verdict::Close { code: UNAUTHORIZED, reason }
}

fn code_of(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "allow",
        Verdict::Deny { code, .. } => code,
        Verdict::Close { .. } => "close",
    }
}

#[test]
fn a_token_is_found_in_a_header_a_subprotocol_or_the_first_message_and_never_in_the_query() {
    let desk = desk(Limits::default());
    let token = token("ann", 60, &["reader"], &[]);
    for headers in [
        format!("Authorization: Bearer {token}\r\n"),
        format!("Sec-WebSocket-Protocol: deepalpha.v1, bearer.{token}\r\n"),
    ] {
        let mut session = enter(&desk, &headers, BEGIN).expect("let in");
        assert_eq!(session.subscribe("trades.*", BEGIN), Verdict::Allow);
    }
    let mut session = enter(&desk, "", BEGIN).expect("may still send it");
    assert_eq!(code_of(&session.subscribe("trades.*", BEGIN)), "unauthenticated");
    assert!(!session.receive("trades.BTCUSDT"));
    assert_eq!(session.authenticate(&token, BEGIN), Verdict::Allow);
    assert_eq!(session.subscribe("trades.*", BEGIN), Verdict::Allow);

    let text = format!("GET /?token={token} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let query = RequestParser::default().parse(&mut BytesMut::from(text.as_bytes())).expect("fine").expect("whole");
    let mut session = desk.gate.upgrade(local(), &query, BEGIN).expect("waits").session.expect("session");
    assert_eq!(code_of(&session.subscribe("trades.*", BEGIN)), "unauthenticated");
}

#[test]
fn bad_tokens_are_answered_401_before_the_upgrade_and_counted_by_reason() {
    let desk = desk(Limits::default());
    let expired = token("ann", 0, &["reader"], &[]);
    let unsigned = "eyJhbGciOiJub25lIn0.eyJleHAiOjE5MDAwMDAwMDB9.";
    for (token, reason) in [(expired.as_str(), "expired"), (unsigned, "algorithm"), ("x", "malformed")] {
        let refused = enter(&desk, &format!("Authorization: Bearer {token}\r\n"), BEGIN).err();
        assert_eq!(refused, Some(Rejection::Unauthorized(reason)));
    }
    assert_eq!(desk.gate.rejections(), [("algorithm", 1), ("expired", 1), ("malformed", 1)]);
}

#[test]
fn no_token_within_the_deadline_or_a_wrong_one_closes_4401() {
    let desk = desk(Limits::default());
    let mut silent = enter(&desk, "", BEGIN).expect("waits");
    assert_eq!(silent.check(BEGIN + 5 * SECOND - 1), Verdict::Allow);
    assert_eq!(silent.check(BEGIN + 5 * SECOND), close("no token in time"));
    let mut wrong = enter(&desk, "", BEGIN).expect("waits");
    assert_eq!(wrong.authenticate("x", BEGIN), close("token refused"));
    assert_eq!(wrong.authenticate(&token("ann", 0, &[], &[]), BEGIN), close("token expired"));
}

#[test]
fn a_token_that_expires_while_connected_closes_4401_whatever_the_wall_clock_does() {
    let desk = desk(Limits::default());
    let mut session = with_token(&desk, &token("ann", 10, &["reader"], &[]));
    for jump in [3_600, -3_600] {
        desk.wall.store(NOON + jump, Ordering::Relaxed);
        assert_eq!(session.check(BEGIN + 10 * SECOND - 1), Verdict::Allow, "a jump of {jump} s");
    }
    assert_eq!(session.check(BEGIN + 10 * SECOND), close("token expired"));
    assert_eq!(session.subscribe("trades.a", BEGIN + 10 * SECOND), close("token expired"));
}

#[test]
fn a_fresh_token_prolongs_a_connection_but_not_for_another_or_for_less() {
    let desk = desk(Limits::default());
    let mut session = with_token(&desk, &token("ann", 10, &["reader"], &[]));
    assert_eq!(session.subscribe("trades.*", BEGIN), Verdict::Allow);
    assert_eq!(session.authenticate(&token("ann", 20, &["reader"], &[]), BEGIN), Verdict::Allow);
    assert_eq!(session.check(BEGIN + 15 * SECOND), Verdict::Allow);
    let other = token("bob", 60, &["reader"], &[]);
    assert_eq!(session.authenticate(&other, BEGIN), close("token of another subject"));
    let narrow = token("ann", 60, &[], &["trades.BTCUSDT"]);
    assert_eq!(session.authenticate(&narrow, BEGIN), close("token does not cover the subscriptions"));
}

#[test]
fn what_is_revoked_closes_the_connections_it_concerns_and_no_others() {
    let desk = desk(Limits::default());
    let enter_as = |name: &str| with_token(&desk, &token(name, 60, &["reader"], &[]));
    let (mut ann, mut bob, mut eve) = (enter_as("ann"), enter_as("bob"), enter_as("eve"));
    assert_eq!(bob.subscribe("orders.*", BEGIN), Verdict::Allow);
    assert_eq!(eve.subscribe("trades.*", BEGIN), Verdict::Allow);
    desk.gate.revoke(|revocations| revocations.revoke_token("ann-1"));
    assert_eq!(ann.check(BEGIN), close("token revoked"));
    assert_eq!(bob.check(BEGIN), Verdict::Allow);
    let again = enter(&desk, &format!("Authorization: Bearer {}\r\n", token("ann", 60, &["reader"], &[])), BEGIN);
    assert_eq!(again.err(), Some(Rejection::Unauthorized("revoked")));

    let fills = TopicPattern::parse("orders.fills").expect("topic");
    desk.gate.revoke(|revocations| revocations.revoke_topic(fills));
    assert_eq!(bob.check(BEGIN), close("a subscribed topic was revoked"));
    assert_eq!(eve.check(BEGIN), Verdict::Allow);
    assert_eq!(code_of(&eve.subscribe("orders.fills", BEGIN)), "forbidden");
    assert_eq!(eve.subscribe("orders.*", BEGIN), Verdict::Allow, "the rest of the pattern");
    assert!(eve.receive("orders.state") && !eve.receive("orders.fills"));
}

#[test]
fn a_role_reads_and_writes_its_topics_and_nothing_else() {
    let desk = desk(Limits::default());
    let mut session = with_token(&desk, &token("ann", 60, &[], &["trades.*"]));
    assert_eq!(session.subscribe("trades.BTCUSDT", BEGIN), Verdict::Allow);
    for denied in ["orders.fills", ">", "trades.>"] {
        assert_eq!(code_of(&session.subscribe(denied, BEGIN)), "forbidden", "{denied}");
    }
    assert_eq!(code_of(&session.publish("trades.BTCUSDT", BEGIN)), "forbidden");
    let mut writer = with_token(&desk, &token("bob", 60, &["publisher"], &[]));
    assert_eq!(writer.publish("trades.BTCUSDT", BEGIN), Verdict::Allow);
    assert_eq!(code_of(&writer.publish("trades.*", BEGIN)), "bad_topic");
}

#[test]
fn topic_abuse_ends_with_1008_and_keeps_no_names() {
    let desk = desk(Limits { subscribes: Rate::new(1, 100), refusals: 10, ..Limits::default() });
    let mut session = with_token(&desk, &token("ann", 60, &[], &["trades.*"]));
    let megabyte = "a".repeat(1 << 20);
    match session.subscribe(&megabyte, BEGIN) {
        Verdict::Deny { code: "bad_topic", message } => assert!(message.len() < 200),
        other => panic!("{other:?}"),
    }
    let outcomes: Vec<Verdict> = (0..1_000).map(|index| session.subscribe(&format!("trades.{index}"), BEGIN)).collect();
    let allowed = outcomes.iter().filter(|outcome| **outcome == Verdict::Allow).count();
    let denied = outcomes.iter().filter(|outcome| matches!(outcome, Verdict::Deny { .. })).count();
    assert_eq!((allowed, denied), (99, 9));
    assert_eq!(outcomes.last(), Some(&Verdict::Close { code: 1008, reason: "too many refused requests" }));
}

#[test]
fn floods_of_messages_and_of_control_frames_end_with_1008() {
    let desk = desk(Limits { messages: Rate::new(1, 5), control: Rate::new(1, 3), ..Limits::default() });
    let token = token("ann", 60, &["reader"], &[]);
    for (kind, taken, reason) in [(Inbound::Message, 5, "message rate"), (Inbound::Control, 3, "control frame rate")] {
        let mut session = with_token(&desk, &token);
        assert!((0..taken).all(|_| session.inbound(kind, 10, BEGIN) == Verdict::Allow));
        assert_eq!(session.inbound(kind, 10, BEGIN), Verdict::Close { code: 1008, reason });
    }
}

#[test]
fn foreign_pages_and_names_are_answered_403() {
    let desk = desk(Limits::default());
    let refused = enter(&desk, "Origin: https://evil.example\r\n", BEGIN).err();
    assert_eq!(refused.map(|rejection| rejection.status()), Some(403));
    let text = "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    let rebound = RequestParser::default().parse(&mut BytesMut::from(text)).expect("fine").expect("whole");
    assert_eq!(desk.gate.upgrade(local(), &rebound, BEGIN).err().map(|rejection| rejection.status()), Some(403));
    assert_eq!(desk.gate.may_read_figures(local(), &rebound, BEGIN).err().map(|r| r.status()), Some(403));
}

#[test]
fn figures_are_for_this_machine_or_the_role() {
    let desk = desk(Limits::default());
    let away = SocketAddr::from(([10, 0, 0, 9], 1));
    let status = |peer, headers: &str| {
        desk.gate.may_read_figures(peer, &request(headers), BEGIN).err().map(|rejection| rejection.status())
    };
    assert_eq!(status(local(), ""), None);
    assert_eq!(status(local(), "X-Forwarded-For: 10.0.0.9\r\n"), Some(401), "asked through a proxy");
    assert_eq!(status(away, ""), Some(401));
    let header = |token: String| format!("Authorization: Bearer {token}\r\n");
    assert_eq!(status(away, &header(token("ann", 60, &["reader"], &[]))), Some(403));
    assert_eq!(status(away, &header(token("ann", 0, &[METRICS_ROLE], &[]))), Some(401));
    assert_eq!(status(away, &header(token("ann", 60, &[METRICS_ROLE], &[]))), None);
}

#[test]
fn one_address_gets_429_and_a_full_hub_503() {
    let gate = |limits| {
        let config = AccessConfig { limits, ..AccessConfig::default() };
        AccessGate::new(config, local()).expect("loopback")
    };
    let crowded = gate(Limits { loopback_exempt: false, connects: Rate::new(1, 1), ..Limits::default() });
    assert_eq!(crowded.accept(local(), 0), Ok(()));
    assert_eq!(crowded.accept(local(), 0), Err(Rejection::TooManyRequests { retry_after_s: 1 }));
    let full = gate(Limits { memory: 10, connection_bytes: 10, ..Limits::default() });
    assert_eq!(full.accept(local(), 0), Ok(()));
    assert_eq!(full.accept(local(), 0), Err(Rejection::Unavailable { retry_after_s: 5 }));
    full.left(local());
    assert_eq!(full.accept(local(), 0), Ok(()));
}

#[test]
fn without_keys_everything_is_allowed_on_loopback_and_nothing_else_is_bound() {
    let gate = AccessGate::new(AccessConfig::default(), local()).expect("loopback");
    let mut session = gate.upgrade(local(), &request(""), BEGIN).expect("open").session.expect("session");
    assert_eq!(session.authenticate("whatever", BEGIN), Verdict::Allow);
    assert_eq!(session.subscribe(">", BEGIN), Verdict::Allow);
    assert_eq!(session.publish("trades.a", BEGIN), Verdict::Allow);
    assert_eq!(session.check(u64::MAX - 1), Verdict::Allow);
    let public = SocketAddr::from(([0, 0, 0, 0], 9_000));
    let error = AccessGate::new(AccessConfig::default(), public).err().expect("public");
    assert_eq!(error, AccessError::PublicWithoutAuthentication { address: public });
    assert!(error.to_string().contains("configure a key"), "{error}");
}
