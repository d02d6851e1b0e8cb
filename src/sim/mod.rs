//! A Blip on loopback: the demo's data source and the tests' peer.
//!
//! A [`world`] is drawn from a seed, a number of tickets, a number of months and a clock; the same four give the same world.
//! The server answers LIME commands from it, lists and reports alike, so that both agree. Names and texts are invented.

mod arrivals;
mod calendar;
mod contacts;
mod conversation;
mod core;
mod desk;
mod directory;
mod draw;
mod envelope;
mod events;
mod fault;
mod filter;
mod messages;
mod metrics;
mod portal;
mod profile;
mod record;
mod reports;
mod server;
pub mod world;
mod writes;

pub use fault::{Fault, FaultKind, FaultParseError};
pub use portal::{CONTRACT, Portal};
pub use profile::{ANSWER_WORDS, SECTORS, SURVEY_CATEGORY};
pub use record::{Notification, Tracked, Written};
pub use server::{Keys, ROUTER_BOT, Server, SimClock, SimOptions, start};
pub use world::{Attendant, Author, Customer, Event, Message, World, WorldSpec};
