//! Files that somebody blew up, and numbers that nobody comes to.

use std::io::Write as _;
use std::path::Path;

use crate::sandbox::Sandbox;

/// Makes `path` a file of `length` bytes, most of them a hole.
fn blow_up(path: &Path, length: u64) {
    let file = std::fs::File::options()
        .append(true)
        .create(true)
        .open(path)
        .expect("open");
    file.set_len(length).expect("a hole");
}

#[test]
fn a_line_of_a_gigabyte_among_the_records_costs_one_rewrite() {
    let sandbox = Sandbox::ready();
    sandbox.pip_works();
    let runs = sandbox.project().join(".pip-logs/runs.jsonl");
    blow_up(&runs, 1 << 30);
    let generation = sandbox.generation();
    sandbox.pip_works();
    assert_eq!(sandbox.generation(), generation + 1);
    assert!(
        runs.metadata().expect("there").len() < 1 << 20,
        "it is small again"
    );
    assert_eq!(sandbox.last_record()["action"], "install");
    blow_up(&runs, 1 << 30);
    sandbox.run("aim-logs", ["list"]).ok().warns("MiB");
    sandbox.run("aim-venv-sync", ["doctor"]);
}

#[test]
fn an_env_meta_that_is_too_long_is_told_and_set_aside() {
    let sandbox = Sandbox::ready();
    sandbox.pip_works();
    let generation = sandbox.generation();
    let meta = sandbox.project().join("env_meta.json");
    blow_up(&meta, 64 << 20);
    sandbox
        .run("aim-venv-sync", ["doctor"])
        .exits(1)
        .says("longer than 4 MiB");
    sandbox.pip_works();
    assert_eq!(sandbox.generation(), generation + 1);
    let aside = sandbox.project().join("env_meta.json.broken-1");
    assert_eq!(aside.metadata().expect("kept").len(), 64 << 20);
}

#[test]
fn a_giant_value_is_never_printed_whole() {
    let sandbox = Sandbox::ready();
    sandbox.pip_works();
    let giant = "x".repeat(3 << 20);
    for (place, text) in [
        (
            "env_meta.json",
            format!(r#"{{"updated_at":null,"packages":"{giant}"}}"#),
        ),
        (".aim.toml", format!("enabled = \"{giant}\"\n")),
        (".aim.toml", format!("{giant}{giant}")),
        (".pip-logs/runs.jsonl", format!("{{\"id\":\"{giant}\"}}\n")),
    ] {
        let path = sandbox.write(place, &text);
        for (program, verb) in [
            ("aim-venv-sync", "doctor"),
            ("aim-venv-sync", "status"),
            ("aim-venv-sync", "config"),
            ("aim-logs", "list"),
        ] {
            let ran = sandbox.run(program, [verb]);
            let printed = ran.output.stdout.len() + ran.output.stderr.len();
            assert!(
                printed < 64 << 10,
                "{program} {verb} with {place}: {printed} bytes"
            );
        }
        std::fs::remove_file(path).expect("removed");
    }
}

/// `env_meta.json` as it came with a clone, at `generation`.
fn claim(sandbox: &Sandbox, generation: &str) {
    let mut meta = sandbox.env_meta();
    meta["generation"] = 777_777.into();
    let text = meta.to_string().replace("777777", generation);
    sandbox.write("env_meta.json", &text);
}

#[test]
fn a_generation_that_no_run_explains_does_not_spoil_a_project() {
    for claimed in ["9000000000000000", "18446744073709551615", "1000000000000"] {
        let sandbox = Sandbox::ready();
        sandbox.pip_works();
        let generation = sandbox.generation();
        claim(&sandbox, claimed);
        sandbox.run("aim-venv-sync", ["sync", "--check"]).exits(1);
        sandbox.run("aim-venv-sync", ["sync"]).ok();
        assert_eq!(
            sandbox.generation(),
            generation,
            "{claimed}: healed by sync"
        );
        sandbox.run("aim-venv-sync", ["sync", "--check"]).ok();
        claim(&sandbox, claimed);
        sandbox.pip_works();
        assert_eq!(
            sandbox.generation(),
            generation + 1,
            "{claimed}: healed by pip"
        );
    }
}

#[test]
fn a_generation_that_may_be_honest_is_believed() {
    // A project from elsewhere, with neither runs nor a snapshot.
    let sandbox = Sandbox::ready();
    sandbox.pip_works();
    claim(&sandbox, "41");
    std::fs::remove_dir_all(sandbox.project().join(".pip-logs")).expect("removed");
    std::fs::remove_file(sandbox.venv().join(".aim/snapshot.json")).expect("removed");
    sandbox.pip_works();
    assert_eq!(sandbox.generation(), 42);
    // Records that are gone, and a file of AIM-Forge's that lost the number.
    std::fs::remove_file(sandbox.project().join(".pip-logs/runs.jsonl")).expect("removed");
    let mut meta = sandbox.env_meta();
    meta.as_object_mut()
        .expect("an object")
        .remove("generation");
    sandbox.write("env_meta.json", &meta.to_string());
    sandbox.pip_works();
    assert_eq!(sandbox.generation(), 43);
}

#[test]
fn a_record_with_a_number_beyond_json_is_not_counted_on() {
    let sandbox = Sandbox::ready();
    sandbox.pip_works();
    let generation = sandbox.generation();
    let mut record = sandbox.last_record();
    record["generation_after"] = u64::MAX.into();
    record["id"] = "01a2104f-e3b4-7049-abe7-2fbdf1262dc4".into();
    let runs = sandbox.project().join(".pip-logs/runs.jsonl");
    let mut file = std::fs::File::options()
        .append(true)
        .open(runs)
        .expect("open");
    writeln!(file, "{record}").expect("written");
    sandbox.pip_works();
    assert_eq!(sandbox.generation(), generation + 1);
}
