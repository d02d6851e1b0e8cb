//! Any organisation and any file: what a plan says is what is sent, and what is sent leads to what the file says.
//!
//! The model beside it knows nothing of plans: it says, person by person, what Blip must show in the end.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    panic::AssertUnwindSafe,
    time::Duration,
};

use futures_util::FutureExt;
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use relato::{
    blip::identity::attendant_email,
    config::Team,
    ingest::Clients,
    ledger::{Ledger, StepState},
    ops::{self, Application, Applied, Changed, Guard, Moment, OpsError, Patience, Plan, Target},
    sim::{Attendant, CONTRACT, Fault, Server, SimOptions, World, Written},
};
use serde_json::json;

use crate::support::{Sandbox, impatient, now, serve_with, settings, with_router_roles, world, zone};

const QUEUES: [&str; 4] = ["Acolhimento", "Boletos", "Cadastro", "Default"];
const BOTS: [&str; 2] = ["exemplodesk@msging.net", "exemplorouter@msging.net"];
const ROLES: [&str; 3] = ["guest", "member", "admin"];
const PROFILES: [&str; 3] = ["administrador", "atendente", "visualizador"];

/// One person, as they are and as they are declared.
#[derive(Debug, Clone)]
struct Somebody {
    /// Queues where they attend, as bits; none is no attendant.
    attends: Option<u8>,
    /// Place in [`ROLES`].
    role: Option<usize>,
    /// Permissions in each bot: 0 no member, 1 reads the desk, 2 has everything.
    bots: [u8; 2],
    declared: Option<Declared>,
}

#[derive(Debug, Clone)]
struct Declared {
    profile: usize,
    queues: u8,
    /// Whether the sector of the first two queues is named.
    sector: bool,
    /// 0 coming, 1 here, 2 gone.
    presence: u8,
    is_shouted: bool,
}

#[derive(Debug, Clone)]
struct Case {
    people: Vec<Somebody>,
    /// Bits of desk, contract, bot.
    layers: u8,
    managed_queues: Option<u8>,
    removes: bool,
    is_open: bool,
    acting: Option<usize>,
    max_removed: usize,
    max_removed_share: f64,
    min_administrators: usize,
}

fn somebody() -> impl Strategy<Value = Somebody> {
    let declared = (0..3_usize, 0..16_u8, any::<bool>(), prop_oneof![1 => Just(0_u8), 6 => Just(1), 2 => Just(2)], any::<bool>());
    let declared =
        declared.prop_map(|(profile, queues, sector, presence, is_shouted)| Declared { profile, queues, sector, presence, is_shouted });
    let there = (proptest::option::weighted(0.7, 0..16_u8), proptest::option::weighted(0.7, 0..3_usize), [0..3_u8, 0..3_u8]);
    (there, proptest::option::weighted(0.75, declared)).prop_map(|((attends, role, bots), declared)| Somebody {
        attends,
        role,
        bots,
        declared,
    })
}

fn case() -> impl Strategy<Value = Case> {
    (
        (proptest::collection::vec(somebody(), 1..9), 0..8_u8, proptest::option::weighted(0.3, 0..16_u8)),
        (any::<bool>(), any::<bool>(), proptest::option::of(0..9_usize), 0..9_usize, 0..=10_u8, 0..3_usize),
    )
        .prop_map(|((people, layers, managed_queues), (removes, is_open, acting, max_removed, share, min_administrators))| Case {
            people,
            layers,
            managed_queues,
            removes,
            is_open,
            acting,
            max_removed,
            max_removed_share: f64::from(share) / 10.0,
            min_administrators,
        })
}

fn email(place: usize) -> String {
    format!("pessoa.{place}@exemplo.org.br")
}

fn named(bits: u8) -> BTreeSet<String> {
    QUEUES.iter().enumerate().filter(|(place, _)| bits >> place & 1 == 1).map(|(_, name)| (*name).to_owned()).collect()
}

fn list(names: &BTreeSet<String>) -> String {
    format!("[{}]", names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", "))
}

/// Everything that Blip shows of people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Shown {
    attendants: BTreeMap<String, BTreeSet<String>>,
    members: BTreeMap<String, String>,
    bots: BTreeMap<(String, String), BTreeMap<String, BTreeSet<String>>>,
}

impl Shown {
    fn of(world: &World) -> Shown {
        let listed = world.attendants.iter().filter(|attendant| attendant.is_listed);
        let attendants = listed.map(|one| (one.email.clone(), one.teams.iter().map(|team| team.clone().into_owned()).collect())).collect();
        let mut bots = BTreeMap::new();
        for (bot, members) in &world.portal.bots {
            for (email, permissions) in members {
                let some = permissions.iter().filter(|(_, actions)| !actions.is_empty());
                bots.insert(
                    (bot.clone(), email.clone()),
                    some.map(|(id, actions)| (id.clone(), actions.iter().cloned().collect())).collect(),
                );
            }
        }
        Shown { attendants, members: world.portal.members.iter().map(|(email, (role, _))| (email.clone(), role.clone())).collect(), bots }
    }
}

impl Case {
    fn world(&self) -> World {
        static DRAWN: std::sync::LazyLock<std::sync::Arc<World>> = std::sync::LazyLock::new(|| world(1, 1));
        let mut world = (**DRAWN).clone();
        world.queues = QUEUES.iter().map(|name| (*name).into()).collect();
        world.attendants.clear();
        world.portal.members.clear();
        world.portal.bots.clear();
        for (place, somebody) in self.people.iter().enumerate() {
            if let Some(queues) = somebody.attends {
                let teams = named(queues).into_iter().map(Into::into).collect();
                world.attendants.push(Attendant { email: email(place), name: format!("Pessoa {place}"), teams, is_listed: true, slots: 5 });
            }
            if let Some(role) = somebody.role {
                world.portal.members.insert(email(place), (ROLES[role].to_owned(), "Accepted".to_owned()));
            }
            for (bot, held) in BOTS.iter().zip(somebody.bots).filter(|(_, held)| *held > 0) {
                let permissions = if held == 1 { reading() } else { everything() };
                let permissions = permissions.into_iter().map(|(id, actions)| (id, actions.into_iter().collect())).collect();
                world.portal.bots.entry((*bot).to_owned()).or_default().insert(email(place), permissions);
            }
        }
        world
    }

    fn team(&self) -> String {
        let layers: Vec<&str> = ["desk", "contract", "bot"]
            .into_iter()
            .enumerate()
            .filter(|(bit, _)| self.layers >> bit & 1 == 1)
            .map(|(_, name)| name)
            .collect();
        let mut text = format!("[managed]\nlayers = {layers:?}\nundeclared = \"{}\"\n", if self.removes { "remove" } else { "report" });
        if let Some(queues) = self.managed_queues {
            text += &["queues = ", &list(&named(queues)), "\n"].concat();
        }
        for (place, declared) in self.people.iter().enumerate().filter_map(|(place, one)| Some((place, one.declared.as_ref()?))) {
            let address = if declared.is_shouted { email(place).to_uppercase() } else { email(place) };
            text += &["[[person]]\nemail = \"", &address, "\"\nprofile = \"", PROFILES[declared.profile], "\"\n"].concat();
            if declared.profile != 2 {
                text += &["queues = ", &list(&self.asked(declared)), "\n"].concat();
                if declared.sector {
                    text += "sectors = [\"Frente\"]\n";
                }
            }
            match declared.presence {
                0 => text += "from = 2026-12-01\n",
                2 => text += "until = 2026-11-20\n",
                _ => text += "from = 2026-01-01\nuntil = 2027-01-01\n",
            }
        }
        text
    }

    fn managed(&self) -> BTreeSet<String> {
        named(self.managed_queues.unwrap_or(15))
    }

    /// Returns the queues that are written for a person: others than managed ones are a mistake of the file.
    fn asked(&self, declared: &Declared) -> BTreeSet<String> {
        named(declared.queues).intersection(&self.managed()).cloned().collect()
    }

    fn settings(&self, base_url: &str) -> String {
        let base = settings(base_url).replacen(
            "\"Financeiro\" = [\"Financeiro\", \"Cobrança\"]",
            "\"Frente\" = [\"Acolhimento\", \"Boletos\"]",
            1,
        );
        with_router_roles(&base, "\"channel\", \"portal\"", "")
            + &format!(
                "[team]\nunconfirmed = {}\ncontract = \"{CONTRACT}\"\nmax_removed = {}\nmax_removed_share = {:.1}\nmin_administrators = {}\n",
                self.is_open, self.max_removed, self.max_removed_share, self.min_administrators
            )
    }

    /// Says what must be there in the end.
    fn wanted(&self, before: &Shown) -> Shown {
        let mut after = before.clone();
        for (place, somebody) in self.people.iter().enumerate() {
            let email = email(place);
            let is_here = somebody.declared.as_ref().is_some_and(|declared| declared.presence == 1);
            let is_left_alone = somebody.declared.is_none() && !self.removes;
            let profile = somebody.declared.as_ref().map(|declared| declared.profile).filter(|_| is_here);
            if self.layers & 1 == 1 && !is_left_alone {
                let found = before.attendants.get(&email);
                let kept: BTreeSet<String> =
                    found.into_iter().flatten().filter(|queue| !self.managed().contains(*queue)).cloned().collect();
                let mut asked = BTreeSet::new();
                if let Some(declared) = somebody.declared.as_ref().filter(|declared| is_here && declared.profile != 2) {
                    asked = self.asked(declared);
                    if declared.sector {
                        asked.extend(
                            ["Acolhimento", "Boletos"].map(str::to_owned).into_iter().filter(|queue| self.managed().contains(queue)),
                        );
                    }
                }
                let stays = profile == Some(1) && asked.is_empty() && found.is_some();
                let queues: BTreeSet<String> = asked.union(&kept).cloned().collect();
                if queues.is_empty() && !stays {
                    after.attendants.remove(&email);
                } else {
                    after.attendants.insert(email.clone(), queues);
                }
            }
            if self.is_open && self.layers >> 1 & 1 == 1 && !is_left_alone {
                match profile {
                    Some(profile) => drop(after.members.insert(email.clone(), if profile == 0 { "admin" } else { "guest" }.to_owned())),
                    None => drop(after.members.remove(&email)),
                }
            }
            if self.is_open && self.layers >> 2 & 1 == 1 && !is_left_alone {
                for bot in BOTS {
                    let key = (bot.to_owned(), email.clone());
                    match profile {
                        Some(0) => drop(after.bots.insert(key, everything())),
                        Some(2) => drop(after.bots.insert(key, reading())),
                        _ => drop(after.bots.remove(&key)),
                    }
                }
            }
        }
        after
    }

    /// Says which guards must refuse what leads from `before` to `after`.
    fn refused(&self, before: &Shown, after: &Shown) -> BTreeSet<Guard> {
        let mut refused = BTreeSet::new();
        let mut losing: [BTreeSet<&String>; 3] = Default::default();
        for (email, queues) in &before.attendants {
            if after.attendants.get(email).is_none_or(|left| left.len() < queues.len()) {
                losing[0].insert(email);
            }
        }
        let rank = |role: &String| ROLES.iter().position(|known| known == role);
        for (email, role) in &before.members {
            if after.members.get(email).is_none_or(|left| rank(left) < rank(role)) {
                losing[1].insert(email);
            }
        }
        for ((bot, email), held) in &before.bots {
            let left = after.bots.get(&(bot.clone(), email.clone()));
            if left.is_none_or(|left| held.iter().any(|(id, actions)| !left.get(id).is_some_and(|left| actions.is_subset(left)))) {
                losing[2].insert(email);
            }
        }
        let everybody: BTreeSet<&&String> = losing.iter().flatten().collect();
        if everybody.len() > self.max_removed {
            refused.insert(Guard::RemovalCount);
        }
        let bot_people: BTreeSet<&String> = before.bots.keys().map(|(_, email)| email).collect();
        for (losing, of) in losing.iter().zip([before.attendants.len(), before.members.len(), bot_people.len()]) {
            #[expect(clippy::cast_precision_loss, reason = "people are few")]
            let share = losing.len() as f64 / of.max(1) as f64;
            if losing.len() > 1 && share > self.max_removed_share {
                refused.insert(Guard::RemovalShare);
            }
        }
        if let Some(acting) = self.acting.map(email)
            && everybody.contains(&&acting)
        {
            refused.insert(Guard::ActingPerson);
        }
        let admins = |shown: &Shown| -> BTreeSet<String> {
            shown.members.iter().filter(|(_, role)| *role == "admin").map(|(email, _)| email.clone()).collect()
        };
        // Who is new to the contract has not accepted while the plan is made.
        let (were, are) =
            (admins(before), admins(after).into_iter().filter(|email| before.members.contains_key(email)).collect::<BTreeSet<_>>());
        if are.len() < self.min_administrators && !were.is_subset(&are) {
            refused.insert(Guard::MinAdministrators);
        }
        for bot in BOTS {
            let admins = |shown: &Shown| -> BTreeSet<String> {
                let has = |held: &BTreeMap<String, BTreeSet<String>>| held.get("team").is_some_and(|actions| actions.contains("write"));
                shown.bots.iter().filter(|((of, _), held)| of == bot && has(held)).map(|((_, email), _)| email.clone()).collect()
            };
            let (were, are) = (admins(before), admins(after));
            if are.len() < self.min_administrators && !were.is_subset(&are) {
                refused.insert(Guard::MinAdministrators);
            }
        }
        let declared: Vec<&Declared> = self.people.iter().filter_map(|one| one.declared.as_ref()).filter(|one| one.profile == 0).collect();
        if !declared.is_empty() && declared.iter().filter(|one| one.presence == 1).count() < self.min_administrators {
            refused.insert(Guard::MinAdministrators);
        }
        refused
    }
}

fn permissions(has: impl Fn(&str) -> bool, actions: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let ids = ops::PERMISSIONS.into_iter().chain(["team"]).filter(|id| has(id));
    ids.map(|id| (id.to_owned(), actions.iter().map(|action| (*action).to_owned()).collect())).collect()
}

fn reading() -> BTreeMap<String, BTreeSet<String>> {
    permissions(|id| id == "analysis" || id == "desk" || id.starts_with("desk-"), &["read"])
}

fn everything() -> BTreeMap<String, BTreeSet<String>> {
    permissions(|_| true, &["read", "write"])
}

/// A project over a simulated contract.
struct Bench {
    sandbox: Sandbox,
    server: Server,
    clients: Clients,
    before: Shown,
}

impl Bench {
    async fn new(case: &Case, world: &World, trouble: Option<(Fault, u64)>) -> Bench {
        let server = serve(case, world, trouble).await;
        let sandbox = Sandbox::with_settings(&case.settings(&server.base_url));
        sandbox.write("team.toml", &case.team());
        let clients = Clients::of_project(&sandbox.project(), None, impatient()).expect("keys");
        Bench { before: Shown::of(world), sandbox, server, clients }
    }

    /// Has the same world answer without faults.
    async fn mend(&mut self, case: &Case) {
        self.server = serve(case, &self.server.world(), None).await;
        self.clients = Clients::of_project(&self.sandbox.project(), Some(&self.server.base_url), impatient()).expect("keys");
    }

    async fn with_target<T>(&self, work: impl AsyncFnOnce(&Target<'_>, &mut Ledger) -> T) -> T {
        let project = self.sandbox.project();
        let team: Team = project.team().expect("a team");
        let target = Target::team(&project, self.clients.clone(), Some(team), zone().day(now())).expect("a target");
        let mut ledger = Ledger::open(&project.ledger_file()).expect("a ledger");
        work(&target, &mut ledger).await
    }

    /// Makes a plan as the command does.
    async fn plan(&self) -> Result<Plan, OpsError> {
        self.plan_again(false).await
    }

    /// Makes a plan that invites people again who have not come, or not.
    async fn plan_again(&self, invites_again: bool) -> Result<Plan, OpsError> {
        self.with_target(async |target, ledger| {
            let seen = target.read().await?;
            let waited_for = if invites_again { Vec::new() } else { ledger.waited_for()? };
            let draft = target.draft(&seen, &waited_for)?;
            Ok(ops::planned(target, &seen, draft, invites_again, now()))
        })
        .await
    }

    async fn apply(&self, plan: &Plan, case: &Case, forced: &[Guard], moment: &dyn Fn(Moment)) -> Result<Applied, OpsError> {
        let undo_file = self.sandbox.dir().join("undo.json");
        let acting = case.acting.map(email);
        self.with_target(async |target, ledger| {
            let forced = forced.iter().copied().collect();
            let record = |changed: &Changed| json!({"event": "changed", "subject": changed.subject, "plan": plan.sha256});
            let patience = Patience { looks: 2, pause: Duration::from_millis(1) };
            let acting = acting.as_deref();
            let work = Application { target, plan, forced: &forced, acting, undo_file, patience, record: &record, now: &now, moment };
            ops::apply(&work, ledger).await
        })
        .await
    }

    fn shown(&self) -> Shown {
        Shown::of(&self.server.world())
    }
}

/// Has a world answer; trouble is a fault and the seed of when it strikes.
async fn serve(case: &Case, world: &World, trouble: Option<(Fault, u64)>) -> Server {
    let (mut faults, fault_seed) = trouble.map_or((Vec::new(), 0), |(fault, seed)| (vec![fault], seed));
    if case.is_open {
        faults.push("open-portal=1".parse().expect("a fault"));
    }
    let options = SimOptions { faults, fault_seed, throttle: Duration::from_millis(20), ..SimOptions::default() };
    serve_with(&std::sync::Arc::new(world.clone()), options).await
}

/// Returns what a write is about, as plans name it.
fn as_planned(written: &Written) -> ops::Write {
    let path: Vec<String> = written
        .uri
        .split('/')
        .filter(|part| !part.is_empty())
        .map(|part| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned())
        .collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let body = &written.body;
    let of_body = |value: &serde_json::Value| attendant_email(value.as_str().unwrap_or_default());
    let (resource, of) = match path.as_slice() {
        ["attendants"] => ("attendants", of_body(&body["identity"])),
        ["attendants", identity] => ("attendants", attendant_email(identity)),
        ["tenants", _, "users"] => ("contract users", of_body(&body["items"][0]["userIdentity"])),
        ["tenants", _, "users", identity] => ("contract users", attendant_email(identity)),
        ["applications", _, "users"] => ("bot users", of_body(body)),
        ["applications", _, "users", identity] => ("bot users", attendant_email(identity)),
        ["applications", _, "users", identity, "permissions"] => ("bot permissions", attendant_email(identity)),
        other => panic!("{other:?}"),
    };
    ops::Write { verb: written.method.clone(), resource: resource.to_owned(), of }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Tries so many cases, the same each time, so that what they have in common can be counted.
///
/// With `RELATO_MODEL_CASES` it is that many, drawn anew.
fn check(usual: u32, test: impl Fn(Case, u32) -> Result<(), TestCaseError>) {
    let asked = std::env::var("RELATO_MODEL_CASES").ok().map(|count| count.parse().expect("a number of cases"));
    let config =
        ProptestConfig { cases: asked.unwrap_or(usual), max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = match asked {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    if let Err(error) = runner.run(&(case(), any::<u32>()), |(case, at)| test(case, at)) {
        panic!("{error}");
    }
}

#[test]
fn what_is_planned_is_what_is_sent_and_leads_to_what_is_declared() {
    let (plans, writes, refusals) = (Cell::new(0), Cell::new(0), Cell::new(0));
    check(100, |case, _| {
        runtime().block_on(async {
            let bench = Bench::new(&case, &case.world(), None).await;
            let wanted = case.wanted(&bench.before);
            let plan = bench.plan().await.expect("a plan");
            prop_assert!(bench.server.world().writes.is_empty(), "a plan writes nothing");
            let expected = case.refused(&bench.before, &wanted);
            if !expected.is_empty() {
                refusals.set(refusals.get() + 1);
                match bench.apply(&plan, &case, &[], &|_| {}).await {
                    Err(OpsError::Guarded(violations)) => {
                        prop_assert_eq!(violations.iter().map(|violation| violation.guard).collect::<BTreeSet<_>>(), expected.clone());
                    }
                    other => return Err(TestCaseError::fail(format!("{expected:?} should have refused: {other:?}"))),
                }
                prop_assert!(bench.server.world().writes.is_empty(), "what is refused writes nothing");
                // All but one of them set aside is as good as none.
                let all: Vec<Guard> = expected.iter().copied().collect();
                let partly = bench.apply(&plan, &case, &all[1..], &|_| {}).await;
                prop_assert!(matches!(partly, Err(OpsError::Guarded(_))), "{:?}", partly);
                prop_assert_eq!(bench.shown(), bench.before.clone());
            }
            let forced: Vec<Guard> = expected.into_iter().collect();
            let applied = bench.apply(&plan, &case, &forced, &|_| {}).await.expect("a fresh plan");
            prop_assert!(applied.is_whole(), "{:?}", applied.steps);
            let sent: Vec<ops::Write> = bench.server.world().writes.iter().map(as_planned).collect();
            let planned: Vec<ops::Write> = plan.steps.iter().flat_map(|step| step.writes.clone()).collect();
            prop_assert_eq!(&sent, &planned, "just what was planned is sent, in its order");
            prop_assert_eq!(bench.shown(), wanted);
            prop_assert_eq!(applied.rest.expect("compared again").steps, vec![]);
            prop_assert_eq!(bench.plan().await.expect("a plan").steps, vec![], "a second plan is empty");
            plans.set(plans.get() + 1);
            writes.set(writes.get() + sent.len());
            Ok(())
        })
    });
    assert!(writes.get() > plans.get(), "{} writes of {} plans", writes.get(), plans.get());
    assert!(refusals.get() * 5 > plans.get(), "{} of {} were refused", refusals.get(), plans.get());
}

#[test]
fn a_crash_at_any_moment_is_made_up_for_by_the_same_plan() {
    let resumed = Cell::new(0);
    check(80, |case, at| {
        runtime().block_on(async {
            let bench = Bench::new(&case, &case.world(), None).await;
            let wanted = case.wanted(&bench.before);
            let plan = bench.plan().await.expect("a plan");
            let forced = Guard::ALL;
            let moments = 4 + 3 * plan.steps.len();
            let left = Cell::new(at as usize % moments);
            let crash = |_: Moment| {
                if left.get() == 0 {
                    // No message: this is how the test ends a process.
                    std::panic::resume_unwind(Box::new("the process dies"));
                }
                left.set(left.get() - 1);
            };
            let crashed = AssertUnwindSafe(bench.apply(&plan, &case, &forced, &crash)).catch_unwind().await;
            prop_assert!(crashed.is_err() || plan.steps.is_empty(), "{} moments of {moments} are left", left.get());
            let applied = bench.apply(&plan, &case, &forced, &|_| {}).await.expect("a plan that goes on");
            prop_assert!(applied.is_whole(), "{:?}", applied.steps);
            prop_assert_eq!(bench.shown(), wanted);
            prop_assert_eq!(applied.rest.expect("compared again").steps, vec![]);
            resumed.set(resumed.get() + usize::from(applied.was_resumed));
            let sent: Vec<ops::Write> = bench.server.world().writes.iter().map(as_planned).collect();
            let planned: Vec<ops::Write> = plan.steps.iter().flat_map(|step| step.writes.clone()).collect();
            prop_assert_eq!(sent, planned, "what was done is not done again");
            // Each change is in the log at least once, and the log is whole.
            let ledger = Ledger::open(&bench.sandbox.project().ledger_file()).expect("a ledger");
            prop_assert!(ledger.verify_accesses(None).expect("readable").is_ok());
            let log = ledger.accesses(chrono::DateTime::UNIX_EPOCH).expect("readable");
            for step in &plan.steps {
                let subject = json!(format!("{}: {}", step.place, step.key));
                prop_assert!(log.iter().any(|record| record.body["subject"] == subject), "{} is not in the log", subject);
            }
            Ok(())
        })
    });
    assert!(resumed.get() > 20, "{} were taken up", resumed.get());
}

#[test]
fn whatever_goes_wrong_ends_in_a_state_that_is_told_and_mended() {
    let troubled = Cell::new(0);
    let kinds =
        ["failure", "throttle", "server-error", "timeout", "slow", "reset", "truncate", "html", "half-write", "refused-write", "empty"];
    check(60, |case, seed| {
        let kind = kinds[seed as usize % kinds.len()];
        let rate = if kind == "slow" { 0.05 } else { 0.3 };
        let fault: Fault = format!("{kind}={rate}").parse().expect("a fault");
        runtime().block_on(async {
            let world = case.world();
            let bench = Bench::new(&case, &world, None).await;
            let wanted = case.wanted(&bench.before);
            let plan = bench.plan().await.expect("a plan");
            let mut bad = Bench::new(&case, &world, Some((fault, seed.into()))).await;
            let ended = bad.apply(&plan, &case, &Guard::ALL, &|_| {}).await;
            let between = (*bad.server.world()).clone();
            // A second invitation is a second mail: without an answer it is not sent again.
            let mut invitations: BTreeMap<String, usize> = BTreeMap::new();
            for written in between.writes.iter().filter(|written| written.is_done && written.uri.ends_with(&format!("{CONTRACT}/users"))) {
                *invitations.entry(as_planned(written).of).or_default() += 1;
            }
            prop_assert!(invitations.values().all(|count| *count == 1), "{:?}", invitations);
            if let Ok(applied) = &ended {
                for (step, ended) in plan.steps.iter().zip(&applied.steps) {
                    prop_assert!(ended.state != StepState::Begun && ended.state != StepState::Done, "{:?} is left open", step);
                    prop_assert!(
                        ended.answer.is_some() || matches!(ended.state, StepState::Verified | StepState::Waiting | StepState::Planned)
                    );
                }
                troubled.set(troubled.get() + usize::from(!applied.is_whole()));
            }
            // The way that the world is left in is one from which the same plan goes on, or a new one begins.
            bad.mend(&case).await;
            let again = match bad.apply(&plan, &case, &Guard::ALL, &|_| {}).await {
                Err(OpsError::Stale(_)) => {
                    let anew = bad.plan().await.expect("a plan");
                    bad.apply(&anew, &case, &Guard::ALL, &|_| {}).await
                }
                other => other,
            };
            let again = again.expect("a plan that goes on");
            prop_assert!(again.is_whole(), "{:?}", again.steps);
            if again.steps.iter().any(|step| step.state == StepState::Waiting) {
                // A yes that was none looks like an invitation: the person does not come, and is invited again.
                let anew = bad.plan_again(true).await.expect("a plan");
                let ended = bad.apply(&anew, &case, &Guard::ALL, &|_| {}).await.expect("a fresh plan");
                prop_assert!(ended.is_whole(), "{:?}", ended.steps);
            }
            prop_assert_eq!(bad.shown(), wanted);
            prop_assert_eq!(bad.plan().await.expect("a plan").steps, vec![]);
            Ok(())
        })
    });
    assert!(troubled.get() > 3, "{} were troubled", troubled.get());
}
