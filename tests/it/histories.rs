//! What came step by step, as it happened, is what is there for one who comes late: no order of changes leaves a trace of its own.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::{
    prelude::{Just, Strategy, any, prop_oneof},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use relato::{
    ingest::{self, IngestError, IngestRequest, OnlyResource, Silent},
    sim::{Author, Event, Keys, Message, World},
    snapshot::Published,
};
use uuid::Uuid;

use crate::support::{Sandbox, differences, digests, everything, now, serve, settings, world};

/// Something that happens at the desk; numbers pick tickets and customers.
#[derive(Debug, Clone)]
enum Change {
    /// A customer writes and gets a ticket.
    Asks(usize),
    /// A ticket goes on in another queue.
    Transfers(usize),
    Answers(usize),
    Closes(usize),
    OpensAgain(usize),
    IsTagged(usize),
    /// A ticket turns out to be another customer's.
    Moves(usize, usize),
    /// A customer rates, and Blip tells of it days later.
    Rates(usize, i64),
    /// An attendant answers in one queue only.
    Regroups(usize),
    /// Blip writes a customer's identity in another way.
    Respells(usize),
}

/// Something that is done here, between two loads.
#[derive(Debug, Clone)]
enum Deed {
    /// Nothing is done.
    None,
    /// A file is taken over: a ticket that Blip tells of, too, and one that it will tell of once somebody asks.
    Imports(usize),
    /// A customer is forgotten.
    Forgets(usize),
    /// A load is tried by a clock that is so many days ahead, or behind.
    Misreads(i64),
    /// A load is tried with the key of another bot.
    Mistakes,
    /// A load is tried with a copy of the database from before.
    Restores,
}

fn deed() -> impl Strategy<Value = Deed> {
    any::<usize>().prop_flat_map(|pick| {
        let days = i64::try_from(pick % 80).expect("a small number") - 40;
        prop_oneof![
            3 => Just(Deed::None),
            2 => Just(Deed::Imports(pick)),
            1 => Just(Deed::Forgets(pick)),
            1 => Just(Deed::Misreads(if days == 0 { 1 } else { days })),
            1 => Just(Deed::Mistakes),
            1 => Just(Deed::Restores),
        ]
    })
}

fn change() -> impl Strategy<Value = Change> {
    (any::<usize>(), any::<usize>(), 0_i64..4).prop_flat_map(|(one, other, days)| {
        prop_oneof![
            Just(Change::Asks(one)),
            Just(Change::Transfers(one)),
            Just(Change::Answers(one)),
            Just(Change::Closes(one)),
            Just(Change::OpensAgain(one)),
            Just(Change::IsTagged(one)),
            Just(Change::Moves(one, other)),
            Just(Change::Rates(one, days)),
            Just(Change::Regroups(one)),
            Just(Change::Respells(one)),
        ]
    })
}

const TEAMS: [&str; 4] = ["Suporte", "Financeiro", "DIRECT_TRANSFER", "Default"];

/// Has a customer write, or, for `ticket`, the attendant of that ticket.
fn writes(world: &mut World, customer: usize, ticket: Option<usize>, at: DateTime<Utc>) {
    let id = u128::try_from(at.timestamp_millis()).expect("a time since 1970");
    let author = if ticket.is_some() { Author::Attendant } else { Author::Customer };
    let (ticket, agent) = (ticket.map(|place| world.tickets[place].id), ticket.and_then(|place| world.tickets[place].agent));
    world.messages[customer].push(Message { id, at, author, ticket, agent });
}

fn next_id(world: &World) -> Uuid {
    Uuid::from_u128(u128::try_from(world.tickets.len()).expect("a count"))
}

fn asks(world: &mut World, customer: usize, pick: usize, parent: Option<usize>, at: DateTime<Utc>) {
    let id = next_id(world);
    let place = world.add_ticket(id, customer, Cow::Borrowed(TEAMS[pick % TEAMS.len()]), parent);
    world.tickets[place].created_at = at;
    writes(world, customer, None, at);
}

/// Has `change` happen at `at`. A ticket is picked among the newest, where most happens.
fn happens(world: &mut World, change: &Change, at: DateTime<Utc>) {
    let last = world.tickets.len() - 1;
    let recent = |pick: usize| last - pick % 12;
    match *change {
        Change::Asks(pick) => asks(world, pick % world.customers.len(), pick, None, at),
        Change::Transfers(pick) => {
            let place = recent(pick);
            let ticket = &mut world.tickets[place];
            (ticket.status, ticket.closed_at) = ("Transferred", Some(at));
            let customer = ticket.customer;
            asks(world, customer, pick, Some(place), at);
        }
        Change::Answers(pick) => {
            let place = recent(pick);
            let ticket = &mut world.tickets[place];
            (ticket.status, ticket.agent) = ("Open", Some(pick % world.attendants.len()));
            ticket.opened_at = ticket.opened_at.or(Some(at));
            ticket.first_response_at = ticket.first_response_at.or(Some(at));
            let customer = ticket.customer;
            writes(world, customer, Some(place), at);
        }
        Change::Closes(pick) => {
            let ticket = &mut world.tickets[recent(pick)];
            (ticket.status, ticket.closed_at) = (if ticket.opened_at.is_some() { "ClosedAttendant" } else { "ClosedClient" }, Some(at));
        }
        Change::OpensAgain(pick) => {
            let ticket = &mut world.tickets[recent(pick)];
            (ticket.status, ticket.closed_at, ticket.agent) = ("Open", None, Some(pick % world.attendants.len()));
            ticket.opened_at = ticket.opened_at.or(Some(at));
            let customer = ticket.customer;
            writes(world, customer, None, at);
        }
        Change::IsTagged(pick) => world.tickets[recent(pick)].tags = vec![Cow::Owned(format!("tag {pick}"))],
        Change::Moves(pick, other) => world.tickets[recent(pick)].customer = other % world.customers.len(),
        Change::Rates(pick, days) => {
            let customer = world.tickets[recent(pick)].customer;
            let event = Event {
                category: Cow::Borrowed("Pesquisa de satisfação"),
                action: (1 + pick % 5).to_string(),
                at: at - TimeDelta::days(days),
                customer,
                queue: (pick % 2 == 0).then(|| Cow::Borrowed(TEAMS[pick % 2])),
                comment: (pick % 3 == 0).then_some(Cow::Borrowed("obrigado")),
            };
            world.events.push(event);
            world.events.sort_by_key(|event| (event.at, event.customer));
        }
        Change::Respells(pick) => {
            let customer = world.tickets[recent(pick)].customer;
            let identity = &mut world.customers[customer].identity;
            let plain = identity.trim().split('/').next().unwrap_or_default().to_lowercase();
            *identity = match pick % 4 {
                0 => plain,
                1 => format!("{plain}/node"),
                2 => plain.to_uppercase(),
                _ => format!(" {plain}"),
            };
        }
        Change::Regroups(pick) => {
            let attendant = pick % world.attendants.len();
            world.attendants[attendant].teams = vec![Cow::Borrowed(TEAMS[pick % 2])];
        }
    }
    world.retain_tickets(|_| true);
}

/// Files, each with its content.
type Files = Vec<(PathBuf, Vec<u8>)>;

/// One project that follows the desk.
struct Follower {
    sandbox: Sandbox,
    /// How the contract lists its tickets.
    switches: &'static [&'static str],
    /// What is tried at the next load, and refused.
    tried: Deed,
    /// The files of the database after each load, and the snapshot of then.
    copies: Vec<(String, Files)>,
    /// Files that were taken over, and the tickets in them.
    files: Vec<(String, Uuid)>,
    has_forgotten: bool,
}

impl Follower {
    fn new(switches: &'static [&'static str]) -> Follower {
        let sandbox = Sandbox::new("http://127.0.0.1:9");
        Follower { sandbox, switches, tried: Deed::None, copies: Vec::new(), files: Vec::new(), has_forgotten: false }
    }

    /// Has a load refused that is not to be, before anything of it is kept.
    async fn is_refused(&mut self) {
        match std::mem::replace(&mut self.tried, Deed::None) {
            Deed::Misreads(days) => {
                let request = IngestRequest { now: now() + TimeDelta::days(days), full: true, ..everything() };
                let refused = self.sandbox.load_by_own_clock(request).await;
                assert!(matches!(refused, Err(IngestError::Clock { .. })), "{days} days: {refused:?}");
            }
            Deed::Mistakes => {
                self.sandbox.write("keys/router.key", &Keys::of("outrodesk@msging.net", "outrorouter@msging.net").router);
                let refused = self.sandbox.try_load(everything()).await;
                assert!(matches!(refused, Err(IngestError::OtherBot { .. })), "{refused:?}");
                self.sandbox.write("keys/router.key", &Keys::new().router);
            }
            Deed::Restores => {
                let now_there = self.database();
                let newest = self.copies.last().map(|(snapshot, _)| snapshot.clone());
                let earlier = self.copies.iter().find(|(snapshot, _)| Some(snapshot) != newest.as_ref()).map(|(_, files)| files.clone());
                // Where every load published the same, no copy knows less.
                let Some(earlier) = earlier else { return };
                self.replace_database(&earlier);
                let refused = self.sandbox.try_load(everything()).await;
                assert!(matches!(refused, Err(IngestError::KnowsLess { .. })), "{refused:?}");
                self.replace_database(&now_there);
            }
            Deed::None | Deed::Imports(_) | Deed::Forgets(_) => {}
        }
    }

    /// Returns the files of the live database, its log included.
    fn database(&self) -> Files {
        let is_of_it = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("live.duckdb"));
        self.sandbox.data_files().into_iter().filter(|(path, _)| is_of_it(path)).collect()
    }

    fn replace_database(&self, files: &[(PathBuf, Vec<u8>)]) {
        for (path, _) in self.database() {
            std::fs::remove_file(path).expect("a file of ours");
        }
        for (path, bytes) in files {
            std::fs::write(path, bytes).expect("a writable folder");
        }
    }

    /// Loads all that `world` tells, and checks that what was made of the changes is what is made of everything.
    async fn load(&mut self, world: &World) -> Published {
        let server = serve(&Arc::new(World::clone(world)), self.switches).await;
        self.sandbox.write("relato.toml", &settings(&server.base_url));
        self.is_refused().await;
        let (summary, published) = self.sandbox.load(IngestRequest { full: true, ..everything() }).await;
        let imported: BTreeSet<Uuid> = self.files.iter().map(|(_, id)| *id).filter(|id| world.ticket(*id).is_none()).collect();
        assert_eq!(usize::try_from(summary.marts.tickets).ok(), Some(world.tickets.len() + imported.len()));
        let store = self.sandbox.store();
        let by_customer = digests(&store);
        store.make_all_tables(&self.sandbox.project().query_texts().expect("queries")).expect("tables");
        assert_eq!(by_customer, digests(&store), "what was made of the changes, and of everything");
        drop(store);
        self.copies.push((published.manifest.id.clone(), self.database()));
        published
    }

    fn imports(&mut self, file: String, id: Uuid) {
        self.sandbox.write("tickets.csv", &file);
        let path = self.sandbox.dir().join("tickets.csv");
        self.sandbox.relato(&["import", path.to_str().expect("a plain path")]).assert().success();
        self.files.push((file, id));
    }

    fn does(&mut self, deed: &Deed, world: &World) {
        match *deed {
            Deed::None => {}
            Deed::Misreads(_) | Deed::Mistakes | Deed::Restores => self.tried = deed.clone(),
            Deed::Imports(pick) => {
                let known = world.tickets[world.tickets.len() - 1 - pick % 12].id;
                let customer = &world.customers[pick % world.customers.len()].identity;
                let rows = [known, next_id(world)]
                    .map(|id| format!("{id},{customer},Suporte,ClosedClient,2026-11-02T12:00:00Z,2026-11-02T12:30:00Z\n"));
                self.imports(format!("id,customerIdentity,team,status,storageDate,closeDate\n{}", rows.concat()), next_id(world));
            }
            Deed::Forgets(pick) => {
                let customer = world.tickets[world.tickets.len() - 1 - pick % 12].customer;
                let project = self.sandbox.project();
                ingest::erase(&project, &world.customers[customer].identity, "receipt", now(), &Silent).expect("an unlinked customer");
                self.has_forgotten = true;
            }
        }
    }
}

#[test]
fn a_history_that_came_step_by_step_is_the_one_that_is_there() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    // `make soak` asks for more.
    let cases = std::env::var("RELATO_SOAK_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let steps = proptest::collection::vec((deed(), proptest::collection::vec(change(), 1..8)), 1..4);
    // Some contracts list ended tickets in the history only.
    let lists = prop_oneof![2 => Just(&[][..]), 1 => Just(&["ended-in-history=1"][..])];
    let first = world(61, 200);
    runner
        .run(&(steps, lists), |(steps, switches)| {
            runtime.block_on(async {
                let (mut world, mut early) = (World::clone(&first), Follower::new(switches));
                let mut published = early.load(&world).await;
                for (step, (deed, changes)) in (1..).zip(&steps) {
                    early.does(deed, &world);
                    let at = now() - TimeDelta::minutes(60 - 10 * step);
                    for (second, change) in (0..).zip(changes) {
                        happens(&mut world, change, at + TimeDelta::seconds(second));
                    }
                    published = early.load(&world).await;
                }
                // Nobody can tell again whose a forgotten customer's records were.
                if early.has_forgotten {
                    return;
                }
                let mut late = Follower::new(switches);
                // In which queue somebody answered before, nobody tells later.
                let server = serve(&first, switches).await;
                late.sandbox.write("relato.toml", &settings(&server.base_url));
                late.sandbox.load(IngestRequest { only: Some(OnlyResource::Directory), ..everything() }).await;
                late.load(&world).await;
                for (file, id) in early.files {
                    late.imports(file, id);
                }
                let at_once = late.load(&world).await;
                // Blip's own figures of days that are over are kept as they were told first.
                let mut differing = differences(&published.manifest, &at_once.manifest);
                differing.retain(|part| !part.starts_with("blip_figure") && !part.starts_with("quality"));
                assert_eq!(differing, Vec::<String>::new());
            });
            Ok(())
        })
        .expect("every history ends with the same tables");
}
