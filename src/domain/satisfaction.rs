//! Survey answers in words: one form for all spellings of a word, words that are no answer, and words from worst to best.
//!
//! Flows record what they like. Blip's own package for survey words (`take-satisfaction` on `PyPI`) lists entries that are no answer and an order
//! of words; both lists are taken from there. Words that are not in the order get no score: nobody guesses what they mean.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Entries that are no answer, in normal form: the customer typed something else, or went back in the flow.
pub const NO_ANSWERS: [&str; 15] = [
    "entrada manual",
    "entrada digitada",
    "entrada do usuario",
    "input manual",
    "user input",
    "input do usuario",
    "input inesperado",
    "outro",
    "outros",
    "recomecar",
    "reiniciar",
    "voltar ao inicio",
    "nan",
    "none",
    "n a",
];

/// Words from worst to best, in normal form. Spellings in one group are one word.
const ORDER: [&[&str]; 61] = [
    &["pessimo"],
    &["terrivel"],
    &["vergonhoso"],
    &["tired face", "😫"],
    &["crying face", "😢"],
    &["sad"],
    &["muito mal"],
    &["muito ruim"],
    &["ruim"],
    &["nao"],
    &["nao gostei"],
    &["nao curti"],
    &["nao resolveu"],
    &["nao ajudou", "nao ajuda"],
    &["nao adiantou"],
    &["nao deu certo"],
    &["nao permitiu"],
    &["nao satisfez"],
    &["insatisfatorio"],
    &["nao viabilizou"],
    &["nao auxiliou"],
    &["nao totalmente"],
    &["muito dificil"],
    &["dificil"],
    &["fraco"],
    &["confuso"],
    &["demorado"],
    &["lento"],
    &["pode melhorar"],
    &["slightly frowning face", "🙁"],
    &["nao sei"],
    &["em duvida"],
    &["indiferente"],
    &["medium"],
    &["mais ou menos"],
    &["ok", "okay"],
    &["na media"],
    &["nao quero responder"],
    &["neutral face", "😐"],
    &["neutro"],
    &["permitiu"],
    &["facil"],
    &["muito facil"],
    &["viabilizou"],
    &["auxiliou"],
    &["adiantou"],
    &["regular"],
    &["satisfatorio"],
    &["satisfeito"],
    &["resolveu"],
    &["favoreceu"],
    &["ajuda", "ajudou", "ajuda sim", "ajudou sim", "sim ajuda", "sim ajudou"],
    &["bom"],
    &["legal"],
    &["apreciei", "gostei"],
    &["happy", "slightly smiling face", "🙂"],
    &["muito bem"],
    &["muito bom"],
    &["gostei muito", "otimo"],
    &["adorei", "amei", "smiling face with heart eyes", "😍"],
    &["excelente"],
];

/// Words before a number that is the answer, as in `Nota: 9`; in normal form.
const LABELS: [&str; 6] = ["nota", "avaliacao", "pontuacao", "score", "csat", "nps"];

/// Scores that are proposed for answers in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposal {
    /// Words with the score proposed for each, from worst to best.
    pub scores: Vec<(String, i64)>,
    /// Words that are not in the order, or the only known word: a person must decide.
    pub unknown: Vec<String>,
    /// Entries that are no answer.
    pub no_answers: Vec<String>,
}

/// Returns the form that all spellings of a word have in common: without accents and case, each run of blanks and punctuation one blank.
pub fn normal_form(text: &str) -> String {
    let without_accents = text.nfd().filter(|char| !is_combining_mark(*char));
    let lower: String = without_accents.flat_map(char::to_lowercase).collect();
    let words = lower.split(|char: char| char.is_whitespace() || char.is_ascii_punctuation()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// Returns whether a text is among the entries that are no answer.
pub fn is_no_answer(text: &str) -> bool {
    NO_ANSWERS.contains(&normal_form(text).as_str())
}

/// Returns the parts of an answer between bars, without blanks around them; of an answer without bars the answer itself.
pub fn parts(answer: &str) -> impl DoubleEndedIterator<Item = &str> {
    answer.split('|').map(str::trim).filter(|part| !part.is_empty())
}

/// Returns the form in which a configured word and an answer are compared: case, the form of accents and blanks around them are no difference.
pub fn word(text: &str) -> String {
    text.trim().nfc().flat_map(char::to_lowercase).collect()
}

/// Returns the number that a text states, alone or after a label such as `Nota:`; none of a text with other words, or between two whole numbers.
///
/// `4,0` and `4.0` are 4.
pub fn number(text: &str) -> Option<i64> {
    let text = text.trim();
    whole(text).or_else(|| {
        let (label, number) = text.split_at(text.find(|char: char| char.is_ascii_digit())?);
        let label = label.trim_end();
        let label = label.strip_suffix([':', '=']).unwrap_or(label).trim();
        // Punctuation within the label makes it another text.
        let is_plain = label.chars().all(char::is_alphabetic);
        (is_plain && LABELS.contains(&normal_form(label).as_str())).then(|| whole(number))?
    })
}

/// Returns a whole number, with nothing but zeros after its comma or point.
fn whole(text: &str) -> Option<i64> {
    let (integer, fraction) = text.split_once([',', '.']).unwrap_or((text, "0"));
    let is_whole = !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0');
    is_whole.then(|| integer.parse().ok())?
}

/// Returns the score that an answer gives on `scale`, with the scores of `words`; none where it gives none.
///
/// Words are compared by their form (see [`word`]). Of an answer between bars the last part with a score counts.
/// `queries/marts/rating.sql` reads answers the same way.
pub fn score(answer: &str, words: &BTreeMap<String, i64>, scale: (i64, i64)) -> Option<i64> {
    let of_word = |text: &str| {
        let form = word(text);
        words.iter().find(|(known, _)| word(known) == form).map(|(_, score)| *score)
    };
    let of_part = |part: &str| of_word(part).or_else(|| number(part)).filter(|score| (scale.0..=scale.1).contains(score));
    of_word(answer).or_else(|| parts(answer).rev().find_map(of_part))
}

/// Returns whether an answer without a score on `scale` is none at all: an entry of [`NO_ANSWERS`], or 0 where the scale begins above it.
pub fn is_none(answer: &str, scale: (i64, i64)) -> bool {
    parts(answer).next_back().is_some_and(|part| is_no_answer(part) || (scale.0 > 0 && number(part) == Some(0)))
}

/// Proposes scores on `scale` (lowest and highest score) for the words of a survey.
///
/// Known words are sorted from worst to best and spread evenly over the scale; all spellings of a word share one score. A word that is the only
/// known one gets none: its place on the scale cannot be told.
pub fn proposed<'a>(answers: impl IntoIterator<Item = &'a str>, scale: (i64, i64)) -> Proposal {
    let mut proposal = Proposal::default();
    let mut by_place: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
    for answer in answers.into_iter().collect::<BTreeSet<_>>() {
        let form = normal_form(answer);
        if NO_ANSWERS.contains(&form.as_str()) {
            proposal.no_answers.push(answer.to_owned());
        } else if let Some(place) = ORDER.iter().position(|word| word.contains(&form.as_str())) {
            by_place.entry(place).or_default().insert(answer);
        } else {
            proposal.unknown.push(answer.to_owned());
        }
    }
    if by_place.len() == 1 {
        proposal.unknown.extend(by_place.into_values().flatten().map(str::to_owned));
        return proposal;
    }
    let steps = i64::try_from(by_place.len()).expect("no more words than the order has") - 1;
    for (rank, words) in (0..).zip(by_place.into_values()) {
        let score = scale.0 + (2 * rank * (scale.1 - scale.0) + steps) / (2 * steps);
        proposal.scores.extend(words.into_iter().map(|word| (word.to_owned(), score)));
    }
    proposal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(words: &[&str], scale: (i64, i64)) -> Vec<i64> {
        proposed(words.iter().copied(), scale).scores.into_iter().map(|(_, score)| score).collect()
    }

    #[test]
    fn all_spellings_of_a_word_have_one_form() {
        for text in ["Muito Bom", "muito_bom", "  MUITO-BOM! ", "Muito  bóm.", "muito\u{a0}bom"] {
            assert_eq!(normal_form(text), "muito bom", "{text:?}");
        }
        assert_eq!(normal_form("Péssimo"), normal_form("Pe\u{301}ssimo"));
        assert_eq!(normal_form("👍"), "👍");
    }

    #[test]
    fn lists_are_in_normal_form_and_name_each_word_once() {
        let words: Vec<&str> = ORDER.iter().copied().flatten().chain(&NO_ANSWERS).copied().collect();
        assert!(words.iter().all(|word| normal_form(word) == *word));
        assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len());
        assert!(["Outro", "N/A", "Input_inesperado", "Recomeçar", "Voltar ao início"].into_iter().all(is_no_answer));
        assert!(!is_no_answer("Outra coisa"));
    }

    #[test]
    fn words_are_spread_over_the_scale_from_worst_to_best() {
        let words = ["Péssimo", "Ruim", "Regular", "Bom", "Ótimo", "Excelente"];
        assert_eq!(scores(&["Ótimo", "Ruim", "Regular", "Péssimo", "Bom"], (1, 5)), [1, 2, 3, 4, 5]);
        assert_eq!(scores(&words[1..5], (1, 5)), [1, 2, 4, 5]);
        assert_eq!(scores(&words[1..4], (1, 5)), [1, 3, 5]);
        assert_eq!(scores(&["Bom", "Ruim"], (1, 5)), [1, 5]);
        assert_eq!(scores(&words, (1, 5)), [1, 2, 3, 3, 4, 5]);
        assert_eq!(scores(&words[..5], (0, 10)), [0, 3, 5, 8, 10]);
        assert_eq!(scores(&[], (1, 5)), [0_i64; 0]);
    }

    #[test]
    fn spellings_share_a_score_and_what_is_not_known_is_named() {
        let found = proposed(["Bom", "bom ", "Ótimo", "otimo", "Ruim", "obrigada!", "Outro"], (1, 5));
        let expected = [("Ruim", 1), ("Bom", 3), ("bom ", 3), ("otimo", 5), ("Ótimo", 5)].map(|(word, score)| (word.to_owned(), score));
        assert_eq!(
            found,
            Proposal { scores: expected.to_vec(), unknown: vec!["obrigada!".to_owned()], no_answers: vec!["Outro".to_owned()] }
        );
        let alone = proposed(["Bom", "Sim"], (1, 5));
        assert_eq!((alone.scores.len(), alone.unknown), (0, vec!["Sim".to_owned(), "Bom".to_owned()]));
    }

    #[test]
    fn a_number_may_have_a_label() {
        for text in [
            "9",
            " 9 ",
            "Nota: 9",
            "nota 9",
            "NOTA=9",
            "Avaliação : 9",
            "pontuacao9",
            "CSAT: 9",
            "nps = 9",
            "score:9",
            "9,0",
            "9.00",
            "Nota: 9,0",
        ] {
            assert_eq!(number(text), Some(9), "{text:?}");
        }
        for text in [
            "",
            "Nota:",
            "Nota: nove",
            "Ticket: 9",
            "Nota: 9 de 10",
            "9 estrelas",
            "Nota:: 9",
            "Bom",
            "8,5",
            "9.",
            ",0",
            "0x9",
            "9e0",
            "9,0,0",
        ] {
            assert_eq!(number(text), None, "{text:?}");
        }
    }

    #[test]
    fn case_the_form_of_accents_and_blanks_are_no_other_word() {
        for text in ["Ótimo", "ótimo", " ÓTIMO\u{a0}", "O\u{301}timo"] {
            assert_eq!(score(text, &BTreeMap::from([("Ótimo".to_owned(), 5)]), (1, 5)), Some(5), "{text:?}");
        }
        assert_eq!(score("otimo", &BTreeMap::from([("Ótimo".to_owned(), 5)]), (1, 5)), None);
    }

    #[test]
    fn zero_is_no_answer_where_the_scale_begins_above_it() {
        assert!(is_none("0", (1, 5)) && is_none("Nota: 0,0", (1, 5)) && is_none("pesquisa|0", (1, 5)));
        assert!(!is_none("0", (0, 10)) && !is_none("3,5", (1, 5)) && !is_none("-1", (1, 5)));
    }

    #[test]
    fn parts_lie_between_bars() {
        assert_eq!(parts("pesquisa| atendimento |Bom|").collect::<Vec<_>>(), ["pesquisa", "atendimento", "Bom"]);
        assert_eq!(parts("Bom").collect::<Vec<_>>(), ["Bom"]);
    }
}
