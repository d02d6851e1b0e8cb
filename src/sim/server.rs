//! The HTTP side: keys, throughput, faults, routing by extension.

use std::{
    collections::{HashMap, VecDeque},
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::stream;
use serde_json::Value;
use tokio::net::TcpListener;

use super::{
    core,
    desk::{self, DESK_BOT},
    envelope::{self, Command, Outcome, Query, Reason, Slip},
    events,
    fault::{Fault, FaultKind, Faults},
    portal,
    world::World,
    writes,
};

/// Identity of the bot that is published on the channels and hands conversations to the desk bot.
pub const ROUTER_BOT: &str = "exemplorouter@msging.net";

/// How late a slow answer is.
const SLOW: Duration = Duration::from_millis(250);

/// How long an answer that never comes is held back: longer than any client waits.
const FOREVER: Duration = Duration::from_hours(1);

/// The keys of the simulated contract.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Key of the bot that owns tickets and events.
    pub desk: String,
    /// Key of the router, which sees neither, but customers by their identity on the channel.
    pub router: String,
}

impl Keys {
    /// Returns the contract's keys: `base64(bot:secret)`, as Blip makes them.
    pub fn new() -> Keys {
        let key = |bot: &str, secret: &str| BASE64_STANDARD.encode(format!("{}:{secret}", bot.split('@').next().unwrap_or(bot)));
        Keys { desk: key(DESK_BOT, "desk-secret-of-the-simulator"), router: key(ROUTER_BOT, "router-secret-of-the-simulator") }
    }
}

impl Default for Keys {
    fn default() -> Self {
        Keys::new()
    }
}

/// How a simulator behaves.
#[derive(Debug, Clone)]
pub struct SimOptions {
    /// Port of loopback; 0 takes any free one.
    pub port: u16,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Start of the random stream of faults.
    pub fault_seed: u64,
    /// Commands of one key within any second, above which it is refused; none is no limit.
    pub commands_per_second: Option<usize>,
    /// How long a key is refused.
    pub throttle: Duration,
}

impl Default for SimOptions {
    fn default() -> Self {
        SimOptions { port: 0, faults: Vec::new(), fault_seed: 0, commands_per_second: None, throttle: Duration::from_mins(2) }
    }
}

/// A running simulator; it stops when this value is dropped.
pub struct Server {
    /// Scheme, address and port.
    pub base_url: String,
    /// The contract's keys.
    pub keys: Keys,
    task: tokio::task::JoinHandle<()>,
    state: Arc<Contract>,
}

impl Server {
    /// Returns how many commands were answered so far.
    pub fn command_count(&self) -> u64 {
        self.state.commands.load(Ordering::Relaxed)
    }

    /// Returns how many commands were refused for their number so far.
    pub fn throttled_count(&self) -> u64 {
        self.state.throttled.load(Ordering::Relaxed)
    }

    /// Lets `change` happen in the contract, as if somebody had done it in the portal.
    pub fn change(&self, change: impl FnOnce(&mut World)) {
        change(Arc::make_mut(&mut self.state.world.write().unwrap_or_else(PoisonError::into_inner)));
    }

    /// Returns the contract as it is now, writes included.
    pub fn world(&self) -> Arc<World> {
        self.state.world()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Contract {
    world: RwLock<Arc<World>>,
    keys: Keys,
    faults: Faults,
    options: SimOptions,
    commands: AtomicU64,
    throttled: AtomicU64,
    gates: [Mutex<Gate>; 2],
}

/// What one key has sent lately.
#[derive(Default)]
struct Gate {
    arrivals: VecDeque<Instant>,
    refused_until: Option<Instant>,
}

/// Starts the simulator on loopback.
///
/// # Errors
/// When the port is taken.
pub async fn start(world: Arc<World>, options: SimOptions) -> std::io::Result<Server> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, options.port))).await?;
    let base_url = format!("http://{}", listener.local_addr()?);
    let state = Arc::new(Contract {
        world: RwLock::new(world),
        keys: Keys::new(),
        faults: Faults { list: options.faults.clone(), seed: options.fault_seed },
        options,
        commands: AtomicU64::new(0),
        throttled: AtomicU64::new(0),
        gates: Default::default(),
    });
    let app = Router::new()
        .route("/commands", post(commands))
        .route("/messages", post(messages))
        .route("/notifications", post(accept))
        .with_state(Arc::clone(&state));
    let task = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!(%error, "the simulator stopped");
        }
    });
    Ok(Server { base_url, keys: Keys::new(), task, state })
}

/// Whose key a request carries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Caller {
    Desk,
    Router,
}

impl Contract {
    fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        let key = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Key ")?;
        let known = HashMap::from([(self.keys.desk.as_str(), Caller::Desk), (self.keys.router.as_str(), Caller::Router)]);
        known.get(key).copied()
    }

    fn world(&self) -> Arc<World> {
        Arc::clone(&self.world.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts an arrival; returns whether the key has had its share, or is still refused for that.
    fn is_refused(&self, caller: Caller, storm: bool) -> bool {
        let mut gate = self.gates[caller as usize].lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if gate.refused_until.is_some_and(|until| now < until) {
            return true;
        }
        while gate.arrivals.front().is_some_and(|first| now.duration_since(*first) >= Duration::from_secs(1)) {
            gate.arrivals.pop_front();
        }
        gate.arrivals.push_back(now);
        let is_over = self.options.commands_per_second.is_some_and(|limit| gate.arrivals.len() > limit);
        if is_over || storm {
            gate.refused_until = Some(now + self.options.throttle);
        }
        is_over || storm
    }
}

async fn accept(State(contract): State<Arc<Contract>>, headers: HeaderMap) -> StatusCode {
    if contract.caller(&headers).is_some() { StatusCode::ACCEPTED } else { StatusCode::UNAUTHORIZED }
}

/// Accepts a message; its fate can be read as notifications at once.
async fn messages(State(contract): State<Arc<Contract>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if contract.caller(&headers).is_none() {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(message) = serde_json::from_slice::<Value>(&body) else { return StatusCode::BAD_REQUEST };
    // Without an id no notification comes, not even of a failure.
    if let Some(id) = message["id"].as_str() {
        let mut world = contract.world.write().unwrap_or_else(PoisonError::into_inner);
        let world = Arc::make_mut(&mut world);
        world.notifications.extend(["accepted", "dispatched", "received", "consumed"].map(|event| (id.to_owned(), event)));
    }
    StatusCode::ACCEPTED
}

async fn commands(State(contract): State<Arc<Contract>>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(caller) = contract.caller(&headers) else { return StatusCode::UNAUTHORIZED.into_response() };
    let Ok(command) = serde_json::from_slice::<Command>(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let count = contract.commands.fetch_add(1, Ordering::Relaxed);
    let fault = contract.faults.of_command(count);
    if contract.is_refused(caller, fault == Some(FaultKind::Throttle)) {
        contract.throttled.fetch_add(1, Ordering::Relaxed);
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    }
    match fault {
        Some(FaultKind::ServerError) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(FaultKind::Timeout) => return StatusCode::GATEWAY_TIMEOUT.into_response(),
        Some(FaultKind::Slow) => tokio::time::sleep(SLOW).await,
        Some(FaultKind::Hang) => tokio::time::sleep(FOREVER).await,
        Some(FaultKind::Html) => {
            let page = "<!DOCTYPE html><html><title>502 Bad Gateway</title></html>";
            return ([(header::CONTENT_TYPE, "text/html")], page).into_response();
        }
        _ => {}
    }
    let outcome = match fault {
        Some(FaultKind::Failure) => Err(Reason::new(1, "General error")),
        Some(FaultKind::Empty) => Ok(envelope::collection("application/vnd.iris.ticket+json", std::iter::empty::<()>(), None)),
        _ => contract.outcome(&command, caller, fault),
    };
    let bot = if caller == Caller::Desk { DESK_BOT } else { ROUTER_BOT };
    let mut text = envelope::answer(&command, bot, outcome);
    if fault == Some(FaultKind::Truncate) {
        text.truncate(text.floor_char_boundary(text.len() / 2));
    }
    if fault == Some(FaultKind::Reset) {
        let half = Bytes::copy_from_slice(&text.as_bytes()[..text.len() / 2]);
        let parts = stream::iter([Ok(half), Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))]);
        return ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(parts)).into_response();
    }
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

impl Contract {
    fn outcome(&self, command: &Command, caller: Caller, fault: Option<FaultKind>) -> Outcome {
        let is_desk = caller == Caller::Desk;
        if !command.method.eq_ignore_ascii_case("get") {
            let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
            return writes::answer(Arc::make_mut(&mut world), &self.faults, command, is_desk, fault);
        }
        let mut query = Query::parse(&command.uri);
        match fault {
            Some(FaultKind::RepeatPage) => query.move_page(|_| 0),
            Some(FaultKind::ShiftPage) => query.move_page(|skip| if skip > 0 { skip + 1 } else { 0 }),
            _ => {}
        }
        let outcome = read(&self.world(), &self.faults, command, &query, is_desk);
        match fault {
            Some(FaultKind::NoTotal) => envelope::slip(outcome, Slip::NoTotal),
            Some(FaultKind::EmptyNotFound) => envelope::slip(outcome, Slip::EmptyNotFound),
            Some(FaultKind::ItemType) => envelope::slip(outcome, Slip::ItemType),
            _ => outcome,
        }
    }
}

fn read(world: &World, faults: &Faults, command: &Command, query: &Query<'_>, is_desk: bool) -> Outcome {
    match command.to.as_deref() {
        Some("postmaster@desk.msging.net") => desk::answer(world, faults, query, is_desk),
        Some("postmaster@analytics.msging.net") if query.path.first().is_some_and(|first| first == "metrics") => {
            core::metrics(world, query)
        }
        Some("postmaster@analytics.msging.net") => events::answer(world, faults, query, is_desk),
        Some("postmaster@tunnel.msging.net") => core::tunnel(world, query),
        Some("postmaster@crm.msging.net") => core::contacts(world, query, !is_desk),
        Some("postmaster@portal.blip.ai") if faults.has(FaultKind::OpenPortal) => portal::read(world, query),
        Some("postmaster@portal.blip.ai") => Err(Reason::new(66, "The operation is not allowed")),
        None if query.path == ["configuration", "caller"] => portal::entries(world, query, if is_desk { DESK_BOT } else { ROUTER_BOT }),
        None | Some("postmaster@msging.net") => core::answer(world, faults, query, !is_desk),
        _ => Err(Reason::unsupported()),
    }
}
