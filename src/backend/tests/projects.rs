//! The registry of projects.

use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use super::{TOKEN, World, ask, generation};
use crate::api::v1::{EnvChanged, RunList, WorkerState};
use crate::api::{Address, nudge};
use crate::error::Exit;
use crate::project::ProjectId;

#[test]
fn projects_come_and_go() {
    let world = World::new();
    let client = world.client();
    world.project("root/below");
    let other = world.project("elsewhere/other");
    let made = client
        .register(&other.root().join(".venv"))
        .expect("registered");
    assert_eq!((made.id.as_str(), made.registered), ("other", true));
    assert_eq!(made.environment.as_deref(), Some(other.venv().root()));
    let ids = || -> Vec<String> {
        let list = client.projects().expect("a list");
        list.into_iter()
            .map(|project| project.id.to_string())
            .collect()
    };
    assert_eq!(ids(), ["below", "other"]);
    let found = client
        .resolve(&other.root().join(".venv"))
        .expect("resolved");
    assert_eq!(found.id.as_str(), "other");
    let worker = found.worker.expect("its worker");
    assert_eq!(worker.state, WorkerState::Stopped);
    client.forget(&made.id).expect("forgotten");
    assert_eq!(ids(), ["below"]);
    let below = ProjectId::new("below").expect("an id");
    assert_eq!(
        client.forget(&below).expect_err("a folder").exit(),
        Exit::Failed
    );
    assert_eq!(
        client.forget(&made.id).expect_err("gone").exit(),
        Exit::NotFound
    );
}

#[test]
fn a_folder_names_its_project_and_only_the_socket_registers_it() {
    let world = World::with_tcp();
    let client = world.client();
    let project = world.project("elsewhere/p");
    let address = Address::from(&project);
    let change = EnvChanged {
        generation: 1,
        run_id: None,
        wait_s: None,
    };
    let error = client
        .env_changed(address.clone(), &change)
        .expect_err("not known");
    assert_eq!(error.exit(), Exit::NotFound);
    let tcp = TcpStream::connect(world.tcp.expect("TCP")).expect("connects");
    let request = format!(
        "GET {} HTTP/1.1\nhost: localhost\nauthorization: Bearer {TOKEN}\n\
         connection: close\n\n",
        address.url("/worker")
    );
    assert_eq!(ask(tcp, &request).0, 404);
    assert!(client.projects().expect("a list").is_empty());
    let status = client
        .worker(address.clone())
        .expect("registered on the way");
    assert_eq!(status.project.as_str(), "p");
    generation(&project, 4);
    let status = client.env_changed(address, &change).expect("known by now");
    assert_eq!(
        (status.state, status.env_generation),
        (WorkerState::Stopped, 4)
    );
    assert!(nudge::env_changed(&world.host, &project, 4, "r"));
}

#[test]
fn a_project_without_environment_has_no_worker() {
    let world = World::new();
    let client = world.client();
    std::fs::create_dir(world.path("root/drawn")).expect("folder");
    std::fs::write(world.path("root/drawn/structure.json"), "{}").expect("write");
    let id = ProjectId::new("drawn").expect("an id");
    assert_eq!(
        client.worker(&id).expect("a state").state,
        WorkerState::Stopped
    );
    let error = client.start(&id).expect_err("nothing to start");
    assert_eq!(error.exit(), Exit::NotFound);
    assert!(error.hints()[0].contains("aim-venv-sync init"), "{error:?}");
}

#[test]
fn the_history_is_that_of_the_command() {
    let world = World::new();
    let project = world.project("p");
    let logs = project.layout().logs();
    std::fs::create_dir_all(&logs).expect("folder");
    let record = |n: u32, more: &str| {
        format!(
            r#"{{"schema":1,"id":"0199ab12-cd34-7000-8000-00000000000{n}","action":"install","packages":["six"],
            "argv":["pip","install","--index-url","https://kim:hunter2@host/"],"cwd":"/","tool":"pip",
            "started_at":"2026-03-0{n}T12:00:00Z","duration_ms":1200,"generation_before":{n},
            "generation_after":{n}{more}}}"#
        )
        .replace('\n', "")
            + "\n"
    };
    let first = record(
        1,
        r#","exit_code":0,"added":[{"name":"six","from":null,"to":"1.16.0"}]"#,
    );
    let second = record(2, r#","exit_code":1"#);
    std::fs::write(logs.join("runs.jsonl"), first + &second + "{\n").expect("written");
    world.client().register(project.root()).expect("known");
    let ask_for = |what: &str| {
        let stream = UnixStream::connect(world.path("s")).expect("connects");
        let path = format!("/api/v1/projects/-/{what}path={}", project.root().display());
        let request = format!("GET {path} HTTP/1.1\nhost: aim\nconnection: close\n\n");
        let (status, answer) = ask(stream, &request);
        let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
        (status, body.to_owned())
    };
    let (status, body) = ask_for("runs?limit=1&");
    assert_eq!(status, 200, "{body}");
    let list: RunList = serde_json::from_str(&body).expect("a list");
    assert_eq!(
        (list.runs.len(), list.more, list.problems.len()),
        (1, true, 1)
    );
    assert_eq!(list.runs[0].status, "error");
    assert!(!body.contains("hunter2"), "{body}");
    let newest = &list.runs[0].id;
    let (_, body) = ask_for(&format!("runs?before={newest}&"));
    let list: RunList = serde_json::from_str(&body).expect("a list");
    assert!(!list.more);
    let added = list.runs[0].added.as_ref().expect("what was added");
    assert_eq!(added[0].to.as_deref(), Some("1.16.0"));
    assert!(list.runs[0].id.starts_with(&list.runs[0].short));
    assert_eq!(ask_for("runs?before=none&").0, 404);
    // This one has no log.
    assert_eq!(ask_for(&format!("runs/{newest}/log?")).0, 404);
    assert_eq!(ask_for("runs/none/log?").0, 404);
    std::fs::write(project.root().join("node.py"), "").expect("written");
    let (_, body) = ask_for("nodes?");
    assert_eq!(body, r#"{"files":["node.py"],"flow":false}"#);
}
