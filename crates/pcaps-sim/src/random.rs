//! What nobody must be able to guess, from the operating system.

use std::fmt::Write;

use crate::error::Repr;

/// `BYTES` random bytes, as twice as many lowercase hexadecimal characters.
pub(crate) fn hex<const BYTES: usize>() -> Result<String, Repr> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|source| Repr::Randomness { source })?;
    Ok(bytes
        .iter()
        .fold(String::with_capacity(2 * BYTES), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        }))
}

/// An id: 32 lowercase hexadecimal characters.
pub(crate) fn id() -> Result<String, Repr> {
    hex::<16>()
}

/// Whether two secrets are the same text. How long it takes does not depend on where they differ.
pub(crate) fn same(ours: &str, theirs: &str) -> bool {
    let difference = ours
        .bytes()
        .zip(theirs.bytes())
        .fold(0, |sum, (a, b)| std::hint::black_box(sum | (a ^ b)));
    ours.len() == theirs.len() && difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_are_hexadecimal() -> Result<(), Repr> {
        let (one, other) = (id()?, id()?);
        assert_ne!(one, other);
        assert_eq!(one.len(), 32);
        assert!(one.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')));
        Ok(())
    }

    #[test]
    fn secrets_are_the_same_only_when_they_are() {
        assert!(same("secret", "secret"));
        assert!(same("", ""));
        for other in ["secreT", "secre", "secrets", "", "Secret"] {
            assert!(!same("secret", other), "{other}");
        }
    }
}
