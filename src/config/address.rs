//! Addresses that keys, figures and rows are sent to.

use url::{Host, Url};

/// Returns whether nobody on the way can read what is sent to `address`: it is encrypted, or does not leave this machine.
pub(super) fn is_guarded(address: &str) -> bool {
    let Ok(address) = Url::parse(address) else { return false };
    match (address.scheme(), address.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Domain(name))) => name == "localhost",
        ("http", Some(Host::Ipv4(address))) => address.is_loopback(),
        ("http", Some(Host::Ipv6(address))) => address.is_loopback(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_on_this_machine_needs_no_encryption() {
        let guarded = ["https://acme.http.msging.net/", "http://127.0.0.1:8080", "http://localhost", "http://[::1]:80"];
        assert_eq!(guarded.map(is_guarded), [true; 4]);
        let open = [
            "http://acme.http.msging.net",
            "http://127.0.0.1:9@acme.net",
            "http://localhost.acme.net",
            "https://acme net",
            "acme.net",
            "x:9",
        ];
        assert_eq!(open.map(is_guarded), [false; 6]);
    }
}
