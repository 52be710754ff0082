//! Bytes as a message off the wire: its head and its body.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = stroma_server::wire::parse_message(bytes);
});
