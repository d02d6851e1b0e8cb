//! Readings of the contract: each default is Blip as integrators see it, each switch the other reading.

use chrono::{DateTime, TimeDelta, Utc};
use relato::sim::{Author, Message, World, world::Ticket};
use serde_json::{Value, json};

use super::{ANALYTICS, CRM, DESK, Peer, TUNNEL, encoded, items, resource, texts};

/// Returns the place of the newest answered and closed ticket whose customer is on a channel.
fn answered(world: &World, channel: &str) -> usize {
    let is_meant =
        |ticket: &&Ticket| ticket.is_closed() && ticket.first_response_at.is_some() && world.customers[ticket.customer].channel == channel;
    let found = world.tickets.iter().rfind(is_meant).expect("an answered ticket");
    world.ticket(found.id).expect("a place")
}

fn messages_uri(world: &World, place: usize) -> String {
    format!("/tickets/{}/messages?$take=100&$ascending=true&getFromOwnerIfTunnel=true", world.tickets[place].id)
}

/// Returns the messages of a ticket's customer, each with what the world knows of it.
async fn messages(peer: &Peer, place: usize) -> Vec<(Message, Value)> {
    let list = peer.get(DESK, &messages_uri(&peer.world, place)).await;
    let known = peer.world.messages_of(peer.world.tickets[place].customer);
    known.iter().copied().zip(items(&list).clone()).collect()
}

#[tokio::test]
async fn the_total_of_a_list_of_tickets_is_that_of_the_page() {
    let total = async |switches: &[&str], uri: &str| Peer::start(switches).await.get(DESK, uri).await["total"].as_u64();
    assert_eq!(total(&[], "/tickets?$take=30").await, Some(30));
    assert_eq!(total(&[], "/tickets?$take=30&$skip=490").await, Some(10));
    assert_eq!(total(&["full-total=1"], "/tickets?$take=30").await, Some(500));
}

#[tokio::test]
async fn tickets_come_newest_first_unless_switched() {
    for (switches, is_rising) in [(&[][..], false), (&["oldest-first=1"][..], true)] {
        let list = Peer::start(switches).await.get(DESK, "/tickets?$take=100").await;
        let mut dates = texts(&list, "storageDate");
        if !is_rising {
            dates.reverse();
        }
        assert!(dates.is_sorted() && dates.first() < dates.last(), "{switches:?}");
    }
}

#[tokio::test]
async fn messages_of_attendants_name_who_wrote_and_for_which_ticket() {
    let peer = Peer::start(&[]).await;
    let place = answered(&peer.world, "wa.gw.msging.net");
    let mut seen = 0;
    for (known, item) in messages(&peer, place).await {
        let id = uuid::Uuid::from_u128(known.id).to_string();
        if known.author != Author::Attendant {
            assert_eq!(item["id"], id);
            assert_eq!(item["metadata"]["#messageEmitter"], Value::Null);
            continue;
        }
        seen += 1;
        let ticket = peer.world.ticket(known.ticket.expect("a ticket")).expect("a known ticket");
        assert_eq!(item["id"], format!("fwd:fwd:{id}"));
        let agent = peer.world.attendant_identity(peer.world.tickets[ticket].agent.expect("an attendant"));
        let marks = json!({
            "#messageEmitter": "Human", "#message.agentIdentity": agent, "#message.ticketId": peer.world.tickets[ticket].id.to_string()
        });
        assert_eq!(item["metadata"], marks);
    }
    assert!(seen > 0);
}

#[tokio::test]
async fn the_survey_has_a_type_of_its_own_where_it_is_native() {
    for (switches, native) in [(&[][..], "text/plain"), (&["native-survey=1"], "application/vnd.lime.satisfaction-survey+json")] {
        let peer = Peer::start(switches).await;
        let customer = answered(&peer.world, "wa.gw.msging.net");
        let found = messages(&peer, customer).await;
        assert!(found.iter().any(|(known, _)| known.author == Author::Survey));
        for (known, item) in found {
            let expected = match known.author {
                Author::Survey => native,
                Author::System => "application/vnd.iris.ticket+json",
                _ => "text/plain",
            };
            assert_eq!(item["type"], expected);
        }
    }
}

#[tokio::test]
async fn older_marks_of_messages_are_switches() {
    let switches = ["plain-ids=1", "no-message-agent=1", "external-marks=1", "no-tunnel-marks=1", "no-bsuid=1"];
    let peer = Peer::start(&switches).await;
    for (known, item) in messages(&peer, answered(&peer.world, "wa.gw.msging.net")).await {
        assert_eq!(item["id"], uuid::Uuid::from_u128(known.id).to_string());
        let marks = match known.author {
            Author::Attendant => json!({"#messageEmitter": "Human"}),
            Author::Bot | Author::Survey => json!({"#messageEmitter": "externalMessages"}),
            Author::Customer | Author::System => Value::Null,
        };
        assert_eq!(item["metadata"], marks);
    }
    let peer = Peer::start(&["no-emitter=1"]).await;
    for (known, item) in messages(&peer, answered(&peer.world, "wa.gw.msging.net")).await {
        assert!(known.author != Author::Attendant || item["metadata"] == Value::Null, "{item}");
    }
}

#[tokio::test]
async fn a_tunnel_is_named_by_messages_by_the_contact_and_by_the_tunnel_itself() {
    let peer = Peer::start(&[]).await;
    let place = answered(&peer.world, "0mn.io");
    let customer = peer.world.tickets[place].customer;
    let (identity, channel) = (&peer.world.customers[customer].identity, peer.world.channel_identity(customer));
    let (_, message) = messages(&peer, place).await.into_iter().find(|(known, _)| known.author == Author::Customer).expect("a message");
    let marks = json!({"#tunnel.owner": "exemplorouter@msging.net", "#tunnel.originator": channel});
    assert_eq!(message["metadata"], marks);
    let contact = peer.get(CRM, &format!("/contacts/{identity}")).await;
    assert_eq!(contact["extras"], json!({"tunnel.originator": channel, "tunnel.owner": "exemplorouter@msging.net"}));
    let tunnel = format!("/tunnels/{}", identity.split('@').next().expect("a name"));
    assert_eq!(peer.get(TUNNEL, &tunnel).await["originator"], channel.as_str());
    // The router knows the customer by the channel: there is no tunnel to name.
    let thread = peer.get_routed(None, &format!("/threads/{channel}?$take=100")).await;
    assert!(items(&thread).iter().all(|item| item["metadata"]["#tunnel.originator"] == Value::Null));
    let of_router = peer.get_routed(CRM, &format!("/contacts/{channel}")).await;
    assert_eq!(of_router["extras"], Value::Null);

    let peer = Peer::start(&["no-tunnels=1", "no-tunnel-marks=1"]).await;
    assert_eq!(peer.refusal(TUNNEL, &tunnel).await, 67);
    assert_eq!(peer.get(CRM, &format!("/contacts/{identity}")).await["extras"], Value::Null);
}

#[tokio::test]
async fn a_fifth_of_the_people_on_whatsapp_has_a_user_id() {
    let peer = Peer::start(&[]).await;
    let (mut on_whatsapp, mut with_id) = (0, 0);
    for customer in 0..peer.world.customers.len() {
        let thread = peer.get_routed(None, &format!("/threads/{}?$take=100", peer.world.channel_identity(customer))).await;
        let ids: Vec<&str> = items(&thread).iter().filter_map(|item| item["metadata"]["#wa.bsuid"].as_str()).collect();
        let is_on_whatsapp = peer.world.customers[customer].channel == "wa.gw.msging.net";
        assert!(is_on_whatsapp || ids.is_empty());
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
        assert!(ids.iter().all(|id| id.strip_prefix("BR.").is_some_and(|rest| rest.chars().all(char::is_alphanumeric))), "{ids:?}");
        (on_whatsapp, with_id) = (on_whatsapp + usize::from(is_on_whatsapp), with_id + usize::from(!ids.is_empty()));
    }
    assert!((on_whatsapp / 10..on_whatsapp / 3).contains(&with_id), "{with_id} of {on_whatsapp}");
}

#[tokio::test]
async fn survey_events_are_at_the_desk_or_at_the_router() {
    let peer = Peer::start(&["desk-surveys=1"]).await;
    let event = peer.world.events.last().expect("an event").clone();
    let day = (event.at - TimeDelta::hours(3)).date_naive();
    let uri = format!("/event-track/{}/{}?startDate={day}&endDate={day}&$take=500", encoded(&event.category), encoded(&event.action));
    let (tunnel, channel) = (peer.world.customers[event.customer].identity.clone(), peer.world.channel_identity(event.customer));
    let of_customer = |list: &Value, identity: &str| items(list).iter().find(|item| item["contact"]["identity"] == identity).cloned();
    assert!(of_customer(&peer.get(ANALYTICS, &uri).await, &tunnel).is_some());
    assert_eq!(items(&peer.get_routed(ANALYTICS, &uri).await).len(), 0);

    let peer = Peer::start(&[]).await;
    assert_eq!(items(&peer.get(ANALYTICS, &uri).await).len(), 0);
    assert_eq!(items(&peer.get(ANALYTICS, "/event-track").await).len(), 0);
    let found = of_customer(&peer.get_routed(ANALYTICS, &uri).await, &channel).expect("an event");
    assert_eq!(found["extras"]["#tunnelIdentity"], Value::Null);

    let peer = Peer::start(&["tunnel-extras=1"]).await;
    let found = of_customer(&peer.get_routed(ANALYTICS, &uri).await, &channel).expect("an event");
    assert_eq!(found["extras"]["#tunnelIdentity"], tunnel.as_str());
    assert_eq!(found["extras"]["#tunnelOriginator"], channel.as_str());
}

#[tokio::test]
async fn the_end_day_is_included_unless_switched() {
    let uri = "/analytics/reports/tickets?beginDate=2026-11-17&endDate=2026-11-18";
    let events = format!("/event-track/{}?startDate=2026-11-17&endDate=2026-11-18&$take=1000", encoded("Pesquisa de satisfação"));
    let one_day = "/analytics/reports/teams?beginDate=2026-11-17&endDate=2026-11-17";
    let peer = Peer::start(&[]).await;
    assert_eq!(texts(&peer.get(DESK, uri).await, "date"), ["2026-11-17T03:00:00.000Z", "2026-11-18T03:00:00.000Z"]);
    let days: std::collections::BTreeSet<String> =
        texts(&peer.get_routed(ANALYTICS, &events).await, "storageDate").into_iter().map(str::to_owned).collect();
    assert!(days.contains("2026-11-18T03:00:00.000Z"), "{days:?}");
    assert!(!items(&peer.get(DESK, one_day).await).is_empty());

    let peer = Peer::start(&["exclusive-end=1"]).await;
    assert_eq!(texts(&peer.get(DESK, uri).await, "date"), ["2026-11-17T03:00:00.000Z"]);
    assert!(texts(&peer.get_routed(ANALYTICS, &events).await, "storageDate").iter().all(|day| day.starts_with("2026-11-17")));
    let of_nothing = peer.get(DESK, one_day).await;
    assert!(items(&of_nothing).iter().all(|team| team["closedTickets"] == 0), "{of_nothing}");
}

#[tokio::test]
async fn a_filter_with_lt_is_taken_unless_switched() {
    let filter = |operator: &str| format!("/tickets?$filter={}", encoded(&format!("sequentialId {operator} 3")));
    assert_eq!(items(&Peer::start(&[]).await.get(DESK, &filter("lt")).await).len(), 2);
    let peer = Peer::start(&["no-lt=1"]).await;
    assert_eq!(peer.refusal(DESK, &filter("lt")).await, 62);
    assert_eq!(items(&peer.get(DESK, &filter("le")).await).len(), 3);
    let unknown = peer.send(&peer.desk_key(), DESK, "get", "/nothing-of-this-name", None).await;
    assert_eq!(unknown["reason"], peer.send(&peer.desk_key(), DESK, "get", &filter("lt"), None).await["reason"]);
}

#[tokio::test]
async fn reports_reach_back_for_ever_or_for_ninety_days() {
    let uri = "/analytics/reports/tickets?beginDate=2026-08-01&endDate=2026-11-24";
    let first_day = async |switches: &[&str]| {
        let world = relato::sim::WorldSpec { seed: 5, tickets: 900, months: 4, now: crate::support::now() };
        let world = std::sync::Arc::new(World::draw(&world, crate::support::zone()));
        texts(&Peer::of(world, switches).await.get(DESK, uri).await, "date").first().map(|day| (*day).to_owned())
    };
    assert!(first_day(&[]).await.expect("a day").as_str() < "2026-08-10");
    assert!(first_day(&["short-reports=1"]).await.expect("a day").as_str() >= "2026-08-26");
}

#[tokio::test]
async fn a_transcript_has_the_opening_event_and_the_messages_of_one_attendance() {
    let peer = Peer::start(&[]).await;
    let place = answered(&peer.world, "wa.gw.msging.net");
    let ticket = &peer.world.tickets[place];
    let uri = format!("/tickets/{}/messages?$take=100&attendanceTranscriptionOnly=true", ticket.id);
    for list in [peer.get(DESK, &uri).await, peer.get_routed(DESK, &uri).await] {
        let (opening, said) = items(&list).split_first().expect("the opening event");
        assert_eq!(opening["type"], "application/vnd.iris.ticket+json");
        let expected: Vec<DateTime<Utc>> = peer
            .world
            .messages_of(ticket.customer)
            .iter()
            .filter(|message| message.author != Author::System && ticket.created_at <= message.at && Some(message.at) <= ticket.closed_at)
            .map(|message| message.at)
            .collect();
        let dates: Vec<DateTime<Utc>> =
            said.iter().map(|item| item["date"].as_str().expect("a date").parse().expect("an instant")).collect();
        assert_eq!(dates, expected);
        assert!(!dates.is_empty() && dates.is_sorted());
    }
    assert_eq!(Peer::start(&["no-transcription=1"]).await.refusal(DESK, &uri).await, 62);
}

#[tokio::test]
async fn who_left_is_on_tickets_but_not_in_the_list() {
    let peer = Peer::start(&["left-attendant=0.3"]).await;
    let list = peer.get(DESK, "/attendants?$take=100").await;
    let listed = texts(&list, "identity");
    let on_tickets: Vec<String> =
        peer.world.tickets.iter().filter_map(|ticket| ticket.agent).map(|agent| peer.world.attendant_identity(agent)).collect();
    assert!(on_tickets.iter().any(|identity| !listed.contains(&identity.as_str())));
    assert!((10..20).contains(&listed.len()), "{}", listed.len());
}

#[tokio::test]
async fn a_failing_service_behind_an_extension_answers_code_2105_within_http_200() {
    let peer = Peer::start(&["backend=1"]).await;
    let mut texts = Vec::new();
    for _ in 0..3 {
        let answer = peer.send(&peer.desk_key(), DESK, "get", "/tickets", None).await;
        assert_eq!((&answer["status"], &answer["reason"]["code"]), (&json!("failure"), &json!(2105)));
        texts.push(answer["reason"]["description"].as_str().expect("a text").to_owned());
    }
    for part in ["503 (Service Unavailable)", "429 (Too Many Requests)", "timed out"] {
        assert_eq!(texts.iter().filter(|text| text.contains(part)).count(), 1, "{part}: {texts:?}");
    }
    let peer = Peer::start(&["backend-missing=1"]).await;
    let answer = peer.send(&peer.desk_key(), DESK, "get", "/tickets", None).await;
    assert_eq!(answer["reason"]["code"], 2105);
    assert!(answer["reason"]["description"].as_str().expect("a text").contains("404 (Not Found)"));
}

#[tokio::test]
async fn a_refused_request_has_a_json_body() {
    let peer = Peer::start(&["server-error=0.5", "timeout=0.5"]).await;
    let encode = |text: &str| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, text);
    let wrong_secret = format!("Key {}", encode("exemplodesk:another"));
    let no_such_bot = format!("Key {}", encode("nobody:another"));
    for (authorization, description) in [
        (None, "invalid authorization header"),
        (Some("Bearer abc"), "invalid authorization header"),
        (Some("Key not-base64!"), "invalid authorization header"),
        (Some(no_such_bot.as_str()), "invalid session identity"),
        (Some(wrong_secret.as_str()), "authentication failed"),
    ] {
        for path in ["/commands", "/messages", "/notifications"] {
            let answer = peer.post(path, authorization, "{}".to_owned()).await;
            assert_eq!(answer, (401, json!({"code": 13, "description": description})), "{authorization:?} {path}");
        }
    }
    let key = peer.desk_key();
    for path in ["/commands", "/messages"] {
        let (status, body) = peer.post(path, Some(&key), "no JSON".to_owned()).await;
        assert_eq!((status, &body["code"]), (400, &json!(21)));
    }
    let command = json!({"id": "1", "method": "get", "uri": "/ping"}).to_string();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let (status, body) = peer.post("/commands", Some(&key), command.clone()).await;
        assert!(body["code"].is_i64() && body["description"].is_string(), "{body}");
        seen.insert(status);
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [500, 504]);
    let peer = Peer::start(&["throttle=1"]).await;
    let (status, body) = peer.post("/commands", Some(&key), command).await;
    assert!(status == 429 && body["code"].is_i64() && body["description"].is_string(), "{status} {body}");
}

/// Returns the day summaries, the timings and the attendance time of one closed day.
async fn figures(switches: &[&str]) -> (Peer, Value, Value, Value) {
    let peer = Peer::start(switches).await;
    let uri = |name: &str| format!("/analytics/reports/{name}?beginDate=2026-10-01&endDate=2026-10-31");
    let (days, timings, attendance) =
        (peer.get(DESK, &uri("tickets")).await, peer.get(DESK, &uri("timings")).await, peer.get(DESK, &uri("attendancetime")).await);
    (peer, days, timings, attendance)
}

fn sum(days: &Value, field: &str) -> usize {
    usize::try_from(items(days).iter().map(|day| day[field].as_u64().expect("a count")).sum::<u64>()).expect("a count")
}

/// Writes the mean of times as Blip does.
fn mean(times: &[TimeDelta]) -> Value {
    let count = i32::try_from(times.len()).expect("a count");
    relato::blip::time::time_span(times.iter().sum::<TimeDelta>() / count).into()
}

#[tokio::test]
async fn blips_own_figures_follow_either_reading() {
    let older = ["wait-to-answer=1", "missed-unopened=1", "response-by-turn=1"];
    let (peer, days, timings, attendance) = figures(&older).await;
    let day = |at: DateTime<Utc>| (at - TimeDelta::hours(3)).date_naive().to_string();
    let closed: Vec<&Ticket> =
        peer.world.tickets.iter().filter(|ticket| ticket.closed_at.is_some_and(|at| day(at).starts_with("2026-10"))).collect();
    let count = |test: &dyn Fn(&Ticket) -> bool| closed.iter().filter(|ticket| test(ticket)).count();
    let times =
        |time: &dyn Fn(&Ticket) -> Option<TimeDelta>| -> Vec<TimeDelta> { closed.iter().filter_map(|ticket| time(ticket)).collect() };
    assert_eq!(sum(&days, "missed"), count(&|ticket| ticket.opened_at.is_none()));
    assert_eq!(timings["avgWaitTime"], mean(&times(&|ticket| Some(ticket.first_response_at? - ticket.created_at))));
    assert_eq!(attendance["attendanceTime"], mean(&times(&|ticket| Some(ticket.closed_at? - ticket.first_response_at?))));
    let older_response = timings["avgResponseTime"].clone();

    let (peer, days, timings, attendance) = figures(&["attendance-from-open=1"]).await;
    let is_by_customer = |ticket: &Ticket| ["ClosedClient", "ClosedClientInactivity"].contains(&ticket.status);
    assert_eq!(sum(&days, "missed"), count(&|ticket| is_by_customer(ticket) && ticket.agent.is_none()));
    assert_eq!(sum(&days, "closedClient"), count(&|ticket| is_by_customer(ticket) && ticket.agent.is_some()));
    assert!(sum(&days, "missed") > 0 && sum(&days, "closedClient") > 0);
    assert_eq!(timings["avgWaitTime"], mean(&times(&|ticket| Some(ticket.first_response_at.or(ticket.closed_at)? - ticket.created_at))));
    assert_eq!(attendance["attendanceTime"], mean(&times(&|ticket| Some(ticket.closed_at? - ticket.opened_at?))));

    // The mean over tickets of what each ticket itself says.
    let mut of_tickets = Vec::new();
    for ticket in &closed {
        let answer = resource(&peer.send(&peer.desk_key(), DESK, "get", &format!("/ticket/{}", ticket.id), None).await);
        of_tickets.extend(answer["averageAgentResponseTime"].as_f64());
    }
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let expected = of_tickets.iter().sum::<f64>() / of_tickets.len() as f64;
    let shown = relato::blip::time::parse_time_span(timings["avgResponseTime"].as_str().expect("a time")).expect("a duration");
    assert!((shown.as_seconds_f64() - expected).abs() < 0.001, "{shown} {expected}");
    assert_ne!(timings["avgResponseTime"], older_response);
}
