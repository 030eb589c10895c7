//! Whether a client's hello is there, before anything of TLS is begun for it.
//!
//! A hello that dribbles in takes no place from others and no memory: it stays in its socket until it is whole, however
//! many records it is cut into. What is wrong with it is TLS's to refuse, which has the alerts; so it goes there at once.

/// The type of a TLS record that begins a handshake.
pub(super) const HANDSHAKE_RECORD: u8 = 0x16;
/// The type of the message that begins it.
const CLIENT_HELLO: u8 = 1;
/// Type, version and length.
const RECORD_HEAD: usize = 5;
/// A record's longest (RFC 8446, 5.1).
const RECORD_MAX: usize = 16 * 1024;
/// A message's type and length (RFC 8446, 4).
const MESSAGE_HEAD: usize = 4;

/// Whether `input` is nothing but the beginning of a good hello: records of its type, with parts of one message in them.
pub(super) fn is_partial(mut input: &[u8]) -> bool {
    let (mut message, mut bytes) = ([CLIENT_HELLO, 0, 0, 0], 0);
    loop {
        let Some((&[kind, _, _, high, low], behind)) = input.split_first_chunk::<RECORD_HEAD>() else {
            return input.first().is_none_or(|kind| *kind == HANDSHAKE_RECORD);
        };
        let len = usize::from(u16::from_be_bytes([high, low]));
        if kind != HANDSHAKE_RECORD || len == 0 || len > RECORD_MAX {
            return false;
        }
        let part = &behind[..len.min(behind.len())];
        for (to, byte) in message.iter_mut().skip(bytes).zip(part) {
            *to = *byte;
        }
        bytes += part.len();
        let [kind, a, b, c] = message;
        let whole = MESSAGE_HEAD + u32::from_be_bytes([0, a, b, c]) as usize;
        if kind != CLIENT_HELLO || (bytes >= MESSAGE_HEAD && bytes >= whole) {
            return false;
        }
        if part.len() < len {
            return true;
        }
        input = &behind[len..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hello of `bytes` behind its head, in records of `each`.
    fn hello(bytes: usize, each: usize) -> Vec<u8> {
        let message = [&[CLIENT_HELLO][..], &(bytes as u32).to_be_bytes()[1..], &vec![7; bytes]].concat();
        let record = |part: &[u8]| [&[0x16, 3, 1][..], &(part.len() as u16).to_be_bytes(), part].concat();
        message.chunks(each).flat_map(record).collect()
    }

    #[test]
    fn a_hello_is_whole_with_its_last_byte_however_it_is_cut_into_records() {
        for (bytes, each) in [(300, 1), (300, 3), (300, 4), (300, 5), (300, 304), (0, 1), (0, 4)] {
            let hello = hello(bytes, each);
            for cut in 0..hello.len() {
                assert!(is_partial(&hello[..cut]), "{bytes} in records of {each}, cut at {cut}");
            }
            assert!(!is_partial(&hello), "{bytes} in records of {each}");
            assert!(!is_partial(&[&hello[..], &[20, 3, 3]].concat()), "with more behind it");
        }
    }

    #[test]
    fn what_is_wrong_does_not_wait() {
        let hello = hello(300, 100);
        let changed = |at: usize, byte: u8| {
            let mut changed = hello[..180].to_vec();
            changed[at] = byte;
            changed
        };
        assert!(is_partial(&changed(60, 0)));
        for (wrong, at, byte) in [
            ("another message", RECORD_HEAD, 2),
            ("another record within it", RECORD_HEAD + 100, 23),
            ("a record that is too long", 3, 0x41),
            ("an alert", 0, 21),
        ] {
            assert!(!is_partial(&changed(at, byte)), "{wrong}");
        }
        assert!(!is_partial(&[0x16, 3, 1, 0, 0]), "an empty record");
        assert!(!is_partial(&[&hello[..105], &[21]].concat()), "the beginning of another record");
    }
}
