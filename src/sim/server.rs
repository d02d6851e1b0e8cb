//! The HTTP side: keys, throttle, routing by extension.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;
use tokio::net::TcpListener;

use super::{
    desk::{self, DESK_BOT},
    envelope::{self, Command, Outcome, Query, Reason, Resource},
    events,
    fault::{Fault, FaultKind, fault_of},
    world::World,
};

/// Identity of the bot that is published on the channels and hands conversations to the desk bot.
pub const ROUTER_BOT: &str = "exemplorouter@msging.net";

/// The keys of the simulated contract.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Key of the bot that owns tickets and events.
    pub desk: String,
    /// Key of the router, which sees neither.
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
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Contract {
    world: Arc<World>,
    keys: Keys,
    faults: Vec<Fault>,
    commands: AtomicU64,
}

/// Starts the simulator on loopback; port 0 takes any free one.
///
/// # Errors
/// When the port is taken.
pub async fn start(world: Arc<World>, port: u16, faults: Vec<Fault>) -> std::io::Result<Server> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let base_url = format!("http://{}", listener.local_addr()?);
    let state = Arc::new(Contract { world, keys: Keys::new(), faults, commands: AtomicU64::new(0) });
    let app = Router::new()
        .route("/commands", post(commands))
        .route("/messages", post(accept))
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
}

async fn accept(State(contract): State<Arc<Contract>>, headers: HeaderMap) -> StatusCode {
    if contract.caller(&headers).is_some() { StatusCode::ACCEPTED } else { StatusCode::UNAUTHORIZED }
}

async fn commands(State(contract): State<Arc<Contract>>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(caller) = contract.caller(&headers) else { return StatusCode::UNAUTHORIZED.into_response() };
    let Ok(command) = serde_json::from_slice::<Command>(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let count = contract.commands.fetch_add(1, Ordering::Relaxed);
    let bot = if caller == Caller::Desk { DESK_BOT } else { ROUTER_BOT };
    let fault = fault_of(&contract.faults, count);
    let outcome = match fault {
        Some(FaultKind::Throttle) => return StatusCode::TOO_MANY_REQUESTS.into_response(),
        Some(FaultKind::Timeout) => return StatusCode::GATEWAY_TIMEOUT.into_response(),
        Some(FaultKind::Failure) => Err(Reason::new(1, "General error")),
        Some(FaultKind::Empty) => Ok(envelope::collection("application/vnd.iris.ticket+json", std::iter::empty::<()>(), None)),
        Some(FaultKind::Truncate) | None => route(&contract.world, &command, caller),
    };
    let mut text = envelope::answer(&command, bot, outcome);
    if fault == Some(FaultKind::Truncate) {
        text.truncate(text.floor_char_boundary(text.len() / 2));
    }
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

fn route(world: &World, command: &Command, caller: Caller) -> Outcome {
    let query = Query::parse(&command.uri);
    let is_desk = caller == Caller::Desk;
    if !command.method.eq_ignore_ascii_case("get") {
        return Err(Reason::new(63, "The method is not supported"));
    }
    match command.to.as_deref() {
        Some("postmaster@desk.msging.net") => desk::answer(world, &query, is_desk),
        Some("postmaster@analytics.msging.net") => events::answer(world, &query, is_desk),
        Some("postmaster@tunnel.msging.net") => events::tunnel(world, &query),
        None | Some("postmaster@msging.net") if query.path == ["ping"] => Ok(Resource::new("application/vnd.lime.ping+json", &json!({}))),
        _ => Err(Reason::unsupported()),
    }
}
