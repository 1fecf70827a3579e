//! What every call has in common: versions, and refusals.

use std::os::unix::net::UnixStream;

use super::{World, ask};

#[test]
fn health_and_version() {
    let world = World::new();
    let client = world.client();
    let health = client.health().expect("healthy");
    assert_eq!(
        (health.status.as_str(), health.service.as_str()),
        ("healthy", "backend")
    );
    assert_eq!(health.pid, Some(std::process::id()));
    assert_eq!(
        client.version().version.as_deref(),
        Some(env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(world.get("/").0, 200);
}

#[test]
fn every_refusal_has_one_shape() {
    let world = World::new();
    let long = format!("{{{}", " ".repeat(1 << 20));
    for (method, path, body, expected) in [
        ("GET", "/nowhere", "", (404, "no-such-call")),
        (
            "GET",
            "/api/v1/projects/x/nothing",
            "",
            (404, "no-such-call"),
        ),
        ("PUT", "/api/health", "", (405, "method-not-allowed")),
        (
            "DELETE",
            "/api/v1/projects/x/worker",
            "",
            (405, "method-not-allowed"),
        ),
        ("POST", "/api/v1/projects", "{", (400, "bad-request")),
        ("POST", "/api/v1/projects", "{}", (422, "bad-request")),
        ("POST", "/api/v1/projects", "[1]", (422, "bad-request")),
        (
            "POST",
            "/api/v1/projects",
            r#"{"path":"rel"}"#,
            (400, "bad-request"),
        ),
        (
            "POST",
            "/api/v1/projects",
            r#"{"path":"/nowhere"}"#,
            (404, "no-environment"),
        ),
        ("POST", "/api/v1/projects", &long, (413, "too-large")),
        ("GET", "/api/v1/resolve", "", (400, "bad-request")),
        ("GET", "/api/v1/resolve?path=rel", "", (400, "bad-request")),
        (
            "GET",
            "/api/v1/resolve?path=/nowhere",
            "",
            (404, "no-such-project"),
        ),
        (
            "GET",
            "/api/v1/projects/x/worker",
            "",
            (404, "no-such-project"),
        ),
        (
            "POST",
            "/api/v1/projects/x/nodes/run",
            "{}",
            (404, "no-such-project"),
        ),
    ] {
        let (status, answer) = world.send(method, path, body);
        assert_eq!(status, expected.0, "{method} {path}: {answer}");
        let json = answer.split_once("\r\n\r\n").expect("a body").1;
        let error: serde_json::Value = serde_json::from_str(json).expect(json);
        assert_eq!(error["code"], expected.1, "{method} {path}");
        assert!(
            error["detail"]
                .as_str()
                .is_some_and(|detail| !detail.is_empty())
        );
    }
}

#[test]
fn hostile_ids_lead_nowhere() {
    let world = World::new();
    world.project("outside");
    for id in [
        "%2E%2E",
        "%2E",
        "..",
        "a%5Cb",
        "a%2Fb",
        "%00",
        "%0A",
        "%ff%fe",
        "%2E%2E%2Foutside",
        "root%2F..%2Foutside",
        "%2F",
        "%2Fnowhere%2Fat%2Fall",
        &"x".repeat(300),
    ] {
        for rest in ["/worker", ""] {
            let (status, answer) = world.get(&format!("/api/v1/projects/{id}{rest}"));
            assert_eq!(status, 404, "{id}: {answer}");
            assert!(answer.contains("\"code\":\"no-such-"), "{id}: {answer}");
        }
    }
    assert!(world.client().projects().expect("a list").is_empty());
}

#[test]
fn packages_have_no_call() {
    let world = World::new();
    let project = world.project("p");
    world.client().register(project.root()).expect("known");
    for (method, call) in [
        ("GET", "list"),
        ("POST", "install"),
        ("DELETE", "uninstall"),
        ("GET", "logs/x.log"),
        ("GET", ""),
    ] {
        let stream = UnixStream::connect(world.path("s")).expect("connects");
        let request = format!(
            "{method} /api/project/p/packages/{call} HTTP/1.1\nhost: aim\nconnection: close\n\n"
        );
        let (status, answer) = ask(stream, &request);
        assert_eq!(status, 404, "{method} {call}: {answer}");
        assert!(answer.contains("no-such-call"), "{answer}");
    }
}
