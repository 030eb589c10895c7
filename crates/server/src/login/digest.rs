//! Digests of tokens: what is kept instead of them.

use aws_lc_rs::{constant_time, digest};

/// SHA-256.
#[derive(Clone, Copy)]
pub(crate) struct Sha256([u8; 32]);

impl Sha256 {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        #[cfg(test)]
        work::count(|work| work.hashed += bytes.len());
        let mut out = [0; 32];
        out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
        Self(out)
    }

    /// 64 hexadecimal digits, in either case.
    pub(crate) fn parse_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut out = [0; 32];
        for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |at: usize| char::from(pair[at]).to_digit(16);
            *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
        }
        Some(Self(out))
    }

    /// In a time that does not depend on where they differ.
    pub(crate) fn is(&self, other: &Self) -> bool {
        #[cfg(test)]
        work::count(|work| work.compared += 1);
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

/// What this thread has done, for tests that say who may not be told apart.
#[cfg(test)]
pub(crate) mod work {
    use std::cell::Cell;

    /// Bytes that were hashed, digests that were compared.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Work {
        pub(crate) hashed: usize,
        pub(crate) compared: usize,
    }

    thread_local!(static DONE: Cell<Work> = Cell::default());

    pub(super) fn count(add: impl FnOnce(&mut Work)) {
        let mut work = DONE.get();
        add(&mut work);
        DONE.set(work);
    }

    /// What `doing` costs.
    pub(crate) fn of(doing: impl FnOnce()) -> Work {
        DONE.take();
        doing();
        DONE.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_strictly() {
        let abc = "BA7816BF8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert!(Sha256::parse_hex(abc).unwrap().is(&Sha256::of(b"abc")));
        assert!(!Sha256::parse_hex(abc).unwrap().is(&Sha256::of(b"abd")));
        for wrong in ["", &abc[1..], &format!("{abc}0"), &format!("+{}", &abc[1..]), &"ä".repeat(32)] {
            assert!(Sha256::parse_hex(wrong).is_none(), "{wrong}");
        }
    }
}
