//! A server is told.

use super::*;

#[test]
fn a_server_that_is_told_shows_that_it_heard() {
    let can = json!({"workspace": {"diagnostics": {"refreshSupport": true}}});
    let mut world = World::working(Strategy::Pyright, &can);
    world.says(
        "workspace/didChangeConfiguration",
        json!({"settings": {"python": 1}}),
    );
    world.heard(1, "workspace/didChangeConfiguration");
    world.changes(1);
    let told = world.heard(1, "workspace/didChangeConfiguration");
    assert_eq!(told["params"], json!({"settings": {"python": 1}}));
    assert!(world.synced().is_empty());
    world.server_says(1, "window/logMessage", json!({}));
    world.server_asks(1, 1, "workspace/configuration", json!({}));
    assert!(world.synced().is_empty());
    world.publishes(1, "file:///a.py", &[]);
    assert_eq!(world.synced(), [(1, Outcome::Injected)]);
    world.later(Duration::from_secs(60));
    assert_eq!(world.started, [1]);
}

#[test]
fn one_that_shows_nothing_is_replaced() {
    let mut world = World::working(Strategy::Pyright, &json!({}));
    world.changes(1);
    assert_eq!(
        world.heard(1, "workspace/didChangeConfiguration")["params"],
        json!({"settings": null})
    );
    world.later(Duration::from_secs(11));
    assert_eq!(world.told, [Told::NoSign]);
    world.next_begins(2);
    assert_eq!(world.synced(), [(1, Outcome::Replaced)]);
}

#[test]
fn one_whose_own_files_changed_is_replaced() {
    let mut world = World::working(Strategy::Pyright, &json!({}));
    let change = Change {
        generation: 4,
        needs_new_server: true,
        ..Change::default()
    };
    world.session.changed(change, world.now);
    world.perform();
    world.next_begins(2);
    assert_eq!(world.synced(), [(4, Outcome::Replaced)]);
}

#[test]
fn one_that_looks_by_itself_is_left_alone() {
    for strategy in [Strategy::Jedi, Strategy::Pylsp, Strategy::Ruff] {
        let mut world = World::working(strategy, &json!({}));
        world.changes(3);
        world.nobody_heard();
        assert_eq!(world.synced(), [(3, Outcome::Nothing)]);
    }
}

#[test]
fn a_server_that_does_not_look_at_path_files_is_replaced_for_them() {
    for strategy in [Strategy::Jedi, Strategy::Pylsp] {
        let mut world = World::working(strategy, &json!({}));
        let change = Change {
            generation: 1,
            moves_paths: true,
            ..Change::default()
        };
        world.session.changed(change, world.now);
        world.perform();
        world.next_begins(2);
        assert_eq!(world.synced(), [(1, Outcome::Replaced)]);
    }
}

#[test]
fn ty_is_told_of_the_folder_of_packages() {
    let change = Change {
        generation: 1,
        places: vec!["/p/.venv/lib/x y".into()],
        ..Change::default()
    };
    let mut world = World::working(Strategy::Ty, &json!({}));
    world.session.changed(change.clone(), world.now);
    world.perform();
    let told = world.heard(1, "workspace/didChangeWatchedFiles");
    assert_eq!(
        told["params"],
        json!({"changes": [{"uri": "file:///p/.venv/lib/x%20y", "type": 1}]})
    );
    world.publishes(1, "file:///a.py", &[]);
    assert_eq!(world.synced(), [(1, Outcome::Injected)]);
    // A client that asks, and cannot be told to ask, sees it when it asks.
    let mut world = World::working(Strategy::Ty, &json!({"textDocument": {"diagnostic": {}}}));
    world.session.changed(change.clone(), world.now);
    world.perform();
    assert_eq!(world.synced(), [(1, Outcome::Injected)]);
    // One that can be told to ask, and never asks, would go on showing what it has.
    let can = json!({"workspace": {"diagnostics": {"refreshSupport": true}}});
    let mut world = World::working(Strategy::Ty, &can);
    world.session.changed(change, world.now);
    world.perform();
    world.next_begins(2);
    // Without a folder there is nothing to tell.
    let mut world = World::working(Strategy::Ty, &json!({}));
    world.changes(1);
    world.next_begins(2);
}

#[test]
fn changes_that_are_not_confirmed_yet_are_confirmed_together() {
    let mut world = World::working(Strategy::Pyright, &json!({}));
    world.changes(1);
    world.later(Duration::from_secs(6));
    world.changes(2);
    world.later(Duration::from_secs(6));
    assert!(world.told.is_empty());
    world.publishes(1, "file:///a.py", &[]);
    assert!(
        matches!(world.told[..], [Told::Synced { generation: 2, took, .. }] if took == Duration::from_secs(12))
    );
}
