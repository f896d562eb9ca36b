//! The risk gate: every rule refuses what it must, an exit always passes, and nothing hostile panics.
#![expect(clippy::panic, clippy::unwrap_used, reason = "tests may stop at a wrong shape")]

use std::sync::Arc;

use deepalpha_engine::orders::{OrderRequest, OrderType};
use deepalpha_engine::risk::{
    Account, AccountState, AccountView, Exposure, Holds, Limits, Market, Outcome, Quote, RULES, RiskGate, RuleSpec,
    TopOfBook,
};
use deepalpha_engine::types::{
    ClientOrderId, Instrument, Money, Price, Quantity, Ratio, Side, SourceId, StrategyId, Symbol, UtcNanos,
};

const NOW: UtcNanos = UtcNanos(10 * UtcNanos::DAY);
const ONE: i64 = 100_000_000;

fn units(count: i64) -> i64 {
    count * ONE
}

fn symbol() -> Symbol {
    Symbol::parse("X").unwrap()
}

fn strategy() -> StrategyId {
    StrategyId::parse("S").unwrap()
}

fn instrument() -> Instrument {
    Instrument::new(symbol(), Price::from_raw(1_000_000), Quantity::from_raw(units(1))).unwrap()
}

fn numbered(side: Side, quantity: i64, number: usize) -> OrderRequest {
    OrderRequest {
        strategy: strategy(),
        stop_loss: Some(Price::from_raw(units(if side.is_buy() { 98 } else { 102 }))),
        ..OrderRequest::new(
            ClientOrderId::parse(&format!("order-{number}")).unwrap(),
            SourceId::parse(&format!("decision-{number}")).unwrap(),
            symbol(),
            side,
            Quantity::from_raw(quantity),
            OrderType::Market,
            Price::from_raw(units(100)),
        )
    }
}

fn request(side: Side, quantity: i64) -> OrderRequest {
    numbered(side, units(quantity), 0)
}

fn cash(amount: i64) -> Exposure {
    Exposure::new(Money::from_raw(units(amount)), Arc::default())
}

fn market() -> Market {
    Market {
        quote: Some(Quote { price: Price::from_raw(units(100)), ts_event: NOW }),
        book: Some(TopOfBook { bid: Price::from_raw(units(99)), ask: Price::from_raw(units(101)), ts_event: NOW }),
    }
}

fn refused(gate: &mut RiskGate, order: OrderRequest, account: &impl Account, market: Market) -> Option<&'static str> {
    let ruled = gate.check(order, &instrument(), account, market, NOW).unwrap_or_else(|error| panic!("{error}"));
    ruled.1.err().map(|refused| refused.rule.name)
}

/// One question whose measure of `rule` is exactly `measured`: gate, account, order and market.
struct Case {
    gate: RiskGate,
    account: Exposure,
    order: OrderRequest,
    market: Market,
    measured: i64,
}

impl Case {
    fn of(measured: i64) -> Self {
        let (gate, account) = (RiskGate::new(Limits::open()), cash(1_000));
        Self { gate, account, order: request(Side::Buy, 1), market: market(), measured }
    }

    fn order(mut self, change: impl FnOnce(&mut OrderRequest)) -> Self {
        change(&mut self.order);
        self
    }

    fn gate(mut self, change: impl FnOnce(&mut RiskGate)) -> Self {
        change(&mut self.gate);
        self
    }

    fn account(mut self, change: impl FnOnce(&mut Exposure)) -> Self {
        change(&mut self.account);
        self
    }

    fn market(mut self, change: impl FnOnce(&mut Market)) -> Self {
        change(&mut self.market);
        self
    }
}

fn resting(side: Side, price: i64) -> OrderRequest {
    OrderRequest { order_type: OrderType::Limit(Price::from_raw(units(price))), ..numbered(side, units(1), 77) }
}

fn approve(gate: &mut RiskGate, count: usize) {
    for number in 100..100 + count {
        let order = OrderRequest { forced: true, ..numbered(Side::Buy, units(1), number) };
        assert_eq!(refused(gate, order, &cash(1_000_000), market()), None);
    }
}

/// A case for each rule. A new rule file without one fails `every_rule_passes_at_its_bound_and_refuses_beyond`.
fn case(rule: &str) -> Option<Case> {
    let tenth = ONE / 10;
    let marked = |equity: i64| {
        move |gate: &mut RiskGate| {
            gate.mark(UtcNanos(NOW.0 - UtcNanos::DAY), Money::from_raw(units(equity)));
        }
    };
    Some(match rule {
        "kill_switch" => Case::of(1).gate(|gate| gate.kill("test")),
        "account_state" => Case::of(1).gate(|gate| drop(gate.move_to(AccountState::Reducing, "test", "risk", NOW))),
        "io_trouble" => Case::of(1).gate(|gate| gate.set_io_trouble(Some("disk full".to_owned()))),
        "duplicate_id" => Case::of(1).gate(|gate| {
            gate.remember(request(Side::Buy, 1).client_order_id, SourceId::parse("other").unwrap());
        }),
        "decision_once" => Case::of(1).gate(|gate| {
            gate.remember(ClientOrderId::parse("other").unwrap(), request(Side::Buy, 1).decision_id);
        }),
        "duplicate_intent" => Case::of(1).gate(|gate| {
            gate.limits_mut().duplicate_window = 1;
            approve(gate, 1);
        }),
        "increment" => Case::of(1).order(|order| order.quantity = Quantity::from_raw(ONE / 2)),
        "stale_data" => Case::of(5).market(|market| {
            market.quote = market.quote.map(|quote| Quote { ts_event: UtcNanos(NOW.0 - 5), ..quote });
        }),
        "crossed_quote" => Case::of(1).market(|market| {
            market.book = market.book.map(|book| TopOfBook { bid: book.ask, ..book });
        }),
        "reduce_only" => Case::of(1).order(|order| {
            order.reduce_only = true;
            order.stop_loss = None;
        }),
        "price_band" => Case::of(tenth).order(|order| order.reference_price = Price::from_raw(units(90))),
        "short_selling" => {
            Case::of(1).gate(|gate| gate.limits_mut().allow_short = false).order(|order| order.side = Side::Sell)
        }
        "unknown_orders" => Case::of(1).account(|account| {
            account.open(&resting(Side::Buy, 90)).unwrap();
            account.set_unknown("order-77", true).unwrap();
        }),
        "self_trade" => Case::of(1).account(|account| account.open(&resting(Side::Sell, 120)).unwrap()),
        "max_order_notional" => Case::of(units(100)),
        "fat_finger_quantity" | "fat_finger_notional" => Case::of(units(7))
            .gate(|gate| approve(gate, 5))
            .order(|order| order.quantity = Quantity::from_raw(units(7))),
        "order_rate" => Case::of(4).gate(|gate| approve(gate, 3)),
        "cancel_rate" => Case::of(3).gate(|gate| (0..3).for_each(|_| gate.note_cancel(NOW))),
        "max_trade_fraction"
        | "max_strategy_position"
        | "strategy_leverage"
        | "max_instrument_fraction"
        | "max_exposure"
        | "max_net_exposure"
        | "max_correlated_exposure"
        | "max_leverage" => Case::of(tenth),
        "consecutive_losses" => Case::of(2).gate(|gate| {
            for profit in [-1, 5, -1, -1] {
                gate.note_trade(strategy(), Money::from_raw(profit), Money::from_raw(ONE));
            }
        }),
        // Ten times +2 % and ten times -1 %: the ratio is sqrt(19 / 20) / 3 = 0.3248931, to 1e-8.
        "sharpe_floor" => Case::of(32_489_315).gate(|gate| {
            for number in 0..20 {
                let profit = if number % 2 == 0 { 2_000_000 } else { -1_000_000 };
                gate.note_trade(strategy(), Money::from_raw(profit), Money::from_raw(ONE));
            }
        }),
        "max_stop_distance" => Case::of(2_000_000),
        "volume_share" => {
            Case::of(tenth).gate(|gate| gate.know(symbol(), Some(Quantity::from_raw(units(10))), None, None))
        }
        "max_volatility" => {
            Case::of(tenth).gate(|gate| gate.know(symbol(), None, Some(Ratio::from_raw(ONE / 10)), None))
        }
        "max_daily_loss" | "monthly_drawdown" | "max_drawdown" => Case::of(tenth)
            .gate(marked(2_000))
            .gate(|gate| {
                gate.mark(UtcNanos(NOW.0 - 1), Money::from_raw(units(1_800)));
            })
            .account(|account| account.set_equity(Money::from_raw(units(1_800)))),
        _ => return None,
    })
}

fn asked(rule: &RuleSpec, bound: i64) -> (Outcome, Option<i64>) {
    let Some(mut case) = case(rule.name) else { panic!("{}: write a case for the new rule in `case`", rule.name) };
    case.gate.limits_mut().set(rule.name, bound).unwrap();
    let verdict = case.gate.preview(&case.order, &instrument(), &case.account, case.market, NOW).unwrap();
    let line = verdict.line(rule.name).unwrap();
    let others = verdict.lines().find(|(other, line)| line.outcome == Outcome::Breach && other.name != rule.name);
    assert!(others.is_none(), "{}: {:?} is breached as well", rule.name, others.map(|(other, _)| other.name));
    assert_eq!(line.measure.number(), Some(case.measured), "{}", rule.name);
    (line.outcome, line.measure.number())
}

#[test]
fn every_rule_passes_at_its_bound_and_refuses_beyond() {
    for rule in &RULES {
        let at = case(rule.name).map_or(0, |case| case.measured);
        let (inside, outside) = match rule.holds {
            Holds::AtMost => (at, at - 1),
            Holds::Below => (at + 1, at),
            Holds::AtLeast => (at, at + 1),
        };
        assert_eq!(asked(rule, inside).0, Outcome::Holds, "{} within its bound", rule.name);
        assert_eq!(asked(rule, outside).0, Outcome::Breach, "{} one unit beyond its bound", rule.name);
    }
}

#[test]
fn a_missing_fact_is_shown_and_does_what_the_rule_says() {
    for rule in RULES.iter().filter(|rule| !rule.needs.is_empty()) {
        let gate =
            RiskGate::new(Limits::open().with(rule.name, if rule.holds == Holds::AtLeast { 0 } else { ONE }).unwrap());
        let order = OrderRequest { stop_loss: None, ..request(Side::Buy, 1) };
        let view = AccountView { equity: Money::from_raw(units(1_000)), ..AccountView::default() };
        let verdict = gate.preview(&order, &instrument(), &view, None, NOW).unwrap();
        let line = verdict.line(rule.name).unwrap();
        let expected = match rule.missing {
            deepalpha_engine::risk::Missing::Refuses => Outcome::Breach,
            deepalpha_engine::risk::Missing::Passes => Outcome::NotMeasured,
        };
        assert_eq!(line.outcome, expected, "{}", rule.name);
        let said = verdict.checks().into_iter().find(|check| check.rule == rule.name).unwrap();
        assert_eq!(said.value, format!("not measured: needs {}", rule.needs));
    }
}

#[test]
fn rules_have_a_fixed_order_words_and_a_name_that_is_their_file() {
    let ranks: Vec<_> = RULES.iter().map(|rule| (rule.rank, rule.name)).collect();
    let mut sorted = ranks.clone();
    sorted.sort_unstable();
    assert_eq!(ranks, sorted);
    for rule in &RULES {
        let file = format!("{}/src/risk/rules/{}.rs", env!("CARGO_MANIFEST_DIR"), rule.name);
        assert!(std::fs::exists(&file).unwrap(), "{file}");
        assert!(!rule.meaning.is_empty(), "{}", rule.name);
    }
    assert_eq!(RULES.first().map(|rule| rule.name), Some("kill_switch"));
}
