//! The order manager against the scenarios of the reliability plan, by their numbers. Those that concern another room
//! stand there: 17 and 22 with the venue and the portfolio, 19 with the agents, 20 with the live commands; the gate's
//! half of 2, 13, 16 and 18 with the gate.
#![expect(unreachable_pub, reason = "modules of one test")]
#![expect(clippy::panic, clippy::indexing_slicing, reason = "tests may stop at a wrong shape")]

mod desk;
#[path = "../simulation/gate.rs"]
mod gate;
mod rules;
mod scenarios_01_to_10;
mod scenarios_11_to_23;
