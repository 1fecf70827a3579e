//! What a worker answers, with an output of any size.
//!
//! A small output stands in the reply; a large one is in memory that the worker shares, and is read by whoever wants
//! it, when they want it, piece by piece. Nobody parses it on the way.
//!
//! **Invariant:** all pieces together are one JSON object on one line, as if the output had stood in the reply.

use std::fs::File;
use std::io;

use bytes::Bytes;
use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::said::Store;
use crate::api::v1::NodeCode;
use crate::backend::supervise;
use crate::json::{Json, escape, first_special};

/// Bytes that are read at once.
const PIECE: usize = 256 << 10;

/// The reply to a node (compat, section 8).
#[derive(Debug)]
pub struct WorkerReply {
    form: Form,
    /// The worker that gave it; none for one that the daemon gave in its stead.
    worker: Option<u32>,
}

#[derive(Debug)]
enum Form {
    Whole(Json),
    Parted {
        /// Up to the output.
        head: String,
        output: Large,
        /// After it.
        tail: String,
    },
}

/// An output in shared memory.
#[derive(Debug)]
struct Large {
    memory: File,
    size: u64,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Json,
    /// A string as its UTF-8.
    Text,
}

impl From<Json> for WorkerReply {
    fn from(json: Json) -> Self {
        Self {
            form: Form::Whole(json),
            worker: None,
        }
    }
}

impl WorkerReply {
    /// The reply, read to its end.
    ///
    /// # Panics
    /// Never: what the worker wrote as JSON is JSON, and anything else is answered with an error.
    pub fn into_json(self) -> Json {
        match self.form {
            Form::Whole(json) => json,
            Form::Parted { .. } => {
                let mut text = Vec::new();
                let read = self.pieces().try_for_each(|piece| {
                    text.extend_from_slice(&piece?);
                    io::Result::Ok(())
                });
                let text = String::from_utf8(text).unwrap_or_default();
                Json::parse(if read.is_ok() { text } else { String::new() })
                    .unwrap_or_else(|_| lost())
            }
        }
    }

    /// The process of the worker that gave it.
    pub(crate) fn worker(&self) -> Option<u32> {
        self.worker
    }

    /// The worker that keeps the output, and what it keeps now, if the reply has a reference to it.
    pub(crate) fn kept(&self) -> Option<(u32, Store)> {
        #[derive(Deserialize)]
        struct Said {
            kept: bool,
            store: Store,
        }
        let Form::Whole(json) = &self.form else {
            return None;
        };
        // Where else the output begins, nobody reads it for this.
        let text = json.as_str();
        let start = text.get(..text.len().min(100))?;
        if !start.contains(r#""kept":true"#) {
            return None;
        }
        let said: Said = json.read().ok()?;
        Some((self.worker?, said.store)).filter(|_| said.kept)
    }

    /// The reply without a large output, for who wants to know the rest.
    pub(crate) fn envelope(&self) -> Json {
        match &self.form {
            Form::Whole(json) => json.clone(),
            Form::Parted { head, tail, .. } => {
                Json::parse(format!("{head}null{tail}")).unwrap_or_default()
            }
        }
    }

    /// The JSON of a large output, whole; read on a thread that nobody else waits for.
    pub(crate) async fn into_large_output(self) -> io::Result<Option<Bytes>> {
        let Form::Parted { output, .. } = self.form else {
            return Ok(None);
        };
        let read = supervise::blocking("a large output", move || output.into_json()).await;
        read.map_err(|panicked| io::Error::other(panicked.to_string()))?
            .map(Some)
    }

    /// The reply's text, a piece at a time.
    pub fn pieces(self) -> impl Iterator<Item = io::Result<Bytes>> + Send {
        let (head, output, tail) = match self.form {
            Form::Whole(json) => (json.as_str().to_owned(), None, String::new()),
            Form::Parted { head, output, tail } => (head, Some(output), tail),
        };
        let quote = match &output {
            Some(output) if output.kind == Kind::Text => "\"",
            _ => "",
        };
        let count = output.as_ref().map_or(0, Large::pieces);
        let middle = (0..count).map(move |number| {
            let Some(output) = &output else {
                return Ok(Bytes::new());
            };
            let piece = output.piece(number)?;
            Ok(match output.kind {
                Kind::Json => piece.into(),
                Kind::Text => escaped(piece).into(),
            })
        });
        std::iter::once(Ok((head + quote).into()))
            .chain(middle)
            .chain(std::iter::once(Ok((quote.to_owned() + &tail).into())))
    }
}

/// Answered when the output cannot be had.
fn lost() -> Json {
    let error = "the node's output was lost on its way";
    serde_json::json!({"id": "", "ok": false, "error": error, "code": NodeCode::Internal}).into()
}

impl Large {
    fn pieces(&self) -> u64 {
        self.size.div_ceil(PIECE as u64)
    }

    fn piece(&self, number: u64) -> io::Result<Vec<u8>> {
        let start = number * PIECE as u64;
        let length = (self.size - start).min(PIECE as u64);
        self.read(start, length)
    }

    fn whole(&self) -> io::Result<Vec<u8>> {
        self.read(0, self.size)
    }

    fn into_json(self) -> io::Result<Bytes> {
        if self.kind == Kind::Json {
            return self.whole().map(Bytes::from);
        }
        let mut text = vec![b'"'];
        text.reserve(usize::try_from(self.size).unwrap_or(0) + 2);
        for piece in 0..self.pieces() {
            escape(&self.piece(piece)?, &mut text);
        }
        text.push(b'"');
        Ok(text.into())
    }

    /// Into memory that was not written before: clearing it costs as much as reading.
    fn read(&self, start: u64, length: u64) -> io::Result<Vec<u8>> {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let at = start + bytes.len() as u64;
            match rustix::io::pread(&self.memory, spare_capacity(&mut bytes), at) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // There may have been more room than was asked for.
        bytes.truncate(length);
        Ok(bytes)
    }
}

/// A piece of text as it stands in a JSON string; most are so already.
fn escaped(piece: Vec<u8>) -> Vec<u8> {
    if first_special(&piece).is_none() {
        return piece;
    }
    let mut escaped = Vec::with_capacity(piece.len() + piece.len() / 8);
    escape(&piece, &mut escaped);
    escaped
}

/// The members of a reply whose output is in shared memory.
#[derive(Debug, Deserialize)]
struct Shared<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    output_fd: u32,
    output_size: u64,
    output_kind: Kind,
    #[serde(borrow, default)]
    not_json: Option<&'a RawValue>,
    #[serde(default)]
    time_ms: u64,
    #[serde(default)]
    generation: u64,
}

/// A reply as the worker `pid` wrote it, with the descriptor that it is to be told to close, if it shares memory.
///
/// # Errors
/// When it is no JSON.
pub(crate) fn of_worker(text: String, pid: u32) -> serde_json::Result<(WorkerReply, Option<u32>)> {
    // Replies begin with the id, so this is where the member would be; anywhere else it is a node's own.
    let whole = |text: String| {
        let form = Form::Whole(Json::parse(text)?);
        Ok(WorkerReply {
            form,
            worker: Some(pid),
        })
    };
    let is_shared = text
        .get(..text.len().min(100))
        .is_some_and(|start| start.contains("\"output_fd\":"));
    if !is_shared {
        return whole(text).map(|reply| (reply, None));
    }
    let Ok(shared) = serde_json::from_str::<Shared<'_>>(&text) else {
        return whole(text).map(|reply| (reply, None));
    };
    let reply = match File::open(format!("/proc/{pid}/fd/{}", shared.output_fd)) {
        Ok(memory) => {
            let not_json = shared
                .not_json
                .map(|why| format!(",\"not_json\":{why}"))
                .unwrap_or_default();
            let form = Form::Parted {
                head: format!("{{\"id\":{},\"ok\":true,\"output\":", shared.id),
                output: Large {
                    memory,
                    size: shared.output_size,
                    kind: shared.output_kind,
                },
                tail: format!(
                    "{not_json},\"time_ms\":{},\"generation\":{}}}",
                    shared.time_ms, shared.generation
                ),
            };
            WorkerReply {
                form,
                worker: Some(pid),
            }
        }
        Err(error) => {
            tracing::warn!(pid, %error, "a node's output cannot be read");
            lost().into()
        }
    };
    Ok((reply, Some(shared.output_fd)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn parted(content: &[u8], kind: Kind) -> WorkerReply {
        let mut memory = tempfile::tempfile().expect("temporary file");
        memory.write_all(content).expect("write");
        let form = Form::Parted {
            head: "{\"ok\":true,\"output\":".to_owned(),
            output: Large {
                memory,
                size: content.len() as u64,
                kind,
            },
            tail: ",\"time_ms\":1}".to_owned(),
        };
        WorkerReply { form, worker: None }
    }

    #[tokio::test]
    async fn pieces_are_one_reply() {
        let long = "가\"\\\n\u{1}b".repeat(PIECE / 4);
        let value: serde_json::Value = parted(long.as_bytes(), Kind::Text)
            .into_json()
            .read()
            .expect("JSON");
        assert_eq!(value["output"], *long);
        let value: serde_json::Value = parted(b"[1,2]", Kind::Json)
            .into_json()
            .read()
            .expect("JSON");
        assert_eq!(value["output"][1], 2);
        let output = parted(b"a\"b", Kind::Text).into_large_output().await;
        assert_eq!(
            output.expect("read").as_deref(),
            Some(b"\"a\\\"b\"".as_slice())
        );
    }

    #[test]
    fn memory_that_is_cut_short_is_an_error() {
        let Form::Parted { mut output, .. } = parted(b"[1]", Kind::Json).form else {
            unreachable!("made so")
        };
        output.size = 10;
        assert!(output.whole().is_err() && output.piece(0).is_err());
    }

    #[test]
    fn a_node_cannot_name_a_descriptor() {
        let text = r#"{"id":"1","ok":true,"output":{"output_fd":3},"time_ms":0}"#;
        let (reply, close) = of_worker(text.to_owned(), std::process::id()).expect("JSON");
        assert_eq!((reply.into_json().as_str(), close), (text, None));
    }
}
