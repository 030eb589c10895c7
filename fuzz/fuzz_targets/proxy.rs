#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| longwire_server::properties::proxy(data, longwire_fuzz::planted()));
