//! Scripts, led to another environment's interpreter by their first lines.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The longest first line that every system reads to its end, as pip has it (distlib, `scripts.py`): longer ones, and
/// those with a space, go through the shell.
const LONGEST_LINE: usize = 127;

/// `text` for the environment `to`, if it is a script for the interpreter of `from`.
pub(super) fn led(text: &[u8], from: &Path, to: &Path) -> Option<Vec<u8>> {
    let (first, rest) = line(text)?;
    let words = first.strip_prefix(b"#!")?.trim_ascii();
    if words == b"/bin/sh" {
        return through_shell(first, rest, from, to);
    }
    let program = below(words, from)?;
    let end = program.iter().position(u8::is_ascii_whitespace);
    let (program, options) = program.split_at(end.unwrap_or(program.len()));
    let python = [to.as_os_str().as_bytes(), program].concat();
    let options = options.trim_ascii();
    let mut line = [b"#!", &*python].concat();
    if !options.is_empty() {
        line.extend([b" ", options].concat());
    }
    if line.len() > LONGEST_LINE || python.contains(&b' ') {
        let space: &[u8] = if options.is_empty() { b"" } else { b" " };
        line = [
            b"#!/bin/sh\n'''exec' \"",
            &*python,
            b"\"",
            space,
            options,
            b" \"$0\" \"$@\"\n' '''",
        ]
        .concat();
    }
    Some([&*line, b"\n", rest].concat())
}

/// A script that the shell reads first, whose second line has the interpreter.
fn through_shell(first: &[u8], rest: &[u8], from: &Path, to: &Path) -> Option<Vec<u8>> {
    let (second, others) = line(rest)?;
    let call = second.strip_prefix(b"'''exec' ")?;
    let bare = call.strip_prefix(b"\"").unwrap_or(call);
    let program = below(bare, from)?;
    let quote: &[u8] = if bare.len() < call.len() { b"\"" } else { b"" };
    let to = to.as_os_str().as_bytes();
    Some([first, b"\n'''exec' ", quote, to, program, b"\n", others].concat())
}

/// The rest of a path in the folder `folder`, from its `/` on.
fn below<'t>(path: &'t [u8], folder: &Path) -> Option<&'t [u8]> {
    let rest = path.strip_prefix(folder.as_os_str().as_bytes())?;
    rest.starts_with(b"/").then_some(rest)
}

/// The first line of `text`, and the others.
fn line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == b'\n')?;
    Some((&text[..end], &text[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, to: &str, expected: Option<&str>) {
        let led = led(text.as_bytes(), Path::new("/p/.venv"), Path::new(to));
        let led = led.map(|bytes| String::from_utf8(bytes).expect("text"));
        assert_eq!(led.as_deref(), expected, "{text}");
    }

    #[test]
    fn a_script_is_led_to_the_other_interpreter() {
        let body = "\nimport sys\n";
        check(
            "#!/p/.venv/bin/python3\nimport sys\n",
            "/v",
            Some("#!/v/bin/python3\nimport sys\n"),
        );
        check(
            "#!/p/.venv/bin/python -sE\nx\n",
            "/v",
            Some("#!/v/bin/python -sE\nx\n"),
        );
        for others in [
            "#!/usr/bin/env python3",
            "#!/p/.venv-2/bin/python",
            "#!/bin/sh\necho '''exec' /p/.venv/bin/python",
            "\u{7f}ELF",
            "",
        ] {
            check(&(others.to_owned() + body), "/v", None);
        }
        check("#!/p/.venv/bin/python", "/v", None);
    }

    #[test]
    fn a_long_way_leads_through_the_shell() {
        let far = format!("/{}", "v".repeat(130));
        check(
            "#!/p/.venv/bin/python -s\nx\n",
            &far,
            Some(&format!(
                "#!/bin/sh\n'''exec' \"{far}/bin/python\" -s \"$0\" \"$@\"\n' '''\nx\n"
            )),
        );
        check(
            "#!/p/.venv/bin/python\nx\n",
            "/a b",
            Some("#!/bin/sh\n'''exec' \"/a b/bin/python\" \"$0\" \"$@\"\n' '''\nx\n"),
        );
        let rest = "/bin/python\" \"$0\" \"$@\"\n' '''\nx\n";
        check(
            &format!("#!/bin/sh\n'''exec' \"/p/.venv{rest}"),
            "/a b",
            Some(&format!("#!/bin/sh\n'''exec' \"/a b{rest}")),
        );
        check(
            "#!/bin/sh\n'''exec' /p/.venv/bin/python \"$0\" \"$@\"\n' '''\n",
            "/v",
            Some("#!/bin/sh\n'''exec' /v/bin/python \"$0\" \"$@\"\n' '''\n"),
        );
    }
}
