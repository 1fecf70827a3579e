//! Any stream of messages to or from a language server, in pieces: the first byte says how long they are.
#![no_main]

use aim_toolkit::testing::{Frame, Frames, Message};
use libfuzzer_sys::fuzz_target;

fn frames(stream: &[u8], size: usize) -> Vec<Frame> {
    let (mut frames, mut all) = (Frames::default(), Vec::new());
    for mut piece in stream.chunks(size) {
        while !piece.is_empty() {
            frames.read_from(&mut piece).expect("memory can be read");
            while let Some(frame) = frames.frame() {
                all.push(frame);
            }
        }
    }
    all
}

fuzz_target!(|input: &[u8]| {
    let Some((size, stream)) = input.split_first() else {
        return;
    };
    let bodies = |frames: Vec<Frame>| -> Vec<Vec<u8>> {
        let bodies = frames.into_iter().filter_map(|frame| match frame {
            Frame::Body(body) => Some(body),
            Frame::Text(_) => None,
        });
        bodies.collect()
    };
    let whole = bodies(frames(stream, stream.len().max(1)));
    let pieces = bodies(frames(stream, usize::from(*size).max(1)));
    // Long lines without an end are cut where they come, so only streams without them must be the same.
    if stream.len() < 8_000 {
        assert_eq!(whole, pieces);
    }
    for body in whole {
        let message = Message::of(body);
        let _ = (message.kind(), message.id().len(), message.method().len(), message.is_error());
        let _ = message.with_id("7").with(&["params", "token"], "1");
    }
});
