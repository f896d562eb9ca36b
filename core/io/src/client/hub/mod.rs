//! The reading side of the hub's protocol `deepalpha.v1`: a reader that goes on where it was.
//!
//! # Layout
//! - [`head`]: a record's topic and offsets, read at their fixed places without parsing the JSON.
//! - [`reader`]: which offset each topic has come to; composes the subscriptions of a new connection from it, drops what
//!   came twice and says what is missing.
//! - [`requests`]: the texts of those subscriptions, in parts of bounded size.
//! - [`queue`]: records that wait for a slower consumer, bounded; what had no room becomes a gap.
//!
//! All of it is pure: no clock, no socket, no thread. What they add is written as the hub writes it, so that a consumer
//! knows one kind of record: `{"topic":T,"gap":[first,last],"policy":P}` with a policy of [`Policy`].

pub mod head;
pub mod queue;
pub mod reader;
pub mod requests;

pub use head::{Head, Policy};
pub use queue::RecordQueue;
pub use reader::{HubReader, ReaderCounts};
pub use requests::HubReaderError;
