//! The page that browsers are given: the files that `web/page` was built to, which are in this program.
//!
//! They are kept compressed, as they are sent. A program that was built without them says how to build them; so Cargo
//! alone is enough for all but the page. Nothing here knows what the page does, and the page knows the daemon by its
//! calls only.
//!
//! What the browser is told to refuse (`POLICY`): anything from elsewhere, any script that is not one of these files,
//! any frame around the page. Style elements are allowed, since xterm makes some (decision 0026).

use std::io::Read as _;

use axum::Json;
use axum::extract::{Path, Request};
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, VARY,
};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;
use serde::Serialize;

use super::answer::Refusal;
use crate::api::v1::{ErrorCode, PROGRAM};
use crate::words::t;

include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// A file of the page.
pub(super) struct PageFile {
    /// Its path, below the page's own folder.
    name: &'static str,
    /// What it holds (RFC 1952).
    gzip: &'static [u8],
}

/// What a browser lets the page do (CSP 3). Its own WebSocket is in `'self'`.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    connect-src 'self'; img-src 'self' data:; font-src 'self'; manifest-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// The file that a browser begins with.
const INDEX: &str = "index.html";

/// Reply of `GET /` to programs, in AIM-Forge's shape (compat, section 14).
#[derive(Debug, Serialize)]
struct Root {
    message: &'static str,
    status: &'static str,
    features: [&'static str; 4],
}

/// `GET /`: the page for browsers, a few words for programs.
pub(super) async fn show(request: Request) -> Response {
    if !is_for_browser(request.headers()) {
        return Json(Root {
            message: PROGRAM,
            status: "running",
            features: ["projects", "workers", "nodes", "terminals"],
        })
        .into_response();
    }
    match file(FILES, INDEX) {
        Some(index) => answer(index, request.headers()),
        None => words(StatusCode::OK, "", &t!("backend.page_is.not_built")),
    }
}

/// `GET /assets/…`: the page's other files, whose names change with what they hold.
pub(super) async fn asset(Path(name): Path<String>, request: Request) -> Response {
    if let Some(file) = file(FILES, &format!("assets/{name}")) {
        return answer(file, request.headers());
    }
    let detail = format!("the page has no file {name}");
    Refusal::new(StatusCode::NOT_FOUND, ErrorCode::NoSuchCall, detail).into_response()
}

/// Whether a call asks for the page itself.
pub(super) fn is_page(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    method == Method::GET && uri.path() == "/" && is_for_browser(headers)
}

/// What a browser is answered that came with the token in its address: to come again without it, so that no history
/// keeps it. By the page and not by a redirect: one that began on another site would bring no cookie along
/// (`SameSite=Strict`).
pub(super) fn come_again() -> Response {
    let at_once = "<meta http-equiv=\"refresh\" content=\"0; url=.\">";
    words(StatusCode::OK, at_once, &t!("backend.page_is.open"))
}

/// What a browser is answered that is not let in.
pub(super) fn refused(refusal: &Refusal) -> Response {
    let text = match refusal.status() {
        StatusCode::UNAUTHORIZED => t!("backend.page_is.locked"),
        _ => refusal.detail().into(),
    };
    words(refusal.status(), "", &text)
}

fn is_for_browser(headers: &HeaderMap) -> bool {
    header(headers, &ACCEPT).contains("text/html")
}

fn file<'a>(files: &'a [PageFile], name: &str) -> Option<&'a PageFile> {
    files.iter().find(|file| file.name == name)
}

fn answer(file: &PageFile, headers: &HeaderMap) -> Response {
    let keep = if file.name == INDEX {
        "no-cache"
    } else {
        "private, max-age=31536000, immutable"
    };
    let head = [
        (CONTENT_TYPE, media_type(file.name)),
        (CACHE_CONTROL, keep),
        (CONTENT_SECURITY_POLICY, POLICY),
        (VARY, "accept-encoding"),
    ];
    if header(headers, &ACCEPT_ENCODING).contains("gzip") {
        return (head, [(CONTENT_ENCODING, "gzip")], file.gzip).into_response();
    }
    let mut plain = Vec::new();
    match GzDecoder::new(file.gzip).read_to_end(&mut plain) {
        Ok(_) => (head, plain).into_response(),
        Err(error) => Refusal::internal("cannot unpack the page", error).into_response(),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "json" | "webmanifest" => "application/json",
        _ => "application/octet-stream",
    }
}

/// A page of one paragraph.
fn words(status: StatusCode, head: &str, text: &str) -> Response {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let html = format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n{head}\
         <title>aim-toolkit</title>\n<pre>{text}</pre>\n<p><a href=\".\">aim-toolkit</a>\n"
    );
    let head = [
        (CONTENT_TYPE, media_type(INDEX)),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    (status, head, html).into_response()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use axum::body::to_bytes;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(text: &str) -> &'static [u8] {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(text.as_bytes()).expect("packed");
        gzip.finish().expect("packed").leak()
    }

    fn asked(name: &'static str, encoding: &str) -> (HeaderMap, Vec<u8>) {
        let gzip = packed("what it holds");
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, encoding.parse().expect("a value"));
        let response = answer(&PageFile { name, gzip }, &headers);
        let head = response.headers().clone();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let body = runtime.block_on(to_bytes(response.into_body(), 1 << 20));
        (head, body.expect("a body").to_vec())
    }

    #[test]
    fn a_file_is_sent_as_it_is_kept_to_who_understands_that() {
        let (head, body) = asked("assets/x-1.js", "gzip, deflate, br");
        assert_eq!(head[CONTENT_ENCODING], "gzip");
        assert_eq!(head[CONTENT_TYPE], "text/javascript; charset=utf-8");
        assert!(
            head[CACHE_CONTROL]
                .to_str()
                .expect("text")
                .contains("immutable")
        );
        assert_eq!(body, packed("what it holds"));
        let (head, body) = asked(INDEX, "identity");
        assert!(!head.contains_key(CONTENT_ENCODING));
        assert_eq!(head[CACHE_CONTROL], "no-cache");
        assert_eq!(body, b"what it holds");
    }

    #[test]
    fn words_are_text_and_no_markup() {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let response = words(StatusCode::FORBIDDEN, "", "<script>a && b</script>");
        let body = runtime.block_on(to_bytes(response.into_body(), 1 << 20));
        let text = String::from_utf8(body.expect("a body").to_vec()).expect("text");
        assert!(
            text.contains("&lt;script>a &amp;&amp; b&lt;/script>"),
            "{text}"
        );
    }

    #[test]
    fn nothing_is_allowed_to_scripts_that_are_not_ours() {
        let scripts = POLICY
            .split("; ")
            .find(|rule| rule.starts_with("script-src"));
        assert_eq!(scripts, Some("script-src 'self'"));
        assert!(POLICY.starts_with("default-src 'none'"));
    }
}
