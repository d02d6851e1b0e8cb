//! Faults that the simulator shows on purpose, each at its own rate.

use std::str::FromStr;

/// A kind of fault and the share of commands that show it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Share of commands, 0 to 1.
    pub rate: f64,
}

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// HTTP 200 whose body says `failure`.
    Failure,
    /// HTTP 429.
    Throttle,
    /// HTTP 504.
    Timeout,
    /// A body that breaks off.
    Truncate,
    /// Success with an empty list.
    Empty,
}

impl FaultKind {
    const ALL: [(&'static str, FaultKind); 5] = [
        ("failure", FaultKind::Failure),
        ("throttle", FaultKind::Throttle),
        ("timeout", FaultKind::Timeout),
        ("truncate", FaultKind::Truncate),
        ("empty", FaultKind::Empty),
    ];
}

/// A text that is not `KIND=RATE`.
#[derive(Debug, thiserror::Error)]
#[error("unknown fault `{0}` (accepted: failure, throttle, timeout, truncate or empty, then =RATE between 0 and 1)")]
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

/// Picks the fault of the `count`-th command, if any; the same count gives the same fault.
pub fn fault_of(faults: &[Fault], count: u64) -> Option<FaultKind> {
    // Weyl sequence of the golden ratio: evenly spread, and no two faults fall together by rule.
    #[expect(clippy::cast_precision_loss, reason = "only the fraction matters")]
    let mut place = (count as f64 * 0.618_033_988_749_894_9).fract();
    for fault in faults {
        if place < fault.rate {
            return Some(fault.kind);
        }
        place -= fault.rate;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_over_many_commands() {
        let faults = [Fault { kind: FaultKind::Failure, rate: 0.1 }, Fault { kind: FaultKind::Throttle, rate: 0.05 }];
        let seen: Vec<_> = (0..10_000).filter_map(|count| fault_of(&faults, count)).collect();
        let failures = seen.iter().filter(|kind| **kind == FaultKind::Failure).count();
        assert!((990..=1010).contains(&failures), "{failures}");
        assert!((1490..=1510).contains(&seen.len()), "{}", seen.len());
    }

    #[test]
    fn what_is_no_fault_is_refused() {
        assert!("failure=0.5".parse::<Fault>().is_ok());
        for text in ["failure", "explode=0.1", "failure=2", "failure=x"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}
