//! Hashes as text: names of parts, stamps of queries, fingerprints of records.

use sha2::{Digest, Sha256};

/// Returns bytes in hexadecimal, lower case.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

/// Returns the SHA-256 of `bytes` in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Returns the SHA-256 of all that `from` gives in hexadecimal, and how many bytes these are; they are not held at once.
///
/// # Errors
/// Those of `from`.
pub fn sha256_of(from: &mut impl std::io::Read) -> std::io::Result<(String, u64)> {
    let mut hashing = Hashing::new(std::io::sink());
    let bytes = std::io::copy(from, &mut hashing)?;
    Ok((hashing.finish().1, bytes))
}

/// Passes bytes on, and knows the SHA-256 of all of them.
#[derive(Debug)]
pub struct Hashing<W> {
    inner: W,
    hash: Sha256,
}

impl<W> Hashing<W> {
    /// Passes bytes on to `inner`.
    pub fn new(inner: W) -> Hashing<W> {
        Hashing { inner, hash: Sha256::new() }
    }

    /// Returns where bytes went, and their SHA-256 in hexadecimal.
    pub fn finish(self) -> (W, String) {
        (self.inner, hex(&self.hash.finalize()))
    }
}

impl<W: std::io::Write> std::io::Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_text_has_its_known_hash() {
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
