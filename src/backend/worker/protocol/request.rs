//! What a worker is asked: one JSON object a line (compat, section 8, and `worker/aim_worker.py`).

use std::path::PathBuf;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::json::JsonText;
use crate::store::Generation;

/// What a worker is asked. All but [`Self::CloseFd`] are answered, in the order in which they were asked.
#[derive(Debug, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Request {
    /// To become the worker of a project, which it was a spare for.
    Activate {
        generation: Generation,
        project_root: String,
        /// Whether large outputs come by shared memory.
        shm: bool,
        /// Bytes of objects that it may keep.
        object_limit: u64,
    },
    /// To run a node, or, without a file, to put together what came on its edges.
    ExecNode {
        file: Option<String>,
        project_root: String,
        /// Of a node in a flow, what comes from other nodes.
        #[serde(skip_serializing_if = "Option::is_none")]
        edges: Option<Vec<Edge>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        input: Option<JsonText>,
        /// The name under which to keep an output that has no form in JSON.
        #[serde(skip_serializing_if = "Option::is_none")]
        keep: Option<KeepAs>,
        /// What a person is to be told beside the output.
        #[serde(skip_serializing_if = "Option::is_none")]
        show: Option<Box<Show>>,
        /// Whether it is to run there though a new process would have other modules.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        anyway: bool,
    },
    /// Which of the files that it has loaded are others now.
    Changed {},
    /// To look at the folders again, and to be at `generation` from now on.
    Invalidate { generation: Generation },
    /// To let go of objects.
    Release { refs: Vec<String> },
    /// An object as it shows itself.
    Display { r#ref: String },
    /// An object as JSON.
    FullResult { r#ref: String },
    /// To put an object into shared memory, for another worker.
    Export { r#ref: String },
    /// To keep an object that another worker put into shared memory.
    Import {
        r#ref: String,
        path: String,
        layout: Box<RawValue>,
    },
    /// Which objects it keeps: what only tests ask.
    #[cfg(test)]
    Objects {},
    /// Shared memory was opened by whom it was for, and need not be kept any longer. There is no answer.
    CloseFd { fd: u32 },
}

/// What comes on an edge: a value, or the name of an object that the worker keeps.
#[derive(Debug, Serialize)]
pub(crate) struct Edge {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<JsonText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) r#ref: Option<String>,
    pub(crate) handle: Option<String>,
    pub(crate) into: Option<String>,
}

/// The name of an object.
#[derive(Debug, Serialize)]
pub(crate) struct KeepAs {
    pub(crate) r#ref: String,
    /// Whether what has a form in JSON, however long, is not kept.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unless_json: bool,
}

/// That the reply is for a person, too: a text of what has no form in JSON, and which function ran.
#[derive(Debug, Serialize)]
pub(crate) struct Show {
    /// Where a figure is saved.
    pub(crate) figure: PathBuf,
    /// Lines that are wanted; without it all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lines: Option<u32>,
}

impl Request {
    /// The request as a line, with `id` where there is an answer that is to be known by it.
    ///
    /// # Panics
    /// Never: strings, numbers and what is JSON already always become JSON.
    pub(crate) fn line(&self, id: &str) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            #[serde(skip_serializing_if = "str::is_empty")]
            id: &'a str,
            #[serde(flatten)]
            request: &'a Request,
        }
        let line = Line { id, request: self };
        serde_json::to_string(&line).expect("strings, numbers and JSON become JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;

    fn check(request: &Request, expected: &str) {
        assert_eq!(request.line("7"), expected);
    }

    #[test]
    fn requests_are_one_line_each() {
        let (file, project_root) = (Some("a\nb.py".to_owned()), "/p".to_owned());
        let input = Json::parse("{\n\"a\": 1e400}").expect("JSON");
        check(
            &Request::ExecNode {
                file,
                project_root,
                edges: None,
                input: Some(input.into()),
                keep: None,
                show: None,
                anyway: false,
            },
            r#"{"id":"7","op":"exec_node","file":"a\nb.py","project_root":"/p","input":{ "a": 1e400}}"#,
        );
        check(
            &Request::ExecNode {
                file: None,
                project_root: "/p".to_owned(),
                edges: Some(vec![
                    Edge {
                        value: Some(JsonText::string("가")),
                        r#ref: None,
                        handle: Some("out".to_owned()),
                        into: None,
                    },
                    Edge {
                        value: None,
                        r#ref: Some("a_1".to_owned()),
                        handle: None,
                        into: Some("b".to_owned()),
                    },
                ]),
                input: None,
                keep: Some(KeepAs {
                    r#ref: "c_2".to_owned(),
                    unless_json: false,
                }),
                show: Some(Box::new(Show {
                    figure: "/f.png".into(),
                    lines: Some(9),
                })),
                anyway: true,
            },
            concat!(
                r#"{"id":"7","op":"exec_node","file":null,"project_root":"/p","edges":["#,
                r#"{"value":"가","handle":"out","into":null},{"ref":"a_1","handle":null,"into":"b"}],"#,
                r#""keep":{"ref":"c_2"},"show":{"figure":"/f.png","lines":9},"anyway":true}"#
            ),
        );
        let layout = RawValue::from_string("[1, 2]".to_owned()).expect("JSON");
        check(
            &Request::Import {
                r#ref: "a".to_owned(),
                path: "/proc/1/fd/3".to_owned(),
                layout,
            },
            r#"{"id":"7","op":"import","ref":"a","path":"/proc/1/fd/3","layout":[1, 2]}"#,
        );
        check(&Request::Changed {}, r#"{"id":"7","op":"changed"}"#);
        assert_eq!(
            Request::CloseFd { fd: 3 }.line(""),
            r#"{"op":"close_fd","fd":3}"#
        );
    }
}
