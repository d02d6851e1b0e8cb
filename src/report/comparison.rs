//! Changes against another period, and how a reader should take them.

use crate::{
    config::GoodDirection,
    domain::{
        Kind,
        report_data::{Change, Verdict},
    },
};

/// Smaller relative changes are noise, not news.
const NOTICEABLE: f64 = 0.01;

/// A change of a share is news from half a percentage point on.
const NOTICEABLE_SHARE: f64 = 0.005;

/// Returns the change from `earlier` to `value`, where both exist.
pub fn change(kind: Kind, value: Option<f64>, earlier: Option<f64>, good: GoodDirection) -> Option<Change> {
    let (value, earlier) = (value?, earlier?);
    let absolute = value - earlier;
    let relative = (earlier != 0.0).then(|| value / earlier - 1.0);
    let is_noticeable = match kind {
        Kind::Share => absolute.abs() >= NOTICEABLE_SHARE,
        _ => relative.map_or(absolute != 0.0, |relative| relative.abs() >= NOTICEABLE),
    };
    let verdict = match (is_noticeable, good, absolute > 0.0) {
        (false, _, _) | (_, GoodDirection::None, _) => Verdict::Neutral,
        (true, GoodDirection::Up, true) | (true, GoodDirection::Down, false) => Verdict::Better,
        (true, GoodDirection::Up, false) | (true, GoodDirection::Down, true) => Verdict::Worse,
    };
    Some(Change { absolute, relative, verdict })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_needs_both_ends() {
        assert_eq!(change(Kind::Count, Some(1.0), None, GoodDirection::Up), None);
        assert_eq!(change(Kind::Count, None, Some(1.0), GoodDirection::Up), None);
    }

    #[test]
    fn direction_decides_what_is_good() {
        let verdict = |kind, value, earlier, good| change(kind, Some(value), Some(earlier), good).unwrap().verdict;
        assert_eq!(verdict(Kind::Duration, 90.0, 100.0, GoodDirection::Down), Verdict::Better);
        assert_eq!(verdict(Kind::Duration, 110.0, 100.0, GoodDirection::Down), Verdict::Worse);
        assert_eq!(verdict(Kind::Duration, 100.5, 100.0, GoodDirection::Down), Verdict::Neutral);
        assert_eq!(verdict(Kind::Share, 0.90, 0.89, GoodDirection::Up), Verdict::Better);
        assert_eq!(verdict(Kind::Share, 0.891, 0.89, GoodDirection::Up), Verdict::Neutral);
        assert_eq!(verdict(Kind::Count, 2.0, 1.0, GoodDirection::None), Verdict::Neutral);
    }

    #[test]
    fn from_zero_there_is_no_percentage() {
        assert_eq!(change(Kind::Count, Some(3.0), Some(0.0), GoodDirection::Up).unwrap().relative, None);
    }
}
