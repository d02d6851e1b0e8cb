//! Faults and oddities that the simulator shows on purpose, each at its own rate.

use std::str::FromStr;

/// A kind of fault and the share of commands or records that show it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Share of commands or records, 0 to 1.
    pub rate: f64,
}

/// What can go wrong. The first group strikes commands and the last writes, the second strikes records; the third is true of the whole contract
/// at any rate but 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// HTTP 200 whose body says `failure`.
    Failure,
    /// HTTP 429, and then for a while for all commands of the key.
    Throttle,
    /// HTTP 500.
    ServerError,
    /// HTTP 504.
    Timeout,
    /// An answer that comes late.
    Slow,
    /// An answer that never comes.
    Hang,
    /// A connection that is cut in the middle of the answer.
    Reset,
    /// A body that breaks off.
    Truncate,
    /// A web page instead of JSON.
    Html,
    /// Success with an empty list.
    Empty,
    /// The first page once more instead of a later one.
    RepeatPage,
    /// A page that begins one record too late, as if one had gone.
    ShiftPage,
    /// A collection without its `total`.
    NoTotal,
    /// An empty list answered as "not found".
    EmptyNotFound,
    /// A collection that declares another type than its items have.
    ItemType,

    /// A ticket with a status that nobody documented.
    UnknownStatus,
    /// A ticket whose number is not a number.
    BadRecord,
    /// A field that nobody documented.
    ExtraField,
    /// A ticket that was picked up before it was created: two clocks.
    Skew,
    /// An event that is listed only two days after it was recorded.
    LateEvent,
    /// A message by a person without the platform's mark.
    NoEmitter,
    /// An attendant's identity with two `@`.
    DecodedIdentity,

    /// Ended tickets are in the history list only.
    EndedInHistory,
    /// Messages and reports are kept as long as is documented, and no longer.
    Retention,
    /// Reports by period are not offered.
    NoReports,
    /// Members of the contract and the bots, and entries of channels, are told and set by any key.
    OpenPortal,
    /// Attendants who are new to the contract are not listed before they have accepted.
    InvitesWait,

    /// A write of which only half is done, answered as done.
    HalfWrite,
    /// A write that is refused as not allowed.
    RefusedWrite,
}

impl FaultKind {
    /// Everything there is, by the name on the command line.
    pub const ALL: [(&'static str, FaultKind); 29] = [
        ("failure", FaultKind::Failure),
        ("throttle", FaultKind::Throttle),
        ("server-error", FaultKind::ServerError),
        ("timeout", FaultKind::Timeout),
        ("slow", FaultKind::Slow),
        ("hang", FaultKind::Hang),
        ("reset", FaultKind::Reset),
        ("truncate", FaultKind::Truncate),
        ("html", FaultKind::Html),
        ("empty", FaultKind::Empty),
        ("repeat-page", FaultKind::RepeatPage),
        ("shift-page", FaultKind::ShiftPage),
        ("no-total", FaultKind::NoTotal),
        ("empty-not-found", FaultKind::EmptyNotFound),
        ("item-type", FaultKind::ItemType),
        ("half-write", FaultKind::HalfWrite),
        ("refused-write", FaultKind::RefusedWrite),
        ("unknown-status", FaultKind::UnknownStatus),
        ("bad-record", FaultKind::BadRecord),
        ("extra-field", FaultKind::ExtraField),
        ("skew", FaultKind::Skew),
        ("late-event", FaultKind::LateEvent),
        ("no-emitter", FaultKind::NoEmitter),
        ("decoded-identity", FaultKind::DecodedIdentity),
        ("ended-in-history", FaultKind::EndedInHistory),
        ("retention", FaultKind::Retention),
        ("no-reports", FaultKind::NoReports),
        ("open-portal", FaultKind::OpenPortal),
        ("invites-wait", FaultKind::InvitesWait),
    ];

    /// Returns whether the fault strikes commands, of which each can show one at most.
    fn strikes_commands(self) -> bool {
        FaultKind::ALL.iter().position(|(_, kind)| *kind == self).is_some_and(|place| place < 17)
    }

    /// Returns all names, for a message.
    pub fn names() -> String {
        FaultKind::ALL.map(|(name, _)| name).join(", ")
    }
}

/// A text that is not `KIND=RATE`.
#[derive(Debug, thiserror::Error)]
#[error("unknown fault `{0}` (accepted: KIND=RATE, the rate between 0 and 1, the kind one of {names})", names = FaultKind::names())]
pub struct FaultParseError(String);

impl FromStr for Fault {
    type Err = FaultParseError;

    fn from_str(text: &str) -> Result<Fault, FaultParseError> {
        let refuse = || FaultParseError(text.to_owned());
        let (name, rate) = text.split_once('=').ok_or_else(refuse)?;
        let (_, kind) = FaultKind::ALL.into_iter().find(|(known, _)| *known == name).ok_or_else(refuse)?;
        let rate: f64 = rate.parse().map_err(|_| refuse())?;
        (0.0..=1.0).contains(&rate).then_some(Fault { kind, rate }).ok_or_else(refuse)
    }
}

/// The faults of a simulator; the same seed gives the same ones.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// Kinds and rates.
    pub list: Vec<Fault>,
    /// Start of the random stream.
    pub seed: u64,
}

impl Faults {
    /// Picks the fault of the `count`-th command, if any.
    pub fn of_command(&self, count: u64) -> Option<FaultKind> {
        let mut place = unit(self.seed, count);
        for fault in self.list.iter().filter(|fault| fault.kind.strikes_commands()) {
            if place < fault.rate {
                return Some(fault.kind);
            }
            place -= fault.rate;
        }
        None
    }

    /// Returns whether the record with a given number shows `kind`; the same record always does.
    pub fn of_record(&self, kind: FaultKind, record: u128) -> bool {
        let Some(fault) = self.list.iter().find(|fault| fault.kind == kind) else { return false };
        #[expect(clippy::cast_possible_truncation, reason = "half of the bits are random enough")]
        let bits = (record >> 32) as u64;
        unit(self.seed ^ kind as u64, bits) < fault.rate
    }

    /// Returns whether the contract is of this kind at all.
    pub fn has(&self, kind: FaultKind) -> bool {
        self.list.iter().any(|fault| fault.kind == kind && fault.rate > 0.0)
    }
}

/// Returns a number in `[0, 1)` that two others stand for (splitmix64).
fn unit(seed: u64, count: u64) -> f64 {
    let mut bits = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(count.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^= bits >> 31;
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let fraction = (bits >> 11) as f64;
    fraction / 9_007_199_254_740_992.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_over_many_commands() {
        let list = vec![
            Fault { kind: FaultKind::Failure, rate: 0.1 },
            Fault { kind: FaultKind::Throttle, rate: 0.05 },
            Fault { kind: FaultKind::UnknownStatus, rate: 0.5 },
        ];
        let faults = Faults { list, seed: 3 };
        let seen: Vec<_> = (0..10_000).filter_map(|count| faults.of_command(count)).collect();
        let failures = seen.iter().filter(|kind| **kind == FaultKind::Failure).count();
        assert!((900..=1_100).contains(&failures), "{failures}");
        assert!((1_380..=1_620).contains(&seen.len()), "{}", seen.len());
        let odd = (0..10_000_u128).filter(|record| faults.of_record(FaultKind::UnknownStatus, record << 40)).count();
        assert!((4_800..=5_200).contains(&odd), "{odd}");
    }

    #[test]
    fn every_kind_has_a_name_and_what_is_no_fault_is_refused() {
        for (name, kind) in FaultKind::ALL {
            assert_eq!(format!("{name}=0.5").parse::<Fault>().unwrap(), Fault { kind, rate: 0.5 });
        }
        for text in ["failure", "explode=0.1", "failure=2", "failure=x"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}
