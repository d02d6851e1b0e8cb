//! LIME identities: `name@domain`, where a name with an `@` of its own is percent-encoded.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stays readable in a path or query value; everything else is encoded.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

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
        if domain == "blip.ai" { name } else { identity }
    });
    percent_decode_str(name).decode_utf8_lossy().to_lowercase()
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

    proptest! {
        #[test]
        fn any_address_survives_encoding(name in "[a-z0-9+._çãé-]{1,12}", domain in "[a-z]{1,8}\\.[a-z]{2,3}") {
            let address = format!("{name}@{domain}");
            prop_assert_eq!(attendant_email(&format!("{}@blip.ai", encode(&address))), address.clone());
            prop_assert_eq!(attendant_email(&format!("{address}@blip.ai")), address);
        }
    }
}
