//! Close codes: which a client may send, and which of ours says what.

use longwire_engine::CloseReason;

use super::head::Fault;

/// Whether an endpoint may put `code` into a close frame: those that RFC 6455 and its registry define for it (7.4.1), and
/// those of libraries and applications (7.4.2).
pub fn is_sendable(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// The code of a client's close frame, if it has one.
pub(super) fn parse_close(payload: &[u8]) -> Result<Option<u16>, Fault> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok(None) } else { Err(Fault::CloseCode) };
    };
    let code = u16::from_be_bytes(*code);
    if !is_sendable(code) {
        return Err(Fault::CloseCode);
    }
    match std::str::from_utf8(reason) {
        Ok(_) => Ok(Some(code)),
        Err(_) => Err(Fault::CloseReason),
    }
}

/// The code that tells a client why it was closed. Below 4500 it should come back, from 4500 not unchanged.
pub fn close_code(reason: CloseReason) -> u16 {
    match reason {
        CloseReason::Gone | CloseReason::Logout => 1000,
        // a fault has a code of its own, and before the upgrade there is nothing to close
        CloseReason::Violation | CloseReason::NotServed | CloseReason::Handshake | CloseReason::Http => 1002,
        CloseReason::Draining | CloseReason::Cut => 4000,
        CloseReason::Slow => 4001,
        CloseReason::Idle => 4002,
        CloseReason::Overloaded => 4003,
        CloseReason::Internal => 4004,
        CloseReason::Expired => 4006,
        CloseReason::TooFast => 4007,
        CloseReason::NoLogin => 4008,
        CloseReason::FirstFrame | CloseReason::Malformed => 4500,
        CloseReason::TooLarge => 4501,
        CloseReason::LoginRefused => 4503,
        CloseReason::Banned => 4504,
        CloseReason::Replaced => 4506,
        CloseReason::TooMany => 4507,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_code_that_may_be_sent() {
        assert!(CloseReason::ALL.into_iter().all(|reason| is_sendable(close_code(reason))));
    }

    //= PROTOCOL.md#18.13
    // A close frame carries the code of the table, or of 18.2 to 18.9.
    #[test]
    fn the_contract_lists_every_code_and_no_other() {
        let contract = include_str!("../../../../PROTOCOL.md");
        let codes =
            contract.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next()?.parse().ok());
        let mut listed: Vec<u16> = codes.filter(|code| *code >= 1000).collect();
        let mut sent: Vec<u16> = CloseReason::ALL
            .into_iter()
            .map(close_code)
            .filter(|code| *code != Fault::CutFrame.code())
            .collect();
        listed.sort_unstable();
        sent.sort_unstable();
        sent.dedup();
        assert_eq!(sent, listed);
    }

    /// All 65,536 of them; the ranges are the RFC's words, not the code's.
    #[test]
    fn codes_that_no_endpoint_sends_are_a_fault() {
        for code in 0..=u16::MAX {
            let never = [1004, 1005, 1006, 1015].contains(&code);
            let defined = (1000..=1015).contains(&code) && !never;
            let of_others = (3000..=3999).contains(&code) || (4000..=4999).contains(&code);
            let expected = if defined || of_others { Ok(Some(code)) } else { Err(Fault::CloseCode) };
            assert_eq!(parse_close(&code.to_be_bytes()), expected, "{code}");
        }
    }

    #[test]
    fn a_reason_is_utf8() {
        let close = |reason: &[u8]| parse_close(&[&1000u16.to_be_bytes()[..], reason].concat());
        assert_eq!(parse_close(b""), Ok(None));
        assert_eq!(parse_close(b"\x03"), Err(Fault::CloseCode));
        assert_eq!(close("bye, 再见".as_bytes()), Ok(Some(1000)));
        for bad in
            [&b"\xFF"[..], b"\xC0\xAF", b"\xED\xA0\x80", b"\xF4\x90\x80\x80", "é".as_bytes().split_at(1).0]
        {
            assert_eq!(close(bad), Err(Fault::CloseReason), "{bad:02x?}");
        }
    }
}
