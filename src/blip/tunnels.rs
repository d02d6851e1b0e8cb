//! The tunnel extension: who is behind the identity by which a sub-bot knows a customer.

use serde::Deserialize;

use super::{BlipError, Client, error::or_empty, identity};

const TUNNEL: Option<&str> = Some("postmaster@tunnel.msging.net");

/// A tunnel. The mapping never changes.
#[derive(Debug, Clone, Deserialize)]
pub struct Tunnel {
    /// The router.
    pub owner: String,
    /// The customer's identity on the channel, in clear: never stored.
    pub originator: String,
}

/// The tunnel of a customer's identity; none where the identity is no tunnel or nobody knows it.
///
/// # Errors
/// As [`Client::get`].
pub async fn tunnel(client: &Client, customer: &str) -> Result<Option<Tunnel>, BlipError> {
    let Some(name) = identity::tunnel_name(customer) else { return Ok(None) };
    or_empty(client.get(TUNNEL, &format!("/tunnels/{}", identity::encode(name))).await.map(Some))
}
