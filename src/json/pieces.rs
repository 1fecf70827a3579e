//! Text in pieces, so that a large output is written into an answer without being copied.
//!
//! **Invariant:** each result is turned into text once, however many events and answers it stands in.

use bytes::Bytes;

use super::text::JsonText;

/// A piece of at least so many bytes is linked. Copying a smaller one is cheaper than sending one more piece.
const LINKED: usize = 64 << 10;

/// JSON text that is being written.
#[derive(Debug, Default)]
pub(crate) struct JsonWriter {
    done: Vec<Bytes>,
    tail: Vec<u8>,
}

impl JsonWriter {
    /// Adds text as it is.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.tail.extend_from_slice(text.as_bytes());
        self
    }

    /// Adds a value by the JSON that serde makes of it.
    pub(crate) fn value<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> &mut Self {
        serde_json::to_writer(&mut self.tail, value).expect("plain data is JSON");
        self
    }

    /// Adds a value that is JSON text already.
    pub(crate) fn json(&mut self, json: &JsonText) -> &mut Self {
        self.bytes(json.bytes())
    }

    /// Adds what was written before.
    pub(crate) fn pieces(&mut self, pieces: &Pieces) -> &mut Self {
        for piece in &pieces.0 {
            self.bytes(piece);
        }
        self
    }

    /// Adds `items` with commas between, each written by `write`.
    pub(crate) fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        for (place, item) in items.into_iter().enumerate() {
            if place > 0 {
                self.text(",");
            }
            write(self, item);
        }
        self
    }

    /// What was written.
    pub(crate) fn finish(mut self) -> Pieces {
        self.cut();
        Pieces(self.done)
    }

    fn bytes(&mut self, bytes: &Bytes) -> &mut Self {
        if bytes.len() < LINKED {
            self.tail.extend_from_slice(bytes);
        } else {
            self.cut();
            self.done.push(bytes.clone());
        }
        self
    }

    fn cut(&mut self) {
        if !self.tail.is_empty() {
            self.done.push(std::mem::take(&mut self.tail).into());
        }
    }
}

/// Finished text; cheap to clone. Its pieces one after the other are the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pieces(Vec<Bytes>);

impl Pieces {
    /// Bytes in all.
    pub fn len(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The answer that has a node's whole output (compat, section 10).
    pub fn of_full_result(node: &str, data: &JsonText) -> Self {
        let mut writer = JsonWriter::default();
        writer.text(r#"{"success":true,"data":"#).json(data);
        writer.text(r#","node_id":"#).value(node).text("}");
        writer.finish()
    }

    /// The text in one piece.
    pub fn concat(&self) -> Vec<u8> {
        self.0.concat()
    }
}

impl IntoIterator for Pieces {
    type Item = Bytes;
    type IntoIter = std::vec::IntoIter<Bytes>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_value_is_linked_and_a_small_one_copied() {
        let large = JsonText::string(&"x".repeat(LINKED));
        let mut writer = JsonWriter::default();
        writer
            .text("[")
            .list([&large, &JsonText::null(), &large], |writer, json| {
                writer.json(json);
            });
        writer.text("]");
        let written = writer.finish();
        assert_eq!(written.0.len(), 5);
        assert_eq!(written.0[1].as_ptr(), large.as_bytes().as_ptr());
        assert_eq!(written.0[3].as_ptr(), large.as_bytes().as_ptr());
        assert_eq!(written.len(), written.concat().len());
        let again: Vec<serde_json::Value> =
            serde_json::from_slice(&written.concat()).expect("valid JSON");
        assert_eq!(again.len(), 3);
    }
}
