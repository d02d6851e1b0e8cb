//! Blip's protocol and nothing else: LIME commands over HTTP, one file an extension.
//!
//! Answers are typed at the edge and tolerate unknown fields. What the answers mean for a report is `ingest`'s business.

mod client;
pub mod desk;
mod envelope;
mod error;
pub mod events;
pub mod identity;

pub use client::{Client, ClientOptions};
pub use error::BlipError;
