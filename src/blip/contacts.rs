//! The contacts extension: what a bot knows of a person. Only who is behind a tunnel or a business-scoped id is read, and whether the extension
//! answers.

use serde::Deserialize;

use super::{BlipError, Client, Entry, Record, error::or_empty, identity};

const CRM: Option<&str> = Some("postmaster@crm.msging.net");

/// A contact, as far as it is read.
#[derive(Debug, Clone, Deserialize)]
pub struct Contact {
    /// Identity, in clear: never stored.
    pub identity: String,
}

impl Record for Contact {
    const KIND: &'static str = "contact";
    // What a bot's author keeps of a person is their choice: no field of it is a surprise.
    const PASSED_OVER: &'static [&'static str] = &[
        "name",
        "email",
        "phoneNumber",
        "cellPhoneNumber",
        "address",
        "city",
        "gender",
        "photoUri",
        "timezone",
        "culture",
        "group",
        "extras",
        "lastMessageDate",
        "taxDocument",
        "source",
        "isPending",
        "WhatsappWaId",
        "WhatsappBsuid",
        "WhatsappUserName",
        "WhatsappParentId",
        "sharePresence",
        "shareAccountInfo",
    ];

    fn is_same(&self, other: &Contact) -> bool {
        self.identity == other.identity
    }
}

/// The first `take` contacts of the bot; at most 100 here.
///
/// # Errors
/// As [`Client::get`].
pub async fn contacts(client: &Client, take: usize) -> Result<Vec<Contact>, BlipError> {
    let page = client.page(CRM, &format!("/contacts?$skip=0&$take={}", take.min(100))).await?;
    Ok(page.entries.into_iter().filter_map(|entry| if let Entry::Record(contact) = entry { Some(contact) } else { None }).collect())
}

/// The extras of a contact, as far as they are read.
#[derive(Deserialize)]
struct Tunnelled {
    extras: Option<Extras>,
}

#[derive(Deserialize)]
struct Extras {
    #[serde(rename = "tunnel.originator")]
    originator: Option<String>,
}

/// Returns who is behind the tunnel `customer`, as the desk's contact notes it; none where it does not. Not confirmed by Blip's documentation.
///
/// # Errors
/// As [`Client::get`].
pub async fn originator(client: &Client, customer: &str) -> Result<Option<String>, BlipError> {
    let contact: Option<Tunnelled> = or_empty(client.get(CRM, &format!("/contacts/{}", identity::encode(customer))).await.map(Some))?;
    Ok(contact.and_then(|contact| contact.extras).and_then(|extras| extras.originator))
}

/// What a contact tells of a person on WhatsApp, in clear: never stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct OnWhatsapp {
    /// Telephone number, as digits.
    #[serde(rename = "WhatsappWaId")]
    pub number: Option<String>,
    /// Business-scoped id.
    #[serde(rename = "WhatsappBsuid")]
    pub bsuid: Option<String>,
    /// The id that joins the business-scoped ids of several businesses.
    #[serde(rename = "WhatsappParentId")]
    pub parent: Option<String>,
}

/// Returns what the contact `customer` tells of itself on WhatsApp; nothing where the bot has no such contact.
///
/// # Errors
/// As [`Client::get`].
pub async fn on_whatsapp(client: &Client, customer: &str) -> Result<OnWhatsapp, BlipError> {
    let contact = or_empty(client.get(CRM, &format!("/contacts/{}", identity::encode(customer))).await.map(Some))?;
    Ok(contact.unwrap_or_default())
}
