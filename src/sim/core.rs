//! The core server, contacts, tunnels and usage metrics: what the router knows of customers.

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde_json::json;

use super::{
    desk::DESK_BOT,
    envelope::{Outcome, Query, Reason, Resource, collection},
    fault::{FaultKind, Faults},
    messages,
    server::ROUTER_BOT,
    world::{Author, World},
};
use crate::blip::time::{blip_day, blip_day_start, instant, parse_instant};

/// Answers a command without an extension. Threads are the router's.
pub fn answer(world: &World, faults: &Faults, query: &Query<'_>, is_router: bool) -> Outcome {
    let path: Vec<&str> = query.path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["ping"] => Ok(Resource::new("application/vnd.lime.ping+json", &json!({}))),
        ["threads"] => {
            let (skip, take) = query.page(50, 100)?;
            let customers = if is_router { world.customers.len() } else { 0 };
            let items = (0..customers)
                .skip(skip)
                .take(take)
                .map(|customer| json!({"ownerIdentity": ROUTER_BOT, "identity": world.channel_identity(customer), "unreadMessages": 0}));
            Ok(collection("application/vnd.iris.thread+json", items, None))
        }
        ["threads", identity] => messages::thread(world, faults, query, identity, is_router),
        ["notifications"] => {
            let id = query.get("id").unwrap_or_default();
            let items =
                world.notifications.iter().filter(|(message, _)| message == id).map(
                    |(message, event)| json!({"id": message, "from": "5531900000001@wa.gw.msging.net", "to": ROUTER_BOT, "event": event}),
                );
            Ok(collection("application/vnd.lime.notification+json", items, None))
        }
        _ => Err(Reason::unsupported()),
    }
}

/// Answers a command of the contacts extension. Each bot knows customers by another identity; the sub-bot's contacts name who is
/// behind the tunnel.
pub fn contacts(world: &World, faults: &Faults, query: &Query<'_>, is_router: bool) -> Outcome {
    let identity = |customer: usize| if is_router { world.channel_identity(customer) } else { world.customers[customer].identity.clone() };
    let contact = |customer: usize| {
        let mut body = json!({"identity": identity(customer), "name": "…"});
        if !is_router && !faults.has(FaultKind::NoTunnelMarks) {
            body["extras"] = json!({"tunnel.originator": world.channel_identity(customer), "tunnel.owner": ROUTER_BOT});
        }
        body
    };
    match query.path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["contacts"] => {
            let (skip, take) = query.page(100, 30_000)?;
            let items = (skip..world.customers.len().min(skip + take)).map(contact);
            Ok(collection("application/vnd.lime.contact+json", items, Some(world.customers.len())))
        }
        ["contacts", asked] => {
            let found = (0..world.customers.len()).find(|customer| identity(*customer) == *asked).ok_or_else(Reason::not_found)?;
            Ok(Resource::new("application/vnd.lime.contact+json", &contact(found)))
        }
        _ => Err(Reason::unsupported()),
    }
}

/// Answers a tunnel command: who is behind a tunnel identity.
pub fn tunnel(world: &World, faults: &Faults, query: &Query<'_>) -> Outcome {
    let [first, id] = query.path.as_slice() else { return Err(Reason::unsupported()) };
    if faults.has(FaultKind::NoTunnels) {
        return Err(Reason::not_found());
    }
    let identity = format!("{id}@tunnel.msging.net");
    let found = world.customers.iter().position(|customer| customer.identity == identity && first == "tunnels");
    let customer = found.ok_or_else(Reason::not_found)?;
    let body = json!({"owner": ROUTER_BOT, "originator": world.channel_identity(customer), "destination": DESK_BOT});
    Ok(Resource::new("application/vnd.iris.tunnel+json", &body))
}

/// Answers a command of usage metrics.
pub fn metrics(world: &World, query: &Query<'_>) -> Outcome {
    let path: Vec<&str> = query.path.iter().map(String::as_str).collect();
    let ["metrics", indicator, "D"] = path.as_slice() else { return Err(Reason::unsupported()) };
    let bound =
        |name: &str| query.get(name).and_then(parse_instant).ok_or_else(|| Reason::new(64, format!("The {name} parameter is invalid")));
    let (from, until) = (bound("startDate")?, bound("endDate")?);
    let counts = |author: Author| match *indicator {
        "active-identity" => true,
        "engaged-identity" | "received-messages" => author == Author::Customer,
        "sent-messages" | "active-messages" => author != Author::Customer,
        _ => false,
    };
    if !["active-identity", "engaged-identity", "received-messages", "sent-messages", "active-messages"].contains(indicator) {
        return Err(Reason::unsupported());
    }
    let is_people = indicator.ends_with("identity");
    let on_day = |day: NaiveDate| -> usize {
        let (start, end) = (blip_day_start(day), blip_day_start(day + Days::new(1)));
        let of = |messages: &Vec<super::world::Message>| {
            messages.iter().filter(|message| (start..end).contains(&message.at) && counts(message.author)).count()
        };
        world.messages.iter().map(|messages| if is_people { of(messages).min(1) } else { of(messages) }).sum()
    };
    let days = blip_day(from).iter_days().take_while(|day| blip_day_start(*day) < until).take(31);
    let items = days.map(|day| {
        let bound = |at: DateTime<Utc>| instant(at);
        json!({"intervalStart": bound(blip_day_start(day)), "intervalEnd": bound(blip_day_start(day + Days::new(1))), "count": on_day(day)})
    });
    Ok(collection("application/vnd.iris.analytics.metric-indicators+json", items, None))
}
