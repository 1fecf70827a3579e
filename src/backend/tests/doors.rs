//! TCP, and the daemon's end.

use std::net::TcpStream;
use std::path::Path;

use super::{TOKEN, World, ask, read};
use crate::api::Client;
use crate::error::Exit;

#[test]
fn tcp_asks_for_the_token_and_answers_allowed_pages() {
    let world = World::with_tcp();
    let address = world.tcp.expect("TCP");
    let call = |method: &str, path: &str, headers: &str| {
        let stream = TcpStream::connect(address).expect("connects");
        let request =
            format!("{method} {path} HTTP/1.1\nhost: {address}\n{headers}connection: close\n\n");
        ask(stream, &request)
    };
    assert_eq!(call("GET", "/api/health", "").0, 401);
    assert_eq!(call("GET", "/metrics", "").0, 401);
    let bearer = format!("authorization: Bearer {TOKEN}\n");
    let (status, counted) = call("GET", "/metrics", &bearer);
    assert_eq!(status, 200);
    assert!(counted.contains("\naim_projects 0\n"), "{counted}");
    let (status, answer) = call("GET", "/nowhere", "");
    assert_eq!(status, 401, "what there is, is nobody's business: {answer}");
    let (status, first) = call("GET", &format!("/?token={TOKEN}"), "");
    assert_eq!(status, 200);
    let port = address.port();
    let cookie = format!("set-cookie: aim_token_{port}={TOKEN}; HttpOnly; SameSite=Strict; Path=/");
    assert!(first.contains(&cookie), "{first}");
    let with_cookie = format!("cookie: aim_token_{port}={TOKEN}\n");
    assert_eq!(call("GET", "/api/v1/projects", &with_cookie).0, 200);
    let evil = format!("{with_cookie}origin: http://evil.example\n");
    assert_eq!(call("GET", "/api/v1/projects", &evil).0, 403);
    let (status, answer) = call(
        "OPTIONS",
        "/api/v1/projects",
        "origin: http://localhost:5173\n",
    );
    assert_eq!(status, 204);
    assert!(
        answer.contains("access-control-allow-origin: http://localhost:5173"),
        "{answer}"
    );
    assert_eq!(
        call(
            "OPTIONS",
            "/api/v1/projects",
            "origin: http://evil.example\n"
        )
        .0,
        403
    );
    let page = format!("authorization: Bearer {TOKEN}\norigin: http://localhost:5173\n");
    let (status, answer) = call("GET", "/api/health", &page);
    assert_eq!(status, 200);
    assert!(
        answer.contains("access-control-allow-credentials: true"),
        "{answer}"
    );
}

#[test]
fn a_browser_is_given_a_page_and_no_other_site_is() {
    let world = World::with_tcp();
    let address = world.tcp.expect("TCP");
    let call = |path: &str, headers: &str| {
        let stream = TcpStream::connect(address).expect("connects");
        let request = format!(
            "GET {path} HTTP/1.1\nhost: {address}\naccept: text/html,*/*;q=0.8\n{headers}connection: close\n\n"
        );
        ask(stream, &request)
    };
    let (status, locked) = call("/", "");
    assert_eq!(status, 401);
    assert!(locked.contains("aim-backend status"), "{locked}");
    // With the token: the cookie, and the way to the address without it.
    let (status, open) = call(&format!("/?token={TOKEN}"), "");
    assert_eq!(status, 200);
    assert!(open.contains("http-equiv=\"refresh\""), "{open}");
    let port = address.port();
    assert!(
        open.contains(&format!("aim_token_{port}={TOKEN}; HttpOnly")),
        "{open}"
    );
    let said = &open[open.find("<!doctype").expect("a page")..];
    assert!(!said.contains(TOKEN), "{said}");
    let cookie = format!("cookie: aim_token_{port}={TOKEN}\n");
    let (status, page) = call("/", &cookie);
    assert_eq!(status, 200);
    for header in [
        "content-security-policy: default-src 'none'; script-src 'self';",
        "x-content-type-options: nosniff",
        "x-frame-options: DENY",
        "referrer-policy: no-referrer",
        "cross-origin-opener-policy: same-origin",
        "cross-origin-resource-policy: same-origin",
    ] {
        assert!(page.contains(header), "{header}: {page}");
    }
    assert_eq!(call("/assets/../index.html", &cookie).0, 404);
    assert_eq!(call("/assets/none.js", &cookie).0, 404);
    // Its address is told to the person's own programs, and to nobody by TCP.
    let told = world.client().health().expect("health").page;
    assert_eq!(told, Some(format!("http://{address}/?token={TOKEN}")));
    assert!(!call("/api/health", &cookie).1.contains("token"));
}

#[test]
fn the_end_takes_workers_along_and_ends_what_follows() {
    let mut world = World::new();
    let Some(project) = world.living_project("p") else {
        return;
    };
    let client = world.client();
    let pid = client
        .start(&project)
        .expect("started")
        .pid
        .expect("a process");
    let log = client.worker_log(&project, 10, true).expect("a log");
    let follower = std::thread::spawn(move || read(log));
    world.end();
    follower.join().expect("the log has an end");
    let process = rustix::process::Pid::from_raw(i32::try_from(pid).expect("small"));
    assert!(rustix::process::test_kill_process(process.expect("a pid")).is_err());
    assert_eq!(
        Client::connect(&world.host, None)
            .expect_err("nobody")
            .exit(),
        Exit::NoDaemon
    );
    for left in ["s", "s.lock", "s.worker"] {
        assert!(!Path::new(&world.path(left)).exists(), "{left}");
    }
}
