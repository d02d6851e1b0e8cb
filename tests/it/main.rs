//! Tests of behaviour across folders: one binary, loopback only, no wall clock.

mod accesses;
mod architecture;
mod bad_input;
mod delivery;
mod dictionary;
mod documents;
mod escapes;
mod every_report;
mod golden;
mod imports;
mod ingestion;
mod mailbox;
mod mutants;
mod oracle;
mod queries;
mod questions;
mod reliability;
mod restatements;
mod scheduling;
mod serving;
mod snapshots;
mod subjects;
mod support;
mod team_model;
mod traces;
mod worlds;
