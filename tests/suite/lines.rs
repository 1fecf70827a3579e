//! No line of code or comment is wider than a reviewer's window. rustfmt leaves comments and long texts as they are.

use std::path::Path;

/// Characters that a line may have.
const WIDTH: usize = 120;

#[test]
fn no_line_is_too_wide() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wide = Vec::new();
    let mut files = 0;
    for folder in [
        "src",
        "bin",
        "tests",
        "benches",
        "fuzz/fuzz_targets",
        "worker",
        "shims",
    ] {
        for entry in walkdir::WalkDir::new(root.join(folder)) {
            let path = entry.expect("a file").into_path();
            if path
                .extension()
                .is_none_or(|end| end != "rs" && end != "py")
            {
                continue;
            }
            files += 1;
            let text = std::fs::read_to_string(&path).expect("text");
            for (number, line) in (1..).zip(text.lines()) {
                if line.chars().count() > WIDTH {
                    wide.push(format!("{}:{number}", path.display()));
                }
            }
        }
    }
    assert!(files > 250, "only {files} files were found");
    assert!(
        wide.is_empty(),
        "lines of more than {WIDTH} characters:\n{}",
        wide.join("\n")
    );
}
