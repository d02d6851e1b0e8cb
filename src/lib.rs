//! Relato: long memory and trustworthy reports for service desks run on Blip.
//!
//! `ARCHITECTURE.md` tells how the folders work together and which may use which.

pub mod audit;
pub mod blip;
pub mod cli;
pub mod config;
pub mod console;
pub mod deliver;
pub mod domain;
pub mod files;
pub mod ingest;
pub mod ledger;
pub mod ops;
pub mod query;
pub mod render;
pub mod report;
pub mod schedule;
pub mod sim;
pub mod snapshot;
pub mod store;
