//! The ids of requests, by which their answers are known: a node cannot guess them.
//!
//! A node may write into any descriptor that it finds, the protocol's too. So only what names the request that waits is
//! its answer; all else is noise, also where it stands on one line with an answer.
//!
//! **Invariant:** an id is used once, and nobody but the worker that was asked knows it before the answer.

use std::hash::{BuildHasher, RandomState};

use serde::Deserialize;

/// The ids of one worker's requests.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    secret: RandomState,
    count: u64,
}

impl Keys {
    /// The id of the next request.
    pub(crate) fn next(&mut self) -> String {
        self.count += 1;
        format!("{:016x}", self.secret.hash_one(self.count))
    }
}

/// The answer to the request `key` that a line ends with, if it does. It is given the id `id`.
pub(crate) fn answer_to(line: &mut Vec<u8>, key: &str, id: &str) -> Option<String> {
    let start = format!(r#"{{"id":"{key}","#);
    let at = if line.starts_with(start.as_bytes()) {
        0
    } else {
        line.windows(start.len())
            .position(|part| part == start.as_bytes())?
    };
    // The noise before it goes with its own id.
    let named = format!(r#"{{"id":"{id}","#);
    line.splice(..at + start.len(), named.into_bytes());
    String::from_utf8(std::mem::take(line)).ok()
}

/// What a worker tells of the request `key` before it answers it.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(crate) enum Event {
    /// An interrupt was raised in the node.
    Interrupted,
    /// The project's modules were forgotten, since this file is another one now.
    Loading { file: String },
}

/// The event of the request `key` that a line ends with, if it does.
pub(crate) fn event_of(line: &[u8], key: &str) -> Option<Event> {
    if !line.ends_with(format!(r#","id":"{key}"}}"#).as_bytes()) {
        return None;
    }
    let start = br#"{"event":""#;
    let at = line
        .windows(start.len())
        .rposition(|part| part == start.as_slice())?;
    serde_json::from_slice(&line[at..]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &[u8], expected: Option<&str>) {
        let found = answer_to(&mut line.to_vec(), "k1", "7");
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn an_answer_is_known_by_its_key() {
        let answer = Some(r#"{"id":"7","ok":true}"#);
        check(br#"{"id":"k1","ok":true}"#, answer);
        check(b"\xff{\"id\":\"k1\"{\"id\":\"k1\",\"ok\":true}", answer);
        check(br#"{"id":"7","ok":true}{"id":"k1","ok":true}"#, answer);
        for noise in [
            r#"{"id":"7","ok":true}"#,
            r#"{"id":"k2","ok":true}"#,
            r#"{"id":"k1"}"#,
            "k1",
            "",
        ] {
            check(noise.as_bytes(), None);
        }
    }

    #[test]
    fn an_event_is_known_by_its_key() {
        let check = |line: &[u8], expected| assert_eq!(event_of(line, "k1"), expected);
        let interrupted = || Some(Event::Interrupted);
        check(br#"{"event":"interrupted","id":"k1"}"#, interrupted());
        check(
            b"\xff{\"event\":\"{\"event\":\"interrupted\",\"id\":\"k1\"}",
            interrupted(),
        );
        let file = "a.py".to_owned();
        check(
            br#"{"event":"loading","file":"a.py","id":"k1"}"#,
            Some(Event::Loading { file }),
        );
        check(br#"{"event":"interrupted","id":"k2"}"#, None);
        check(br#"{"event":"interrupted"}"#, None);
        check(br#"{"event":"other","id":"k1"}"#, None);
    }

    #[test]
    fn no_two_keys_are_the_same() {
        let (mut one, mut two) = (Keys::default(), Keys::default());
        let mut keys: Vec<String> = (0..100).flat_map(|_| [one.next(), two.next()]).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 200);
    }
}
