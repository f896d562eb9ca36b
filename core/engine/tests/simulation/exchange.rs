//! The far side of the wire: what breaks, how the venue answers, what trades there.

use deepalpha_engine::execution::{RejectKind, VenueReport, VenueStatus};
use deepalpha_engine::types::{ClientOrderId, UtcNanos};

use super::{Event, MILLI, ToUs, ToVenue, World};
use crate::venue::{SECOND, Verdict};

/// The venue's answers are never further behind than this.
const LONGEST_LAG: i64 = 5 * SECOND / 2;

impl World {
    /// Something breaks.
    pub fn fault(&mut self) -> Result<(), String> {
        match self.dice.below(6) {
            0 => {
                let down = self.dice.between(0, 4 * SECOND);
                self.disconnect(down);
            }
            1 => self.disk_fails_until = self.now + self.dice.between(0, 5 * SECOND),
            2 => self.skew = self.dice.between(-3 * SECOND, 900 * MILLI),
            3 => self.venue_busy_until = self.now + self.dice.between(0, 3 * SECOND),
            4 => {
                // The venue starts again; some of its open orders do not come back, and nobody is told.
                for id in self.venue.working() {
                    if self.dice.chance(300) {
                        self.venue.end(&id, VenueStatus::Cancelled, self.now);
                    }
                }
                self.note(|| "venue starts again".to_owned());
                let down = self.dice.between(0, 2 * SECOND);
                self.disconnect(down);
            }
            _ => return self.kill_sometimes(),
        }
        Ok(())
    }

    fn kill_sometimes(&mut self) -> Result<(), String> {
        if self.hostility.kill > 0 { self.kill() } else { Ok(()) }
    }

    fn disconnect(&mut self, down: i64) {
        self.link_up = false;
        self.connection += 1;
        let seen = self.dice.between(0, 500 * MILLI);
        self.at(seen, Event::Link(false));
        self.at(seen + down, Event::Link(true));
    }

    /// The venue takes a message.
    pub fn at_venue(&mut self, message: ToVenue) {
        let now = self.now;
        let ts_event = UtcNanos(now);
        let maybe = self.hostility.maybe;
        let busy = self.faults && now < self.venue_busy_until;
        match message {
            ToVenue::Submit(request, sent_at) => {
                let client_order_id = request.client_order_id;
                if busy {
                    let kind = RejectKind::RateLimited { retry_after: self.venue_busy_until - now };
                    // Certainly not processed, unless another copy was.
                    let known = self.venue.orders.contains_key(&client_order_id);
                    let kind = if known { RejectKind::DuplicateId } else { kind };
                    if !known {
                        self.venue.submit(&request, sent_at, now, true);
                    }
                    return self.tell(VenueReport::Rejected { client_order_id, kind, ts_event });
                }
                if self.hit(maybe) {
                    if self.dice.chance(500) {
                        self.venue.submit(&request, sent_at, now, false);
                    }
                    return self.tell(VenueReport::Maybe { client_order_id });
                }
                let refuse = self.hit(40);
                let report = match self.venue.submit(&request, sent_at, now, refuse) {
                    Verdict::Accepted => VenueReport::Accepted { client_order_id, ts_event },
                    Verdict::Refused => VenueReport::Rejected { client_order_id, kind: RejectKind::Refused, ts_event },
                    Verdict::Duplicate => {
                        VenueReport::Rejected { client_order_id, kind: RejectKind::DuplicateId, ts_event }
                    }
                    Verdict::TooLate => VenueReport::Rejected { client_order_id, kind: RejectKind::TooLate, ts_event },
                };
                self.tell(report);
                if self.dice.chance(400) {
                    self.trade(client_order_id);
                }
            }
            ToVenue::Cancel(client_order_id) => {
                if busy {
                    let kind = RejectKind::RateLimited { retry_after: self.venue_busy_until - now };
                    return self.tell(VenueReport::CancelRejected { client_order_id, kind, ts_event });
                }
                if self.dice.chance(200) {
                    self.trade(client_order_id);
                }
                let ended = self.venue.end(&client_order_id, VenueStatus::Cancelled, now);
                let tells = self.hostility.tells_filled;
                if self.hit(maybe) {
                    return self.tell(VenueReport::Maybe { client_order_id });
                }
                self.tell(match ended {
                    Some(order) => {
                        VenueReport::Cancelled { client_order_id, filled: tells.then_some(order.filled), ts_event }
                    }
                    None => VenueReport::CancelRejected { client_order_id, kind: RejectKind::Refused, ts_event },
                });
            }
            ToVenue::Amend(client_order_id, quantity, price, sent_at) => {
                let amended = self.venue.amend(&client_order_id, quantity, price, sent_at, now);
                if self.hit(maybe) {
                    return self.tell(VenueReport::Maybe { client_order_id });
                }
                self.tell(match amended {
                    Some(_) => VenueReport::Amended { client_order_id, quantity, price, ts_event },
                    None => VenueReport::AmendRejected { client_order_id, kind: RejectKind::Refused, ts_event },
                });
            }
            ToVenue::Query(..) | ToVenue::Snapshot(..) if busy => {
                self.tell(VenueReport::Busy { retry_after: self.venue_busy_until - now });
            }
            ToVenue::Query(query, client_order_id) => {
                let view = now - self.lag();
                let report = match self.venue.view(&client_order_id, view) {
                    Some(order) => VenueReport::Status { query, order },
                    None => VenueReport::NotFound { query, client_order_id },
                };
                self.tell(report);
            }
            ToVenue::Snapshot(snapshot, since) => {
                let (orders, fills, positions) = (now - self.lag(), now - self.lag(), now - self.lag());
                let orders = self.venue.open_view(orders);
                let fills = self.venue.fills_view(since, fills);
                let positions = self.venue.positions_view(positions);
                self.send_us(ToUs::Snapshot(snapshot, orders, fills, positions));
            }
        }
    }

    fn lag(&mut self) -> i64 {
        if self.hit(300) { self.dice.between(0, LONGEST_LAG) } else { 0 }
    }

    /// A working order trades, and we are told (or not).
    pub fn trade(&mut self, id: ClientOrderId) {
        let over = self.hostility.overfill;
        let over = !id.starts_with("FRN-") && self.hit(over);
        let quantity = self.dice.between(1, 6) * 100_000_000;
        if let Some(fill) = self.venue.trade(&id, quantity, over, self.now) {
            self.note(|| format!("venue trades {fill:?}"));
            self.tell(VenueReport::Fill(fill));
        }
    }

    pub fn expire(&mut self, id: ClientOrderId) {
        let tells = self.hostility.tells_filled;
        if let Some(order) = self.venue.end(&id, VenueStatus::Expired, self.now) {
            let (filled, ts_event) = (tells.then_some(order.filled), order.updated_at);
            self.tell(VenueReport::Expired { client_order_id: id, filled, ts_event });
        }
    }
}
