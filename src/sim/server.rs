//! The HTTP side: keys, throughput, faults, routing by extension.

use std::{
    collections::VecDeque,
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
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{
    contacts, core,
    desk::{self, DESK_BOT},
    envelope::{self, Command, Method, Outcome, Query, Reason, Slip},
    events,
    fault::{Fault, FaultKind, Faults},
    metrics, portal,
    record::Notification,
    world::World,
    writes,
};

/// Identity of the bot that is published on the channels and hands conversations to the desk bot.
pub const ROUTER_BOT: &str = "exemplorouter@msging.net";

/// What extensions report of a service behind them that fails for a while.
const BACKEND_TEXTS: [&str; 3] = [
    "Response status code does not indicate success: 503 (Service Unavailable).",
    "Response status code does not indicate success: 429 (Too Many Requests).",
    "The operation has timed out: the request was canceled after 30 seconds.",
];

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
    /// Returns the keys of a contract whose bots have their usual names.
    pub fn new() -> Keys {
        Keys::of(DESK_BOT, ROUTER_BOT)
    }

    /// Returns the keys of two bots: `base64(bot:secret)`, as Blip makes them.
    pub fn of(desk_bot: &str, router_bot: &str) -> Keys {
        let key = |bot: &str, secret: &str| BASE64_STANDARD.encode(format!("{}:{secret}", bot.split('@').next().unwrap_or(bot)));
        Keys { desk: key(desk_bot, "desk-secret-of-the-simulator"), router: key(router_bot, "router-secret-of-the-simulator") }
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
    /// Whether its clock runs on from the world's present; otherwise it stands still there.
    pub is_running: bool,
}

impl Default for SimOptions {
    fn default() -> Self {
        SimOptions {
            port: 0,
            faults: Vec::new(),
            fault_seed: 0,
            commands_per_second: None,
            throttle: Duration::from_mins(2),
            is_running: false,
        }
    }
}

/// The contract's clock, by which its answers are dated.
#[derive(Debug, Clone, Default)]
pub struct SimClock(Arc<Mutex<Option<DateTime<Utc>>>>);

impl SimClock {
    /// Lets the contract believe that it is `now`; what happened in it stays as it is.
    pub fn set(&self, now: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    fn get(&self) -> Option<DateTime<Utc>> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Returns the contract's clock.
    pub fn clock(&self) -> SimClock {
        self.state.clock.clone()
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
    began: Instant,
    clock: SimClock,
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
    let keys = Keys::of(&world.desk_bot, &world.router_bot);
    let state = Arc::new(Contract {
        world: RwLock::new(world),
        keys: keys.clone(),
        faults: Faults { list: options.faults.clone(), seed: options.fault_seed },
        options,
        commands: AtomicU64::new(0),
        throttled: AtomicU64::new(0),
        began: Instant::now(),
        clock: SimClock::default(),
        gates: Default::default(),
    });
    let app = Router::new()
        .route("/commands", post(commands))
        .route("/messages", post(messages))
        .route("/notifications", post(accept))
        .layer(middleware::map_response_with_state(Arc::clone(&state), dated))
        .with_state(Arc::clone(&state));
    let task = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!(%error, "the simulator stopped");
        }
    });
    Ok(Server { base_url, keys, task, state })
}

/// Dates an answer by the contract's own clock.
async fn dated(State(contract): State<Arc<Contract>>, mut response: Response) -> Response {
    let text = if contract.faults.has(FaultKind::NoDate) {
        // Without any the HTTP library would put the machine's own.
        "-".to_owned()
    } else {
        contract.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string()
    };
    if let Ok(value) = HeaderValue::try_from(text) {
        response.headers_mut().insert(header::DATE, value);
    }
    response
}

/// Whose key a request carries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Caller {
    Desk,
    Router,
}

impl Contract {
    /// Returns whose key a request carries, or why Blip refuses it: the form, the bot and the secret are told apart.
    fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let refuse = |text| Refusal(StatusCode::UNAUTHORIZED, 13, text);
        let malformed = refuse("invalid authorization header");
        let key = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Key ")).ok_or(malformed)?;
        if key == self.keys.desk {
            return Ok(Caller::Desk);
        }
        if key == self.keys.router {
            return Ok(Caller::Router);
        }
        let text = BASE64_STANDARD.decode(key).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(malformed)?;
        let (bot, _) = text.split_once(':').ok_or(malformed)?;
        let world = self.world();
        let is_known = [&world.desk_bot, &world.router_bot].iter().any(|known| known.split('@').next() == Some(bot));
        Err(refuse(if is_known { "authentication failed" } else { "invalid session identity" }))
    }

    /// Returns the time by the contract's clock.
    fn now(&self) -> DateTime<Utc> {
        let passed = if self.options.is_running { self.began.elapsed() } else { Duration::ZERO };
        self.clock.get().unwrap_or_else(|| self.world().now) + passed
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

/// A refusal below the level of commands: HTTP status, reason code and description.
#[derive(Debug, Clone, Copy)]
struct Refusal(StatusCode, i64, &'static str);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Refusal(status, code, description) = self;
        let body = json!({"code": code, "description": description}).to_string();
        (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
    }
}

const MALFORMED: Refusal = Refusal(StatusCode::BAD_REQUEST, 21, "The envelope is malformed");
const THROTTLED: Refusal = Refusal(StatusCode::TOO_MANY_REQUESTS, 34, "The throughput limit was exceeded");
const BROKEN: Refusal = Refusal(StatusCode::INTERNAL_SERVER_ERROR, 1, "An internal error occurred");
const LATE: Refusal = Refusal(StatusCode::GATEWAY_TIMEOUT, 86, "The command was not answered in time");

async fn accept(State(contract): State<Arc<Contract>>, headers: HeaderMap) -> Result<StatusCode, Refusal> {
    contract.caller(&headers).map(|_| StatusCode::ACCEPTED)
}

/// Accepts a message; its fate can be read as notifications at once.
async fn messages(State(contract): State<Arc<Contract>>, headers: HeaderMap, body: Bytes) -> Result<StatusCode, Refusal> {
    contract.caller(&headers)?;
    let message: Value = serde_json::from_slice(&body).map_err(|_| MALFORMED)?;
    let (Some(to), Some(mime)) = (message["to"].as_str(), message["type"].as_str()) else { return Err(MALFORMED) };
    // Without an id no notification comes, not even of a failure.
    if let Some(id) = message["id"].as_str() {
        let mut world = contract.world.write().unwrap_or_else(PoisonError::into_inner);
        let world = Arc::make_mut(&mut world);
        let at = world.now;
        world.notifications.extend(["accepted", "dispatched", "received", "consumed"].map(|event| Notification {
            message: id.to_owned(),
            to: to.to_owned(),
            mime: mime.to_owned(),
            event,
            at,
        }));
    }
    Ok(StatusCode::ACCEPTED)
}

async fn commands(State(contract): State<Arc<Contract>>, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    let caller = contract.caller(&headers)?;
    let command: Command = serde_json::from_slice(&body).map_err(|_| MALFORMED)?;
    let method = command.method().ok_or(MALFORMED)?;
    if command.id.is_none() && method != Method::Observe {
        return Err(MALFORMED);
    }
    let count = contract.commands.fetch_add(1, Ordering::Relaxed);
    let fault = contract.faults.of_command(count);
    if contract.is_refused(caller, fault == Some(FaultKind::Throttle)) {
        contract.throttled.fetch_add(1, Ordering::Relaxed);
        return Err(THROTTLED);
    }
    match fault {
        Some(FaultKind::ServerError) => return Err(BROKEN),
        Some(FaultKind::Timeout) => return Err(LATE),
        Some(FaultKind::Slow) => tokio::time::sleep(SLOW).await,
        Some(FaultKind::Hang) => tokio::time::sleep(FOREVER).await,
        Some(FaultKind::Html) => {
            let page = "<!DOCTYPE html><html><title>502 Bad Gateway</title></html>";
            return Ok(([(header::CONTENT_TYPE, "text/html")], page).into_response());
        }
        _ => {}
    }
    let outcome = match fault {
        Some(FaultKind::Failure) => Err(Reason::new(1, "General error")),
        Some(FaultKind::Backend) => Err(Reason::behind(BACKEND_TEXTS[usize::try_from(count % 3).unwrap_or(0)])),
        Some(FaultKind::BackendMissing) => Err(Reason::behind("Response status code does not indicate success: 404 (Not Found).")),
        Some(FaultKind::Empty) => Ok(envelope::collection("application/vnd.iris.ticket+json", std::iter::empty::<()>(), None)),
        _ => contract.outcome(&command, method, caller, fault),
    };
    let world = contract.world();
    let bot = if caller == Caller::Desk { &world.desk_bot } else { &world.router_bot };
    let mut text = envelope::answer(&command, bot, outcome);
    if fault == Some(FaultKind::Truncate) {
        text.truncate(text.floor_char_boundary(text.len() / 2));
    }
    if fault == Some(FaultKind::Reset) {
        let half = Bytes::copy_from_slice(&text.as_bytes()[..text.len() / 2]);
        let parts = stream::iter([Ok(half), Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))]);
        return Ok(([(header::CONTENT_TYPE, "application/json")], Body::from_stream(parts)).into_response());
    }
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

impl Contract {
    fn outcome(&self, command: &Command, method: Method, caller: Caller, fault: Option<FaultKind>) -> Outcome {
        let is_desk = caller == Caller::Desk;
        if method != Method::Get {
            let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
            return writes::answer(Arc::make_mut(&mut world), &self.faults, (command, method), is_desk, fault);
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
    let first = query.path.first().map(String::as_str);
    match command.to.as_deref() {
        Some("postmaster@desk.msging.net") => desk::answer(world, faults, query, is_desk),
        Some("postmaster@analytics.msging.net") if first == Some("metrics") => metrics::answer(world, query),
        Some("postmaster@analytics.msging.net") => events::answer(world, faults, query, is_desk),
        Some("postmaster@tunnel.msging.net") => contacts::tunnel(world, faults, query),
        Some("postmaster@wa.gw.msging.net") => contacts::whatsapp_account(query, !is_desk),
        Some("postmaster@portal.blip.ai") if faults.has(FaultKind::OpenPortal) => portal::read(world, query),
        Some("postmaster@portal.blip.ai") => Err(Reason::new(66, "The operation is not allowed")),
        Some("postmaster@crm.msging.net") => contacts::answer(world, faults, query, !is_desk),
        None | Some("postmaster@msging.net") if first == Some("contacts") => contacts::answer(world, faults, query, !is_desk),
        None | Some("postmaster@msging.net" | "postmaster@threads.msging.net") => core::answer(world, faults, query, !is_desk),
        _ => Err(Reason::unsupported()),
    }
}
