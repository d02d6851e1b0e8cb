//! LIME identities: `name@domain`, where a name with an `@` of its own is percent-encoded; and the bot that a key names.

use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stays readable in a path or query value; everything else is encoded.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Domain of attendants.
const PEOPLE: &str = "blip.ai";

/// Encodes a value for a path segment or a query of a command's URI.
pub fn encode(value: &str) -> String {
    utf8_percent_encode(value, VALUE).to_string()
}

/// Returns the e-mail address of an attendant's identity, in lower case.
///
/// Both forms occur: `ana%40acme.example@blip.ai` and `ana@acme.example@blip.ai`.
pub fn attendant_email(identity: &str) -> String {
    let name = identity.rsplit_once('@').filter(|(name, _)| !name.is_empty()).map_or(identity, |(name, domain)| {
        // A plain address without Blip's domain is an address already.
        if domain == PEOPLE { name } else { identity }
    });
    percent_decode_str(name).decode_utf8_lossy().to_lowercase()
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

/// Returns the name of a tunnel identity, `{uuid}@tunnel.msging.net`; none for any other identity.
pub fn tunnel_name(identity: &str) -> Option<&str> {
    identity.split('/').next()?.strip_suffix("@tunnel.msging.net")
}

/// Returns the identity of the tunnel called `name`.
pub fn tunnel(name: &str) -> String {
    format!("{name}@tunnel.msging.net")
}

/// Returns the domain of an identity without its instance, in lower case; none where there is none.
pub fn domain(identity: &str) -> Option<String> {
    let (_, domain) = identity.rsplit_once('@')?;
    let domain = domain.split('/').next().filter(|domain| !domain.is_empty())?;
    Some(domain.to_lowercase())
}

/// Returns whether an identity is a customer's on a channel, and not a bot's, an attendant's or a tunnel's.
pub fn is_on_channel(identity: &str) -> bool {
    const OTHERS: [&str; 4] = ["msging.net", PEOPLE, "tunnel.msging.net", "desk.msging.net"];
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
        for identity in ["ana%40acme.example@blip.ai", "Ana@acme.example@blip.ai", "ana@acme.example"] {
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
    fn a_key_names_its_bot_and_any_other_text_none() {
        assert_eq!(key_owner("YWNtZWJvdDpzZWNyZXQ=").as_deref(), Some("acmebot"));
        for text in ["", "not base64!", "YWNtZWJvdA==", "OnNlY3JldA=="] {
            assert_eq!(key_owner(text), None, "{text}");
        }
    }

    proptest! {
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
