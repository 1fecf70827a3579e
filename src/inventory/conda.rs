//! What conda installed beside Python's distributions: libraries of compilers, tools and the like.
//!
//! conda keeps a file for each package, `conda-meta/<name>-<version>-<build>.json`, where neither version nor build has
//! a `-`. The file's own text is long, and its name says enough. A package for Python has the Python in its build
//! (`py311h64a7726_0`, `pyhd8ed1ab_0`); what it installed lies in site-packages and counts there, so that an upgrade by
//! pip is seen as what it is.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::distribution::{Content, Distribution, WrittenStamp};

use crate::files::momentary::readable;
use crate::project::CONDA_META;

/// What conda installed by itself, by the files in `folder`.
///
/// # Errors
/// What the system says of the folder, but that it is missing; of a file, only what is of the moment.
pub(super) fn scan(folder: &Path) -> io::Result<Vec<Distribution>> {
    let mut all = Vec::new();
    for entry in readable(std::fs::read_dir(folder))?.into_iter().flatten() {
        let entry = entry?;
        let Ok(file) = entry.file_name().into_string() else {
            continue;
        };
        if let Some((name, version)) = name_and_version(&file)
            && let Some(meta) = readable(entry.metadata())?
        {
            all.push(Distribution {
                stamp: Some(stamp(&meta)),
                folder: Some(format!("{CONDA_META}/{file}")),
                // The build is in the file's name.
                content: Some(Content::of([file.as_bytes()])),
                ..Distribution::new(name, version)
            });
        }
    }
    Ok(all)
}

fn stamp(meta: &std::fs::Metadata) -> WrittenStamp {
    WrittenStamp {
        mtime_ns: meta
            .mtime()
            .saturating_mul(1_000_000_000)
            .saturating_add(meta.mtime_nsec()),
        size: meta.size(),
    }
}

/// Whether `place` is one of conda's files.
pub(super) fn keeps(place: &str) -> bool {
    place
        .strip_prefix(CONDA_META)
        .is_some_and(|file| file.starts_with('/'))
}

/// Of a file of conda's, unless it is of a package for Python.
fn name_and_version(file: &str) -> Option<(&str, &str)> {
    let stem = file.strip_suffix(".json")?;
    let mut parts = stem.rsplitn(3, '-');
    let (build, version, name) = (parts.next()?, parts.next()?, parts.next()?);
    (!name.is_empty() && !build.contains("py")).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::inventory::Snapshot;
    use crate::project::Venv;

    #[test]
    fn names_and_versions_are_in_the_files_name() {
        for (file, expected) in [
            ("openssl-3.2.1-hd590300_0.json", Some(("openssl", "3.2.1"))),
            (
                "libstdcxx-ng-13.2.0-h7e041cc_5.json",
                Some(("libstdcxx-ng", "13.2.0")),
            ),
            (
                "_libgcc_mutex-0.1-main.json",
                Some(("_libgcc_mutex", "0.1")),
            ),
            ("tzdata-2024a-h0c530f3_0.json", Some(("tzdata", "2024a"))),
            ("numpy-1.26.4-py311h64a7726_0.json", None),
            ("pytorch-2.1.0-cpu_mkl_py311h1234567_100.json", None),
            ("requests-2.31.0-pyhd8ed1ab_0.json", None),
            ("python-3.11.8-hab00c5b_0_cpython.json", None),
            ("history", None),
            ("odd.json", None),
        ] {
            assert_eq!(name_and_version(file), expected, "{file}");
        }
    }

    fn shown(venv: &Venv) -> Vec<String> {
        let now = Snapshot::scan(venv, &Host::default()).expect("readable");
        let show = |one: &Distribution| {
            let by = now.installer(venv, &one.name, None).expect("readable");
            let by = by.unwrap_or_default();
            format!("{} {} {by}", one.name, one.version)
        };
        now.distributions().map(show).collect()
    }

    #[test]
    fn what_lies_in_site_packages_counts_there() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let write = |place: &str, text: &str| {
            let path = dir.path().join(place);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            std::fs::write(path, text).expect("write");
        };
        write("conda-meta/history", "");
        write("conda-meta/zlib-1.3.1-h4ab18f5_1.json", "{}");
        write("conda-meta/numpy-1.26.4-py311h64a7726_0.json", "{}");
        write("conda-meta/protobuf-4.25.1-h1234567_0.json", "{}");
        let site = "lib/python3.11/site-packages";
        write(&format!("{site}/numpy-2.0.0.dist-info/METADATA"), "x");
        write(&format!("{site}/numpy-2.0.0.dist-info/INSTALLER"), "pip\n");
        write(&format!("{site}/protobuf-4.25.1.dist-info/METADATA"), "x");
        let venv = Venv::open(dir.path()).expect("an environment");
        assert_eq!(
            shown(&venv),
            ["numpy 2.0.0 pip", "protobuf 4.25.1 ", "zlib 1.3.1 conda"]
        );
    }
}
