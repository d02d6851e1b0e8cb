//! Reads a TOML file into a type, turning every mistake into a [`Problem`] with its place and, for a misspelt key, a guess.

use std::{ops::Range, path::Path, sync::Arc};

use serde::de::DeserializeOwned;

use super::Problem;

/// Reads the text of a file.
pub fn read_text(path: &Path) -> Result<Arc<str>, Problem> {
    std::fs::read_to_string(path).map(Arc::from).map_err(|error| Problem::of_file(path, format!("cannot be read: {error}")))
}

/// Reads `text`, the content of `path`.
pub fn parse<T: DeserializeOwned>(path: &Path, text: &Arc<str>) -> Result<T, Problem> {
    toml::from_str(text).map_err(|error| {
        let message = error.message().trim().replace('\n', " ");
        Problem {
            file: path.to_owned(),
            place: error.span().map(|span| (Arc::clone(text), key_span(text, span, &message))),
            help: did_you_mean(&message),
            message,
        }
    })
}

/// Returns a problem at `span` of `text`.
pub fn problem_at(path: &Path, text: &Arc<str>, span: Range<usize>, message: impl Into<String>) -> Problem {
    Problem { file: path.to_owned(), place: Some((Arc::clone(text), span)), message: message.into(), help: None }
}

/// Narrows a span to the key that serde calls unknown, because the parser sometimes marks its whole table.
fn key_span(text: &str, span: Range<usize>, message: &str) -> Range<usize> {
    let key = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    match key.and_then(|key| text.get(span.clone())?.find(key).map(|offset| (span.start + offset, key.len()))) {
        Some((start, length)) => start..start + length,
        None => span,
    }
}

/// Guesses the meant key from serde's "unknown field `x`, expected one of `a`, `b`".
fn did_you_mean(message: &str) -> Option<String> {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (unknown, known) = quoted.split_first()?;
    if !message.starts_with("unknown ") {
        return None;
    }
    known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(unknown, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct House {
        #[expect(dead_code, reason = "only its name matters here")]
        timezone: Option<String>,
        #[expect(dead_code, reason = "only its name matters here")]
        locale: Option<String>,
    }

    #[test]
    fn a_misspelt_key_is_placed_and_guessed() {
        let text: Arc<str> = "locale = \"pt-BR\"\ntimezon = \"America/Sao_Paulo\"\n".into();
        let problem = parse::<House>(Path::new("relato.toml"), &text).unwrap_err();
        assert_eq!(problem.line_and_column(), Some((2, 1)));
        assert_eq!(problem.to_string(), "relato.toml:2:1: unknown field `timezon`, expected `timezone` or `locale`");
        assert_eq!(problem.help.as_deref(), Some("did you mean `timezone`?"));
    }
}
