//! Workers: started, replaced, waited for.

use std::time::Duration;

use super::{World, generation, node};
use crate::api::v1::{EnvChanged, RestartRequest, StopRequest, When, WorkerState};

#[test]
fn a_new_generation_is_waited_for() {
    let world = World::new();
    let Some(project) = world.living_project("p") else {
        return;
    };
    generation(&project, 1);
    let client = world.client();
    let first = client.start(&project).expect("started");
    assert!(first.is_ready_at(1), "{first:?}");
    generation(&project, 2);
    let wait = Duration::from_secs(60);
    let second = client.worker_at(&project, 2, wait).expect("a state");
    assert!(second.is_ready_at(2), "{second:?}");
    assert_ne!(second.pid, first.pid);
    generation(&project, 3);
    let change = EnvChanged {
        generation: 3,
        run_id: None,
        wait_s: Some(60.0),
    };
    let third = client.env_changed(&project, &change).expect("a state");
    assert!(third.is_ready_at(3), "{third:?}");
    let request = RestartRequest {
        when: When::Now,
        ..RestartRequest::default()
    };
    let restarted = client.restart(&project, &request).expect("restarted");
    assert!(restarted.restarted && restarted.old_pid == third.pid);
    assert_ne!(restarted.new_pid, third.pid);
    let stopped = client
        .stop(&project, StopRequest::default())
        .expect("stopped");
    assert_eq!(stopped.state, WorkerState::Stopped);
    let at_once = client.worker_at(&project, 9, wait).expect("a state");
    assert_eq!(at_once.state, WorkerState::Stopped, "nothing to wait for");
}

#[test]
fn a_worker_that_does_not_start_is_told_in_words() {
    let world = World::new();
    let project = world.project("p");
    let client = world.client();
    let error = client.start(&project).expect_err("no interpreter");
    assert!(error.to_string().contains("interpreter is gone"), "{error}");
    assert!(error.hints()[0].contains("aim-worker logs"), "{error:?}");
    let reply = client.run_node(&project, &node("a.py"), |_| Ok(()));
    let reply: serde_json::Value = reply.expect("a reply").read().expect("JSON");
    assert_eq!(reply["ok"], false);
    assert!(
        reply["error"]
            .as_str()
            .is_some_and(|error| error.starts_with("환경 갱신 실패"))
    );
}
