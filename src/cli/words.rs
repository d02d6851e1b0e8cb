//! Survey answers in words, for `relato check`: which of them have no score, and which scores could be theirs.
//!
//! A flow records answers as it likes, and a word without a score counts nowhere. The scores proposed come from Blip's own order of words.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use crate::{
    config::Survey,
    domain::satisfaction::{self, Proposal},
};

/// Maximum number of words listed on a line: a flow may record free text.
const MOST_LISTED: usize = 20;

/// What the survey's category says in words.
pub(super) struct Words {
    /// Lines to print; empty where there is nothing to report.
    pub(super) lines: String,
    /// Whether answers in words have no score.
    pub(super) lack_scores: bool,
}

/// Compares the actions of the survey's category, most frequent first, with the configuration, and looks for spelling variants among them and
/// among the key's categories.
pub(super) fn compare(survey: &Survey, actions: &[String], categories: &[String]) -> Words {
    let words = in_words(survey, actions);
    let proposal = satisfaction::proposed(words.iter().copied(), survey.scale);
    let is_scored = |word: &&str| satisfaction::score(word, &survey.answers, survey.scale).is_some();
    let unscored: Vec<&str> = words.iter().copied().filter(|word| !is_scored(word) && !satisfaction::is_none(word, survey.scale)).collect();
    let mut lines = String::new();
    let no_answers: Vec<&str> =
        words.iter().copied().filter(|word| !is_scored(word) && satisfaction::is_none(word, survey.scale)).collect();
    if !no_answers.is_empty() {
        let _ = writeln!(lines, "  {:34} {}", "answers that count as none", list(&no_answers));
    }
    for variants in variants(words.iter().copied()) {
        let _ = writeln!(lines, "  {:34} {}", "one answer in several spellings", list(&variants));
    }
    for variants in variants(categories.iter().map(String::as_str)) {
        let _ = writeln!(lines, "  {:34} {}", "one category in several spellings", list(&variants));
        if variants.contains(&survey.category.as_str()) {
            let _ = writeln!(lines, "  → only events of `{}` are read as survey answers", survey.category);
        }
    }
    if !unscored.is_empty() {
        let _ = writeln!(lines, "  {:34} {}", "answers without a score", list(&unscored));
        lines.push_str(&advice(survey, &proposal, &unscored));
    }
    Words { lines, lack_scores: !unscored.is_empty() }
}

/// Returns the words among some actions, each once: of an answer between bars its last part. Numbers are no words.
fn in_words<'a>(survey: &Survey, actions: &'a [String]) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    let word = |action: &'a String| {
        if survey.answers.keys().any(|known| satisfaction::word(known) == satisfaction::word(action)) {
            return Some(action.as_str());
        }
        let of_score = |part: &&str| satisfaction::score(part, &survey.answers, survey.scale).is_some();
        let part = satisfaction::parts(action).rev().find(of_score).or_else(|| satisfaction::parts(action).next_back());
        part.filter(|part| satisfaction::number(part).is_none())
    };
    actions.iter().filter_map(word).filter(|word| seen.insert(*word)).collect()
}

/// Returns the line of the configuration that scores the words in the order, and which words need a person's decision.
fn advice(survey: &Survey, proposal: &Proposal, unscored: &[&str]) -> String {
    let configured: BTreeMap<String, i64> = survey.answers.iter().map(|(word, score)| (satisfaction::normal_form(word), *score)).collect();
    let proposed: BTreeMap<&str, i64> = proposal.scores.iter().map(|(word, score)| (word.as_str(), *score)).collect();
    let score = |word: &str| configured.get(&satisfaction::normal_form(word)).or_else(|| proposed.get(word)).copied();
    let mut scores: Vec<(i64, &str)> = survey.answers.iter().map(|(word, score)| (*score, word.as_str())).collect();
    let known = scores.len();
    scores.extend(unscored.iter().filter_map(|word| Some((score(word)?, *word))));
    let mut text = String::new();
    if scores.len() > known {
        scores.sort_by_key(|(score, _)| *score);
        let pairs: Vec<String> = scores.iter().map(|(score, word)| format!("{} = {score}", quoted(word))).collect();
        let _ = writeln!(
            text,
            "  → proposed for [satisfaction] from the words found, by Blip's own order of words; check it before use:\n    answers = {{ {} }}",
            pairs.join(", ")
        );
    }
    let undecided: Vec<&str> = unscored.iter().copied().filter(|word| score(word).is_none()).collect();
    if !undecided.is_empty() {
        let _ = writeln!(text, "  → no score can be proposed for {}; give them one in `answers` if they are answers", list(&undecided));
    }
    text
}

/// Returns the texts that differ in spelling only, grouped.
fn variants<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Vec<&'a str>> {
    let mut groups: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for text in texts {
        groups.entry(satisfaction::normal_form(text)).or_default().insert(text);
    }
    groups.into_values().filter(|group| group.len() > 1).map(|group| group.into_iter().collect()).collect()
}

fn list(texts: &[&str]) -> String {
    let shown: Vec<String> = texts.iter().take(MOST_LISTED).map(|text| format!("`{text}`")).collect();
    match texts.len().saturating_sub(MOST_LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Returns a key of a TOML table: its basic strings have the escapes of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SatisfactionSource;

    fn survey(answers: &[(&str, i64)]) -> Survey {
        Survey {
            source: SatisfactionSource::Events,
            category: "Pesquisa".to_owned(),
            scale: (1, 5),
            satisfied_from: 4,
            sector_extra: None,
            comment_extra: None,
            answers: answers.iter().map(|(word, score)| ((*word).to_owned(), *score)).collect(),
        }
    }

    fn compared(answers: &[(&str, i64)], actions: &[&str], categories: &[&str]) -> (String, bool) {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let words = compare(&survey(answers), &owned(actions), &owned(categories));
        (words.lines.split_whitespace().collect::<Vec<_>>().join(" "), words.lack_scores)
    }

    #[test]
    fn numbers_and_scored_words_are_in_order() {
        let found = compared(&[("Bom", 5), ("Ruim", 1)], &["5", "Nota: 4", "Bom", "pesquisa|Ruim", "9"], &["Pesquisa", "Outra"]);
        assert_eq!(found, (String::new(), false));
    }

    #[test]
    fn words_without_a_score_get_a_line_for_the_configuration() {
        let (text, lack_scores) = compared(&[], &["Ótimo", "pesquisa|Bom", "Ruim", "obrigada!", "Outro"], &[]);
        assert!(lack_scores);
        assert!(text.contains(r#"answers = { "Ruim" = 1, "Bom" = 3, "Ótimo" = 5 }"#), "{text}");
        assert!(text.contains("no score can be proposed for `obrigada!`;"), "{text}");
        assert!(text.contains("answers that count as none `Outro`"), "{text}");
    }

    #[test]
    fn configured_scores_stay_and_hold_for_other_spellings() {
        let configured = [("Péssimo", 1), ("Regular", 2), ("Bom", 3)];
        let (text, _) = compared(&configured, &["Péssimo", "Regular", "Bom", "bom", "Pessimo", "Excelente", "3,5"], &[]);
        assert!(text.contains(r#"{ "Péssimo" = 1, "Pessimo" = 1, "Regular" = 2, "Bom" = 3, "Excelente" = 5 }"#), "{text}");
        assert!(text.contains("answers without a score `Pessimo`, `Excelente`, `3,5`"), "{text}");
        assert!(text.contains("one answer in several spellings `Bom`, `bom`"), "{text}");
    }

    #[test]
    fn categories_that_differ_in_spelling_are_named() {
        let (text, lack_scores) = compared(&[], &["5"], &["Pesquisa", "pesquisa ", "Outra"]);
        assert!(!lack_scores);
        assert!(text.contains("one category in several spellings") && text.contains("`Pesquisa`, `pesquisa `"), "{text}");
        assert!(text.contains("only events of `Pesquisa` are read"), "{text}");
    }

    #[test]
    fn long_lists_are_cut_and_quotes_are_escaped() {
        let many: Vec<String> = (0..25).map(|number| format!("texto {number}")).collect();
        let words = compare(&survey(&[]), &many, &[]);
        assert!(words.lines.contains("`texto 19` and 5 more") && !words.lines.contains("`texto 20`"), "{}", words.lines);
        assert_eq!(quoted("\"a\" \\"), r#""\"a\" \\""#);
    }
}
