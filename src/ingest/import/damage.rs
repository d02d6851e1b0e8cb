//! A good file whose structure is damaged in one place: each row is accounted for, and no value is taken that differs from the good file's.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::{ImportError, Reader, Surveyed};
use crate::{
    config::Imports,
    domain::Zone,
    ingest::{DateOrder, Pseudonyms},
};

const HEADINGS: [&str; 9] = ["id", "customerIdentity", "fila", "agente", "status", "storageDate", "openDate", "closeDate", "tags"];

/// Rows of tickets; each has letters beyond ASCII, so that no single byte is the majority of them.
fn good_rows() -> Vec<Vec<String>> {
    (0..8)
        .map(|number| {
            let day = 5 + number;
            [
                format!("t-{number}"),
                format!("553198765432{number}@wa.gw.msging.net"),
                ["Convênios", "Exames; laudos", "Saúde, bucal", "Recepção \"N1\""][number % 4].to_owned(),
                format!("joão{number}@exemplo.org.br"),
                ["Finalizado", "Em atendimento"][number % 2].to_owned(),
                format!("{day:02}/10/2026 09:0{number}"),
                format!("{day:02}/10/2026 09:1{number}"),
                if number % 2 == 0 { format!("{day:02}/10/2026 10:2{number}") } else { String::new() },
                ["dúvida", "\"a; b\" | ção", ""][number % 3].to_owned(),
            ]
            .to_vec()
        })
        .collect()
}

/// Writes rows with quotes where they are needed, or around every cell.
fn written(rows: &[Vec<String>], separator: char, line_end: &str, quotes_all: bool) -> String {
    let cell = |text: &String| {
        let needs = quotes_all || text.contains([separator, '"', '\n']);
        if needs { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.clone() }
    };
    rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(&separator.to_string()) + line_end).collect()
}

/// What a file was read as: the tickets by id, and how many rows have a verdict.
type Found = (BTreeMap<String, Value>, usize);

fn pseudonyms() -> Pseudonyms {
    Pseudonyms::new(&"a secret".to_owned().into())
}

fn read(bytes: &[u8]) -> Result<Found, ImportError> {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    std::io::Write::write_all(&mut file, bytes).expect("a writable file");
    let (pseudonyms, settings) = (pseudonyms(), Imports::default());
    let reader = Reader {
        pseudonyms: &pseudonyms,
        organization: Zone::UTC,
        settings: &settings,
        declared: BTreeMap::new(),
        order: DateOrder::DayFirst,
        zone: None,
        now: "2026-11-24T15:00:00Z".parse().expect("an instant"),
    };
    let file: Surveyed = reader.survey(file.path())?;
    let (mut tickets, mut rows) = (BTreeMap::new(), 0);
    file.sheet.each_row(|(_, cells)| {
        rows += 1;
        if let Ok((ticket, _)) = cells.and_then(|cells| reader.ticket(&file, &cells)) {
            let mut body: Value = serde_json::from_str(&ticket.body).expect("a body of JSON");
            body["customer"] = ticket.customer_key.into();
            tickets.insert(ticket.ticket_id, body);
        }
        Ok::<_, ImportError>(())
    })?;
    Ok((tickets, rows))
}

/// One damage to the structure of a file; numbers pick the place.
#[derive(Debug, Clone)]
enum Damage {
    Removes(u8, usize),
    Inserts(u8, usize),
    /// Another structural byte stands in the place of one.
    Swaps(u8, u8, usize),
    CutsAt(usize),
    /// A byte that is no character stands in the place of one.
    Spoils(u8, usize),
    /// A cell is the error of a formula.
    Errs(usize),
    /// A heading lost a letter.
    Misspells(usize),
    /// A column stands twice, the second time with other values.
    Doubles(usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let mark = || prop_oneof![Just(b'"'), Just(b';'), Just(b'\n'), Just(b'\r')];
    prop_oneof![
        (mark(), any::<usize>()).prop_map(|(mark, place)| Damage::Removes(mark, place)),
        (mark(), any::<usize>()).prop_map(|(mark, place)| Damage::Inserts(mark, place)),
        (mark(), mark(), any::<usize>()).prop_map(|(one, other, place)| Damage::Swaps(one, other, place)),
        any::<usize>().prop_map(Damage::CutsAt),
        (prop_oneof![Just(0xFF_u8), Just(0xC3), Just(0xE3), Just(0x80)], any::<usize>())
            .prop_map(|(byte, place)| Damage::Spoils(byte, place)),
        any::<usize>().prop_map(Damage::Errs),
        any::<usize>().prop_map(Damage::Misspells),
        any::<usize>().prop_map(Damage::Doubles),
    ]
}

/// Returns the places of a mark, and, of `from` on, which of them is picked.
fn picked(bytes: &[u8], mark: u8, pick: usize) -> Option<usize> {
    let places: Vec<usize> = bytes.iter().enumerate().filter(|(_, byte)| **byte == mark).map(|(place, _)| place).collect();
    (!places.is_empty()).then(|| places[pick % places.len()])
}

fn is_quoted(bytes: &[u8], place: usize) -> bool {
    bytes[..place].split(|byte| *byte == b'"').count() % 2 == 0
}

/// Returns the damaged file. Within quotes separators and line breaks are content, which may be anything; so is a byte of a letter that has several.
fn damaged(rows: &[Vec<String>], line_end: &str, quotes_all: bool, damage: &Damage) -> Vec<u8> {
    let mut rows = rows.to_vec();
    match *damage {
        Damage::Errs(pick) => {
            let row = 1 + pick % (rows.len() - 1);
            let column = pick / rows.len() % HEADINGS.len();
            rows[row][column] = ["#N/A", "#REF!", "#VALOR!"][pick % 3].to_owned();
        }
        Damage::Misspells(pick) => drop(rows[0][pick % HEADINGS.len()].pop()),
        Damage::Doubles(pick) => {
            let (from, other) = (pick % HEADINGS.len(), (pick / 7) % HEADINGS.len());
            rows[0].push(HEADINGS[from].to_owned());
            for row in &mut rows[1..] {
                row.push(row[other].clone());
            }
        }
        _ => {}
    }
    let mut bytes = written(&rows, ';', line_end, quotes_all).into_bytes();
    match *damage {
        Damage::Removes(mark, pick) => {
            if let Some(place) = picked(&bytes, mark, pick).filter(|place| mark == b'"' || !is_quoted(&bytes, *place)) {
                bytes.remove(place);
            }
        }
        Damage::Inserts(mark, pick) => {
            let place = pick % (bytes.len() + 1);
            if mark == b'"' || !is_quoted(&bytes, place) {
                bytes.insert(place, mark);
            }
        }
        Damage::Swaps(one, other, pick) => {
            if let Some(place) = picked(&bytes, one, pick).filter(|place| !is_quoted(&bytes, *place) && !is_quoted(&bytes, place + 1)) {
                bytes[place] = other;
            }
        }
        Damage::CutsAt(pick) => bytes.truncate(pick % (bytes.len() + 1)),
        Damage::Spoils(byte, pick) => {
            let place = pick % bytes.len();
            if bytes[place].is_ascii() {
                bytes[place] = byte;
            }
        }
        Damage::Errs(_) | Damage::Misspells(_) | Damage::Doubles(_) => {}
    }
    bytes
}

/// Returns the rows of a file that have something in them, headings left out, as a text editor shows them.
fn lines(bytes: &[u8]) -> usize {
    let is_filled = |line: &&[u8]| line.iter().any(|byte| !matches!(byte, b' ' | b';' | b'"'));
    bytes.split(|byte| matches!(byte, b'\n' | b'\r')).filter(is_filled).count().saturating_sub(1)
}

fn whole() -> Vec<Vec<String>> {
    let mut rows = vec![HEADINGS.map(str::to_owned).to_vec()];
    rows.extend(good_rows());
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_damaged_is_refused_and_nothing_else_is_taken(
        damage in damage(),
        line_end in prop_oneof![Just("\n"), Just("\r\n")],
        quotes_all in any::<bool>(),
    ) {
        let rows = whole();
        let (good, count) = read(written(&rows, ';', line_end, quotes_all).as_bytes()).expect("a good file");
        prop_assert_eq!((good.len(), count), (8, 8));
        let bytes = damaged(&rows, line_end, quotes_all, &damage);
        // A file that is refused as a whole takes nothing.
        let Ok((found, verdicts)) = read(&bytes) else { return Ok(()) };
        for (id, body) in &found {
            let of_good = good.get(id);
            prop_assert!(of_good.is_some(), "a ticket `{}` that nobody wrote", id);
            let of_good = of_good.expect("it is there");
            for (name, value) in body.as_object().expect("an object") {
                // Nobody is named where the cell that does is an error, or its heading is not known: the ticket is its own then.
                let is_nobodys = name == "customer" && *value == super::chains::of_ticket(id, &pseudonyms()).as_str();
                prop_assert!(of_good.get(name) == Some(value) || is_nobodys, "{} of {}: {} in place of {:?}", name, id, value, of_good.get(name));
            }
        }
        if verdicts > 0 {
            prop_assert_eq!(verdicts, lines(&bytes), "rows without a verdict");
        }
    }

    #[test]
    fn the_order_of_columns_their_separator_and_line_ends_change_nothing(
        order in Just((0..HEADINGS.len()).collect::<Vec<_>>()).prop_shuffle(),
        separator in prop_oneof![Just(';'), Just(','), Just('\t')],
        line_end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        quotes_all in any::<bool>(),
        blank_lines in 0_usize..3,
    ) {
        let rows = whole();
        let moved: Vec<Vec<String>> = rows.iter().map(|row| order.iter().map(|place| row[*place].clone()).collect()).collect();
        let text = line_end.repeat(blank_lines) + &written(&moved, separator, line_end, quotes_all);
        prop_assert_eq!(read(text.as_bytes()).expect("a good file"), read(written(&rows, ';', "\n", false).as_bytes()).expect("a good file"));
    }
}
