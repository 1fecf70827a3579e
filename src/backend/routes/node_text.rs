//! The text of a node's file: read for the page's editor, and saved.
//!
//! **Invariant:** no link is followed below the project, and nothing is written over a text that the page has not seen.

use std::hash::Hasher as _;
use std::io;
use std::path::{Component, Path, PathBuf};

use axum::Json;
use axum::http::StatusCode;
use serde::Deserialize;
use siphasher::sip::SipHasher13;

use super::named::{ByFolder, ById, NamedIfKnown, Shared};
use crate::api::v1::{ErrorBody, ErrorCode, NewNodeText, NodeText};
use crate::backend::answer::{Answer, Body, Query, Refusal};
use crate::backend::supervise;
use crate::files::Folder;

/// Bytes of a file that is edited.
pub(super) const LONGEST: u64 = 4 << 20;

/// The query of both calls.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// The file, relative to the project: a Python file in no hidden folder.
    file: String,
}

/// `GET …/nodes/text`.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{id}/nodes/text",
    tag = "more",
    summary = "The text of a node's file.",
    description = "At most 4 MiB of UTF-8.",
    params(ById, ByFolder, Which),
    responses(
        (status = 200, description = "Done", body = NodeText),
        (status = 400, description = "`bad-request`", body = ErrorBody),
        (status = 404, description = "`no-such-project`, `no-such-file`", body = ErrorBody),
    )
)]
pub(super) async fn show(
    _: Shared,
    NamedIfKnown(known): NamedIfKnown,
    Query(which): Query<Which>,
) -> Answer<NodeText> {
    let root = known.root();
    blocking(move || {
        let place = Place::of(&root, &which.file)?;
        let text = place
            .read()
            .map_err(|error| refused(&error))?
            .ok_or_else(|| no_such_file(&which.file))?;
        Ok(place.told(which.file, text))
    })
    .await
}

/// `PUT …/nodes/text`.
#[utoipa::path(
    put,
    path = "/api/v1/projects/{id}/nodes/text",
    tag = "more",
    summary = "Saves the text of a node's file.",
    description = "Whole or not at all; only over the version that it was made from.",
    params(ById, ByFolder, Which),
    request_body = NewNodeText,
    responses(
        (status = 200, description = "Done", body = NodeText),
        (status = 400, description = "`bad-request`", body = ErrorBody),
        (status = 404, description = "`no-such-project`, `no-such-file`", body = ErrorBody),
        (status = 409, description = "`changed-meanwhile`", body = ErrorBody),
    )
)]
pub(super) async fn save(
    _: Shared,
    NamedIfKnown(known): NamedIfKnown,
    Query(which): Query<Which>,
    Body(new): Body<NewNodeText>,
) -> Answer<NodeText> {
    let root = known.root();
    blocking(move || {
        let place = Place::of(&root, &which.file)?;
        let now = place.read().map_err(|error| refused(&error))?;
        if now.as_deref().map(version) != new.version {
            let detail = format!("{} is not what the text was made from", which.file);
            return Err(Refusal::new(
                StatusCode::CONFLICT,
                ErrorCode::ChangedMeanwhile,
                detail,
            ));
        }
        let written = place.folder.write(&place.name, new.text.as_bytes());
        written.map_err(|error| refused(&error))?;
        Ok(place.told(which.file, new.text))
    })
    .await
}

async fn blocking(
    work: impl FnOnce() -> Result<NodeText, Refusal> + Send + 'static,
) -> Answer<NodeText> {
    let done = supervise::blocking("a node's text", work).await;
    let done = done.map_err(|error| Refusal::internal("cannot reach a node's file", error))?;
    done.map(Json)
}

/// A file of a project.
struct Place {
    folder: Folder,
    name: String,
    path: PathBuf,
}

impl Place {
    fn of(root: &Path, file: &str) -> Result<Self, Refusal> {
        let odd = || Refusal::bad_request("`file` is a Python file of the project: nodes/add.py");
        let mut names = Vec::new();
        for part in Path::new(file).components() {
            match part {
                Component::Normal(name) => names.push(name.to_str().ok_or_else(odd)?),
                _ => return Err(odd()),
            }
        }
        let name = names.pop().ok_or_else(odd)?;
        let is_python = Path::new(name).extension().is_some_and(|end| end == "py");
        if !is_python
            || names
                .iter()
                .chain([&name])
                .any(|name| name.starts_with('.'))
        {
            return Err(odd());
        }
        let mut folder = Folder::open(root).map_err(|error| refused(&error))?;
        for name in names {
            folder = folder.folder(name).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => no_such_file(file),
                _ => refused(&error),
            })?;
        }
        Ok(Self {
            folder,
            name: name.to_owned(),
            path: root.join(file),
        })
    }

    /// None where it is not there.
    fn read(&self) -> io::Result<Option<String>> {
        match self.folder.read(&self.name, LONGEST) {
            Ok(bytes) => String::from_utf8(bytes)
                .map(Some)
                .map_err(|_| io::Error::other("it is not UTF-8")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn told(self, file: String, text: String) -> NodeText {
        NodeText {
            file,
            path: self.path,
            version: version(&text),
            text,
        }
    }
}

fn version(text: &str) -> String {
    let mut hasher = SipHasher13::new();
    hasher.write(text.as_bytes());
    format!("{:016x}-{}", hasher.finish(), text.len())
}

fn no_such_file(file: &str) -> Refusal {
    let detail = format!("no such file: {file}");
    Refusal::new(StatusCode::NOT_FOUND, ErrorCode::NoSuchFile, detail)
}

fn refused(error: &io::Error) -> Refusal {
    Refusal::bad_request(format!("the file cannot be used: {error}"))
}
