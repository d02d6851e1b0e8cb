//! Blip's protocol and nothing else: LIME commands over HTTP, one file or folder an extension.
//!
//! Answers are typed at the edge. Fields that nobody documented are tolerated and counted, records that do not fit are handed
//! over as unreadable instead of failing the page they are on. What the answers mean for a report is `ingest`'s business;
//! what is used here without Blip having documented it stands in [`unconfirmed`].

mod client;
pub mod configuration;
pub mod contacts;
pub mod desk;
mod envelope;
mod error;
pub mod events;
pub mod identity;
pub mod metrics;
mod pace;
pub mod portal;
pub mod probe;
pub mod readings;
mod record;
pub mod threads;
pub mod time;
pub mod tunnels;
pub mod unconfirmed;

pub use client::{Client, ClientOptions, Listing, Repeat};
pub use error::{BlipError, ErrorKind, or_empty};
pub use record::{Entry, Record, Unreadable};
