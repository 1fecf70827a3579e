//! The open documents and notebooks, in the order in which they were opened.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::text::{Encoding, TextChange, change};
use crate::lsp::wire::Message;

/// What is open in the client.
#[derive(Debug, Default)]
pub(super) struct Documents {
    files: Vec<Document>,
    notebooks: Vec<Notebook>,
}

/// A `TextDocumentItem`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Document {
    uri: String,
    #[serde(rename = "languageId", default)]
    language: String,
    version: Value,
    text: String,
}

/// A notebook, and the texts of its cells.
#[derive(Debug)]
struct Notebook {
    /// The `NotebookDocument` as it was opened, changed since.
    about: Map<String, Value>,
    texts: Vec<Document>,
}

#[derive(Deserialize)]
struct Identifier {
    uri: String,
    #[serde(default)]
    version: Value,
}

#[derive(Deserialize)]
struct DidChange {
    #[serde(rename = "textDocument")]
    document: Identifier,
    #[serde(rename = "contentChanges")]
    changes: Vec<TextChange>,
}

#[derive(Deserialize)]
struct NotebookOpened {
    #[serde(rename = "notebookDocument")]
    about: Map<String, Value>,
    #[serde(rename = "cellTextDocuments")]
    texts: Vec<Document>,
}

#[derive(Deserialize)]
struct NotebookChanged {
    #[serde(rename = "notebookDocument")]
    notebook: Identifier,
    change: NotebookChange,
}

#[derive(Deserialize)]
struct NotebookChange {
    metadata: Option<Value>,
    cells: Option<CellsChange>,
}

#[derive(Deserialize)]
struct CellsChange {
    structure: Option<Structure>,
    data: Option<Vec<Value>>,
    #[serde(rename = "textContent")]
    texts: Option<Vec<CellText>>,
}

#[derive(Deserialize)]
struct Structure {
    array: ArrayChange,
    #[serde(rename = "didOpen", default)]
    opened: Option<Vec<Document>>,
    #[serde(rename = "didClose", default)]
    closed: Option<Vec<Identifier>>,
}

#[derive(Deserialize)]
struct ArrayChange {
    start: usize,
    #[serde(rename = "deleteCount")]
    delete_count: usize,
    #[serde(default)]
    cells: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct CellText {
    document: Identifier,
    changes: Vec<TextChange>,
}

impl Documents {
    /// Follows one notification of the client's about documents; any other is nothing to it.
    pub(super) fn follow(&mut self, message: &Message, encoding: Encoding) {
        match message.method() {
            "textDocument/didOpen" => {
                if let Some(opened) = message.read::<Document>(&["params", "textDocument"]) {
                    self.files.retain(|file| file.uri != opened.uri);
                    self.files.push(opened);
                }
            }
            "textDocument/didChange" => {
                if let Some(changed) = message.read::<DidChange>(&["params"]) {
                    changed_in(
                        &mut self.files,
                        &changed.document,
                        &changed.changes,
                        encoding,
                    );
                }
            }
            "textDocument/didClose" => {
                if let Some(uri) = message.read::<String>(&["params", "textDocument", "uri"]) {
                    self.files.retain(|file| file.uri != uri);
                }
            }
            "notebookDocument/didOpen" => {
                if let Some(opened) = message.read::<NotebookOpened>(&["params"]) {
                    let notebook = Notebook {
                        about: opened.about,
                        texts: opened.texts,
                    };
                    self.notebooks.retain(|other| other.uri() != notebook.uri());
                    self.notebooks.push(notebook);
                }
            }
            "notebookDocument/didChange" => {
                if let Some(changed) = message.read::<NotebookChanged>(&["params"]) {
                    let mut all = self.notebooks.iter_mut();
                    if let Some(notebook) = all.find(|one| one.uri() == changed.notebook.uri) {
                        notebook.changed(changed, encoding);
                    }
                }
            }
            "notebookDocument/didClose" => {
                if let Some(uri) = message.read::<String>(&["params", "notebookDocument", "uri"]) {
                    self.notebooks.retain(|notebook| notebook.uri() != uri);
                }
            }
            _ => {}
        }
    }

    /// The notifications that open all of it.
    pub(super) fn opening(&self) -> Vec<Message> {
        let files = self.files.iter().map(|file| {
            Message::notification("textDocument/didOpen", &json!({"textDocument": file}))
        });
        let notebooks = self.notebooks.iter().map(|notebook| {
            let params =
                json!({"notebookDocument": notebook.about, "cellTextDocuments": notebook.texts});
            Message::notification("notebookDocument/didOpen", &params)
        });
        files.chain(notebooks).collect()
    }

    /// The URIs of every open text, those of cells too.
    pub(super) fn uris(&self) -> impl Iterator<Item = &str> {
        let cells = self.notebooks.iter().flat_map(|notebook| &notebook.texts);
        self.files.iter().chain(cells).map(|one| one.uri.as_str())
    }
}

impl Notebook {
    fn uri(&self) -> &str {
        self.about
            .get("uri")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn changed(&mut self, changed: NotebookChanged, encoding: Encoding) {
        self.about
            .insert("version".to_owned(), changed.notebook.version);
        if let Some(metadata) = changed.change.metadata {
            self.about.insert("metadata".to_owned(), metadata);
        }
        let Some(change) = changed.change.cells else {
            return;
        };
        if let Some(structure) = change.structure {
            self.restructure(structure);
        }
        for cell in change.data.into_iter().flatten() {
            let place = self
                .cells()
                .iter()
                .position(|one| one["document"] == cell["document"]);
            if let Some(place) = place {
                self.cells()[place] = cell;
            }
        }
        for text in change.texts.into_iter().flatten() {
            changed_in(&mut self.texts, &text.document, &text.changes, encoding);
        }
    }

    fn restructure(&mut self, structure: Structure) {
        let ArrayChange {
            start,
            delete_count,
            cells,
        } = structure.array;
        let all = self.cells();
        let start = start.min(all.len());
        let end = start.saturating_add(delete_count).min(all.len());
        all.splice(start..end, cells.unwrap_or_default());
        for closed in structure.closed.into_iter().flatten() {
            self.texts.retain(|text| text.uri != closed.uri);
        }
        for opened in structure.opened.into_iter().flatten() {
            self.texts.retain(|text| text.uri != opened.uri);
            self.texts.push(opened);
        }
    }

    fn cells(&mut self) -> &mut Vec<Value> {
        let cells = self.about.entry("cells").or_insert_with(|| json!([]));
        if !cells.is_array() {
            *cells = json!([]);
        }
        cells.as_array_mut().expect("it was made one")
    }
}

fn changed_in(
    all: &mut [Document],
    which: &Identifier,
    changes: &[TextChange],
    encoding: Encoding,
) {
    if let Some(document) = all.iter_mut().find(|document| document.uri == which.uri) {
        for one in changes {
            change(&mut document.text, one, encoding);
        }
        document.version = which.version.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(
        clippy::needless_pass_by_value,
        reason = "a value is written where it is said"
    )]
    fn follow(documents: &mut Documents, method: &str, params: Value) {
        let message = Message::notification(method, &params);
        documents.follow(&message, Encoding::Utf16);
    }

    fn opened(documents: &Documents) -> Vec<Value> {
        let all = documents.opening().into_iter();
        all.map(|message| message.read::<Value>(&["params"]).expect("parameters"))
            .collect()
    }

    #[test]
    fn a_document_is_opened_as_it_is_now() {
        let mut documents = Documents::default();
        let item = |uri: &str, version: u32, text: &str| {
            let item =
                json!({"uri": uri, "languageId": "python", "version": version, "text": text});
            json!({ "textDocument": item })
        };
        let open = |uri: &str| item(uri, 1, "a\n");
        follow(&mut documents, "textDocument/didOpen", open("file:///a"));
        follow(&mut documents, "textDocument/didOpen", open("file:///b"));
        let change = json!({
            "textDocument": {"uri": "file:///a", "version": 5},
            "contentChanges": [
                {"range": {"start": {"line": 0, "character": 1}, "end": {"line": 0, "character": 1}}, "text": "😀"},
                {"range": {"start": {"line": 0, "character": 3}, "end": {"line": 0, "character": 3}}, "text": "!"},
            ],
        });
        follow(&mut documents, "textDocument/didChange", change);
        follow(
            &mut documents,
            "textDocument/didChange",
            json!({"textDocument": {"uri": "file:///c"}, "contentChanges": []}),
        );
        follow(
            &mut documents,
            "textDocument/didClose",
            json!({"textDocument": {"uri": "file:///b"}}),
        );
        let expected = item("file:///a", 5, "a😀!\n");
        assert_eq!(opened(&documents), [expected]);
        assert_eq!(documents.uris().collect::<Vec<_>>(), ["file:///a"]);
    }

    #[test]
    fn a_notebook_is_opened_as_it_is_now() {
        let mut documents = Documents::default();
        let cell = |number: u32| json!({"kind": 2, "document": format!("cell:{number}")});
        let text = |number: u32| {
            let uri = format!("cell:{number}");
            json!({"uri": uri, "languageId": "python", "version": 1, "text": ""})
        };
        let open = json!({
            "notebookDocument": {"uri": "nb", "notebookType": "jupyter", "version": 1, "cells": [cell(1), cell(2)]},
            "cellTextDocuments": [text(1), text(2)],
        });
        follow(&mut documents, "notebookDocument/didOpen", open);
        let changed = |version: u32, change: Value| {
            let notebook = json!({"uri": "nb", "version": version});
            json!({"notebookDocument": notebook, "change": change})
        };
        let structure = json!({"cells": {"structure": {
            "array": {"start": 1, "deleteCount": 1, "cells": [cell(3)]},
            "didOpen": [text(3)],
            "didClose": [{"uri": "cell:2"}],
        }}});
        follow(
            &mut documents,
            "notebookDocument/didChange",
            changed(2, structure),
        );
        let texts = json!({"metadata": {"a": 1}, "cells": {
            "textContent": [{"document": {"uri": "cell:3", "version": 7}, "changes": [{"text": "import x"}]}],
            "data": [{"kind": 1, "document": "cell:1"}, {"kind": 1, "document": "cell:9"}],
        }});
        follow(
            &mut documents,
            "notebookDocument/didChange",
            changed(3, texts),
        );
        let expected = json!({
            "notebookDocument": {
                "uri": "nb", "notebookType": "jupyter", "version": 3, "metadata": {"a": 1},
                "cells": [{"kind": 1, "document": "cell:1"}, cell(3)],
            },
            "cellTextDocuments": [
                text(1),
                {"uri": "cell:3", "languageId": "python", "version": 7, "text": "import x"},
            ],
        });
        assert_eq!(opened(&documents), [expected]);
        follow(
            &mut documents,
            "notebookDocument/didClose",
            json!({"notebookDocument": {"uri": "nb"}}),
        );
        assert!(opened(&documents).is_empty());
    }

    #[test]
    fn what_is_of_another_shape_changes_nothing() {
        let mut documents = Documents::default();
        for method in [
            "textDocument/didOpen",
            "textDocument/didChange",
            "notebookDocument/didOpen",
            "notebookDocument/didChange",
        ] {
            for params in [
                json!(null),
                json!([]),
                json!({"textDocument": 1}),
                json!({"notebookDocument": {}}),
            ] {
                follow(&mut documents, method, params);
            }
        }
        assert!(opened(&documents).is_empty());
    }
}
