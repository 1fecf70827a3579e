//! A lot of output, and output that is no text.

use super::stand_in;
use super::twins::Remembered::Once;
use super::twins::Twins;
use crate::sandbox::Python;

/// Writes what its first operand names.
const WRITES: &str = r#"
import sys
out = sys.stdout.buffer
kind = sys.argv[2]
if kind == "lines":
    block = b"".join(b"line %07d of a lot of output\n" % n for n in range(28000))
    for _ in range(200):
        out.write(block)
elif kind == "line":
    for _ in range(50):
        out.write(b"x" * 1000000)
    out.write(b"\n")
elif kind == "bytes":
    for _ in range(2000):
        out.write(bytes(range(256)) * 8 + b"\xff\xfe\x00\xed\xa0\x80 \xf0\x9f\x98 half\n")
elif kind == "both":
    for n in range(20000):
        print("out", n, flush=True)
        print("err", n, file=sys.stderr, flush=True)
out.flush()
sys.exit(3)
"#;

fn twins() -> Twins {
    Twins::prepared(&Python::main(), |sandbox| stand_in::put(sandbox, WRITES))
}

#[test]
fn a_lot_of_output_is_whole() {
    let mut twins = twins();
    for line in [
        "BIN/pip install lines | sha256sum; echo ${PIPESTATUS[*]}",
        "BIN/pip install lines > lines.txt; echo $?; sha256sum < lines.txt; rm lines.txt",
        "BIN/pip install line | sha256sum; echo ${PIPESTATUS[*]}",
        "BIN/pip install bytes | sha256sum; echo ${PIPESTATUS[*]}",
        "BIN/pip install bytes 2>&1 > bytes.txt; sha256sum < bytes.txt",
        "BIN/pip install both 2>&1 | sha256sum",
        "BIN/pip install both 2> >(sha256sum) | sha256sum; wait $!",
        "BIN/pip install lines | head -n 1; echo ${PIPESTATUS[*]}",
        "BIN/pip install line | head -c 10; echo ${PIPESTATUS[*]}",
        "BIN/pip install lines | (head -n 1; head -c 1000000 > /dev/null); echo ${PIPESTATUS[*]}",
    ] {
        twins.play(line, Once);
    }
    twins.assert_equal();
}
