//! Colours of all formats. The scale from light to dark stays readable in grey print and for colour-blind readers.

use crate::domain::report_data::Verdict;

/// A colour as red, green and blue.
pub type Rgb = (u8, u8, u8);

/// Text.
pub const INK: Rgb = (27, 36, 48);
/// Second-rank text.
pub const MUTED: Rgb = (98, 110, 125);
/// Hairlines and frames.
pub const RULE: Rgb = (208, 214, 222);
/// Grounds of tiles and every other row.
pub const GROUND: Rgb = (244, 246, 249);
/// The house colour: bars, headings.
pub const MAIN: Rgb = (24, 84, 140);
/// A lighter tone of the house colour: weekends, second series.
pub const SOFT: Rgb = (150, 186, 216);
/// Bars behind numbers.
pub const BAR: Rgb = (205, 222, 238);
/// Good news.
pub const GOOD: Rgb = (18, 116, 84);
/// Bad news.
pub const BAD: Rgb = (176, 58, 36);
/// Needs attention.
pub const CAUTION: Rgb = (154, 103, 0);
/// Ground of a warning.
pub const CAUTION_GROUND: Rgb = (255, 246, 221);
/// Paper.
pub const WHITE: Rgb = (255, 255, 255);

/// Returns the colour of the n-th of several series: dark, light and warm take turns, apart from each other in grey print, too.
pub fn series(place: usize) -> Rgb {
    const SERIES: [Rgb; 4] = [MAIN, (230, 159, 60), SOFT, (64, 72, 84)];
    SERIES[place % SERIES.len()]
}

/// Returns the colour of the n-th of five scores, the best first: two cool, one pale, two warm.
pub fn scores(place: usize) -> Rgb {
    const SCORES: [Rgb; 5] = [MAIN, SOFT, (222, 226, 232), (236, 176, 90), (160, 84, 20)];
    SCORES[place % SCORES.len()]
}

/// Returns the colour of what is good or bad news.
pub fn tone(verdict: Verdict) -> Rgb {
    match verdict {
        Verdict::Better => GOOD,
        Verdict::Worse => BAD,
        Verdict::Neutral => MUTED,
    }
}

/// Returns a colour between white and the house colour; 0 is nearly white, 1 dark.
pub fn heat(share: f64) -> Rgb {
    let share = share.clamp(0.0, 1.0);
    let mix = |light: u8, dark: u8| {
        let value = f64::from(light) + (f64::from(dark) - f64::from(light)) * share;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
        let byte = value.round() as u8;
        byte
    };
    (mix(239, 13), mix(244, 62), mix(249, 110))
}

/// Returns whether white text reads better than dark text on a heat colour.
pub fn is_dark(share: f64) -> bool {
    share > 0.5
}

/// Returns a colour as `RRGGBB`.
pub fn hex((red, green, blue): Rgb) -> u32 {
    u32::from(red) << 16 | u32::from(green) << 8 | u32::from(blue)
}
