//! What counts where several places say something, and what is said of what cannot be read.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::*;

#[test]
fn each_source_is_over_the_one_before() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let config_home = dir.path().join("config");
    std::fs::create_dir_all(config_home.join("aim-toolkit")).expect("folders");
    std::fs::write(
        config_home.join("aim-toolkit/config.toml"),
        "enabled = false\nfuture = 1\n[retention]\nruns = 5\ndays = 6\n",
    )
    .expect("write");
    std::fs::write(dir.path().join(".aim.toml"), "[retention]\ndays = 7\n").expect("write");
    let host = Host::fake(["x"])
        .with_var("XDG_CONFIG_HOME", &config_home)
        .with_var("AIM_RETENTION_MIB", "8");
    let config = Config::load(&host, Some(&ProjectLayout::new(dir.path())));
    assert!(!config.enabled.value);
    assert_eq!(config.retention_runs.value, 5);
    assert_eq!(config.retention_days.value, 7);
    assert_eq!(
        config.retention_days.origin,
        Origin::File(dir.path().join(".aim.toml"))
    );
    assert_eq!(config.retention_mib.value, 8);
    assert_eq!(
        config.retention_mib.origin,
        Origin::Variable("AIM_RETENTION_MIB")
    );
    assert_eq!(config.lock_timeout.origin, Origin::BuiltIn);
    // What a newer toolkit may know keeps nothing from being taken.
    let [Problem::Unknown { name, .. }] = config.problems.as_slice() else {
        panic!("{:?}", config.problems)
    };
    assert_eq!(name, "future");
}

#[test]
fn what_a_person_wants_of_a_project_is_over_what_the_project_says() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path().canonicalize().expect("resolved");
    let (own, project, link) = (
        root.join("aim-toolkit/projects.toml"),
        root.join("demo.x"),
        root.join("link"),
    );
    std::fs::create_dir_all(root.join("aim-toolkit")).expect("folders");
    std::fs::create_dir_all(&project).expect("folder");
    std::os::unix::fs::symlink(&project, &link).expect("link");
    std::fs::write(project.join(".aim.toml"), "enabled = true\ngroup = \"a\"\n").expect("write");
    let check = |text: String, at: &Path, enabled: bool, group: &str| {
        std::fs::write(&own, &text).expect("write");
        let host = Host::fake(["x"]).with_var("XDG_CONFIG_HOME", &root);
        let config = Config::load(&host, Some(&ProjectLayout::new(at)));
        assert_eq!(config.problems, [], "{text}");
        assert_eq!(config.enabled.value, enabled, "{text}");
        assert_eq!(config.group.value.name(), Some(group), "{text}");
        let is_own = config.enabled.origin == Origin::File(own.clone());
        assert_eq!(is_own, text.contains("enabled"), "{text}");
        let on = host.with_var("AIM_ENABLED", "1");
        assert!(
            Config::load(&on, Some(&ProjectLayout::new(at)))
                .enabled
                .value
        );
    };
    let all = "[all]\nenabled = false\n";
    let this = format!("[projects.{:?}]\n", project.display().to_string());
    let other = "[projects.\"/other\"]\nnobody = \"knows\"\ngroup = 7\n";
    check(String::new(), &project, true, "a");
    check(other.to_owned(), &project, true, "a");
    check(all.to_owned(), &project, false, "a");
    check(
        format!("{this}enabled = false\ngroup = \"b\""),
        &project,
        false,
        "b",
    );
    check(format!("{this}enabled = false\n"), &link, false, "a");
    // A project's own is over that of all, wherever it stands.
    check(format!("{this}enabled = true\n{all}"), &project, true, "a");
}

#[test]
fn a_broken_file_is_a_problem_and_no_more() {
    let dir = tempfile::tempdir().expect("temporary folder");
    std::fs::write(dir.path().join(".aim.toml"), "enabled = maybe").expect("write");
    let host = Host::fake(["x"])
        .with_var("XDG_CONFIG_HOME", dir.path())
        .with_var("AIM_PIP_LOCK_TIMEOUT", "soon");
    let config = Config::load(&host, Some(&ProjectLayout::new(dir.path())));
    assert!(config.enabled.value);
    assert_eq!(config.problems.len(), 2, "{:?}", config.problems);
}

/// What is wrong with the file `.aim.toml` of the lines `enabled = false` and `text`, without its path.
fn problems(text: &str) -> (Config, Vec<String>) {
    let dir = tempfile::tempdir().expect("temporary folder");
    let file = dir.path().join(".aim.toml");
    std::fs::write(&file, format!("enabled = false\n{text}")).expect("write");
    let host = Host::fake(["x"]).with_var("XDG_CONFIG_HOME", dir.path());
    let config = Config::load(&host, Some(&ProjectLayout::new(dir.path())));
    let problems = config.problems.iter().map(|problem| {
        let text = problem.to_string();
        let said = text.strip_prefix(&file.display().to_string());
        said.expect("the file's name").to_owned()
    });
    let problems = problems.collect();
    (config, problems)
}

#[test]
fn a_wrong_value_spoils_itself_alone_and_is_named_with_its_line() {
    let check = |text: &str, line: usize, name: &str, expects: &str| {
        let (config, said) = problems(text);
        assert!(!config.enabled.value, "{text}");
        let expected =
            format!(":{line}: the value of \"{name}\" is ignored: it has to be {expects}");
        assert_eq!(said, [expected], "{text}");
    };
    check(
        "lock.timeout = \"soon\"",
        2,
        "lock.timeout",
        "a whole number",
    );
    check(
        "[retention]\nruns = -1",
        3,
        "retention.runs",
        "a whole number",
    );
    check("guide = 1", 2, "guide", "true or false");
    check(
        "[worker]\npolicy = \"often\"",
        3,
        "worker.policy",
        "one of \"always\", \"loaded\", \"manual\"",
    );
    check(
        "[worker]\n\nenv_allow = \"HOME\"",
        4,
        "worker.env_allow",
        "names in brackets, as in [\"HOME\", \"LC_*\"]",
    );
}

#[test]
fn of_very_many_unknown_names_some_are_told_and_every_setting_counts() {
    let mut unknown = String::new();
    for n in 0..1000 {
        writeln!(unknown, "none{n} = 1").expect("text");
    }
    let text = format!("{unknown}guide = false\nlock.timeout = \"no\"\n");
    let (config, said) = problems(&text);
    assert!(!config.guide.value);
    assert_eq!(said.len(), MOST_PROBLEMS + 1);
    assert!(said[99].starts_with(":101: "), "{}", said[99]);
    assert!(said[MOST_PROBLEMS].starts_with(":1003: "), "{said:?}");
}

#[test]
fn an_unknown_name_is_named_with_its_line_and_the_nearest_right_one() {
    let check = |text: &str, expected: &[&str]| {
        let (config, said) = problems(text);
        assert!(!config.enabled.value, "{text}");
        assert_eq!(said, expected, "{text}");
    };
    check(
        "[retention]\nrun = 3\ndays = 7",
        &[":3: unknown setting \"retention.run\"; did you mean \"retention.runs\"?"],
    );
    check(
        "policy = \"manual\"\nlock = 3\nenable = true",
        &[
            ":2: unknown setting \"policy\"; did you mean \"worker.policy\"?",
            ":3: unknown setting \"lock\"; did you mean \"lock.timeout\"?",
            ":4: unknown setting \"enable\"; did you mean \"enabled\"?",
        ],
    );
    check(
        "\"lock.timeout\" = 3\n[next.age]\nof = { many = [1] }",
        &[
            ":2: unknown setting \"\"lock.timeout\"\"; did you mean \"lock.timeout\"?",
            ":4: unknown setting \"next.age.of.many\"",
        ],
    );
    check("[lock]\n[worker]\n", &[]);
    crate::words::choose(crate::words::Language::Korean);
    check(
        "[lsp]\nidle_minute = 3\npython = \"x\"",
        &[
            ":3: 알 수 없는 설정 \"lsp.idle_minute\". \"lsp.idle_minutes\"인가요?",
            ":4: \"lsp.python\"의 값을 무시합니다. 쓸 수 있는 값: \"auto\", \"basedpyright\", \"pyright\", \"ty\" 중 하나",
        ],
    );
}

#[test]
fn what_is_no_toml_spoils_its_file_and_says_where() {
    use crate::words::{Language, choose};
    let check = |text: &str, english: &str, korean: &str| {
        for (language, expected) in [(Language::English, english), (Language::Korean, korean)] {
            choose(language);
            let (config, said) = problems(text);
            assert!(config.enabled.value && config.lock_timeout.value == 600);
            assert_eq!(said, [expected], "{text}");
        }
    };
    check(
        "lock.timeout = 5\nguide = maybe",
        ":3: the whole file is ignored, since this line is not TOML: a text needs quotes around it",
        ":3: 이 줄이 TOML 형식에 맞지 않아 파일 전체를 무시합니다: 글자 값은 따옴표로 감싸야 합니다",
    );
    check(
        "lock.timeout = 5\nlock.timeout = 6",
        ":3: the whole file is ignored, since this line is not TOML: the name is there twice",
        ":3: 이 줄이 TOML 형식에 맞지 않아 파일 전체를 무시합니다: 같은 이름이 두 번 나옵니다",
    );
    check(
        "[lock",
        ":2: the whole file is ignored, since this line is not TOML: unclosed table, expected `]`",
        ":2: 이 줄이 TOML 형식에 맞지 않아 파일 전체를 무시합니다: unclosed table, expected `]`",
    );
}

#[test]
fn every_setting_is_read_from_its_name_and_has_words() {
    for row in Config::default().rows() {
        assert!(!row.meaning.starts_with("settings."), "{}", row.name);
        let value = match &row.value {
            serde_json::Value::Bool(value) => (!value).to_string(),
            serde_json::Value::Number(_) => "7".to_owned(),
            serde_json::Value::String(_) if row.name == "group" => "\"pilot\"".to_owned(),
            serde_json::Value::String(text) if text.is_empty() => "[\"A\", \"B\"]".to_owned(),
            serde_json::Value::String(text) if text == "auto" => "\"ty\"".to_owned(),
            _ => "\"manual\"".to_owned(),
        };
        let mut config = Config::default();
        let path = PathBuf::from("f");
        let text = format!("{} = {value}", row.name);
        config.take_text(Ok(text.into_bytes()), path.clone(), entries);
        assert_eq!(config.problems, [], "{}", row.name);
        let origin = Origin::File(path);
        let mut changed = config.rows();
        changed.retain(|changed| *changed.origin == origin);
        let [changed] = changed.as_slice() else {
            panic!("{}: {changed:?}", row.name)
        };
        assert_eq!(changed.name, row.name);
        let shown = value.replace(['[', ']', '"', ','], "");
        assert_eq!(changed.text(), shown);
        // What is shown as a line of a file is one, and what is expected names every word.
        for text in [&row.default, &changed.in_file] {
            let mut config = Config::default();
            let line = format!("{} = {text}", row.name);
            config.take_text(Ok(line.into_bytes()), "f".into(), entries);
            assert_eq!(config.problems, [], "{}", row.name);
        }
    }
}

#[test]
fn a_setting_of_a_few_words_expects_all_of_them() {
    fn check<T: SettingValue>() {
        let error = T::deserialize(ValueDeserializer::parse("\"?\"").expect("TOML"))
            .err()
            .expect("no such word")
            .to_string();
        let words = error.split('`').skip(3).step_by(2);
        let words: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
        assert_eq!(T::expects(), format!("one of {}", words.join(", ")));
    }
    check::<RestartPolicy>();
    check::<PythonServer>();
}

#[test]
fn names_and_variables_are_ours_and_different() {
    let config = Config::default();
    let rows = config.rows();
    let names: BTreeSet<_> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), rows.len());
    let variables: Vec<_> = rows.iter().filter_map(|row| row.variable).collect();
    assert!(variables.iter().all(|name| name.starts_with("AIM_")));
    let different: BTreeSet<_> = variables.iter().collect();
    assert_eq!(different.len(), variables.len());
}
