//! Quotes, book updates and the venue's own bars: form, order, crossing. They enter no bar.

use serde::{Deserialize, Serialize};

use super::symbol::{Outcome, Shared, SymbolState};
use crate::stream::event::{DepthUpdate, Quote, VenueBar};
use crate::stream::output::{EventKind, EventRow, QuoteRow, Reason, flags};

/// Time after which a lower update id is a new start of the ids and not an old message.
const RESTART: i64 = 1_000_000_000;

/// The last quote of a symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Top {
    update_id: u64,
    ts_event: i64,
    prices: [i64; 4],
    crossed: u32,
}

impl SymbolState {
    pub(super) fn quote(&mut self, quote: &Quote, shared: &mut Shared<'_>) -> Outcome {
        let prices = [quote.bid, quote.ask].map(crate::types::Price::raw);
        let quantities = [quote.bid_quantity, quote.ask_quantity].map(crate::types::Quantity::raw);
        if prices.iter().any(|price| *price <= 0) {
            return self.bad_quote(quote, Reason::Price, shared);
        }
        if quantities.iter().any(|quantity| *quantity < 0) {
            return self.bad_quote(quote, Reason::Quantity, shared);
        }
        let content = [prices[0], quantities[0], prices[1], quantities[1]];
        let (id, ts) = (quote.update_id, quote.ts_event.0);
        if id != 0 && id <= self.top.update_id {
            if id == self.top.update_id && content == self.top.prices {
                self.counters.quotes.duplicate += 1;
                return Outcome::Duplicate;
            }
            if ts < self.top.ts_event.saturating_add(RESTART) {
                self.counters.quotes.late += 1;
                return Outcome::Late;
            }
        }
        let crossed = prices[0] >= prices[1];
        self.top = Top { update_id: id, ts_event: ts, prices: content, crossed: self.top.crossed };
        if crossed {
            self.counters.crossed += 1;
            self.top.crossed = self.top.crossed.saturating_add(1);
            if self.top.crossed == shared.config.most_crossed {
                let mut event = EventRow::new(quote.symbol, EventKind::Resync, ts, quote.ts_init.0);
                (event.reason, event.from) = (Reason::Crossed, id);
                shared.out.event(&event);
            }
        } else {
            self.top.crossed = 0;
        }
        self.counters.quotes.ok += 1;
        shared.out.quote(&QuoteRow { quote: *quote, flags: if crossed { flags::CROSSED } else { 0 } });
        Outcome::Ok
    }

    #[cold]
    pub(super) fn bad_quote(&mut self, quote: &Quote, reason: Reason, shared: &mut Shared<'_>) -> Outcome {
        self.counters.quotes.bad += 1;
        let mut event = EventRow::new(quote.symbol, EventKind::Bad, quote.ts_event.0, quote.ts_init.0);
        (event.reason, event.from, event.price) = (reason, quote.update_id, quote.bid.raw());
        shared.out.event(&event);
        Outcome::Bad(reason)
    }

    pub(super) fn depth(&mut self, update: &DepthUpdate<'_>, shared: &mut Shared<'_>) -> Outcome {
        let levels = || update.bids.iter().chain(update.asks);
        let wrong = levels().find_map(|(price, quantity)| match (price.raw(), quantity.raw()) {
            (..=0, _) => Some((Reason::Price, *price)),
            (_, ..=-1) => Some((Reason::Quantity, *price)),
            _ => None,
        });
        let wrong = wrong.or_else(|| {
            let backward = update.first_update > update.last_update && !update.snapshot;
            backward.then(|| (Reason::Chain, crate::types::Price::ZERO))
        });
        let Some((reason, price)) = wrong else {
            self.counters.depth.ok += 1;
            return Outcome::Ok;
        };
        self.counters.depth.bad += 1;
        let mut event = EventRow::new(update.symbol, EventKind::Bad, update.ts_event.0, update.ts_init.0);
        (event.reason, event.from, event.to, event.price) =
            (reason, update.first_update, update.last_update, price.raw());
        shared.out.event(&event);
        Outcome::Bad(reason)
    }

    pub(super) fn venue_bar(&mut self, bar: &VenueBar, shared: &mut Shared<'_>) -> Outcome {
        let reason = if bar.low.raw() <= 0 {
            Some(Reason::Price)
        } else if bar.volume.raw() < 0 {
            Some(Reason::Quantity)
        } else if bar.high < bar.open.max(bar.close) || bar.low > bar.open.min(bar.close) {
            Some(Reason::Shape)
        } else {
            None
        };
        let Some(reason) = reason else {
            self.counters.venue_bars.ok += 1;
            shared.out.venue_bar(bar);
            return Outcome::Ok;
        };
        self.counters.venue_bars.bad += 1;
        let mut event = EventRow::new(bar.symbol, EventKind::Bad, bar.ts_event.0, bar.ts_init.0);
        (event.reason, event.price, event.quantity) = (reason, bar.close.raw(), bar.volume.raw());
        shared.out.event(&event);
        Outcome::Bad(reason)
    }
}
