//! The portal's extension: members of the contract, members of a bot and what they may do there.
//!
//! Nothing of it is documented for a bot's key: see [`Unconfirmed::Portal`](super::unconfirmed::Unconfirmed). Whoever uses it must be ready for
//! a refusal, and for answers of another shape.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    BlipError, Client, Entry, Listing, Record, Repeat,
    client::Request,
    envelope::Method,
    error::or_empty,
    identity::{self, encode, in_path},
};

const PORTAL: Option<&str> = Some("postmaster@portal.blip.ai");

/// Members a page.
const TAKE: usize = 100;

/// What a member of the contract may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// See.
    Guest,
    /// Make and edit bots.
    Member,
    /// Everything, members included.
    Admin,
}

impl Role {
    /// Returns Blip's name.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Guest => "guest",
            Role::Member => "member",
            Role::Admin => "admin",
        }
    }
}

/// A member of the contract.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContractMember {
    /// Identity, in either of its forms.
    pub user_identity: String,
    /// Name.
    pub full_name: Option<String>,
    /// What they may do.
    pub role_id: Role,
    /// Whether they have accepted; absent is taken for accepted.
    pub user_status: Option<MemberStatus>,
}

/// How far an invitation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum MemberStatus {
    /// The contract has to accept.
    PendingTenant,
    /// The person has to accept.
    PendingUser,
    /// A member.
    Accepted,
    /// Not a member.
    Rejected,
}

/// One person's permission for one part of a bot.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Permission {
    /// Whose.
    pub user_identity: String,
    /// For what.
    pub permission_id: String,
    /// `read` and `write`; empty, or `none`, is no permission.
    #[serde(default)]
    pub actions: Vec<String>,
}

impl Record for ContractMember {
    const KIND: &'static str = "contract member";
    const PASSED_OVER: &'static [&'static str] = &["tenantId", "creationDate", "updateDate"];

    fn is_same(&self, other: &ContractMember) -> bool {
        self.user_identity == other.user_identity
    }
}

impl Record for Permission {
    const KIND: &'static str = "permission";
    const PASSED_OVER: &'static [&'static str] = &["ownerIdentity", "updateDate"];

    fn is_same(&self, other: &Permission) -> bool {
        self.user_identity == other.user_identity && self.permission_id == other.permission_id
    }
}

/// A member of a bot.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BotMember {
    /// Identity, in either of its forms.
    pub user_identity: String,
}

impl Record for BotMember {
    const KIND: &'static str = "bot member";
    const PASSED_OVER: &'static [&'static str] = &["fullName", "email", "creationDate", "ownerIdentity"];

    fn is_same(&self, other: &BotMember) -> bool {
        self.user_identity == other.user_identity
    }
}

/// All members of the contract.
///
/// # Errors
/// That of any page.
pub async fn contract_members(client: &Client, contract: &str) -> Result<Listing<Entry<ContractMember>>, BlipError> {
    client.list(PORTAL, &format!("/tenants/{}/users", encode(contract)), TAKE, |_| false).await
}

/// Invites a person into the contract, or gives a member another role. A second invitation sends a second mail.
///
/// # Errors
/// As those of any write.
pub async fn set_contract_member(client: &Client, contract: &str, identity: &str, role: Role) -> Result<(), BlipError> {
    let item = json!({"tenantId": contract, "userIdentity": identity::normalized(identity), "roleId": role.name()});
    let body = collection("application/vnd.iris.portal.tenant-user+json", &[item]);
    let uri = format!("/tenants/{}/users", encode(contract));
    client.change(set(&uri, COLLECTION, &body), Repeat::Never).await
}

/// Takes a person out of the contract. One who is not there is no error.
///
/// # Errors
/// As those of any write.
pub async fn delete_contract_member(client: &Client, contract: &str, identity: &str) -> Result<(), BlipError> {
    delete(client, &format!("/tenants/{}/users/{}", encode(contract), in_path(&identity::normalized(identity)))).await
}

/// All members of a bot, such as `acmebot@msging.net`.
///
/// # Errors
/// That of any page.
pub async fn bot_members(client: &Client, bot: &str) -> Result<Listing<Entry<BotMember>>, BlipError> {
    client.list(PORTAL, &format!("/applications/{bot}/users"), TAKE, |_| false).await
}

/// Every permission of every member of a bot.
///
/// # Errors
/// That of any page.
pub async fn permissions(client: &Client, bot: &str) -> Result<Listing<Entry<Permission>>, BlipError> {
    client.list(PORTAL, &format!("/applications/{bot}/permissions"), TAKE, |_| false).await
}

/// Makes a person a member of a bot, without any permission yet.
///
/// # Errors
/// As those of any write.
pub async fn add_bot_member(client: &Client, bot: &str, identity: &str) -> Result<(), BlipError> {
    let body = json!(identity::normalized(identity));
    client.change(set(&format!("/applications/{bot}/users"), "application/vnd.lime.identity", &body), Repeat::Safe).await
}

/// Sets permissions of a member of a bot: actions by permission id; those that are not named stay.
///
/// # Errors
/// As those of any write.
pub async fn set_permissions(
    client: &Client,
    bot: &str,
    identity: &str,
    permissions: &BTreeMap<String, Vec<String>>,
) -> Result<(), BlipError> {
    let identity = identity::normalized(identity);
    let item = |(id, actions): (&String, &Vec<String>)| json!({"userIdentity": identity, "permissionId": id, "actions": actions});
    let body = collection("application/vnd.iris.portal.user-permission+json", &permissions.iter().map(item).collect::<Vec<_>>());
    let uri = format!("/applications/{bot}/users/{}/permissions", in_path(&identity));
    client.change(set(&uri, COLLECTION, &body), Repeat::Safe).await
}

/// Takes a person out of a bot, with every permission there. One who is not there is no error.
///
/// # Errors
/// As those of any write.
pub async fn delete_bot_member(client: &Client, bot: &str, identity: &str) -> Result<(), BlipError> {
    delete(client, &format!("/applications/{bot}/users/{}", in_path(&identity::normalized(identity)))).await
}

const COLLECTION: &str = "application/vnd.lime.collection+json";

fn collection(item_type: &str, items: &[Value]) -> Value {
    json!({"itemType": item_type, "items": items})
}

fn set<'a>(uri: &'a str, mime: &'a str, body: &'a Value) -> Request<'a> {
    Request { method: Method::Set, to: PORTAL, uri, body: Some((mime, body)) }
}

async fn delete(client: &Client, uri: &str) -> Result<(), BlipError> {
    or_empty(client.change(Request { method: Method::Delete, to: PORTAL, uri, body: None }, Repeat::Safe).await)
}
