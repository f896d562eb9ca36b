//! What the hub answers when it will not do as asked: each names the value, the bound and the way out.
//!
//! ```text
//! HubError
//! ├── Config      a setting outside its bounds
//! ├── Bind        the address is taken or not ours (the port is named)
//! ├── Start       a thread or runtime could not be made
//! ├── Topic       a name the hub does not accept, or a class that contradicts the one already given
//! ├── Payload     not JSON, or larger than a message may be
//! ├── Overloaded  a reliable topic is full of messages the shards have not taken yet
//! └── Closed      the hub is draining or has stopped
//! ```
use std::io;
use std::net::SocketAddr;

use thiserror::Error;

use super::log::Class;

/// A refusal of the hub towards the program that owns it.
#[derive(Debug, Error)]
pub enum HubError {
    /// A setting outside its bounds.
    #[error("hub setting {name} = {value} is not in {least}..={most}")]
    Config {
        /// The setting's name in [`super::HubConfig`].
        name: &'static str,
        /// What was given.
        value: u64,
        /// Smallest accepted value.
        least: u64,
        /// Largest accepted value.
        most: u64,
    },
    /// The listening socket could not be made.
    #[error("cannot listen on port {} of {}: {source}; choose another port, or 0 for any free one", address.port(), address.ip())]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// The system's answer.
        source: io::Error,
    },
    /// A thread or its runtime could not be started.
    #[error("cannot start hub thread {name}: {source}")]
    Start {
        /// The thread's name.
        name: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A topic name that is not accepted.
    #[error("topic name {name:?} is refused: {reason}")]
    TopicName {
        /// The name, cut at 64 characters.
        name: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// The topic exists with another class.
    #[error("topic {name} already delivers {has}, not {asked}; use another name")]
    TopicClass {
        /// The topic.
        name: String,
        /// Its class.
        has: Class,
        /// The class asked for.
        asked: Class,
    },
    /// No room for another topic.
    #[error("the hub has {most} topics, its bound max_topics; raise the bound or reuse topics")]
    TooManyTopics {
        /// The bound.
        most: usize,
    },
    /// A payload larger than one message may be.
    #[error("payload of {length} bytes for topic {topic} is above max_payload = {most}")]
    PayloadTooLarge {
        /// The topic.
        topic: String,
        /// The payload's length.
        length: usize,
        /// The bound.
        most: usize,
    },
    /// A payload that is not one JSON value.
    #[error("payload for topic {topic} is not one JSON value: {reason}")]
    PayloadNotJson {
        /// The topic.
        topic: String,
        /// What the JSON parser says.
        reason: String,
    },
    /// A reliable topic holds as much as it may of what the shards have not taken yet: nothing was accepted.
    #[error(
        "reliable topic {topic} holds {held} messages the hub's threads have not taken yet; publish again later or slower"
    )]
    Overloaded {
        /// The topic.
        topic: String,
        /// Messages waiting.
        held: u64,
    },
    /// The hub drains or has stopped: nothing was accepted.
    #[error("the hub is shutting down; start a new one to publish")]
    Closed,
}
