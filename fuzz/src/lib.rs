//! What the targets share. The properties themselves live in `longwire_wire::properties`, where tests run them too.
use std::sync::LazyLock;

/// Set `LONGWIRE_PLANTED` to see a target find the bug that is planted for it.
pub fn planted() -> bool {
    static PLANTED: LazyLock<bool> = LazyLock::new(|| std::env::var_os("LONGWIRE_PLANTED").is_some());
    *PLANTED
}
