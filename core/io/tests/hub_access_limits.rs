//! Rates against an exact model, and the bounds on addresses, memory and refused requests.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use deepalpha_io::hub::access::limits::{Action, Admissions, LimitError, Limits, Meter, Rate, Usage, Wait};
use proptest::prelude::*;

const SECOND: u64 = 1_000_000_000;

/// The definition itself: a cost is taken exactly when no window that ends now would hold more than burst + rate * time.
#[derive(Default)]
struct EveryWindow {
    taken: Vec<(u64, u64)>,
}

impl EveryWindow {
    fn take(&mut self, rate: Rate, units: u64, now: u64) -> bool {
        let fits = |from: u64, earlier: u128| {
            let allowed =
                u128::from(rate.burst) * u128::from(SECOND) + u128::from(rate.per_second) * u128::from(now - from);
            (earlier + u128::from(units)) * u128::from(SECOND) <= allowed
        };
        let mut sum = 0_u128;
        let mut conforms = fits(now, 0);
        for &(at, cost) in self.taken.iter().rev() {
            sum += u128::from(cost);
            conforms &= fits(at, sum);
        }
        if conforms {
            self.taken.push((now, units));
        }
        conforms
    }
}

proptest! {
    #[test]
    fn a_meter_takes_exactly_what_the_definition_of_its_rate_allows(
        per_second in prop::sample::select(vec![1_u64, 2, 5, 10, 1_000, 1_000_000, SECOND]),
        burst in 1..50_u64,
        steps in prop::collection::vec((0..2_000_u64, 1..12_u64), 1..200),
    ) {
        // A thousandth of the time one unit takes, so that steps fall on both sides of the edge.
        let grain = (SECOND / per_second / 1_000).max(1);
        let rate = Rate::new(per_second, burst);
        let (mut meter, mut model, mut now) = (Meter::default(), EveryWindow::default(), 17 * SECOND);
        for (pause, units) in steps {
            now += pause * grain;
            let taken = meter.take(rate, units, now);
            prop_assert_eq!(taken.is_ok(), model.take(rate, units, now), "{} units at {}", units, now);
            if let Err(Wait(wait)) = taken && units <= burst {
                let (mut early, mut late) = (meter, meter);
                prop_assert!(early.take(rate, units, now + wait - 1).is_err());
                prop_assert!(late.take(rate, units, now + wait).is_ok());
            }
        }
    }

    #[test]
    fn any_rate_is_kept_within_its_rounding(
        per_second in 1..SECOND, burst in 1..SECOND,
        steps in prop::collection::vec((0..3 * SECOND, 1..SECOND), 1..60), start in any::<u64>(),
    ) {
        let rate = Rate::new(per_second, burst);
        let (mut meter, mut now, mut sum) = (Meter::default(), start, 0_u128);
        for &(pause, units) in &steps {
            now = now.saturating_add(pause);
            if meter.take(rate, units, now).is_ok() {
                sum += u128::from(units);
            }
        }
        let allowed = u128::from(burst) * u128::from(SECOND) + u128::from(per_second) * u128::from(now - start);
        // Each cost is rounded down by less than one ns, and the burst up by less than one.
        let rounding = u128::from(per_second) * (steps.len() as u128 + 1);
        prop_assert!(sum * u128::from(SECOND) <= allowed + rounding);
    }

    #[test]
    fn the_table_of_addresses_is_bounded_and_forgets_nobody_who_is_connected(
        events in prop::collection::vec((0..64_u32, any::<bool>()), 1..400),
    ) {
        let limits = Limits { addresses: 16, connections_per_address: 3, connects: Rate::new(1, 2), ..Limits::default() };
        let mut admissions = Admissions::new(limits);
        let mut open: Vec<IpAddr> = Vec::new();
        for (index, (host, comes)) in events.into_iter().enumerate() {
            let peer = IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + host));
            if comes {
                if admissions.enter(peer, index as u64 * SECOND / 3).is_ok() {
                    open.push(peer);
                }
            } else if !open.is_empty() {
                let peer = open.swap_remove(host as usize % open.len());
                admissions.leave(peer);
            }
            prop_assert!(admissions.remembered() <= 16);
            prop_assert_eq!(admissions.reckoned(), open.len() as u64 * limits.connection_bytes);
        }
        for peer in open.drain(..) {
            admissions.leave(peer);
        }
        prop_assert_eq!(admissions.reckoned(), 0);
    }
}

#[test]
fn one_address_may_connect_so_often_and_hold_so_many() {
    let limits = Limits { connects: Rate::new(2, 3), connections_per_address: 4, ..Limits::default() };
    let mut admissions = Admissions::new(limits);
    let peer = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    let refused = |limit, retry_after_seconds| Err(Action::Refuse { status: 429, limit, retry_after_seconds });
    for _ in 0..3 {
        assert_eq!(admissions.enter(peer, 0), Ok(()));
    }
    assert_eq!(admissions.enter(peer, 0), refused("connects", 1));
    assert_eq!(admissions.enter(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 0), Ok(()), "another address");
    assert_eq!(admissions.enter(peer, SECOND), Ok(()));
    assert_eq!(admissions.enter(peer, 2 * SECOND), refused("connections_per_address", 5));
    admissions.leave(peer);
    assert_eq!(admissions.enter(peer, 2 * SECOND), Ok(()));
}

#[test]
fn an_ipv6_host_is_its_64_bits_and_a_mapped_address_is_ipv4() {
    let limits = Limits { connections_per_address: 1, ..Limits::default() };
    let mut admissions = Admissions::new(limits);
    let v6 = |text: &str| IpAddr::V6(text.parse::<Ipv6Addr>().unwrap_or(Ipv6Addr::LOCALHOST));
    assert!(admissions.enter(v6("2001:db8::1"), 0).is_ok());
    assert!(admissions.enter(v6("2001:db8::ffff"), 0).is_err());
    assert!(admissions.enter(v6("2001:db8:0:1::1"), 0).is_ok());
    assert!(admissions.enter(v6("::ffff:10.0.0.1"), 0).is_ok());
    assert!(admissions.enter(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 0).is_err());
}

#[test]
fn this_machine_is_exempt_from_limits_by_address_unless_told_otherwise() {
    let few = Limits { connects: Rate::new(1, 1), ..Limits::default() };
    let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let mut exempt = Admissions::new(few);
    assert!((0..10_000).all(|_| exempt.enter(local, 0).is_ok()));
    let mut counted = Admissions::new(Limits { loopback_exempt: false, ..few });
    assert!(counted.enter(local, 0).is_ok() && counted.enter(local, 0).is_err());
}

#[test]
fn no_connection_is_taken_beyond_the_memory_reckoned_for_all() {
    let limits = Limits { memory: 100, connection_bytes: 40, ..Limits::default() };
    let mut admissions = Admissions::new(limits);
    let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
    assert!(admissions.enter(local, 0).is_ok() && admissions.enter(local, 0).is_ok());
    let full = Action::Refuse { status: 503, limit: "memory", retry_after_seconds: 5 };
    assert_eq!(admissions.enter(local, 0), Err(full));
    admissions.leave(local);
    assert!(admissions.enter(local, 0).is_ok());
}

#[test]
fn each_kind_of_flood_ends_as_its_limit_says() {
    let limits = Limits {
        messages: Rate::new(10, 5),
        control: Rate::new(1, 2),
        bytes: Rate::new(1_000, 1_000),
        subscribes: Rate::new(10, 3),
        publishes: Rate::new(10, 1),
        wildcard_subscriptions: 1,
        refusals: 2,
        ..Limits::default()
    };
    let close = |code, reason| Err(Action::Close { code, reason });
    let answer = |code, retry_after_millis| Err(Action::Answer { code, retry_after_millis });

    let mut flood = Usage::default();
    assert!((0..5).all(|_| flood.message(&limits, 1, 0).is_ok()));
    assert_eq!(flood.message(&limits, 1, 0), close(1008, "message rate"));
    let mut pings = Usage::default();
    assert!((0..2).all(|_| pings.control(&limits, 125, 0).is_ok()));
    assert_eq!(pings.control(&limits, 125, 0), close(1008, "control frame rate"));
    assert_eq!(Usage::default().message(&limits, 1_001, 0), close(4429, "byte rate"));

    let mut wild = Usage::default();
    assert_eq!(wild.subscribe(&limits, true, 0), Ok(()));
    assert_eq!(wild.subscribe(&limits, true, 0), answer("too_many_wildcards", 0));
    assert_eq!(wild.subscribe(&limits, false, 0), Ok(()));
    assert_eq!(wild.subscribe(&limits, false, 0), answer("rate_limited", 100));
    assert_eq!(wild.subscribe(&limits, false, 0), close(1008, "too many refused requests"));
    let mut writer = Usage::default();
    assert_eq!(writer.publish(&limits, 0), Ok(()));
    assert_eq!(writer.publish(&limits, 0), answer("rate_limited", 100));
    assert!(size_of::<Usage>() <= 48);
}

#[test]
fn limits_out_of_bounds_are_refused_by_name() {
    assert!(Limits::default().checked().is_ok());
    let zero = Limits { messages: Rate::new(0, 1), ..Limits::default() };
    let expected = LimitError::OutOfRange { name: "messages", value: 0, least: 1, most: SECOND };
    assert_eq!(zero.checked(), Err(expected));
    assert_eq!(expected.to_string(), "limit messages = 0 is not in 1..=1000000000");
    let small = Limits { memory: 10, connection_bytes: 40, ..Limits::default() };
    assert!(matches!(small.checked(), Err(LimitError::OutOfRange { name: "memory", .. })));
}
