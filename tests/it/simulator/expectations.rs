//! What public clients of Blip send and expect, a test each.

use chrono::{DateTime, Days, Months, TimeDelta, Utc};
use relato::sim::Author;
use serde_json::{Value, json};

use super::{ANALYTICS, CRM, DESK, Peer, encoded, items, resource, texts};
use crate::support::now;

/// Returns the reason code of a failure, or nothing of a success.
fn code(answer: &Value) -> Option<i64> {
    answer["reason"]["code"].as_i64()
}

#[tokio::test]
async fn a_merge_changes_only_what_it_names() {
    let peer = Peer::start(&[]).await;
    let before = items(&peer.get(DESK, "/attendants?$take=100").await).clone();
    let identity = before[3]["identity"].as_str().expect("an identity");
    let uri = format!("/attendants/{}", encoded(identity));
    assert_eq!(code(&peer.send(&peer.desk_key(), DESK, "merge", &uri, Some(json!({"agentSlots": 9}))).await), None);
    let mut expected = before.clone();
    expected[3]["agentSlots"] = 9.into();
    assert_eq!(items(&peer.get(DESK, "/attendants?$take=100").await), &expected);
    let nobody = peer.send(&peer.desk_key(), DESK, "merge", "/attendants/nobody%2540acme.example@blip.ai", Some(json!({}))).await;
    assert_eq!(code(&nobody), Some(67));
}

#[tokio::test]
async fn methods_that_a_resource_does_not_have_are_refused_and_change_nothing() {
    let peer = Peer::start(&[]).await;
    let category = format!("/event-track/{}", encoded("Pesquisa de satisfação"));
    let before = (peer.get(ANALYTICS, "/event-track").await, peer.get(DESK, "/attendance-queues?$take=100").await);
    for (to, method, uri) in [
        (ANALYTICS, "subscribe", category.as_str()),
        (ANALYTICS, "unsubscribe", category.as_str()),
        (ANALYTICS, "merge", category.as_str()),
        (ANALYTICS, "set", category.as_str()),
        (DESK, "merge", "/attendance-queues"),
        (DESK, "observe", "/tickets"),
        (DESK, "delete", "/tickets"),
        (CRM, "delete", "/contacts"),
        (None, "merge", "/ping"),
    ] {
        let answer = peer.send(&peer.desk_key(), to, method, uri, Some(json!({"name": "Financeiro"}))).await;
        assert_eq!(code(&answer), Some(63), "{method} {uri}: {answer}");
    }
    assert_eq!((peer.get(ANALYTICS, "/event-track").await, peer.get(DESK, "/attendance-queues?$take=100").await), before);
    let unknown = json!({"id": "1", "method": "grab", "uri": "/ping"}).to_string();
    assert_eq!(peer.post("/commands", Some(&peer.desk_key()), unknown).await.0, 400);
}

#[tokio::test]
async fn an_event_needs_no_contact_and_no_known_one() {
    let peer = Peer::start(&[]).await;
    let known = peer.world.customers[0].identity.clone();
    for contact in [Value::Null, json!({"identity": "5599999999999@wa.gw.msging.net"}), json!({"identity": known})] {
        let event =
            json!({"category": "origem", "action": "site", "contact": contact, "extras": {"campanha": "a"}, "label": "l", "value": 2.5});
        assert_eq!(code(&peer.send(&peer.desk_key(), ANALYTICS, "set", "/event-track", Some(event)).await), None);
    }
    let details = peer.get(ANALYTICS, "/event-track/origem/site").await;
    assert_eq!((items(&details).len(), &details["total"]), (3, &json!(3)));
    for item in items(&details) {
        assert_eq!((&item["extras"], &item["label"], &item["value"]), (&json!({"campanha": "a"}), &json!("l"), &json!(2.5)));
        assert_eq!(item["storageDate"], relato::blip::time::instant(now()));
    }
    let counters = peer.get(ANALYTICS, "/event-track/origem").await;
    assert_eq!((texts(&counters, "count"), texts(&counters, "action")), (vec!["3"], vec!["site"]));
    let category = peer.send(&peer.desk_key(), ANALYTICS, "set", "/event-track", Some(json!({"action": "site"}))).await;
    assert_eq!(code(&category), Some(21));
}

#[tokio::test]
async fn an_event_belongs_to_the_bot_that_recorded_it() {
    let peer = Peer::start(&["desk-surveys=1"]).await;
    let event = |action: &str| Some(json!({"category": "origem", "action": action}));
    peer.send(&peer.desk_key(), ANALYTICS, "set", "/event-track", event("desk")).await;
    peer.send(&peer.router_key(), ANALYTICS, "set", "/event-track", event("router")).await;
    assert_eq!(texts(&peer.get(ANALYTICS, "/event-track/origem").await, "action"), ["desk"]);
    assert_eq!(texts(&peer.get_routed(ANALYTICS, "/event-track/origem").await, "action"), ["router"]);
    assert_eq!(texts(&peer.get_routed(ANALYTICS, "/event-track").await, "category"), ["origem"]);
    assert_eq!(code(&peer.send(&peer.desk_key(), ANALYTICS, "delete", "/event-track/origem", None).await), None);
    assert!(!texts(&peer.get(ANALYTICS, "/event-track").await, "category").contains(&"origem"));
    assert_eq!(texts(&peer.get_routed(ANALYTICS, "/event-track").await, "category"), ["origem"]);
}

#[tokio::test]
async fn an_event_can_be_recorded_without_waiting_for_the_answer() {
    let peer = Peer::start(&[]).await;
    let command = json!({
        "to": "postmaster@analytics.msging.net", "method": "observe", "uri": "/event-track",
        "type": "application/vnd.iris.eventTrack+json", "resource": {"category": "origem", "action": "site"}
    });
    assert_eq!(peer.post("/commands", Some(&peer.desk_key()), command.to_string()).await.0, 200);
    assert_eq!(texts(&peer.get(ANALYTICS, "/event-track/origem").await, "count"), ["1"]);
}

#[tokio::test]
async fn contacts_are_filtered() {
    let peer = Peer::start(&[]).await;
    let on_whatsapp = peer.world.customers.iter().filter(|customer| customer.channel == "wa.gw.msging.net").count();
    let filtered = async |filter: &str| peer.get_routed(CRM, &format!("/contacts?$take=1000&$filter={}", encoded(filter))).await;
    let found = filtered("endswith(identity,'@wa.gw.msging.net')").await;
    assert_eq!((items(&found).len(), &found["total"]), (on_whatsapp, &json!(on_whatsapp)));
    let one = peer.world.channel_identity(7);
    assert_eq!(texts(&filtered(&format!("Identity eq '{one}'")).await, "identity"), [one.as_str()]);
    let bound: DateTime<Utc> = "2026-11-01T00:00:00Z".parse().expect("an instant");
    let recent = filtered("lastmessagedate ge datetimeoffset'2026-11-01T00:00:00.000Z'").await;
    let expected = peer.world.messages.iter().filter(|messages| messages.last().is_some_and(|last| last.at >= bound)).count();
    assert_eq!(items(&recent).len(), expected);
    assert!(expected > 0 && expected < peer.world.customers.len());
    let all = peer.get_routed(CRM, "/contacts?$take=10").await;
    assert_eq!((items(&all).len(), &all["total"]), (10, &json!(peer.world.customers.len())));
    assert_eq!(peer.refusal(CRM, &format!("/contacts?$skip=9990&$take=11&$filter={}", encoded("name ne 'x'"))).await, 64);
}

#[tokio::test]
async fn functions_of_texts_filter_tickets() {
    let peer = Peer::start(&[]).await;
    let count = async |filter: &str| {
        let list = peer.get(DESK, &format!("/tickets?$take=100&$filter={}", encoded(filter))).await;
        items(&list).len()
    };
    let expected = |test: &dyn Fn(&str) -> bool| peer.world.tickets.iter().filter(|ticket| test(&ticket.team)).count().min(100);
    assert_eq!(count("substringof('uvi',Team)").await, expected(&|team| team.contains("uvi")));
    assert_eq!(count("startswith(team,'Fin')").await, expected(&|team| team.starts_with("Fin")));
    assert_eq!(count("endswith(team,'porte')").await, expected(&|team| team.ends_with("porte")));
    assert_eq!(count("tolower(team) eq 'cadastro'").await, expected(&|team| team == "Cadastro"));
    assert_eq!(count("not (team ne 'Ouvidoria')").await, expected(&|team| team == "Ouvidoria"));
    assert!(expected(&|team| team == "Ouvidoria") > 0);
    let one = &peer.world.customers[peer.world.tickets[0].customer].identity;
    let of_one = peer.world.tickets.iter().filter(|ticket| ticket.customer == peer.world.tickets[0].customer).count();
    assert_eq!(count(&format!("substringof('{}',CustomerIdentity)", &one[..20])).await, of_one);
    // A literal of the wrong type is refused like an unknown resource, an unknown member is not.
    for (filter, code) in
        [("storageDate ge '2026-10-01'", 62), ("status eq 'closed'", 61), ("storageDate GE datetimeoffset'2026-10-01T00:00:00Z'", 61)]
    {
        assert_eq!(peer.refusal(DESK, &format!("/tickets?$filter={}", encoded(filter))).await, code, "{filter}");
    }
}

#[tokio::test]
async fn metrics_have_three_intervals_and_bounds_by_day() {
    let peer = Peer::start(&[]).await;
    let (from, until) = ("2026-10-05T03:00:00Z", "2026-11-20T03:00:00Z");
    let at = |text: &str| text.parse::<DateTime<Utc>>().expect("an instant");
    let count = |start: DateTime<Utc>, end: DateTime<Utc>, author: Author| {
        let is_counted = |message: &&relato::sim::Message| message.author == author && start <= message.at && message.at < end;
        peer.world.messages.iter().map(|messages| messages.iter().filter(is_counted).count()).collect::<Vec<_>>()
    };
    let list = async |interval: &str, bounds: &str| {
        let list = peer.get(ANALYTICS, &format!("/metrics/received-messages/{interval}?{bounds}")).await;
        items(&list)
            .iter()
            .map(|item| (at(item["intervalStart"].as_str().expect("a start")), item["count"].as_u64().expect("a count")))
            .collect::<Vec<_>>()
    };
    let sum = |start, end| count(start, end, Author::Customer).into_iter().sum::<usize>() as u64;
    let bounds = format!("startDate={}&endDate={}", encoded(from), encoded(until));
    let month = at(from) + Months::new(1);
    assert_eq!(list("M", &bounds).await, [(at(from), sum(at(from), month)), (month, sum(month, at(until)))]);
    assert_eq!(list("NI", &bounds).await, [(at(from), sum(at(from), at(until)))]);
    let days = list("D", &bounds).await;
    assert_eq!(days.len(), 46);
    assert!(days.iter().all(|(start, count)| *count == sum(*start, *start + Days::new(1))));
    assert_eq!(list("D", "startDate=2026-10-05&endDate=2026-11-20").await, days);

    let people = peer.get(ANALYTICS, &format!("/metrics/engaged-identity/NI?{bounds}")).await;
    let engaged = count(at(from), at(until), Author::Customer).into_iter().filter(|count| *count > 0).count();
    assert_eq!(people["itemType"], "application/vnd.iris.analytics.metric-identity+json");
    assert_eq!(items(&people)[0]["count"], engaged);
    let domains = peer.get(ANALYTICS, &format!("/metrics/active-messages-per-domain/NI?{bounds}")).await;
    let whole = peer.get(ANALYTICS, &format!("/metrics/active-messages/NI?{bounds}")).await;
    assert_eq!(
        items(&domains).iter().map(|item| item["count"].as_u64().expect("a count")).sum::<u64>(),
        items(&whole)[0]["count"].as_u64().expect("a count")
    );
    assert!(texts(&domains, "domain").contains(&"wa.gw.msging.net"));
    assert_eq!(peer.refusal(ANALYTICS, &format!("/metrics/received-messages/W?{bounds}")).await, 64);
}

#[tokio::test]
async fn notifications_name_sender_addressee_and_time() {
    let peer = Peer::start(&[]).await;
    let to = peer.world.channel_identity(peer.world.customers.iter().position(|one| one.channel == "wa.gw.msging.net").expect("one"));
    for (id, mime) in [("m-1", "text/plain"), ("m-2", "application/json")] {
        let message = json!({"id": id, "to": to, "type": mime, "content": "…"}).to_string();
        assert_eq!(peer.post("/messages", Some(&peer.router_key()), message).await.0, 202);
    }
    for (id, cost) in [("m-1", "service"), ("m-2", "utility")] {
        let list = peer.get_routed(Some("postmaster@msging.net"), &format!("/notifications?id={id}")).await;
        assert_eq!(texts(&list, "event"), ["accepted", "dispatched", "received", "consumed"]);
        for item in items(&list) {
            assert_eq!((&item["id"], &item["from"], &item["to"]), (&json!(id), &json!(to), &json!("exemplorouter@msging.net")));
            let metadata = &item["metadata"];
            assert_eq!(metadata["#envelope.storageDate"], relato::blip::time::instant(now()));
            assert_eq!(metadata["#message.to"], to.as_str());
            assert_eq!(metadata["#wa.conversation.origin.type"], cost);
            assert!(metadata["#message.uniqueId"].is_string());
        }
    }
}

#[tokio::test]
async fn an_absolute_uri_is_repeated_as_it_came() {
    let peer = Peer::start(&[]).await;
    for (uri, shown) in [
        ("lime://postmaster@desk.msging.net/teams", "lime://postmaster@desk.msging.net/teams"),
        ("/teams", "lime://exemplodesk@msging.net/teams"),
    ] {
        let answer = peer.send(&peer.desk_key(), DESK, "get", uri, None).await;
        assert_eq!((&answer["status"], &answer["metadata"]["#command.uri"]), (&json!("success"), &json!(shown)));
    }
    let uri = "lime://wa.gw.msging.net/accounts/+5531900000007";
    let account = resource(&peer.send(&peer.router_key(), Some("postmaster@wa.gw.msging.net"), "get", uri, None).await);
    assert_eq!(account["identity"], "5531900000007@wa.gw.msging.net");
    assert_eq!(account["alternativeAccount"], account["identity"]);
    assert_eq!(peer.refusal(Some("postmaster@wa.gw.msging.net"), uri).await, 81);
}

#[tokio::test]
async fn an_envelope_without_its_required_fields_is_malformed() {
    let peer = Peer::start(&[]).await;
    let key = peer.desk_key();
    for (path, body) in [
        ("/commands", json!({"method": "get", "uri": "/ping"})),
        ("/commands", json!({"id": "1", "uri": "/ping"})),
        ("/commands", json!({"id": "1", "method": "get"})),
        ("/messages", json!({"id": "1", "type": "text/plain", "content": "…"})),
        ("/messages", json!({"id": "1", "to": "5531900000001@wa.gw.msging.net", "content": "…"})),
    ] {
        let (status, answer) = peer.post(path, Some(&key), body.to_string()).await;
        assert_eq!((status, &answer["code"]), (400, &json!(21)), "{body}");
    }
}

#[tokio::test]
async fn a_contact_has_what_the_platform_knows_and_takes_what_a_client_writes() {
    let peer = Peer::start(&[]).await;
    let customer = peer.world.customers.iter().position(|one| one.channel == "wa.gw.msging.net").expect("a customer");
    let identity = peer.world.channel_identity(customer);
    let uri = format!("/contacts/{identity}");
    let contact = peer.get_routed(CRM, &uri).await;
    let last = peer.world.messages_of(customer).last().map(|message| relato::blip::time::instant(message.at));
    assert_eq!(contact["lastMessageDate"].as_str().map(str::to_owned), last);
    assert_eq!(contact["source"], "WhatsApp");
    assert_eq!(contact["phoneNumber"], format!("+{}", identity.split('@').next().expect("a number")));
    for to in [CRM, Some("postmaster@msging.net"), None] {
        assert_eq!(peer.get_routed(to, &uri).await, contact);
    }
    let core = Some("postmaster@msging.net");
    let sent = json!({"identity": identity, "city": "Recife", "extras": {"plano": "ouro"}});
    assert_eq!(code(&peer.send(&peer.router_key(), core, "merge", "/contacts", Some(sent.clone())).await), None);
    let merged = peer.get_routed(CRM, &uri).await;
    assert_eq!((&merged["city"], &merged["extras"]["plano"], &merged["source"]), (&json!("Recife"), &json!("ouro"), &json!("WhatsApp")));
    assert_eq!(code(&peer.send(&peer.router_key(), CRM, "set", "/contacts", Some(sent.clone())).await), None);
    assert_eq!(peer.get_routed(CRM, &uri).await, sent);
    let added = json!({"identity": "5599999999999@wa.gw.msging.net", "name": "Nova"});
    assert_eq!(code(&peer.send(&peer.router_key(), CRM, "merge", "/contacts", Some(added.clone())).await), None);
    assert_eq!(peer.get_routed(CRM, &format!("/contacts?$filter={}", encoded("name eq 'Nova'"))).await["items"], json!([added]));
    // The other bot has a contact of its own.
    assert_eq!(peer.refusal(CRM, "/contacts/5599999999999@wa.gw.msging.net").await, 67);
}

#[tokio::test]
async fn a_bot_reads_its_account_and_its_entries_at_the_core_server() {
    let peer = Peer::start(&[]).await;
    assert_eq!(peer.get(None, "/account").await["identity"], "exemplodesk@msging.net");
    assert!(peer.get_routed(None, "/account").await["creationDate"].as_str().is_some_and(|date| date.ends_with('Z')));
    let entries = peer.get_routed(Some("postmaster@msging.net"), "/configuration/caller").await;
    assert_eq!(entries, peer.get_routed(None, "/configuration/caller").await);
    assert!(texts(&entries, "name").contains(&"PhoneNumber"));
}

#[tokio::test]
async fn queues_and_attendants_have_all_fields() {
    let peer = Peer::start(&[]).await;
    let queues = peer.get(DESK, "/attendance-queues?$take=100").await;
    for queue in items(&queues) {
        let mut fields: Vec<&str> = queue.as_object().expect("an object").keys().map(String::as_str).collect();
        fields.sort_unstable();
        let all =
            ["Priority", "attendanceHourId", "id", "isActive", "name", "numberAttendants", "ownerIdentity", "storageDate", "uniqueId"];
        assert_eq!(fields, all);
    }
    let one = peer.get(DESK, &format!("/attendance-queues?$filter={}", encoded("Name eq 'Financeiro'"))).await;
    assert_eq!(items(&one)[0]["numberAttendants"], 3);
    let id = items(&one)[0]["id"].as_str().expect("an id");
    assert_eq!(peer.get(DESK, &format!("/attendance-queues/{id}")).await, items(&one)[0]);
    let attendants = peer.get(DESK, "/attendants?$take=100").await;
    for (index, attendant) in items(&attendants).iter().enumerate() {
        let own = || peer.world.tickets.iter().filter(|ticket| ticket.agent == Some(index));
        assert_eq!(attendant["ticketsInService"], own().filter(|ticket| !ticket.is_closed()).count());
        let last = own().filter_map(|ticket| ticket.opened_at).max().map(relato::blip::time::instant);
        assert_eq!(attendant["lastServiceDate"].as_str().map(str::to_owned), last);
        assert_eq!(attendant["isEnabled"], true);
    }
    assert!(!texts(&peer.get(DESK, "/teams").await, "name").contains(&"DIRECT_TRANSFER"));
}

#[tokio::test]
async fn summaries_count_tickets_in_attendance_and_all_of_a_team() {
    let peer = Peer::start(&[]).await;
    let open = peer.world.tickets.iter().filter(|ticket| !ticket.is_closed() && ticket.first_response_at.is_some()).count();
    assert_eq!(peer.get(DESK, "/monitoring/tickets?version=2").await["inAttendance"], open);
    let days = peer.get(DESK, "/analytics/reports/tickets?beginDate=2026-11-01&endDate=2026-11-24").await;
    assert_eq!(items(&days).iter().map(|day| day["inAttendance"].as_u64().expect("a count")).sum::<u64>(), open as u64);
    let teams = peer.get(DESK, "/analytics/reports/teams?beginDate=2026-11-24&endDate=2026-11-24").await;
    for team in items(&teams) {
        let count = |field: &str| team[field].as_u64().expect("a count");
        assert_eq!(count("ticketsCount"), count("waitingTickets") + count("openedTickets") + count("closedTickets"), "{team}");
    }
}

#[tokio::test]
async fn the_history_lists_ended_tickets_with_the_same_filter() {
    let peer = Peer::start(&[]).await;
    let ended = peer.world.tickets.iter().filter(|ticket| ticket.is_closed()).count();
    let filter = encoded("status ne 'Open' and status ne 'Waiting' and sequentialId le 40");
    let expected = peer.world.tickets.iter().filter(|ticket| ticket.is_closed() && ticket.sequential_id <= 40).count();
    for path in ["/tickets/history", "/tickets/history/metadata"] {
        assert_eq!(items(&peer.get(DESK, &format!("{path}?$take=100&$filter={filter}")).await).len(), expected);
        assert_eq!(items(&peer.get(DESK, &format!("{path}?$take=100&$skip={}", ended - 5)).await).len(), 5);
    }
    assert_eq!(items(&peer.get(DESK, &format!("/tickets?$closed=true&$take=100&$skip={}", ended - 5)).await).len(), 5);
}

#[tokio::test]
async fn events_of_a_category_are_counted_in_one_figure() {
    let peer = Peer::start(&[]).await;
    let uri = format!("/event-track-count/{}?startDate=2026-10-01&endDate=2026-10-31", encoded("Pesquisa de satisfação"));
    let found = peer.get_routed(ANALYTICS, &uri).await;
    let in_october = |at: DateTime<Utc>| (at - TimeDelta::hours(3)).date_naive().to_string().starts_with("2026-10");
    assert_eq!(found["count"], peer.world.events.iter().filter(|event| in_october(event.at)).count());
    assert_eq!((&found["intervalStart"], &found["intervalEnd"]), (&json!("2026-10-01T03:00:00.000Z"), &json!("2026-11-01T03:00:00.000Z")));
}

#[tokio::test]
async fn merged_threads_are_read_by_either_identity_and_key() {
    let peer = Peer::start(&[]).await;
    let (tunnel, channel) = (peer.world.customers[4].identity.clone(), peer.world.channel_identity(4));
    let expected = peer.world.messages_of(4).len().min(100);
    let routed = peer.get_routed(None, &format!("/threads-merged/{channel}?$take=100")).await;
    assert_eq!(items(&routed).len(), expected);
    assert!(expected > 0);
    for uri in [
        format!("/threads-merged/{tunnel}?$take=100&getFromOriginator=true"),
        format!("lime://exemplorouter@msging.net/threads-merged/{channel}?$take=100&getFromOriginator=true"),
    ] {
        assert_eq!(texts(&peer.get(None, &uri).await, "id"), texts(&routed, "id"), "{uri}");
    }
    assert!(items(&peer.get(None, &format!("/threads/{channel}?$take=100")).await).is_empty());
    assert!(items(&peer.get(None, "/threads-merged/nobody@wa.gw.msging.net").await).is_empty());
}

#[tokio::test]
async fn opening_hours_have_a_week_the_holidays_and_the_queues() {
    let peer = Peer::start(&[]).await;
    let list = peer.get(DESK, "/attendance-hour").await;
    let id = texts(&list, "id")[0].to_owned();
    let hours = peer.get(DESK, &format!("/attendance-hour-container/{id}")).await;
    assert_eq!((&hours["attendanceHour"]["id"], &hours["attendanceHour"]["isMain"]), (&json!(id), &json!(true)));
    let week = hours["attendanceHourScheduleItems"].as_array().expect("a week");
    assert_eq!(
        week.iter().map(|day| day["dayOfWeek"].as_str().expect("a day")).collect::<Vec<_>>().join(" "),
        "Monday Tuesday Wednesday Thursday Friday Saturday"
    );
    assert_eq!((&week[0]["startTime"], &week[5]["endTime"]), (&json!("07:00:00"), &json!("12:00:00")));
    let off = hours["attendanceHourOffItems"].as_array().expect("holidays");
    assert!(off.iter().any(|day| day["startDate"] == "2026-09-07T03:00:00.000Z" && day["endDate"] == "2026-09-08T02:59:59.000Z"));
    assert_eq!(hours["queues"].as_array().expect("queues").len(), peer.world.queues.len());
    assert_eq!(peer.refusal(DESK, "/attendance-hour-container/another").await, 67);
}
