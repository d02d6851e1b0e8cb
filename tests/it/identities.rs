//! One person is one customer, however their identity is written and whoever names it; and a request of a person reaches every row.

use std::{borrow::Cow, path::Path, process::Output, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use relato::{
    ingest::{IngestRequest, IngestSummary, Pseudonyms},
    sim::{Customer, Event, World},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    subjects::mentions_of_any,
    support::{Sandbox, everything, now, serve, settings, world},
};

const WHATSAPP: &str = "wa.gw.msging.net";
const MAIL: &str = "mailgun.gw.msging.net";

/// One person: the identity of the first conversation and that of the second, and the one under which the answer is recorded.
struct Person {
    identities: [&'static str; 2],
    answers_as: &'static str,
    channel: [&'static str; 2],
}

fn person(first: &'static str, second: &'static str, channel: &'static str) -> Person {
    Person { identities: [first, second], answers_as: second, channel: [channel, channel] }
}

const TUNNELS: [&str; 3] = [
    "0f6f0a52-5b0e-4c39-9a55-4b7f2d1f3c11@tunnel.msging.net",
    "1f6f0a52-5b0e-4c39-9a55-4b7f2d1f3c12@tunnel.msging.net",
    "2f6f0a52-5b0e-4c39-9a55-4b7f2d1f3c13@tunnel.msging.net",
];

/// Ten persons, each written in two ways.
fn ten_persons() -> Vec<Person> {
    vec![
        Person {
            channel: [WHATSAPP, "WA.GW.MSGING.NET"],
            ..person("5511966660001@wa.gw.msging.net", "5511966660001@WA.GW.MSGING.NET", WHATSAPP)
        },
        person("5531988887777@wa.gw.msging.net", "553188887777@wa.gw.msging.net", WHATSAPP),
        person("5531966660006@wa.gw.msging.net", "BR.1A2b3C@wa.gw.msging.net", WHATSAPP),
        person("pessoa%40mail.example@mailgun.gw.msging.net", "pessoa@mail.example@mailgun.gw.msging.net", MAIL),
        person("ana%2Bx%40mail.example@mailgun.gw.msging.net", "ana+x%40mail.example@mailgun.gw.msging.net", MAIL),
        Person {
            channel: [WHATSAPP, "wa.gw.msging.net/node"],
            ..person("5511966660002@wa.gw.msging.net", "5511966660002@wa.gw.msging.net/node", WHATSAPP)
        },
        person("5511966660003@wa.gw.msging.net", " +5511966660003@wa.gw.msging.net", WHATSAPP),
        Person { answers_as: "5511966660004@wa.gw.msging.net", ..person(TUNNELS[0], TUNNELS[0], WHATSAPP) },
        Person { answers_as: "5511966660005@wa.gw.msging.net", ..person(TUNNELS[1], TUNNELS[2], WHATSAPP) },
        person("553133334444@wa.gw.msging.net", "553133334444@wa.gw.msging.net", WHATSAPP),
    ]
}

fn talks(world: &mut World, customer: usize, at: DateTime<Utc>) {
    let id = Uuid::from_u128(0x5000 + u128::try_from(world.tickets.len()).expect("a count"));
    let place = world.add_ticket(id, customer, Cow::Borrowed("Suporte"), None);
    let ticket = &mut world.tickets[place];
    (ticket.created_at, ticket.status, ticket.agent) = (at, "ClosedAttendant", Some(0));
    ticket.opened_at = Some(at + TimeDelta::minutes(1));
    ticket.first_response_at = Some(at + TimeDelta::minutes(2));
    ticket.closed_at = Some(at + TimeDelta::minutes(30));
}

/// A world in which each person has two conversations a day apart and answers the survey after the second.
fn told(persons: &[Person]) -> World {
    let mut world = World::clone(&world(5, 1));
    world.tickets.clear();
    world.events.clear();
    world.customers.clear();
    world.messages.clear();
    let start: DateTime<Utc> = "2026-10-05T13:00:00Z".parse().expect("an instant");
    let begins = |place: usize| start + TimeDelta::minutes(i64::try_from(place).expect("a count"));
    for (place, person) in persons.iter().enumerate() {
        let at = begins(place);
        for (identity, channel) in person.identities.into_iter().zip(person.channel) {
            world.customers.push(Customer { identity: identity.to_owned(), channel, on_channel: Some(person.answers_as.to_owned()) });
            world.messages.push(Vec::new());
        }
        world.events.push(Event {
            category: Cow::Borrowed("Pesquisa de satisfação"),
            action: "5".to_owned(),
            at: at + TimeDelta::days(1) + TimeDelta::hours(1),
            customer: place * 2 + 1,
            queue: None,
            comment: Some(Cow::Borrowed("obrigado")),
        });
    }
    for (second, day) in (0..).zip([TimeDelta::zero(), TimeDelta::days(1)]) {
        (0..persons.len()).for_each(|place| talks(&mut world, place * 2 + second, begins(place) + day));
    }
    let contact = json!({"identity": "BR.1A2b3C@wa.gw.msging.net", "WhatsappWaId": "553166660006", "WhatsappBsuid": "BR.1A2b3C"});
    world.contacts.insert((false, "BR.1A2b3C@wa.gw.msging.net".to_owned()), contact);
    world.events.sort_by_key(|event| (event.at, event.customer));
    world.retain_tickets(|_| true);
    world
}

async fn loaded(world: &World, faults: &[&str], request: IngestRequest) -> (Sandbox, IngestSummary) {
    let server = serve(&Arc::new(World::clone(world)), faults).await;
    let sandbox = Sandbox::with_settings(&settings(&server.base_url));
    let (summary, _) = sandbox.load(request).await;
    (sandbox, summary)
}

/// Returns customers, conversations, returns, answers that have a conversation, and channels.
fn counted(sandbox: &Sandbox) -> [i64; 5] {
    let store = sandbox.store();
    let number = |sql: &str| store.connection().query_row(sql, [], |row| row.get(0)).expect("a number");
    [
        number("SELECT count(DISTINCT customer_key) FROM marts.conversation"),
        number("SELECT count(*) FROM marts.conversation"),
        number("SELECT count(*) FROM marts.conversation WHERE returned_after_s IS NOT NULL"),
        number(
            "SELECT count(*) FROM marts.rating INNER JOIN marts.conversation USING (conversation_id)
             WHERE conversation.started_day = DATE '2026-10-06'",
        ),
        number("SELECT count(DISTINCT channel) FROM marts.ticket"),
    ]
}

/// Each kind of writing one person twice gives one customer who returns, with the answer at the second conversation.
async fn is_one(place: usize) {
    let persons = ten_persons().into_iter().skip(place).take(1).collect::<Vec<_>>();
    let (sandbox, _) = loaded(&told(&persons), &[], everything()).await;
    assert_eq!(counted(&sandbox), [1, 2, 1, 1, 1], "{:?}", persons[0].identities);
}

macro_rules! kinds {
    ($($name:ident $place:literal)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            is_one($place).await;
        }
    )*};
}

kinds! {
    another_case_is_one_customer_and_one_channel 0
    a_mobile_with_and_without_the_ninth_digit_is_one_customer 1
    a_telephone_number_and_the_business_scoped_id_of_one_contact_are_one_customer 2
    an_address_with_and_without_percent_encoding_is_one_customer 3
    an_encoded_plus_is_a_plus 4
    an_instance_is_neither_another_customer_nor_another_channel 5
    a_leading_plus_or_blank_is_no_other_customer 6
    an_answer_under_the_channel_identity_is_the_customers_behind_the_tunnel 7
    two_tunnels_of_one_person_are_one_customer 8
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_persons_written_in_all_ways_are_ten_customers_with_half_of_them_returning() {
    let world = told(&ten_persons());
    let (sandbox, summary) = loaded(&world, &[], everything()).await;
    assert_eq!(counted(&sandbox), [10, 20, 10, 10, 2]);
    // Three tunnels and one business-scoped id, with one command each.
    assert_eq!(summary.tunnels, 4);
    assert_eq!((summary.identities, summary.warnings.unjoined_answers), (None, 0));
    let report = serde_json::to_value(&sandbox.report_called("atendimento-mensal", "2026-10", None).blocks).expect("blocks").to_string();
    assert!(report.contains("0.5"), "{report}");
    // Read again everything stays, and nothing is asked for twice.
    let server = serve(&Arc::new(world), &[]).await;
    sandbox.write("relato.toml", &settings(&server.base_url));
    let (again, _) = sandbox.load(IngestRequest { full: true, ..everything() }).await;
    assert_eq!((counted(&sandbox), again.tunnels), ([10, 20, 10, 10, 2], 0));
    let store = sandbox.store();
    let by_customer = crate::support::digests(&store);
    store.make_all_tables(&sandbox.project().query_texts().expect("queries")).expect("tables");
    assert_eq!(by_customer, crate::support::digests(&store), "what was made of the changes, and of everything");
}

/// Makes the pseudonyms those of earlier versions, which took identities as received, and forgets all links.
fn age(sandbox: &Sandbox, world: &World) {
    let pseudonyms = Pseudonyms::new(&"a secret of the tests".into());
    let as_received = |identity: &str| pseudonyms.keyed("customer", &identity.to_lowercase());
    let mut store = sandbox.store();
    for ticket in &world.tickets {
        let key = as_received(&world.customers[ticket.customer].identity);
        for table in ["raw.ticket", "state.ticket", "state.unsettled"] {
            let sql = format!("UPDATE {table} SET customer_key = '{key}' WHERE ticket_id = '{}'", ticket.id);
            store.connection().execute_batch(&sql).expect("an update");
        }
    }
    for event in &world.events {
        let key = as_received(&world.channel_identity(event.customer));
        let at = event.at.naive_utc();
        let sql = format!("UPDATE raw.event SET customer_key = '{key}' WHERE recorded_at = TIMESTAMP '{at}'");
        assert_eq!(store.connection().execute(&sql, []).expect("an update"), 1);
    }
    let sql = "DELETE FROM raw.identity_link; DELETE FROM state.person; DELETE FROM state.open_tunnel; DELETE FROM raw.mark WHERE name = 'identities';
               INSERT INTO raw.mark VALUES ('identities', 'due')";
    store.connection().execute_batch(sql).expect("marks");
    store.forget_marts().expect("a mark");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_an_earlier_version_learns_once_whose_its_records_are() {
    let world = told(&ten_persons());
    let (sandbox, _) = loaded(&world, &[], everything()).await;
    age(&sandbox, &world);
    let rebuilt = sandbox.relato(&["rebuild"]).output().expect("a process");
    assert!(rebuilt.status.success(), "{}", text(&rebuilt));
    assert!(counted(&sandbox)[0] > 15, "the pseudonyms are those of an earlier version");
    let rows = |sql: &str| -> i64 { sandbox.store().connection().query_row(sql, [], |row| row.get(0)).expect("a number") };
    let versions = rows("SELECT count(*) FROM raw.ticket");
    // One customer whom Blip does not tell of any more.
    let gone = "INSERT INTO raw.imported_ticket VALUES ('gone', 'f00f00f00f00f00f00f00f00f00f00f0', '{\"id\":\"gone\",\"ownerIdentity\":\"import\",\"status\":\"ClosedAttendant\",\"storageDate\":\"2026-10-05T10:00:00Z\"}', 1);
                INSERT INTO state.changed_customer VALUES ('f00f00f00f00f00f00f00f00f00f00f0')";
    sandbox.store().connection().execute_batch(gone).expect("a ticket");
    let server = serve(&Arc::new(world), &[]).await;
    sandbox.write("relato.toml", &settings(&server.base_url));
    let (summary, _) = sandbox.load(everything()).await;
    let pass = summary.identities.expect("the pass is due");
    assert!(pass.commands > 0 && pass.linked == 6 && pass.unnamed == 1, "{pass:?}");
    assert_eq!(counted(&sandbox), [11, 21, 10, 10, 2]);
    assert_eq!(rows("SELECT count(*) FROM raw.ticket"), versions, "no ticket became another customer's");
    let (again, _) = sandbox.load(everything()).await;
    assert_eq!(again.identities, None, "the pass is made once");
    let audit = sandbox.report_called("auditoria", "2026-10", None);
    assert!(serde_json::to_string(&audit.blocks).expect("blocks").contains("identities"), "the rest is counted in the audit report");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_is_one_customer_in_files_and_in_the_api_however_it_is_written() {
    let (sandbox, _) = loaded(&told(&ten_persons()[1..2]), &[], everything()).await;
    let rows = ["+55 31 98888-7777", "5531988887777", "(31) 8888-7777", "5531988887777@wa.gw.msging.net"];
    let line = |(day, number)| {
        format!("{},{number},Suporte,ClosedClient,2026-09-{day:02}T12:00:00Z,2026-09-{day:02}T12:30:00Z\n", Uuid::from_u128(day))
    };
    let lines = (1..).zip(rows).map(line).collect::<Vec<_>>().concat();
    sandbox.write("old.csv", &format!("id,customerIdentity,team,status,storageDate,closeDate\n{lines}"));
    let file = sandbox.dir().join("old.csv");
    for _ in 0..2 {
        sandbox.relato(&["import", file.to_str().expect("a plain path")]).assert().success();
        assert_eq!(counted(&sandbox)[..2], [1, 6]);
    }
}

#[test]
fn tickets_of_a_file_without_customers_are_joined_by_their_numbers_and_ids_in_capitals_are_the_same() {
    let sandbox = Sandbox::new("http://127.0.0.1:9");
    let id = |number: u128| Uuid::from_u128(0xABCD_EF00 + number).to_string();
    let line = |number: u128, parent: &str, status: &str, hour: u32| {
        format!("{},{number},{parent},Suporte,{status},2026-10-05T{hour:02}:00:00Z,2026-10-05T{hour:02}:30:00Z\n", id(number))
    };
    let heading = "id,sequentialId,parentSequentialId,team,status,storageDate,closeDate\n";
    let rows = [line(1, "", "Transferred", 10), line(2, "1", "ClosedAttendant", 11), line(3, "", "ClosedAttendant", 12)].concat();
    sandbox.write("one.csv", &format!("{heading}{rows}"));
    sandbox.write("two.csv", &format!("{heading}{}", rows.replace(&id(1), &id(1).to_uppercase()).replace(&id(2), &id(2).to_uppercase())));
    for file in ["one.csv", "two.csv", "one.csv"] {
        let path = sandbox.dir().join(file);
        sandbox.relato(&["import", path.to_str().expect("a plain path")]).assert().success();
        let store = sandbox.store();
        let number = |sql: &str| -> i64 { store.connection().query_row(sql, [], |row| row.get(0)).expect("a number") };
        let found = [
            number("SELECT count(*) FROM marts.ticket"),
            number("SELECT count(*) FROM marts.conversation"),
            number("SELECT count(DISTINCT customer_key) FROM marts.conversation"),
            number("SELECT count(*) FROM marts.conversation WHERE truncated_chain"),
        ];
        assert_eq!(found, [3, 2, 2, 0], "{file}");
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// Returns the files below `folder` that hold one of some texts as bytes.
fn files_with(folder: &Path, texts: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            found.extend(files_with(&entry, texts));
            continue;
        }
        let bytes = std::fs::read(&entry).expect("a file");
        let content = String::from_utf8_lossy(&bytes);
        found.extend(texts.iter().filter(|text| content.contains(text.as_str())).map(|text| format!("{}: {text}", entry.display())));
    }
    found
}

/// Every pseudonym and every text of one person.
fn all_texts(person: &Person) -> Vec<String> {
    let pseudonyms = Pseudonyms::new(&"a secret of the tests".into());
    let mut texts: Vec<String> =
        person.identities.iter().chain([&person.answers_as]).map(|identity| (*identity).trim().to_owned()).collect();
    texts.extend(texts.clone().iter().flat_map(|identity| pseudonyms.of_spellings(identity)));
    texts.sort();
    texts.dedup();
    texts
}

fn held(sandbox: &Sandbox, number: &str) -> Value {
    let out = sandbox.dir().join(format!("titular-{}", Uuid::new_v4()));
    let told = sandbox.relato(&["subject", "export", number, "--out"]).arg(&out).output().expect("a process");
    assert!(told.status.success(), "{number}: {}", text(&told));
    let document = serde_json::from_slice(&std::fs::read(out.join("titular.json")).expect("a letter")).expect("JSON");
    std::fs::remove_dir_all(out).expect("a folder");
    document
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_by_telephone_number_reaches_every_row_behind_a_router_and_in_every_spelling() {
    let persons = ten_persons();
    let world = told(&persons);
    // The answers name the tunnel, too, and are told again after the unlinking.
    let (sandbox, _) = loaded(&world, &["tunnel-extras=1"], everything()).await;
    let project = sandbox.project();
    let spellings = ["31 98888-7777", "(31) 98888-7777", "+55 31 8888-7777", "553188887777", "5531988887777@wa.gw.msging.net"];
    for (place, numbers) in
        [(1, &spellings[..]), (2, &["31 96666-0006", "BR.1A2b3C"]), (7, &["11 96666-0004"]), (8, &["(11) 6666-0005", TUNNELS[2]])]
    {
        for number in numbers {
            let document = held(&sandbox, number);
            let count = |name: &str| document["held"][name].as_array().expect("a list").len();
            assert_eq!((count("tickets"), count("survey_answers"), count("conversations")), (2, 1, 2), "{number}");
            let forms = document["searched"].as_array().expect("forms").len();
            assert!(forms > 0 && document["searched"].to_string().contains('@'), "{number}: {forms}");
        }
        let before = sandbox.report("2026-10", None);
        let done = sandbox.relato(&["subject", "erase", numbers[0], "--yes"]).output().expect("a process");
        assert!(done.status.success(), "{}", text(&done));
        let receipt: Value = serde_json::from_slice(&done.stdout).expect("a receipt");
        assert_eq!((receipt["unlinked"]["tickets"].as_u64(), receipt["unlinked"]["answers"].as_u64()), (Some(2), Some(1)), "{receipt:#}");
        let texts = all_texts(&persons[place]);
        assert_eq!(mentions_of_any(&project, &texts), 0, "no row of any table leads to them");
        assert_eq!(files_with(sandbox.dir(), &texts), Vec::<String>::new(), "no file holds them");
        let figures = |data: &relato::domain::ReportData| serde_json::to_value(&data.blocks).expect("blocks");
        assert_eq!(figures(&before), figures(&sandbox.report("2026-10", None)));
        let nothing = sandbox.relato(&["subject", "erase", numbers[0], "--yes"]).output().expect("a process");
        assert_eq!(nothing.status.code(), Some(3), "{}", text(&nothing));
        assert!(!text(&nothing).contains("\"receipt\"") && text(&nothing).contains("Searched for"), "{}", text(&nothing));
    }
    let server = serve(&Arc::new(world), &["tunnel-extras=1"]).await;
    sandbox.write("relato.toml", &settings(&server.base_url));
    sandbox.load(IngestRequest { full: true, now: now() + TimeDelta::days(1), ..everything() }).await;
    for place in [1, 2, 7, 8] {
        assert_eq!(mentions_of_any(&project, &all_texts(&persons[place])), 0, "what is told again is not theirs again");
    }
    assert_eq!(counted(&sandbox)[..3], [10, 20, 10], "one person stays one customer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_found_is_neither_a_letter_nor_a_receipt() {
    // Nobody tells who is behind the tunnels.
    let (sandbox, _) = loaded(&told(&ten_persons()[7..8]), &["no-tunnels=1", "no-tunnel-marks=1"], everything()).await;
    let out = sandbox.dir().join("titular");
    let told = sandbox.relato(&["subject", "export", "11 96666-9999", "--out"]).arg(&out).output().expect("a process");
    assert_eq!(told.status.code(), Some(3), "{}", text(&told));
    assert!(!out.exists() && text(&told).contains("1 customers are known by a router's tunnel only"), "{}", text(&told));
    assert!(
        text(&told).contains("5511966669999@wa.gw.msging.net") && text(&told).contains("551166669999@wa.gw.msging.net"),
        "{}",
        text(&told)
    );
    let erased = sandbox.relato(&["subject", "erase", "11 96666-9999", "--yes"]).output().expect("a process");
    assert_eq!(erased.status.code(), Some(3), "{}", text(&erased));
    // What is found is not certainly everything.
    let by_tunnel = sandbox.relato(&["subject", "erase", TUNNELS[0]]).output().expect("a process");
    assert!(by_tunnel.status.code() == Some(3) && text(&by_tunnel).contains("Held: 2 tickets"), "{}", text(&by_tunnel));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_copy_of_the_database_does_not_bring_a_person_back() {
    let persons = ten_persons();
    let world = told(&persons);
    let (sandbox, _) = loaded(&world, &[], everything()).await;
    let project = sandbox.project();
    sandbox.store().checkpoint().expect("a checkpoint");
    let older = std::fs::read(project.store_file()).expect("a database");
    let done = sandbox.relato(&["subject", "erase", "31 98888-7777", "--yes"]).output().expect("a process");
    assert!(done.status.success(), "{}", text(&done));
    let server = serve(&Arc::new(world), &[]).await;
    sandbox.write("relato.toml", &settings(&server.base_url));
    // Snapshots that come later know it, too.
    sandbox.load(IngestRequest { now: now() + TimeDelta::days(1), ..everything() }).await;
    sandbox.store().checkpoint().expect("a checkpoint");
    std::fs::write(project.store_file(), older).expect("an older database");
    let texts = all_texts(&persons[1]);
    assert!(mentions_of_any(&project, &texts) > 0, "the older copy knows them");
    // It publishes only once it is told to.
    let refused = sandbox.relato(&["rebuild"]).output().expect("a process");
    assert!(refused.status.code() == Some(4) && text(&refused).contains("supersede"), "{}", text(&refused));
    let told = sandbox.relato(&["snapshot", "supersede", "--yes"]).output().expect("a process");
    assert_eq!(told.status.code(), Some(3), "{}", text(&told));
    sandbox.load(IngestRequest { now: now() + TimeDelta::days(2), full: true, ..everything() }).await;
    assert_eq!(mentions_of_any(&project, &texts), 0);
    relato::ingest::retain(&project, &mut sandbox.store(), now(), &relato::ingest::Silent).expect("a file that is written anew");
    assert_eq!(files_with(sandbox.dir(), &texts), Vec::<String>::new(), "no file holds them");
    let nothing =
        sandbox.relato(&["subject", "export", "31 98888-7777", "--out"]).arg(sandbox.dir().join("o")).output().expect("a process");
    assert!(nothing.status.code() == Some(3) && text(&nothing).contains("They were unlinked before"), "{}", text(&nothing));
}
