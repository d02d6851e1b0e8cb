//! `relato sim`: a Blip on loopback until stopped.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::json;

use super::{Exit, Failure, Global, output};
use crate::{
    domain::Zone,
    sim::{self, Fault, FaultKind, SimOptions, World, WorldSpec},
};

/// Run a Blip on loopback until stopped
///
/// Once it listens it prints one JSON line with its address and keys. The same seed, tickets, months and clock give the same
/// contract.
#[derive(Args)]
#[command(after_long_help = FaultKind::listing())]
pub struct SimArgs {
    /// Port; 0 takes any free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
    #[command(flatten)]
    world: WorldArgs,
    /// Fault, oddity or switch, such as failure=0.01 or full-total=1; repeatable; --help lists all kinds
    #[arg(long, value_name = "KIND=RATE")]
    fault: Vec<Fault>,
    /// Start of the random stream of faults
    #[arg(long, value_name = "N", default_value_t = 0)]
    fault_seed: u64,
    /// Commands of one key within any second, above which it is refused; without it there is no limit
    #[arg(long, value_name = "N")]
    commands_per_second: Option<usize>,
    /// Seconds for which a key is refused
    #[arg(long, value_name = "S", default_value_t = 120)]
    throttle_s: u64,
}

/// What a simulated contract is drawn from.
#[derive(Args, Clone)]
pub struct WorldArgs {
    /// Start of the random stream
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub seed: u64,
    /// Number of tickets
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = tickets)]
    pub tickets: usize,
    /// Number of calendar months, the current one included
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=120))]
    pub months: u32,
}

fn tickets(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| (1..=5_000_000).contains(count)).ok_or_else(|| "accepted: 1 to 5000000".to_owned())
}

impl WorldArgs {
    /// Draws the world as it is at `now`.
    pub fn draw(&self, now: DateTime<Utc>) -> World {
        let spec = WorldSpec { seed: self.seed, tickets: self.tickets, months: self.months, now };
        World::draw(&spec, zone())
    }
}

/// The simulated organisation is in São Paulo.
pub fn zone() -> Zone {
    "America/Sao_Paulo".parse().expect("the zone is in the IANA database")
}

pub async fn run(global: &Global, args: &SimArgs) -> Result<Exit, Failure> {
    let world = Arc::new(args.world.draw(global.now()));
    let options = SimOptions {
        port: args.port,
        faults: args.fault.clone(),
        fault_seed: args.fault_seed,
        commands_per_second: args.commands_per_second,
        throttle: Duration::from_secs(args.throttle_s),
        is_running: global.now.is_none(),
    };
    let server = sim::start(world, options).await.map_err(|error| {
        Failure::told(
            Exit::Failed,
            format!("port {} of loopback cannot be listened on: {error}", args.port),
            Some("name another with --port, or 0 for any"),
        )
    })?;
    let line = json!({"base_url": server.base_url, "keys": {"desk": server.keys.desk, "router": server.keys.router}});
    output::print(&format!("{line}\n"))?;
    tokio::signal::ctrl_c().await.map_err(|error| Failure::new(Exit::Failed, error))?;
    Ok(Exit::Done)
}
