//! What a browser or a supervisor can ask a running process, on loopback only.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    sync::Arc,
};

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use serde::Serialize;

/// How a process is.
#[derive(Debug, Clone, Serialize)]
pub struct Health {
    /// Whether it does its work.
    pub is_well: bool,
    /// Seconds since it last looked for work.
    pub looked_s: u64,
    /// How the last load ended, if there was one.
    pub last_load: Option<String>,
}

/// Tells how the process is.
pub type Tell = Arc<dyn Fn() -> Health + Send + Sync>;

/// Opens the port; 0 is any that is free.
///
/// # Errors
/// When it is taken.
pub fn listen(port: u16) -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Answers `GET /healthz` with 200 while the process is well and with 503 otherwise, until it is dropped.
///
/// # Errors
/// When the port cannot be used.
pub async fn serve(listener: TcpListener, tell: Tell) -> io::Result<()> {
    let router = Router::new().route("/healthz", get(health)).with_state(tell);
    axum::serve(tokio::net::TcpListener::from_std(listener)?, router).await
}

async fn health(State(tell): State<Tell>) -> impl IntoResponse {
    let health = tell();
    let status = if health.is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let text = serde_json::to_string(&health).unwrap_or_default();
    (status, [("content-type", "application/json")], text)
}
