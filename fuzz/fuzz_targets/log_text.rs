//! Any output of pip, in pieces: the first byte says how long they are.
#![no_main]

use aim_toolkit::testing::readable;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|output: &[u8]| {
    let Some((size, bytes)) = output.split_first() else {
        return;
    };
    let whole = readable([bytes]);
    assert_eq!(readable(bytes.chunks(usize::from(*size).max(1))), whole);
    assert!(!whole.contains(|c: char| c.is_control() && c != '\t' && c != '\n'));
});
