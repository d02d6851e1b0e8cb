//! People from a spreadsheet, and to one: a verdict for every line, and the file of the team with what is good.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use serde::Serialize;
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

use super::{OpsError, pull::people, read::Seen};
use crate::{
    config::{Problem, Team, TeamProfile, require_address},
    domain::{exported::plain, period::parse_day},
    ingest::{DateOrder, ImportError, Line, Sheet, is_error_value, is_name, join_list, shortened, split_list},
};

/// What becomes of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// The person is new to the file.
    Added,
    /// The person is in the file, and changes.
    Changed {
        /// Keys that change.
        keys: Vec<String>,
    },
    /// The person is in the file just so.
    Same,
    /// An earlier line is about the same person, and says the same or something else.
    Duplicate {
        /// That line.
        of: usize,
    },
    /// The line cannot be meant.
    Refused {
        /// Why.
        why: String,
    },
}

/// A line and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineVerdict {
    /// The line of the file, from 1 on.
    pub line: usize,
    /// The address, as it was written.
    pub email: String,
    /// What becomes of it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// A spreadsheet put into the file of the team.
#[derive(Debug, Clone)]
pub struct Merged {
    /// Of every line.
    pub lines: Vec<LineVerdict>,
    /// The text of `team.toml` with what is good.
    pub text: String,
}

/// What a column holds, and the headings by which it is known, without accents, case, blanks and punctuation.
const HEADINGS: [(&str, &[&str]); 9] = [
    ("email", &["email", "mail", "enderecodeemail", "emailcorporativo", "login", "usuario"]),
    ("name", &["nome", "nomecompleto", "name", "fullname", "colaborador", "funcionario"]),
    ("profile", &["perfil", "profile", "papel", "funcao", "role", "permissao", "niveldeacesso"]),
    ("queues", &["filas", "fila", "queues", "queue", "filasdeatendimento", "equipes", "equipe", "teams"]),
    ("sectors", &["setores", "setor", "sectors", "sector", "areas", "area"]),
    ("agent_slots", &["slots", "agentslots", "atendimentossimultaneos", "limitedeatendimentos", "ticketssimultaneos"]),
    ("from", &["inicio", "de", "from", "validode", "datadeinicio", "admissao", "datadeadmissao"]),
    ("until", &["fim", "ate", "until", "validoate", "datadefim", "desligamento", "datadedesligamento"]),
    ("notes", &["observacoes", "observacao", "obs", "notes", "notas", "comentarios"]),
];

/// Words for profiles, plain.
const PROFILES: [(TeamProfile, &[&str]); 3] = [
    (TeamProfile::Administrador, &["administrador", "administradora", "admin", "administrator", "gestor", "gestora"]),
    (TeamProfile::Atendente, &["atendente", "agente", "attendant", "agent", "operador", "operadora"]),
    (TeamProfile::Visualizador, &["visualizador", "visualizadora", "leitor", "leitora", "viewer", "guest", "convidado"]),
];

/// A line that can be meant.
struct Row {
    email: String,
    values: BTreeMap<&'static str, Item>,
}

/// Puts a spreadsheet (separated values in UTF-8 or Windows-1252, or a workbook) into the text of `team.toml`. Columns that the spreadsheet
/// has not are left as they are; so is everybody whom it does not name.
///
/// # Errors
/// When the file cannot be read, or has no columns for addresses and profiles.
pub fn merge(file: &Path, team_file: &Path, text: &str) -> Result<Merged, OpsError> {
    let is_headings = |row: &[String]| needed().all(|(key, _)| columns_of(row).contains_key(key));
    let unreadable = |error: ImportError| Problem::of_file(file, error.to_string());
    let sheet = Sheet::open(file, &is_headings).map_err(unreadable)?;
    let columns = columns_of(&sheet.headings);
    for (key, accepted) in needed() {
        if !columns.contains_key(key) {
            let message = format!("no column for `{key}` (headings: {}; accepted: {})", sheet.headings.join(", "), accepted.join(", "));
            return Err(Problem::of_file(file, message).into());
        }
    }
    let rows = read_rows(&sheet, &columns, file)?;
    let parsed = text.parse::<DocumentMut>();
    let mut document = parsed.map_err(|error| Problem::of_file(team_file, error.message().to_owned()))?;
    let people = document.entry("person").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    if people.as_array_of_tables().is_none() {
        // Tables in a list are the same, written otherwise.
        *people = Item::ArrayOfTables(std::mem::take(people).into_array_of_tables().unwrap_or_default());
    }
    let people = people.as_array_of_tables_mut().expect("it was just made one");
    let mut first_lines: BTreeMap<String, usize> = BTreeMap::new();
    let mut lines = Vec::new();
    for (line, cells) in &rows {
        let email = cells.as_ref().map(|cells| shortened(cells[columns["email"]].trim())).unwrap_or_default();
        let verdict = match cells.clone().and_then(|cells| read_row(&columns, &cells)) {
            Err(why) => Verdict::Refused { why },
            Ok(row) => {
                if let Some(of) = first_lines.get(&row.email) {
                    Verdict::Duplicate { of: *of }
                } else {
                    let verdict = put(people, &row, team_file);
                    if !matches!(verdict, Verdict::Refused { .. }) {
                        first_lines.insert(row.email, *line);
                    }
                    verdict
                }
            }
        };
        lines.push(LineVerdict { line: *line, email, verdict });
    }
    Ok(Merged { lines, text: document.to_string() })
}

/// Columns without which nobody can be meant.
fn needed() -> impl Iterator<Item = &'static (&'static str, &'static [&'static str])> {
    HEADINGS.iter().filter(|(key, _)| ["email", "profile"].contains(key))
}

fn columns_of(headings: &[String]) -> BTreeMap<&'static str, usize> {
    let plain: Vec<String> = headings.iter().map(|heading| plain(heading)).collect();
    let place = |names: &[&str]| names.iter().find_map(|name| plain.iter().position(|heading| heading == name));
    HEADINGS.iter().filter_map(|(key, names)| Some((*key, place(names)?))).collect()
}

/// People in one file: more are a file of something else.
const MOST_PEOPLE: usize = 100_000;

/// Reads all rows. A date that can only be meant month first refuses the file: others would be meant so, too, and become other days.
fn read_rows(sheet: &Sheet, columns: &BTreeMap<&'static str, usize>, file: &Path) -> Result<Vec<Line>, OpsError> {
    let mut rows = Vec::new();
    let dates: Vec<usize> = ["from", "until"].iter().filter_map(|key| columns.get(key).copied()).collect();
    let failed = sheet.each_row(|(line, cells)| {
        let wrong = |reason: String| Err(Refused(format!("line {line}: {reason}")));
        if rows.len() == MOST_PEOPLE {
            return wrong(format!("a file may hold {MOST_PEOPLE} people"));
        }
        let texts = |cells: &Vec<String>| dates.iter().map(|place| cells[*place].clone()).collect::<Vec<_>>();
        let other = cells.iter().flat_map(texts).find(|text| DateOrder::DayFirst.is_refuted_by(text));
        if let Some(text) = other {
            let accepted = "accepted: 31/12/2026, 2026-12-31";
            return wrong(format!("`{}` can only be month first, and dates are read day first ({accepted})", shortened(&text)));
        }
        rows.push((line, cells));
        Ok(())
    });
    failed.map_err(|Refused(message)| Problem::of_file(file, message))?;
    Ok(rows)
}

/// Why a file is refused.
struct Refused(String);

impl From<ImportError> for Refused {
    fn from(error: ImportError) -> Refused {
        Refused(error.to_string())
    }
}

fn read_row(columns: &BTreeMap<&'static str, usize>, cells: &[String]) -> Result<Row, String> {
    let cell = |key: &str| columns.get(key).and_then(|place| cells.get(*place)).map(|text| text.trim());
    let email = require_address(cell("email").unwrap_or_default())?;
    let mut values: BTreeMap<&'static str, Item> = BTreeMap::new();
    for key in columns.keys().copied() {
        let text = cell(key).unwrap_or_default();
        if is_error_value(text) {
            return Err(format!("`{key}` is `{text}`: a formula found no value"));
        }
        if !matches!(key, "queues" | "sectors" | "notes") && !is_name(text) {
            return Err(format!("`{key}` is `{}` (accepted: one line of at most 256 characters)", shortened(text)));
        }
        let item = match key {
            "email" => value(email.as_str()),
            "profile" => {
                let word = plain(text);
                let profile = PROFILES.iter().find(|(_, words)| words.contains(&word.as_str()));
                let profile =
                    profile.ok_or_else(|| format!("profile `{text}` is none (accepted: administrador, atendente, visualizador)"))?;
                value(profile.0.name())
            }
            "queues" | "sectors" => {
                let names = split_list(text);
                if let Some(name) = names.iter().find(|name| !is_name(name)) {
                    return Err(format!("`{key}` has `{}` (accepted: names of at most 256 characters)", shortened(name)));
                }
                if names.is_empty() { Item::None } else { value(Array::from_iter(names)) }
            }
            _ if text.is_empty() => Item::None,
            "agent_slots" => {
                let slots: u32 = text.parse().map_err(|_| format!("`{text}` is no number of tickets at a time"))?;
                value(i64::from(slots))
            }
            "from" | "until" => {
                let day = day(text).ok_or_else(|| format!("`{text}` is no day (accepted: 31/12/2026, 2026-12-31)"))?;
                value(day.parse::<toml_edit::Datetime>().map_err(|error| error.to_string())?)
            }
            _ => value(text),
        };
        values.insert(key, item);
    }
    Ok(Row { email, values })
}

/// Reads a day as people write it here, or as ISO 8601; a time after it is passed over.
fn day(text: &str) -> Option<String> {
    let text = text.split(['T', ' ']).next()?;
    let parsed = chrono::NaiveDate::parse_from_str(text, "%d/%m/%Y").ok().or_else(|| parse_day(text).ok())?;
    Some(parsed.format("%Y-%m-%d").to_string())
}

/// Puts a line among the people, unless what would stand there cannot be meant.
fn put(people: &mut ArrayOfTables, row: &Row, team_file: &Path) -> Verdict {
    let is_row =
        |table: &Table| table.get("email").and_then(Item::as_str).is_some_and(|email| email.trim().eq_ignore_ascii_case(&row.email));
    let place = people.iter().position(is_row);
    let mut table = place.and_then(|place| people.get(place)).cloned().unwrap_or_default();
    let plain = |item: Option<&Item>| item.filter(|item| !item.is_none()).map(plain_value);
    let mut keys = Vec::new();
    for key in HEADINGS.map(|(key, _)| key) {
        let Some(item) = row.values.get(key) else { continue };
        if (place.is_some() && key == "email") || plain(table.get(key)) == plain(Some(item)) {
            continue;
        }
        keys.push(key.to_owned());
        if item.is_none() {
            table.remove(key);
        } else {
            table[key] = item.clone();
        }
    }
    // What each value alone allows, the whole may refuse: an end before the beginning, queues of a visualizador.
    let mut alone = DocumentMut::new();
    alone["person"] = Item::ArrayOfTables([table.clone()].into_iter().collect());
    if let Err(error) = Team::parse(team_file, &Arc::from(alone.to_string())) {
        return Verdict::Refused { why: error.problems.into_iter().next().map(|problem| problem.message).unwrap_or_default() };
    }
    match place.and_then(|place| people.get_mut(place)) {
        Some(_) if keys.is_empty() => Verdict::Same,
        Some(there) => {
            *there = table;
            Verdict::Changed { keys }
        }
        None => {
            people.push(table);
            Verdict::Added
        }
    }
}

/// Returns an item without the blanks and comments around it; lists without regard to order.
fn plain_value(item: &Item) -> String {
    match item.as_array() {
        Some(list) => {
            let names: BTreeSet<&str> = list.iter().filter_map(toml_edit::Value::as_str).collect();
            format!("{names:?}")
        }
        None => item.clone().into_value().map(|value| value.decorated("", "").to_string()).unwrap_or_default(),
    }
}

/// Returns everybody as separated values with the mark of UTF-8, without which spreadsheets take another encoding, as [`merge`] reads them.
///
/// # Errors
/// When a line cannot be written, which nothing but memory prevents.
pub fn people_csv(seen: &Seen) -> Result<String, OpsError> {
    let mut writer = ::csv::WriterBuilder::new().delimiter(b';').from_writer(Vec::new());
    let failed = |error: ::csv::Error| Problem::of_file("team.csv", error.to_string());
    writer.write_record(["nome", "email", "perfil", "filas"]).map_err(failed)?;
    for (email, person) in people(seen) {
        let queues = join_list(person.queues.iter().map(String::as_str));
        writer.write_record([person.name.as_deref().unwrap_or_default(), &email, person.profile.name(), &queues]).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| Problem::of_file("team.csv", error.to_string()))?;
    Ok(format!("\u{feff}{}", String::from_utf8(bytes).expect("texts were written")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::state::{Place, Value};

    fn try_merged(csv: &[u8], team: &str) -> Result<Merged, OpsError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("equipe.csv");
        std::fs::write(&file, csv).unwrap();
        merge(&file, Path::new("team.toml"), team)
    }

    fn merged(csv: &[u8], team: &str) -> Merged {
        try_merged(csv, team).unwrap()
    }

    #[test]
    fn every_line_has_a_verdict_and_what_is_good_is_taken() {
        // Windows-1252, as spreadsheets here write it.
        let csv = b"Nome;E-mail;Perfil;Filas;In\xEDcio;Fim\r\nAna;ANA@x.org;Atendente;Conv\xEAnios | Suporte;01/11/2026;\r\n\
            Bia;bia@x.org;gestora;;;\r\nAna de novo;ana@X.org;atendente;;;\r\nC;c@x.org;chefe;;;\r\nD;d-x.org;atendente;;;\r\n\
            E;e@x.org;atendente;;10/11/2026;01/11/2026\r\nF;f@x.org;atendente;;32/13/2026;\r\n";
        let team = "# Kept.\n[managed]\nlayers = [\"desk\"]\n\n[[person]]\nemail = \"bia@x.org\" # the boss\nprofile = \"atendente\"\n";
        let merged = merged(csv, team);
        let verdicts: Vec<(usize, &Verdict)> = merged.lines.iter().map(|line| (line.line, &line.verdict)).collect();
        assert_eq!(verdicts[0], (2, &Verdict::Added));
        assert_eq!(verdicts[1], (3, &Verdict::Changed { keys: vec!["name".into(), "profile".into()] }));
        assert_eq!(verdicts[2], (4, &Verdict::Duplicate { of: 2 }));
        let refused = |place: usize| match verdicts[place].1 {
            Verdict::Refused { why } => why.clone(),
            other => panic!("{other:?}"),
        };
        assert!(refused(3).starts_with("profile `chefe` is none"));
        assert!(refused(4).starts_with("`d-x.org` is not an e-mail address"));
        assert!(refused(5).contains("`until` is before `from`"), "{}", refused(5));
        assert!(refused(6).starts_with("`32/13/2026` is no day"));
        let team = Team::parse(Path::new("team.toml"), &Arc::from(merged.text.as_str())).unwrap();
        assert_eq!(team.people.iter().map(|person| person.email.as_str()).collect::<Vec<_>>(), ["bia@x.org", "ana@x.org"]);
        assert_eq!(team.person("ana@x.org").unwrap().queues[0].name, "Convênios");
        assert!(merged.text.starts_with("# Kept.\n") && merged.text.contains("# the boss"), "{}", merged.text);
    }

    #[test]
    fn the_same_file_twice_changes_nothing() {
        let csv = "nome,email,perfil,setores\nAna,ana@x.org,atendente,\"Suporte, Cobrança\"\n";
        let once = merged(csv.as_bytes(), "");
        let twice = merged(csv.as_bytes(), &once.text);
        assert_eq!(twice.lines[0].verdict, Verdict::Same);
        assert_eq!(twice.text, once.text);
    }

    #[test]
    fn a_team_comes_back_whatever_its_queues_are_called() {
        let (mut seen, place) = (Seen::default(), Place::Attendant("desk".to_owned()));
        let queues: BTreeSet<String> = ["Exames, laudos", "N1; N2", "N1|N2", "Cobrança"].map(str::to_owned).into();
        seen.state.put(&place, "ana@x.org", Some(Value::Attendant { queues: queues.clone(), slots: None }));
        let csv = people_csv(&seen).unwrap();
        assert!(csv.starts_with("\u{feff}nome;email;"), "{csv}");
        let merged = merged(csv.as_bytes(), "");
        assert_eq!(merged.lines[0].verdict, Verdict::Added, "{csv}");
        let team = Team::parse(Path::new("team.toml"), &Arc::from(merged.text.as_str())).unwrap();
        let found: BTreeSet<String> = team.people[0].queues.iter().map(|queue| queue.name.clone()).collect();
        assert_eq!(found, queues, "{csv}");
    }

    #[test]
    fn a_file_whose_rows_or_dates_cannot_be_meant_is_refused_with_the_line() {
        for (csv, reason) in [
            (
                "email;perfil;filas\na@x.org;atendente;\"Suporte\nb@x.org;atendente;\n",
                "line 2: a quotation mark opens here and never closes",
            ),
            (
                "email;perfil;fim\na@x.org;atendente;02/03/2027\nb@x.org;atendente;12/31/2027\n",
                "line 3: `12/31/2027` can only be month first",
            ),
        ] {
            let error = try_merged(csv.as_bytes(), "").unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn lines_with_cells_under_other_headings_or_without_a_value_are_refused() {
        let csv = "sep=;\nPessoas\n\nemail;nome;perfil;filas\na@x.org;A;atendente;N1;N2\nc@x.org;C;atendente;#N/D\n\
            d@x.org;\"D\nE\";atendente;N1\ne@x.org;E;atendente;N1\nb@x.org;B;atendente\nf@x.org;F;atendente;N1\n";
        let merged = merged(csv.as_bytes(), "");
        let found: Vec<(usize, String)> = merged.lines.iter().map(|line| (line.line, format!("{:?}", line.verdict))).collect();
        for ((line, verdict), (expected, reason)) in found.iter().zip([
            (5, "5 cells under 4 headings"),
            (6, "`queues` is `#N/D`: a formula found no value"),
            (7, "accepted: one line"),
            (9, "Added"),
            (10, "3 cells under 4 headings"),
            (11, "a line break may have cut this one"),
        ]) {
            assert!(*line == expected && verdict.contains(reason), "{line} {verdict}");
        }
        assert_eq!(found.len(), 6);
    }
}
