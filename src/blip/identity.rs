//! LIME identities: `name@domain`, where a name with an `@` of its own is percent-encoded; the one form in which customers are compared; and the
//! bot that a key names.

use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use unicode_normalization::UnicodeNormalization;

/// What stays readable in a path or query value; everything else is encoded.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Domain of identities behind a router.
const TUNNELS: &str = "tunnel.msging.net";

/// Domain of attendants.
const PEOPLE: &str = "blip.ai";

/// Channels whose names are telephone numbers: WhatsApp, and text messages.
const TELEPHONES: [&str; 2] = [WHATSAPP, "take.io"];

/// Domains by which other programs name people on WhatsApp.
const OTHER_WHATSAPP: [&str; 2] = ["s.whatsapp.net", "c.us"];

/// Digits of the shortest number that people write: a land line without its area.
const SHORTEST_NUMBER: usize = 8;

/// Digits of the longest number with its country, by E.164, and the zeros that people dial before it.
const LONGEST_NUMBER: usize = 17;

/// Domain of WhatsApp, to which a bare telephone number and a bare business-scoped id belong.
const WHATSAPP: &str = "wa.gw.msging.net";

/// Area codes of Brazil.
const AREAS: [u8; 67] = [
    11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22, 24, 27, 28, 31, 32, 33, 34, 35, 37, 38, 41, 42, 43, 44, 45, 46, 47, 48, 49, 51, 53, 54, 55,
    61, 62, 63, 64, 65, 66, 67, 68, 69, 71, 73, 74, 75, 77, 79, 81, 82, 83, 84, 85, 86, 87, 88, 89, 91, 92, 93, 94, 95, 96, 97, 98, 99,
];

/// Encodes a value for a path segment or a query of a command's URI.
pub fn encode(value: &str) -> String {
    utf8_percent_encode(value, VALUE).to_string()
}

/// Returns the e-mail address of an attendant's identity, in lower case.
///
/// Both forms occur: `ana%40acme.example@blip.ai` and `ana@acme.example@blip.ai`.
pub fn attendant_email(identity: &str) -> String {
    let name = match parts(identity.trim()) {
        // A plain address without Blip's domain is an address already.
        (name, Some(domain)) if domain != PEOPLE && !name.is_empty() => format!("{name}@{domain}"),
        ("", _) => identity.to_owned(),
        (name, _) => name.to_owned(),
    };
    percent_decode_str(&name).decode_utf8_lossy().to_lowercase()
}

/// Returns the identity of the attendant with an e-mail address: `ana%40acme.example@blip.ai`.
pub fn attendant(email: &str) -> String {
    format!("{}@{PEOPLE}", encode(email))
}

/// Returns an attendant's identity as Blip's documentation writes it, in the case in which it was read.
pub fn normalized(identity: &str) -> String {
    let name = identity.strip_suffix(&format!("@{PEOPLE}")).unwrap_or(identity);
    attendant(&percent_decode_str(name).decode_utf8_lossy())
}

/// Returns a normalized identity as a path segment, where the name is encoded a second time: `ana%2540acme.example@blip.ai`.
pub fn in_path(identity: &str) -> String {
    let (name, domain) = identity.rsplit_once('@').unwrap_or((identity, PEOPLE));
    format!("{}@{domain}", encode(name))
}

/// Returns the one form of a customer's identity, for comparing and never for addressing: two texts of one customer have the same.
///
/// Without blanks around it, without the instance, in lower case, percent-decoded once. Telephone numbers are digits, those of Brazil's mobiles
/// with the ninth digit. A number without a domain belongs to WhatsApp, one without a country to Brazil; so does a business-scoped id to WhatsApp.
pub fn canonical(identity: &str) -> String {
    let cleaned = cleaned(identity);
    let (name, domain) = parts(&cleaned);
    let name = percent_decode_str(name).decode_utf8().map_or_else(|_| name.to_owned(), std::borrow::Cow::into_owned);
    let name = name.trim();
    match domain {
        Some(domain) if OTHER_WHATSAPP.contains(&domain.as_str()) && is_number(name) => {
            format!("{}@{WHATSAPP}", comparable_number(&digits(name)))
        }
        Some(domain) if TELEPHONES.contains(&domain.as_str()) => {
            let number = if is_number(name) { comparable_number(&digits(name)) } else { name.to_lowercase() };
            format!("{number}@{domain}")
        }
        Some(domain) => format!("{}@{domain}", name.to_lowercase()),
        None if is_number(name) => format!("{}@{WHATSAPP}", comparable_number(&with_country(name))),
        None if is_bsuid(name) || is_parent_bsuid(name) => format!("{}@{WHATSAPP}", name.to_lowercase()),
        None => name.to_lowercase(),
    }
}

/// Returns whether a text can be told to be one customer's: an identity, a telephone number, an id in one word, or a name without a number in it. What
/// else holds the digits of a number could be anybody's: two numbers, a number with a name, one that a spreadsheet has rounded.
pub fn is_readable(identity: &str) -> bool {
    let canonical = canonical(identity);
    match parts(&canonical) {
        (name, Some(domain)) => !name.is_empty() && domain.contains('.'),
        (name, None) => {
            let is_one_word = !name.contains(|char: char| char.is_whitespace() || "/,;()".contains(char));
            !name.is_empty() && !is_rounded(name) && (is_one_word || digits(name).len() < SHORTEST_NUMBER)
        }
    }
}

/// Returns whether a text is a number as spreadsheets show one that is too long for its cell, such as `5,53199E+12`.
fn is_rounded(text: &str) -> bool {
    let is_mantissa = |text: &str| {
        text.starts_with(|char: char| char.is_ascii_digit()) && text.chars().all(|char| char.is_ascii_digit() || ".,".contains(char))
    };
    text.split_once(['e', 'E'])
        .is_some_and(|(mantissa, power)| is_mantissa(mantissa) && power.trim_start_matches(['+', '-']).parse::<u8>().is_ok())
}

/// Returns a text without what programs put around and into numbers: marks of direction, dashes and blanks of all kinds, full-width digits, the mark
/// by which a spreadsheet keeps a text, the scheme of a link, the decimal of a number that was taken for one.
fn cleaned(identity: &str) -> String {
    let is_format = |char: char| matches!(char, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let plain = |char: char| match char {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        char if char.is_whitespace() => ' ',
        char => char,
    };
    let text: String = identity.nfkc().filter(|char| !is_format(*char)).map(plain).collect();
    let text = text.trim().trim_start_matches('\'');
    let scheme =
        ["tel:", "whatsapp:"].into_iter().find(|scheme| text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme)));
    let text = scheme.map_or(text, |scheme| text[scheme.len()..].trim_start_matches('/')).trim();
    let whole = text.strip_suffix(".0").filter(|whole| whole.len() >= SHORTEST_NUMBER && whole.chars().all(|char| char.is_ascii_digit()));
    whole.unwrap_or(text).to_owned()
}

/// Returns the texts under which a customer can have been written, each once: as given, in the one form, and in every usual form of the same
/// telephone number or address. Earlier versions made a pseudonym of each of them.
pub fn spellings(identity: &str) -> Vec<String> {
    let canonical = canonical(identity);
    let mut forms = vec![canonical.clone(), identity.trim().to_owned()];
    if let Some(number) = canonical.strip_suffix(WHATSAPP).and_then(|name| name.strip_suffix('@')) {
        if is_number(number) {
            forms.extend(numbers(number));
        } else {
            forms.push(number.to_owned());
        }
    } else if let (name, Some(domain)) = parts(&canonical) {
        forms.push(format!("{}@{domain}", encode(name)));
    }
    let mut seen = std::collections::BTreeSet::new();
    forms.retain(|form| seen.insert(form.clone()));
    forms
}

/// Returns the name and the domain of an identity, the domain without its instance and in lower case.
fn parts(text: &str) -> (&str, Option<String>) {
    let node = match text.find('@').and_then(|at| text[at..].find('/').map(|slash| at + slash)) {
        Some(slash) => &text[..slash],
        None => text,
    };
    match node.rsplit_once('@') {
        Some((name, domain)) if !domain.trim().is_empty() => (name, Some(domain.trim().to_lowercase())),
        _ => (node, None),
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Returns whether a text is a telephone number as people write it.
fn is_number(text: &str) -> bool {
    let count = text.chars().filter(char::is_ascii_digit).count();
    (SHORTEST_NUMBER..=LONGEST_NUMBER).contains(&count) && text.chars().all(|char| char.is_ascii_digit() || "+-() .\u{a0}".contains(char))
}

/// Returns the digits of a number with its country: one without a country is of Brazil, with or without the zero that people dial first.
fn with_country(number: &str) -> String {
    let all = digits(number);
    if number.trim().starts_with('+') {
        return all;
    }
    if let Some(international) = all.strip_prefix("00") {
        return international.to_owned();
    }
    let national = all.strip_prefix('0').unwrap_or(&all);
    let is_mobile = national.len() == 11 && national.as_bytes()[2] == b'9';
    if has_area(national) && (is_mobile || national.len() == 10) { format!("55{national}") } else { all }
}

/// Returns the digits of a telephone number as numbers are compared: a Brazilian mobile without its ninth digit gets it. Eight digits that begin
/// with 7 are valid with it and without it, those with 2 to 5 are land lines: both stay.
fn comparable_number(number: &str) -> String {
    match number.strip_prefix("55") {
        Some(national) if national.len() == 10 && has_area(national) && b"689".contains(&national.as_bytes()[2]) => {
            format!("55{}9{}", &national[..2], &national[2..])
        }
        _ => number.to_owned(),
    }
}

fn has_area(national: &str) -> bool {
    national.get(..2).and_then(|area| area.parse().ok()).is_some_and(|area: u8| AREAS.contains(&area))
}

/// Returns the usual forms of a number of digits with its country; of a Brazilian mobile also without the ninth digit, and without the country.
fn numbers(number: &str) -> Vec<String> {
    let national = number.strip_prefix("55").filter(|national| has_area(national) && matches!(national.len(), 10 | 11));
    let Some(national) = national else {
        return [format!("{number}@{WHATSAPP}"), number.to_owned(), format!("+{number}")].into();
    };
    let (area, own) = national.split_at(2);
    let short = own.strip_prefix('9').filter(|short| short.len() == 8);
    let written = |own: &str| {
        let national = [
            format!("{area}{own}"),
            format!("{area} {own}"),
            format!("{area} {}-{}", &own[..own.len() - 4], &own[own.len() - 4..]),
            format!("({area}) {own}"),
            format!("({area}) {}-{}", &own[..own.len() - 4], &own[own.len() - 4..]),
            format!("({area}){}-{}", &own[..own.len() - 4], &own[own.len() - 4..]),
        ];
        let with_country =
            national.iter().flat_map(|form| [format!("+55 {form}"), format!("55 {form}"), format!("+55{form}"), format!("55{form}")]);
        with_country.chain(national.clone()).collect::<Vec<_>>()
    };
    let identities = |own: &str| [format!("55{area}{own}@{WHATSAPP}"), format!("+55{area}{own}@{WHATSAPP}")];
    let both = || std::iter::once(own).chain(short);
    both().flat_map(identities).chain(both().flat_map(written)).collect()
}

/// Returns the name of a tunnel identity, `{uuid}@tunnel.msging.net`; none for any other identity.
pub fn tunnel_name(identity: &str) -> Option<&str> {
    let (name, domain) = parts(identity.trim());
    domain.is_some_and(|domain| domain == TUNNELS).then_some(name)
}

/// Returns the identity of the tunnel called `name`.
pub fn tunnel(name: &str) -> String {
    format!("{name}@{TUNNELS}")
}

/// Returns WhatsApp's business-scoped id where an identity is made of one; none for any other identity.
pub fn bsuid_of(identity: &str) -> Option<&str> {
    let (name, domain) = parts(identity.trim());
    (domain.is_none_or(|domain| domain == WHATSAPP) && is_bsuid(name)).then_some(name)
}

/// Returns the identity on WhatsApp of a name: a telephone number or a business-scoped id.
pub fn on_whatsapp(name: &str) -> String {
    format!("{name}@{WHATSAPP}")
}

/// Returns the domain of an identity without its instance, in lower case; none where there is none.
pub fn domain(identity: &str) -> Option<String> {
    identity.contains('@').then(|| parts(identity.trim()).1)?
}

/// Returns whether an identity is a customer's on a channel, and not a bot's, an attendant's or a tunnel's.
pub fn is_on_channel(identity: &str) -> bool {
    const OTHERS: [&str; 4] = ["msging.net", PEOPLE, TUNNELS, "desk.msging.net"];
    let has_name = identity.split('@').next().is_some_and(|name| !name.trim().is_empty());
    has_name && domain(identity).is_some_and(|domain| domain.contains('.') && !OTHERS.contains(&domain.as_str()))
}

/// Returns whether a text has the form of WhatsApp's business-scoped id: two letters of a country, a point, letters and digits.
pub fn is_bsuid(text: &str) -> bool {
    text.split_once('.').is_some_and(|(country, rest)| {
        country.len() == 2
            && country.chars().all(|char| char.is_ascii_uppercase())
            && !rest.is_empty()
            && rest.chars().all(|char| char.is_ascii_alphanumeric())
    })
}

/// Returns whether a text has the form of the id that joins a person's business-scoped ids of several businesses: `BR.ENT.` and digits.
pub fn is_parent_bsuid(text: &str) -> bool {
    text.split_once(".ENT.").is_some_and(|(country, rest)| is_bsuid(&format!("{country}.{rest}")))
}

/// Returns the bot that a key names: keys are `base64("{bot}:{access key}")`.
pub fn key_owner(key: &str) -> Option<String> {
    let text = String::from_utf8(BASE64_STANDARD.decode(key.trim()).ok()?).ok()?;
    let (bot, access) = text.split_once(':')?;
    (!bot.is_empty() && !access.is_empty() && bot.chars().all(|char| char.is_ascii_graphic())).then(|| bot.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_forms_of_an_attendant_give_the_address() {
        for identity in [
            "ana%40acme.example@blip.ai",
            "Ana@acme.example@blip.ai",
            "ana@acme.example",
            "ana%40acme.example@blip.ai/node",
            " ana@acme.example@BLIP.ai",
        ] {
            assert_eq!(attendant_email(identity), "ana@acme.example");
        }
    }

    #[test]
    fn a_path_encodes_the_name_twice() {
        assert_eq!(attendant("ana@acme.example"), "ana%40acme.example@blip.ai");
        assert_eq!(in_path("ana%40acme.example@blip.ai"), "ana%2540acme.example@blip.ai");
        for identity in ["Ana%40acme.example@blip.ai", "Ana@acme.example@blip.ai", "Ana@acme.example"] {
            assert_eq!(normalized(identity), "Ana%40acme.example@blip.ai");
        }
    }

    #[test]
    fn only_a_tunnel_has_a_tunnels_name() {
        assert_eq!(tunnel_name("0f6f0a52@tunnel.msging.net/node"), Some("0f6f0a52"));
        assert_eq!(tunnel_name("5531900000001@wa.gw.msging.net"), None);
    }

    #[test]
    fn a_customer_on_a_channel_is_no_bot_and_no_tunnel() {
        assert!(is_on_channel("5531900000001@wa.gw.msging.net") && is_on_channel("0f6f.acmebot@0mn.io"));
        for other in ["acmerouter@msging.net", "x@tunnel.msging.net", "ana%40acme.example@blip.ai", "null", "", "@wa.gw.msging.net"] {
            assert!(!is_on_channel(other), "{other}");
        }
        assert!(is_bsuid("BR.1A2b3C") && !is_bsuid("null") && !is_bsuid("BR.") && !is_bsuid("5531900000001"));
    }

    #[test]
    fn a_customer_has_one_form_however_they_are_written() {
        let mobile = "5531988887777@wa.gw.msging.net";
        for text in [
            "553188887777@wa.gw.msging.net",
            "5531988887777@WA.GW.MSGING.NET",
            " +5531988887777@wa.gw.msging.net/node",
            "%2B5531988887777@wa.gw.msging.net",
            "+55 31 98888-7777",
            "31 98888-7777",
            "(31) 98888-7777",
            "(031) 8888-7777",
            "0055 31 98888.7777",
            "3188887777",
        ] {
            assert_eq!(canonical(text), mobile, "{text}");
        }
        assert_eq!(canonical("Pessoa%40Mail.example@mailgun.gw.msging.net"), "pessoa@mail.example@mailgun.gw.msging.net");
        assert_eq!(canonical("ana%2Bx@mail.example@mailgun.gw.msging.net/i"), "ana+x@mail.example@mailgun.gw.msging.net");
        assert_eq!(canonical("BR.1A2b3C"), canonical("br.1a2b3c@wa.gw.msging.net"));
        assert_eq!(canonical("0f6f.acmebot@0mn.io"), "0f6f.acmebot@0mn.io");
        // Land lines, numbers that begin with 7, other countries, and numbers that are no telephone's.
        for other in [
            "553133334444@wa.gw.msging.net",
            "553178887777@wa.gw.msging.net",
            "5520988887777@wa.gw.msging.net",
            "51988887777@wa.gw.msging.net",
            "553188887777@telegram.gw.msging.net",
        ] {
            assert_eq!(canonical(other), other);
        }
        assert_eq!(canonical("+51 988887777"), "51988887777@wa.gw.msging.net");
    }

    #[test]
    fn the_spellings_of_a_mobile_are_those_that_people_and_files_use() {
        let forms = spellings("31 98888-7777");
        for form in
            ["5531988887777@wa.gw.msging.net", "553188887777@wa.gw.msging.net", "+55 31 98888-7777", "(31) 8888-7777", "31 98888-7777"]
        {
            assert!(forms.iter().any(|known| known == form), "{form}");
        }
        assert!(forms.iter().all(|form| canonical(form) == "5531988887777@wa.gw.msging.net"), "{forms:?}");
        assert!(spellings("pessoa@mail.example@mailgun.gw.msging.net").contains(&"pessoa%40mail.example@mailgun.gw.msging.net".to_owned()));
    }

    #[test]
    fn a_key_names_its_bot_and_any_other_text_none() {
        assert_eq!(key_owner("YWNtZWJvdDpzZWNyZXQ=").as_deref(), Some("acmebot"));
        for text in ["", "not base64!", "YWNtZWJvdA==", "OnNlY3JldA=="] {
            assert_eq!(key_owner(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_is_read_however_programs_dress_it() {
        for text in [
            "tel:+55 31 98888-0001",
            "whatsapp:+5531988880001",
            "(31) 98888\u{2011}0001",
            "\u{202a}+55 31 98888-0001\u{202c}",
            "5531988880001@s.whatsapp.net",
            "5531988880001@c.us",
            "5531988880001.0",
            "'5531988880001",
            "\u{ff15}\u{ff15}31988880001",
            "31\u{2009}98888\u{2013}0001",
        ] {
            assert_eq!(canonical(text), "5531988880001@wa.gw.msging.net", "{text}");
            assert!(is_readable(text), "{text}");
        }
        for text in [
            "ana",
            "Maria Silva",
            "cliente 42",
            "BR.13491208655302741918",
            "ana@tunnel.msging.net",
            "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
            "CLI-000123456789",
            "700000000000000000001",
        ] {
            assert!(is_readable(text), "{text}");
        }
        for text in [
            "Maria (31) 98888-0001",
            "5,53199E+12",
            "5.53E12",
            "31988880001 / 31988880002",
            "31988880001 31988880002",
            " ",
            "@wa.gw.msging.net",
        ] {
            assert!(!is_readable(text), "{text}: {}", canonical(text));
        }
    }

    proptest! {
        #[test]
        fn the_one_form_of_the_one_form_is_itself(text in "[+ ]?[0-9A-Za-z.%()-]{0,16}(@[a-zA-Z.]{1,16}){0,2}(/[a-z]{0,4})?") {
            let once = canonical(&text);
            // What was encoded twice is decoded once.
            if !once.contains('%') {
                prop_assert_eq!(canonical(&once), once);
            }
        }

        #[test]
        fn any_address_survives_encoding(name in "[a-z0-9+._çãé-]{1,12}", domain in "[a-z]{1,8}\\.[a-z]{2,3}") {
            let address = format!("{name}@{domain}");
            prop_assert_eq!(attendant_email(&attendant(&address)), address.clone());
            prop_assert_eq!(attendant_email(&format!("{address}@blip.ai")), address.clone());
            let in_path = in_path(&attendant(&address));
            let once = percent_decode_str(&in_path).decode_utf8_lossy().into_owned();
            prop_assert_eq!(once, attendant(&address));
        }
    }
}
