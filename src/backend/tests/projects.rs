//! The registry of projects.

use std::net::TcpStream;

use super::{TOKEN, World, ask, generation};
use crate::api::v1::{EnvChanged, WorkerState};
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
