//! What a scan finds is what Python's own `importlib.metadata` and pip find, whatever wrote the files.
//!
//! Environments are made at random out of the pieces that installers of all times leave. One long-lived Python judges
//! each; pip, which takes half a second, a sample.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use aim_toolkit::testing::{Host, Snapshot, Venv};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;

use crate::sandbox::{Python, stored_wheel};

/// How many environments are made.
const ENVIRONMENTS: u32 = 600;
/// One of so many is shown to pip.
const SAMPLE: u32 = 150;

/// What `site` makes of the folders, and what is installed on the path then: names that pip would show, in canonical
/// spelling, with versions.
const JUDGE: &str = r#"
import json, os, re, site, sys
import importlib.metadata as metadata
# No cache: the same folder has other things in it each time.
getattr(metadata.MetadataPathFinder, "invalidate_caches", lambda: None)
for line in sys.stdin:
    sys.path[:], known = [], set()
    for folder in json.loads(line):
        site.addsitedir(folder, known)
    if hasattr(metadata, "FastPath"):
        getattr(metadata.FastPath.__new__, "cache_clear", lambda: None)()
    found = []
    for one in metadata.distributions(path=list(sys.path)):
        name, version = one.metadata["Name"], one.metadata["Version"]
        stem = os.path.basename(str(one._path).rstrip("/")).partition("-")[0]
        if name is None or version is None or not stem[0].isalnum():
            continue
        found.append([re.sub(r"[-_.]+", "-", name).lower(), version])
    print(json.dumps(sorted(found)), flush=True)
"#;

/// Names in canonical spelling with versions, sorted.
type Installed = Vec<(String, String)>;

/// One long-lived Python.
struct Judge {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Judge {
    fn new(python: &Python) -> Self {
        let mut child = Command::new(python.path())
            .args(["-I", "-S", "-W", "ignore", "-c", JUDGE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python runs");
        Self {
            asks: child.stdin.take().expect("a pipe"),
            answers: BufReader::new(child.stdout.take().expect("a pipe")),
            child,
        }
    }

    fn judge(&mut self, sites: &[PathBuf]) -> Installed {
        let sites = serde_json::to_string(sites).expect("JSON");
        writeln!(self.asks, "{sites}").expect("it listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    fn end(mut self) {
        drop(self.asks);
        assert!(self.child.wait().expect("it ends").success());
    }
}

/// What an installer, or somebody's mishap, leaves.
#[derive(Debug, Clone, Copy)]
enum Piece {
    Wheel,
    WheelWithoutMetadata,
    WheelWithDanglingMetadata,
    WheelWithEmptyMetadata,
    UpperCaseWheel,
    EggInfoFolder,
    EggInfoWithVersion,
    EggInfoFile,
    EggFolder { on_path: bool },
    ZippedEgg { on_path: bool },
    Develop,
    PathToWheels,
    SetAside,
    Junk,
}

/// Whose folder of packages a piece lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Own,
    User,
    System,
}

fn piece() -> impl Strategy<Value = (Piece, &'static str, &'static str, Whose)> {
    use Piece::*;
    let pieces = vec![
        Wheel,
        Wheel,
        Wheel,
        WheelWithoutMetadata,
        WheelWithDanglingMetadata,
        WheelWithEmptyMetadata,
        UpperCaseWheel,
        EggInfoFolder,
        EggInfoWithVersion,
        EggInfoFile,
        EggFolder { on_path: true },
        EggFolder { on_path: false },
        ZippedEgg { on_path: true },
        ZippedEgg { on_path: false },
        Develop,
        PathToWheels,
        SetAside,
        Junk,
    ];
    let names = ["six", "zope.interface", "Jinja2", "my_lib", "a"];
    let versions = ["1.0", "2.0.post1", "2024a0", "1!3.0"];
    (
        prop::sample::select(pieces),
        prop::sample::select(names.to_vec()),
        prop::sample::select(versions.to_vec()),
        prop::sample::select(vec![Whose::Own, Whose::Own, Whose::User, Whose::System]),
    )
}

/// An environment under way.
struct Maker {
    root: PathBuf,
    /// The folders of packages: its own, the person's, the system's.
    sites: [PathBuf; 3],
    /// Whose pieces go to now.
    whose: Whose,
    easy_install: [String; 3],
    lets_others_in: bool,
}

impl Maker {
    fn new(root: &Path, lets_others_in: bool) -> Self {
        let sites = ["venv", "home/.local", "base"]
            .map(|place| root.join(place).join("lib/python3.11/site-packages"));
        for site in &sites {
            std::fs::create_dir_all(site).expect("folders");
        }
        std::fs::write(root.join("base/lib/python3.11/os.py"), "").expect("write");
        std::fs::create_dir_all(root.join("base/bin")).expect("folders");
        let cfg = format!(
            "home = {}/base/bin\ninclude-system-site-packages = {lets_others_in}\nversion = 3.11.0\n",
            root.display()
        );
        std::fs::write(root.join("venv/pyvenv.cfg"), cfg).expect("write");
        Self {
            root: root.to_path_buf(),
            sites,
            whose: Whose::Own,
            easy_install: [const { String::new() }; 3],
            lets_others_in,
        }
    }

    /// The folder of packages that pieces go to now.
    fn site(&self) -> &Path {
        &self.sites[self.whose as usize]
    }

    /// What an interpreter of the environment looks through.
    fn looked_through(&self) -> &[PathBuf] {
        &self.sites[..if self.lets_others_in { 3 } else { 1 }]
    }

    fn write(&self, place: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        let path = self.site().join(place);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        // Two pieces may want one name, as a file and as a folder.
        let _ = std::fs::write(path, bytes);
    }

    fn add(&mut self, piece: Piece, name: &str, version: &str, whose: Whose, number: usize) {
        self.whose = whose;
        let info = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\ntext\n");
        let stem = name.replace('-', "_");
        let full = format!("{stem}-{version}");
        match piece {
            Piece::Wheel => {
                self.write(format!("{full}.dist-info/METADATA"), info);
                self.write(format!("{full}.dist-info/RECORD"), "");
            }
            Piece::WheelWithoutMetadata => self.write(format!("no{full}.dist-info/RECORD"), "x"),
            Piece::WheelWithDanglingMetadata => {
                self.write(format!("dangling{full}.dist-info/RECORD"), "x");
                let link = format!("dangling{full}.dist-info/METADATA");
                let _ = std::os::unix::fs::symlink("/nowhere/METADATA", self.site().join(link));
            }
            Piece::WheelWithEmptyMetadata => {
                self.write(format!("empty{full}.dist-info/METADATA"), "");
            }
            Piece::UpperCaseWheel => self.write(format!("up{full}.DIST-INFO/METADATA"), info),
            Piece::EggInfoFolder => self.write(format!("{stem}.egg-info/PKG-INFO"), info),
            Piece::EggInfoWithVersion => {
                self.write(format!("{full}-py3.11.egg-info/PKG-INFO"), info);
            }
            Piece::EggInfoFile => self.write(format!("{full}-py3.9.egg-info"), info),
            Piece::EggFolder { on_path } => {
                let egg = format!("{full}-py3.10.egg");
                self.write(format!("{egg}/EGG-INFO/PKG-INFO"), info);
                self.put_on_path(on_path, &format!("./{egg}"));
            }
            Piece::ZippedEgg { on_path } => {
                let egg = format!("{full}-py3.7.egg");
                self.write(&egg, zip("EGG-INFO/PKG-INFO", info.as_bytes()));
                self.put_on_path(on_path, &format!("./{egg}"));
            }
            Piece::Develop => {
                let project = self.root.join(format!("project{number}"));
                self.write(project.join(format!("{stem}.egg-info/PKG-INFO")), info);
                let link = format!("{}\n.", project.display());
                self.write(format!("{name}.egg-link"), link);
                self.put_on_path(true, &project.display().to_string());
            }
            Piece::PathToWheels => {
                let target = self.root.join(format!("target{number}"));
                self.write(target.join(format!("{full}.dist-info/METADATA")), info);
                self.write(format!("target{number}.pth"), target.display().to_string());
            }
            Piece::SetAside => self.write(format!("~{full}.dist-info/METADATA"), info),
            Piece::Junk => {
                self.write(format!("{stem}.py"), "");
                self.write(
                    "easy.pth",
                    "# nothing\nimport sys\n\n/nowhere\n./no-such.egg\n",
                );
            }
        }
    }

    fn put_on_path(&mut self, on_path: bool, line: &str) {
        if on_path {
            let lines = &mut self.easy_install[self.whose as usize];
            let _ = writeln!(lines, "{line}");
            self.write("easy-install.pth", &self.easy_install[self.whose as usize]);
        }
    }

    /// What the toolkit finds: all of it, and what it shows, of several of one name one.
    fn scan(&self) -> (Installed, Installed) {
        let venv = Venv::open(self.root.join("venv")).expect("an environment");
        let host = Host::default().with_var("HOME", self.root.join("home"));
        let mut now = Snapshot::scan(&venv, &host).expect("readable");
        now.name_all(&venv, &Snapshot::default());
        let pair = |name: String, version: &str| (name, version.to_owned());
        let mut all: Vec<_> = now
            .distributions()
            .map(|one| pair(one.canonical_name(), &one.version))
            .collect();
        all.sort();
        let mut shown: Vec<_> = now
            .shown()
            .map(|one| pair(one.canonical_name(), &one.version))
            .collect();
        shown.sort();
        (all, shown)
    }
}

/// A zip file of one member, stored.
fn zip(name: &str, text: &[u8]) -> Vec<u8> {
    let crc = text.iter().fold(!0_u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1))
        })
    });
    let size = u32::try_from(text.len()).expect("short").to_le_bytes();
    let length = u16::try_from(name.len()).expect("short").to_le_bytes();
    let mut common = vec![10, 0, 0, 0, 0, 0, 0, 0, 33, 0];
    common.extend((!crc).to_le_bytes());
    common.extend(size);
    common.extend(size);
    common.extend(length);
    common.extend([0, 0]);
    let mut zip = b"PK\x03\x04".to_vec();
    zip.extend(&common);
    zip.extend(name.as_bytes());
    zip.extend(text);
    let from = u32::try_from(zip.len()).expect("short").to_le_bytes();
    let mut directory = b"PK\x01\x02\x0a\x00".to_vec();
    directory.extend(&common);
    directory.extend([0; 14]);
    directory.extend(name.as_bytes());
    let directory_size = u32::try_from(directory.len()).expect("short").to_le_bytes();
    zip.extend(&directory);
    zip.extend(b"PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00");
    zip.extend(directory_size);
    zip.extend(from);
    zip.extend([0, 0]);
    zip
}

/// What `pip list` of the wheel at `pip` shows of the environment whose folders of packages are `sites`.
fn pip_list(python: &Python, pip: &Path, sites: &[PathBuf]) -> Installed {
    let code = "import site, sys; sys.path.insert(0, sys.argv[1]); folders = sys.argv[2:]; \
        path = list(sys.path); sys.path[:], known = [], set(); \
        [site.addsitedir(folder, known) for folder in folders]; \
        paths = list(sys.path); sys.path[:] = path; \
        sys.argv = ['pip', 'list', '--format', 'json', '--disable-pip-version-check'] \
        + [word for place in paths for word in ('--path', place)]; \
        from pip._internal.cli.main import main; sys.exit(main())";
    let output = Command::new(python.path())
        .args(["-I", "-c", code])
        .arg(pip)
        .args(sites)
        .output()
        .expect("python runs");
    assert!(output.status.success(), "{output:?}");
    let listed: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    let mut all: Vec<_> = listed
        .iter()
        .map(|one| {
            let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
            let name = text("name").to_lowercase().replace(['_', '.'], "-");
            (name, text("version"))
        })
        .collect();
    all.sort();
    all
}

#[test]
fn a_scan_finds_what_python_and_pip_find() {
    let python = Python::main();
    let pips: Vec<_> = ["pip-24.0-", "pip-26"]
        .iter()
        .filter_map(|name| stored_wheel(name))
        .collect();
    let mut judge = Judge::new(&python);
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), seed);
    let strategy = prop::collection::vec(piece(), 0..12);
    for number in 0..ENVIRONMENTS {
        let pieces = strategy.new_tree(&mut runner).expect("made").current();
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = dir.path().canonicalize().expect("resolved");
        let mut maker = Maker::new(&root, number % 4 != 1);
        for (number, (piece, name, version, whose)) in pieces.iter().enumerate() {
            maker.add(*piece, name, version, *whose, number);
        }
        let (all, shown) = maker.scan();
        let expected = judge.judge(maker.looked_through());
        assert_eq!(all, expected, "environment {number}: {pieces:#?}");
        if number % SAMPLE == 0 {
            for pip in &pips {
                let listed = pip_list(&python, pip, maker.looked_through());
                // pip 24 lists eggs on no path, too, and pip 26 a name without a version where there is no METADATA.
                // Of a name that also is set aside, pip 24 lists the one that the folder tells first.
                let is_set_aside = |name: &str| {
                    pieces.iter().any(|(piece, of, ..)| {
                        matches!(piece, Piece::SetAside)
                            && of.to_lowercase().replace(['_', '.'], "-") == name
                    })
                };
                let missing: Vec<_> = shown
                    .iter()
                    .filter(|one| !listed.contains(one) && !is_set_aside(&one.0))
                    .collect();
                assert!(
                    missing.is_empty(),
                    "environment {number}, {pip:?}: {missing:?} of {pieces:#?}"
                );
                let names = |all: &[(String, String)]| -> BTreeSet<String> {
                    all.iter().map(|(name, _)| name.clone()).collect()
                };
                let made_up = |name: &str| {
                    ["no", "dangling", "empty"]
                        .iter()
                        .any(|word| name.starts_with(word))
                };
                let off_path = |name: &str| {
                    pieces.iter().any(|(piece, of, ..)| {
                        let is_off = matches!(
                            piece,
                            Piece::EggFolder { on_path: false }
                                | Piece::ZippedEgg { on_path: false }
                        );
                        is_off && of.to_lowercase().replace(['_', '.'], "-") == name
                    })
                };
                let more: Vec<_> = names(&listed).difference(&names(&shown)).cloned().collect();
                let unexplained = more.iter().find(|name| !made_up(name) && !off_path(name));
                assert_eq!(
                    unexplained, None,
                    "environment {number}, {pip:?}: {pieces:#?}"
                );
            }
        }
    }
    judge.end();
}
