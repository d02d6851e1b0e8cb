//! The core server: what the router knows of conversations, the bot's own account, fates of sent messages.

use serde_json::{Value, json};

use super::{
    envelope::{Outcome, Query, Reason, Resource, collection},
    fault::Faults,
    messages, portal,
    record::Notification,
    server::ROUTER_BOT,
    world::World,
};
use crate::{blip::time::instant, domain::digest::sha256};

/// Answers a command without an extension. Threads are the router's; merged threads are answered to both keys.
pub fn answer(world: &World, faults: &Faults, query: &Query<'_>, is_router: bool) -> Outcome {
    let path: Vec<&str> = query.path.iter().map(String::as_str).collect();
    let bot = if is_router { world.router_bot.as_str() } else { &world.desk_bot };
    match path.as_slice() {
        ["ping"] => Ok(Resource::new("application/vnd.lime.ping+json", &json!({}))),
        ["account"] => {
            let body =
                json!({"identity": bot, "fullName": bot.split('@').next(), "culture": "pt-BR", "creationDate": "2024-01-08T12:00:00.000Z"});
            Ok(Resource::new("application/vnd.lime.account+json", &body))
        }
        ["configuration", "caller"] => portal::entries(world, query, bot),
        ["threads"] => {
            let (skip, take) = query.page(50, 100)?;
            let customers = if is_router { world.customers.len() } else { 0 };
            let items = (0..customers)
                .skip(skip)
                .take(take)
                .map(|customer| json!({"ownerIdentity": ROUTER_BOT, "identity": world.channel_identity(customer), "unreadMessages": 0}));
            Ok(collection("application/vnd.iris.thread+json", items, None))
        }
        ["threads", identity] => {
            // A bot has the threads of those who write to it: the router, or the desk's bot where there is none before it.
            let customer = if is_router { world.on_channel(identity) } else { world.without_tunnel(identity) };
            messages::thread(world, faults, query, customer, !is_router)
        }
        ["threads-merged", identity] => {
            let customer = world.on_channel(identity).or_else(|| world.behind_tunnel(identity));
            messages::thread(world, faults, query, customer, !is_router)
        }
        ["notifications"] => {
            let (skip, take) = query.page(100, 100)?;
            let id = query.get("id").unwrap_or_default();
            let items = world.notifications.iter().filter(|one| one.message == id).skip(skip).take(take).map(|one| notification(one, bot));
            Ok(collection("application/vnd.lime.notification+json", items, None))
        }
        _ => Err(Reason::unsupported()),
    }
}

/// A notification as it travels: from the addressee of the message to the bot that sent it.
fn notification(one: &Notification, bot: &str) -> Value {
    let mut metadata = json!({
        "#envelope.storageDate": instant(one.at),
        "#envelope.timestamp": one.at.timestamp_millis().to_string(),
        "#message.from": bot,
        "#message.to": one.to,
        "#message.uniqueId": &sha256(one.message.as_bytes())[..32],
    });
    if one.to.ends_with("@wa.gw.msging.net") {
        metadata["#wa.timestamp"] = one.at.timestamp().to_string().into();
        metadata["#wa.conversation.origin.type"] = if one.mime == "application/json" { "utility" } else { "service" }.into();
    }
    json!({"id": one.message, "from": one.to, "to": bot, "event": one.event, "metadata": metadata})
}
