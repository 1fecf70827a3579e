//! An export as a `requirements.txt` (pip's documentation, "Requirements File Format"; PEP 508).

use std::fmt::Write as _;

use super::pins::{File, Pin, Source, file_url};

/// `pins` a line each, with the sums of their files where `has_hashes`. What has no sum is then a comment: a pip that
/// reads one sum asks for all.
pub(super) fn text<'a>(
    head: &str,
    pins: impl Iterator<Item = &'a Pin>,
    has_hashes: bool,
) -> String {
    let mut text = format!("# {head}\n");
    for pin in pins {
        let mark = if has_hashes && pin.is_tree() {
            "# "
        } else {
            ""
        };
        let _ = write!(text, "{mark}{}", line(pin));
        if let (Source::Index(Some(file)), true) = (&pin.source, has_hashes) {
            for (algorithm, sum) in &file.sums {
                let _ = write!(text, " \\\n    --hash={algorithm}:{sum}");
            }
        }
        text.push('\n');
    }
    text
}

/// The line of `pin`, without hashes of their own. A file that is named by its place has them in its URL, where they
/// ask nothing of other lines.
fn line(pin: &Pin) -> String {
    let name = &pin.name;
    match &pin.source {
        Source::Index(_) => pin.requirement(),
        Source::Archive { file, subdirectory } => {
            format!("{name} @ {}", with_fragment(file, subdirectory.as_deref()))
        }
        Source::Folder { path, is_editable } => {
            let is_plain = |c: char| c.is_alphanumeric() || "/-_.+".contains(c);
            match (is_editable, path.chars().all(is_plain)) {
                (true, true) => format!("-e {path}"),
                (true, false) => format!("-e {}", file_url(path)),
                (false, _) => format!("{name} @ {}", file_url(path)),
            }
        }
        Source::Repository {
            system,
            url,
            commit,
            subdirectory,
            ..
        } => {
            let place = format!("{system}+{url}@{commit}");
            let below = subdirectory.as_ref();
            let below = below.map(|below| format!("subdirectory={below}"));
            if url.starts_with("file:") {
                // Earlier pips take no such URL after a name.
                let below = below.map(|below| format!("&{below}"));
                return format!("{place}#egg={name}{}", below.unwrap_or_default());
            }
            let below = below.map(|below| format!("#{below}"));
            format!("{name} @ {place}{}", below.unwrap_or_default())
        }
    }
}

fn with_fragment(file: &File, subdirectory: Option<&str>) -> String {
    let url = file.place();
    let below = subdirectory.map(|below| format!("subdirectory={below}"));
    let sum = file.sums.iter().next_back();
    let sum = sum.map(|(algorithm, sum)| format!("{algorithm}={sum}"));
    let parts: Vec<String> = below.into_iter().chain(sum).collect();
    if parts.is_empty() {
        url.to_owned()
    } else {
        format!("{url}#{}", parts.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(source: Source) -> Pin {
        Pin {
            name: "x".into(),
            version: "1.0".into(),
            source,
        }
    }

    fn file(url: &str, sums: &[(&str, &str)]) -> File {
        let sums = sums.iter();
        File {
            url: url.into(),
            sums: sums
                .map(|(name, sum)| ((*name).into(), (*sum).into()))
                .collect(),
        }
    }

    fn shown(source: Source, has_hashes: bool) -> String {
        let text = text("head", [pin(source)].iter(), has_hashes);
        let line = text.strip_prefix("# head\n").expect("a head");
        line.trim_end().to_owned()
    }

    #[test]
    fn each_source_has_its_line() {
        fn check(source: Source, expected: &str) {
            assert_eq!(shown(source, false), expected);
        }
        let sums = [("md5", "cd"), ("sha256", "ab")];
        let known = file("https://h.org/x-1.0.whl", &sums);
        check(Source::Index(None), "x==1.0");
        check(Source::Index(Some(known.clone())), "x==1.0");
        check(
            Source::Archive {
                file: known,
                subdirectory: Some("below".into()),
            },
            "x @ https://h.org/x-1.0.whl#subdirectory=below&sha256=ab",
        );
        check(
            Source::Archive {
                file: file("file:///w/x-1.0.whl#egg=x", &[]),
                subdirectory: None,
            },
            "x @ file:///w/x-1.0.whl",
        );
        let folder = |path: &str, is_editable| Source::Folder {
            path: path.into(),
            is_editable,
        };
        check(folder("/work/x", true), "-e /work/x");
        check(folder("/a b/#x", true), "-e file:///a%20b/%23x");
        check(folder("/work/x", false), "x @ file:///work/x");
        check(
            Source::Repository {
                system: "git".into(),
                url: "ssh://git@h.org/r".into(),
                asked: Some("main".into()),
                commit: "0a".into(),
                subdirectory: Some("s".into()),
            },
            "x @ git+ssh://git@h.org/r@0a#subdirectory=s",
        );
        check(
            Source::Repository {
                system: "git".into(),
                url: "file:///r".into(),
                asked: None,
                commit: "0a".into(),
                subdirectory: Some("s".into()),
            },
            "git+file:///r@0a#egg=x&subdirectory=s",
        );
    }

    #[test]
    fn with_hashes_what_has_none_is_a_comment() {
        let known = file("https://h.org/x-1.0.whl", &[("sha256", "ab")]);
        assert_eq!(
            shown(Source::Index(Some(known)), true),
            "x==1.0 \\\n    --hash=sha256:ab"
        );
        let folder = Source::Folder {
            path: "/work/x".into(),
            is_editable: true,
        };
        assert_eq!(shown(folder, true), "# -e /work/x");
    }
}
