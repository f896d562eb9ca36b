//! Time of book operations: `cargo bench -p deepalpha-engine --bench book`.
//!
//! Commands are made beforehand against a shadow book, so that every cancel and move names a resting order, and are
//! replayed on a fresh one, trades and level changes included. Nine runs of a million commands: `mean` is over all, `best`
//! adds up each thousand's fastest run, which is what a core costs that nobody else uses. Single commands are timed in
//! a run of their own; the clock's cost is in those figures and printed.
#![expect(clippy::indexing_slicing, reason = "a bench may stop")]

use std::time::Instant;

use deepalpha_engine::book::{
    Book, Depth, LevelChange, Lots, NewOrder, QueueModel, QueuePosition, Report, Ticks, TimeInForce,
};
use deepalpha_engine::types::Side;

const COMMANDS: usize = 1_000_000;
const RUNS: usize = 9;
const BATCH: usize = 1_000;

#[derive(Clone, Copy)]
enum Command {
    Submit(NewOrder),
    Cancel(u64),
    Amend(u64, Ticks, Lots),
}

/// Splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// Makes commands while it runs them.
struct Maker {
    random: Random,
    book: Book,
    report: Report,
    live: Vec<u64>,
    key: u64,
    commands: Vec<Command>,
}

impl Maker {
    fn new() -> Self {
        let random = Random(20_261_121);
        let commands = Vec::with_capacity(COMMANDS);
        Self { random, book: Book::new(4096), report: Report::default(), live: Vec::new(), key: 0, commands }
    }

    fn side(&mut self) -> Side {
        if self.random.below(2) == 0 { Side::Buy } else { Side::Sell }
    }

    fn run(&mut self, command: Command) {
        run(&mut self.book, &command, &mut self.report);
        self.report.clear();
        self.commands.push(command);
    }

    fn submit(&mut self, mut order: NewOrder) {
        self.key += 1;
        order.key = self.key;
        self.run(Command::Submit(order));
        if self.book.order(self.key).is_some() {
            self.live.push(self.key);
        }
    }

    /// A random resting order, taken off the list when `remove`.
    fn pick(&mut self, remove: bool) -> Option<u64> {
        while !self.live.is_empty() {
            let place = self.random.below(self.live.len() as u64) as usize;
            let key = self.live[place];
            if self.book.order(key).is_none() {
                self.live.swap_remove(place);
            } else {
                return Some(if remove { self.live.swap_remove(place) } else { key });
            }
        }
        None
    }

    fn limit(&mut self, side: Side, price: i64, quantity: i64) -> NewOrder {
        let owner = self.random.below(1 << 30) as u32;
        NewOrder::limit(0, owner, side, Ticks(price), Lots(quantity))
    }
}

/// 55 % submit and 45 % cancel. Orders rest at random within `spread` ticks of the middle until `resting` do; above that
/// a submit takes, about as much as one resting order has.
fn submit_and_cancel(spread: u64, resting: usize) -> Vec<Command> {
    let mut maker = Maker::new();
    let middle = 1_000_000_000_i64;
    while maker.commands.len() < COMMANDS {
        if maker.random.below(100) < 45
            && let Some(key) = maker.pick(true)
        {
            maker.run(Command::Cancel(key));
            continue;
        }
        let side = maker.side();
        let quantity = 1 + maker.random.below(50).cast_signed();
        let takes = maker.live.len() >= resting;
        let away = if takes { -spread.cast_signed() } else { 1 + maker.random.below(spread).cast_signed() };
        let price = if side.is_buy() { middle - away } else { middle + away };
        let mut order = maker.limit(side, price, quantity);
        if takes {
            order.time_in_force = TimeInForce::ImmediateOrCancel;
        }
        maker.submit(order);
    }
    maker.commands
}

/// exchange-core's mix: 9 % market, 3 % limit orders that take, 6 % cancel and new, 82 % moves; about 1,000 orders.
fn moves() -> Vec<Command> {
    let mut maker = Maker::new();
    let middle = 50_000_i64;
    let place = |maker: &mut Maker, side: Side| {
        let away = 1 + maker.random.below(100).cast_signed();
        middle + if side.is_buy() { -away } else { away }
    };
    while maker.commands.len() < COMMANDS {
        let kind = maker.random.below(100);
        let side = maker.side();
        let full = maker.live.len() >= 1_000;
        let take = 1 + maker.random.below(5).cast_signed();
        if kind < 9 && full {
            let owner = maker.random.below(1 << 30) as u32;
            maker.submit(NewOrder::market(0, owner, side, Lots(take)));
        } else if kind < 12 && full {
            let mut order = maker.limit(side, if side.is_buy() { middle + 200 } else { middle - 200 }, take);
            order.time_in_force = TimeInForce::ImmediateOrCancel;
            maker.submit(order);
        } else if kind < 18 || !full {
            if full && let Some(key) = maker.pick(true) {
                maker.run(Command::Cancel(key));
            } else {
                let price = place(&mut maker, side);
                let quantity = 20 + maker.random.below(50).cast_signed();
                let order = maker.limit(side, price, quantity);
                maker.submit(order);
            }
        } else if let Some(key) = maker.pick(false)
            && let Some(order) = maker.book.order(key)
        {
            let price = place(&mut maker, order.side);
            maker.run(Command::Amend(key, Ticks(price), order.leaves));
        }
    }
    maker.commands
}

#[inline]
fn run(book: &mut Book, command: &Command, report: &mut Report) -> bool {
    match command {
        Command::Submit(order) => book.submit(order, report).is_ok(),
        Command::Cancel(key) => book.cancel(*key, report).is_ok(),
        Command::Amend(key, price, quantity) => book.amend(*key, *price, *quantity, report).is_ok(),
    }
}

/// Clock, sorted: 50 %, 99 %, 99.9 % of single commands.
fn percentiles(commands: &[Command]) -> [u128; 3] {
    let (mut book, mut report) = (Book::new(4096), Report::default());
    let mut times: Vec<u128> = Vec::with_capacity(commands.len());
    for command in commands {
        let start = Instant::now();
        run(&mut book, command, &mut report);
        times.push(start.elapsed().as_nanos());
        report.clear();
    }
    times.sort_unstable();
    [times[times.len() / 2], times[times.len() * 99 / 100], times[times.len() * 999 / 1000]]
}

fn measure(name: &str, commands: &[Command], goal: f64) -> Vec<LevelChange> {
    let mut fastest = vec![u128::MAX; commands.len().div_ceil(BATCH)];
    let (mut all, mut trades, mut refused, mut hash, mut live, mut levels) = (0, 0, 0, 0, 0, 0);
    for _ in 0..RUNS {
        let (mut book, mut report) = (Book::new(4096), Report::default());
        (trades, refused) = (0, 0);
        for (batch, fastest) in commands.chunks(BATCH).zip(&mut fastest) {
            let start = Instant::now();
            for command in batch {
                refused += usize::from(!run(&mut book, command, &mut report));
                trades += report.trades.len();
                report.clear();
            }
            let took = start.elapsed().as_nanos();
            all += took;
            *fastest = took.min(*fastest);
        }
        (hash, live) = (book.state_hash(), book.len());
        levels = book.level_count(Side::Buy) + book.level_count(Side::Sell);
    }
    let best = fastest.iter().sum::<u128>() as f64 / commands.len() as f64;
    let mean = all as f64 / (commands.len() * RUNS) as f64;
    let [p50, p99, p999] = percentiles(commands);
    let holds = if best <= goal { "yes" } else { "no" };
    println!(
        "{name:<34} {best:>7.1} {mean:>7.1} {goal:>6.0} {holds:>5} {p50:>6} {p99:>6} {p999:>6} {trades:>8} {refused:>7} {live:>7} {levels:>7}  {hash:016x}"
    );
    let (mut book, mut report) = (Book::new(4096), Report::default());
    for command in commands {
        run(&mut book, command, &mut report);
    }
    report.changes
}

fn measure_depth(name: &str, changes: &[LevelChange]) {
    let (mut best, mut worst) = (f64::INFINITY, 0.0_f64);
    for _ in 0..RUNS {
        let mut depth = Depth::new();
        let start = Instant::now();
        let refused = changes.iter().filter(|change| depth.apply(change).is_err()).count();
        let each = start.elapsed().as_nanos() as f64 / changes.len() as f64;
        assert_eq!(refused, 0);
        (best, worst) = (best.min(each), worst.max(each));
    }
    println!("{name:<34} {best:>7.1} {worst:>7.1}   ({} changes)", changes.len());
}

fn measure_queue(name: &str, model: QueueModel) {
    let mut random = Random(7);
    let steps: Vec<(Lots, Lots)> =
        (0..COMMANDS).map(|_| (Lots(random.below(500).cast_signed()), Lots(random.below(500).cast_signed()))).collect();
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let Ok(mut position) = QueuePosition::new(model, Lots(1), Lots(i64::MAX >> 8)) else { return };
        let start = Instant::now();
        let refused = steps.iter().filter(|(before, now)| position.on_level_change(*before, *now).is_err()).count();
        best = best.min(start.elapsed().as_nanos() as f64 / steps.len() as f64);
        assert_eq!(std::hint::black_box(refused + position.fills().0 as usize), 0);
    }
    println!("{name:<34} {best:>7.1}");
}

fn main() {
    let start = Instant::now();
    for _ in 0..COMMANDS {
        std::hint::black_box(Instant::now());
    }
    println!("clock: {:.0} ns a reading", start.elapsed().as_nanos() as f64 / COMMANDS as f64);
    println!(
        "{:<34} {:>7} {:>7} {:>6} {:>5} {:>6} {:>6} {:>6} {:>8} {:>7} {:>7} {:>7}  state",
        "ns an operation",
        "best",
        "mean",
        "goal",
        "holds",
        "p50",
        "p99",
        "p99.9",
        "trades",
        "refused",
        "orders",
        "levels"
    );
    // A word after `--` runs the lines that have it in their name.
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_default();
    let run = |name: &str, commands: &dyn Fn() -> Vec<Command>| {
        if name.contains(&only) { measure(name, &commands(), 100.0) } else { Vec::new() }
    };
    let near = run("55/45 submit/cancel, 60 ticks", &|| submit_and_cancel(60, 1_000));
    run("9/3/6/82 market/take/new/move", &moves);
    let sparse = run("55/45, a million ticks wide", &|| submit_and_cancel(1_000_000, 1_000));
    run("55/45, 20,000 ticks, 50,000 orders", &|| submit_and_cancel(20_000, 50_000));
    if !only.is_empty() {
        return;
    }
    measure_depth("depth fed with the first's changes", &near);
    measure_depth("depth fed with the third's changes", &sparse);
    measure_queue("queue position, logarithm", QueueModel::Logarithm);
    measure_queue("queue position, cube", QueueModel::Power(3));
}
