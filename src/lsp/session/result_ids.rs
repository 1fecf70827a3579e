//! Ids of results: "only tell me what has changed since that answer" (LSP 3.17, `previousResultId`).
//!
//! A server that came later does not know an answer of the former one, or takes it for another of its own. So after a
//! change of servers only such an id is passed on as the present one gave last.

use std::collections::HashMap;

use serde_json::Value;

use crate::lsp::wire::Message;

const DIAGNOSTIC: &str = "textDocument/diagnostic";
const OF_WORKSPACE: &str = "workspace/diagnostic";
const DELTA: &str = "textDocument/semanticTokens/full/delta";
const TOKENS: &str = "textDocument/semanticTokens/full";

/// The ids that the present server gave; kept once there was another before it.
#[derive(Debug, Default)]
pub(super) struct ResultIds {
    /// By what was asked (diagnostics or tokens) and the file.
    given: HashMap<(bool, String), String>,
    is_needed: bool,
}

impl ResultIds {
    /// The server is another now.
    pub(super) fn begin_anew(&mut self) {
        self.is_needed = true;
        self.given.clear();
    }

    /// The request as the present server can understand it.
    pub(super) fn adapted(&self, request: &Message) -> Message {
        let method = request.method();
        if !self.is_needed || !matches!(method, DIAGNOSTIC | OF_WORKSPACE | DELTA) {
            return request.clone();
        }
        let Some(mut whole) = request.read::<Value>(&[]) else {
            return request.clone();
        };
        let params = &mut whole["params"];
        if method == OF_WORKSPACE {
            let previous = params["previousResultIds"].as_array_mut();
            if let Some(list) = previous {
                list.retain(|one| self.is_known(true, &one["uri"], &one["value"]));
            }
        } else if !self.is_known(
            method == DIAGNOSTIC,
            &params["textDocument"]["uri"],
            &params["previousResultId"],
        ) {
            params
                .as_object_mut()
                .map(|params| params.shift_remove("previousResultId"));
            if method == DELTA {
                whole["method"] = TOKENS.into();
            }
        }
        Message::new(&whole)
    }

    /// Notes the ids in the answer to `request`.
    pub(super) fn note(&mut self, request: &Message, answer: &Message) {
        if !self.is_needed {
            return;
        }
        match request.method() {
            method @ (DIAGNOSTIC | DELTA | TOKENS) => {
                let uri = request.read::<String>(&["params", "textDocument", "uri"]);
                let id = answer.read::<String>(&["result", "resultId"]);
                if let (Some(uri), Some(id)) = (uri, id) {
                    self.given.insert((method == DIAGNOSTIC, uri), id);
                }
                self.note_all(answer.read(&["result", "relatedDocuments"]).as_ref());
            }
            OF_WORKSPACE => self.note_items(answer.read(&["result", "items"]).as_ref()),
            _ => {}
        }
    }

    /// Notes the ids in a part of an answer.
    pub(super) fn note_part(&mut self, progress: &Message) {
        if self.is_needed {
            self.note_items(progress.read(&["params", "value", "items"]).as_ref());
        }
    }

    fn note_items(&mut self, items: Option<&Value>) {
        for item in items.and_then(Value::as_array).into_iter().flatten() {
            self.note_one(item["uri"].as_str(), item);
        }
    }

    fn note_all(&mut self, documents: Option<&Value>) {
        for (uri, report) in documents.and_then(Value::as_object).into_iter().flatten() {
            self.note_one(Some(uri), report);
        }
    }

    fn note_one(&mut self, uri: Option<&str>, report: &Value) {
        if let (Some(uri), Some(id)) = (uri, report["resultId"].as_str()) {
            self.given.insert((true, uri.to_owned()), id.to_owned());
        }
    }

    fn is_known(&self, is_diagnostic: bool, uri: &Value, id: &Value) -> bool {
        let key = uri.as_str().map(|uri| (is_diagnostic, uri.to_owned()));
        let given = key.and_then(|key| self.given.get(&key));
        given.is_some_and(|given| id.as_str() == Some(given))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(method: &str, params: &Value) -> Message {
        Message::request("1", method, Some(params))
    }

    fn asked(ids: &ResultIds, message: &Message) -> Value {
        ids.adapted(message).read(&[]).expect("JSON")
    }

    #[test]
    fn an_id_of_a_former_server_is_left_out() {
        let mut ids = ResultIds::default();
        let of = |id: &str| {
            request(
                DIAGNOSTIC,
                &json!({"textDocument": {"uri": "u"}, "previousResultId": id}),
            )
        };
        assert_eq!(
            ids.adapted(&of("1")).body(),
            of("1").body(),
            "the first server's"
        );
        ids.begin_anew();
        assert_eq!(
            asked(&ids, &of("1"))["params"],
            json!({"textDocument": {"uri": "u"}})
        );
        ids.note(
            &of("1"),
            &Message::answer("1", &json!({"kind": "full", "resultId": "1", "items": []})),
        );
        assert_eq!(asked(&ids, &of("1"))["params"]["previousResultId"], "1");
        assert_eq!(
            asked(&ids, &of("2"))["params"].get("previousResultId"),
            None
        );
        ids.begin_anew();
        assert_eq!(
            asked(&ids, &of("1"))["params"].get("previousResultId"),
            None
        );
    }

    #[test]
    fn a_difference_to_what_nobody_knows_is_the_whole() {
        let mut ids = ResultIds::default();
        ids.begin_anew();
        let delta = request(
            DELTA,
            &json!({"textDocument": {"uri": "u"}, "previousResultId": "7"}),
        );
        let whole = asked(&ids, &delta);
        assert_eq!(
            (&whole["method"], &whole["params"]),
            (&json!(TOKENS), &json!({"textDocument": {"uri": "u"}}))
        );
        ids.note(
            &delta,
            &Message::answer("1", &json!({"resultId": "7", "data": []})),
        );
        assert_eq!(asked(&ids, &delta)["method"], DELTA);
    }

    #[test]
    fn of_a_workspace_each_file_counts_for_itself() {
        let mut ids = ResultIds::default();
        ids.begin_anew();
        let previous = json!([{"uri": "a", "value": "1"}, {"uri": "b", "value": "2"}, {"uri": "c", "value": "3"}]);
        let all = request(OF_WORKSPACE, &json!({"previousResultIds": previous}));
        assert_eq!(asked(&ids, &all)["params"]["previousResultIds"], json!([]));
        let items = json!({"items": [{"uri": "a", "resultId": "1"}]});
        ids.note(&all, &Message::answer("1", &items));
        ids.note_part(&Message::notification(
            "$/progress",
            &json!({"value": {"items": [{"uri": "b", "resultId": "9"}]}}),
        ));
        let expected = json!([{"uri": "a", "value": "1"}]);
        assert_eq!(asked(&ids, &all)["params"]["previousResultIds"], expected);
    }
}
