//! Taking the client's mask off, sixteen bytes a step.

/// Bytes of one step: the compiler makes each one exclusive-or of a vector unit.
const STEP: usize = 16;

/// Takes `mask` off `payload`, which begins where the mask does (RFC 6455, 5.3).
pub(super) fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let word = [u32::from_ne_bytes(mask); STEP / 4];
    let (steps, rest) = payload.as_chunks_mut::<STEP>();
    for step in steps {
        for (part, word) in step.as_chunks_mut::<4>().0.iter_mut().zip(word) {
            *part = (u32::from_ne_bytes(*part) ^ word).to_ne_bytes();
        }
    }
    rest.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
}

/// The mask for what follows behind `bytes` bytes of payload.
pub(super) fn turned(mut mask: [u8; 4], bytes: usize) -> [u8; 4] {
    mask.rotate_left(bytes % 4);
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_turned_by_the_mask_of_its_place() {
        let mask = [0x37, 0xFA, 0x21, 0x3D];
        for len in 0..70 {
            for from in 0..9.min(len + 1) {
                let masked: Vec<u8> = (0..len as u8).map(|at| at ^ mask[usize::from(at) % 4]).collect();
                let mut payload = masked.clone();
                unmask(&mut payload[..from], mask);
                unmask(&mut payload[from..], turned(mask, from));
                assert_eq!(payload, (0..len as u8).collect::<Vec<_>>(), "{len} bytes, cut at {from}");
            }
        }
    }

    #[test]
    fn the_example_of_the_rfc() {
        let mut payload = [0x7F, 0x9F, 0x4D, 0x51, 0x58];
        unmask(&mut payload, [0x37, 0xFA, 0x21, 0x3D]);
        assert_eq!(&payload, b"Hello");
    }
}
