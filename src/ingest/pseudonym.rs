//! Keyed pseudonyms of customers: the same person is the same key, and nobody without the secret can get back.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::{
    blip::{Unreadable, identity},
    domain::digest::hex,
};

/// Makes pseudonyms with the project's secret.
pub struct Pseudonyms(Hmac<Sha256>);

impl Pseudonyms {
    /// Takes the secret.
    pub fn new(key: &SecretString) -> Pseudonyms {
        Pseudonyms(Hmac::new_from_slice(key.expose_secret().as_bytes()).expect("HMAC takes keys of any length"))
    }

    /// Returns the pseudonym of an identity: 128 bits in hexadecimal. All texts of one customer have the same
    /// ([`identity::canonical`]).
    pub fn customer(&self, identity: &str) -> String {
        self.keyed("customer", &identity::canonical(identity))
    }

    /// Returns the pseudonym that earlier versions made of an identity, from the text as received; none where it is the same.
    pub fn earlier(&self, identity: &str) -> Option<String> {
        let text = identity.to_lowercase();
        (text != identity::canonical(identity)).then(|| self.keyed("customer", &text))
    }

    /// Returns the earlier pseudonym of an identity, where there is one, with the one of today.
    pub fn renamed(&self, identity: &str) -> Option<(String, String)> {
        Some((self.earlier(identity)?, self.customer(identity)))
    }

    /// Returns every pseudonym under which a customer can be known by their own identity, today's first.
    pub fn of_spellings(&self, identity: &str) -> Vec<String> {
        let forms = identity::spellings(identity);
        let earlier = forms.iter().map(|form| self.keyed("customer", &form.to_lowercase()));
        let mut keys: Vec<String> = std::iter::once(self.customer(identity)).chain(earlier).collect();
        let mut seen = std::collections::BTreeSet::new();
        keys.retain(|key| seen.insert(key.clone()));
        keys
    }

    /// Returns a fingerprint by which a record that cannot be kept is told apart from others, without keeping what is in it.
    pub fn rejected(&self, record: &impl std::fmt::Debug) -> String {
        self.keyed("rejected", &format!("{record:?}"))
    }

    /// Returns why a record that has not the shape of its kind is set aside, and its fingerprint.
    pub fn unreadable(&self, one: &Unreadable) -> (String, String) {
        (format!("field `{}` can not be read", one.field), self.keyed("rejected", &one.text))
    }

    /// Returns a keyed fingerprint of `text` for `purpose`.
    pub fn keyed(&self, purpose: &str, text: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        hex(&mac.finalize().into_bytes()[..16])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_depends_on_person_and_secret_and_shows_neither() {
        let (one, other) = (Pseudonyms::new(&"secret one".into()), Pseudonyms::new(&"secret two".into()));
        let key = one.customer("5531900000001@wa.gw.msging.net");
        assert_eq!(key, one.customer("5531900000001@WA.gw.msging.net"));
        assert_ne!(key, one.customer("5531900000002@wa.gw.msging.net"));
        assert_ne!(key, other.customer("5531900000001@wa.gw.msging.net"));
        assert_eq!(key.len(), 32);
        assert!(!key.contains("5531900000001"));
    }
}
