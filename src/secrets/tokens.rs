//! Tokens that are known by their own look, wherever they stand.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::urls::after_last;

/// How a token begins, how many more characters it has at least, and whether these are of a kind that no name of a
/// distribution is made of.
struct Shape {
    begin: &'static str,
    least: usize,
    /// There must be a digit and a capital letter in it: without them it may be a name with dashes.
    is_mixed: bool,
}

const fn sure(begin: &'static str, least: usize) -> Shape {
    Shape {
        begin,
        least,
        is_mixed: false,
    }
}

const fn mixed(begin: &'static str, least: usize) -> Shape {
    Shape {
        begin,
        least,
        is_mixed: true,
    }
}

/// As their makers document them, and as the public scanners for leaked secrets know them.
const SHAPES: &[Shape] = &[
    // PyPI and TestPyPI (macaroons).
    sure("pypi-Ag", 16),
    // GitHub.
    sure("ghp_", 20),
    sure("gho_", 20),
    sure("ghu_", 20),
    sure("ghs_", 20),
    sure("ghr_", 20),
    sure("github_pat_", 20),
    // GitLab.
    sure("glpat-", 16),
    sure("gldt-", 16),
    sure("glrt-", 16),
    sure("glcbt-", 16),
    sure("glptt-", 16),
    sure("glft-", 16),
    sure("glimt-", 16),
    sure("glagent-", 16),
    sure("gloas-", 16),
    sure("glsoat-", 16),
    // Slack.
    sure("xoxa-", 10),
    sure("xoxb-", 10),
    sure("xoxe-", 10),
    sure("xoxo-", 10),
    sure("xoxp-", 10),
    sure("xoxr-", 10),
    sure("xoxs-", 10),
    mixed("xapp-", 20),
    // Amazon's key ids.
    mixed_key("AKIA"),
    mixed_key("ASIA"),
    mixed_key("ABIA"),
    mixed_key("ACCA"),
    // Google.
    mixed("AIza", 30),
    sure("ya29.", 20),
    // npm, Docker, Hugging Face, OpenAI and Anthropic, Stripe, DigitalOcean, SendGrid, Artifactory, Databricks, Pulumi.
    sure("npm_", 30),
    sure("dckr_pat_", 16),
    mixed("hf_", 30),
    mixed("sk-", 20),
    sure("sk_live_", 16),
    sure("sk_test_", 16),
    sure("rk_live_", 16),
    sure("dop_v1_", 32),
    mixed("SG.", 30),
    mixed("AKCp", 40),
    sure("dapi", 32),
    sure("pul-", 36),
];

/// Twenty characters with the beginning.
const fn mixed_key(begin: &'static str) -> Shape {
    sure(begin, 16)
}

/// How a JSON web token begins: `{"`, in base64.
const JWT: &str = "eyJ";

/// Fewer characters than any token has.
const SHORTEST: usize = 15;

/// What stands before a token in a header: `Bearer`, `bearer`, `Basic`, `basic`.
static SCHEMES: LazyLock<[Finder; 2]> = LazyLock::new(|| ["earer ", "asic "].map(Finder::new));

/// What a byte is to tokens. This is asked of each byte that pip prints.
static KINDS: [Byte; 256] = kinds();

#[derive(Clone, Copy, PartialEq, Eq)]
enum Byte {
    Other,
    OfToken,
    /// Of a token, and the first of one's shape.
    Begin,
}

const fn kinds() -> [Byte; 256] {
    let mut kinds = [Byte::Other; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') {
            kinds[byte as usize] = Byte::OfToken;
        }
        byte += 1;
    }
    kinds[JWT.as_bytes()[0] as usize] = Byte::Begin;
    let mut shape = 0;
    while shape < SHAPES.len() {
        kinds[SHAPES[shape].begin.as_bytes()[0] as usize] = Byte::Begin;
        shape += 1;
    }
    kinds
}

fn kind(byte: u8) -> Byte {
    KINDS[usize::from(byte)]
}

/// Adds where tokens stand in `text`.
pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    // Looked at from its end, most text is known to have no token by a few of its bytes.
    while at + SHORTEST <= bytes.len() {
        let near = at + SHORTEST;
        let is_other = |byte: &u8| !is_of_token(*byte);
        if let Some(other) = bytes[at..near].iter().rposition(is_other) {
            at += other + 1;
            continue;
        }
        let more = bytes[near..].iter().position(is_other);
        let end = more.map_or(bytes.len(), |more| near + more);
        in_run(text, at..end, found);
        at = end;
    }
    for word in &*SCHEMES {
        after_word(text, word, found);
    }
}

/// Whether a token may begin in `word`, but for its end.
pub(super) fn may_begin_in(word: &str) -> bool {
    let run = &word[after_last(word, |c| !c.is_ascii() || !is_of_token(c as u8))..];
    run.starts_with(JWT) || shape_of(run).is_some()
}

/// Tokens in `run`, which has characters of tokens alone.
fn in_run(text: &str, run: Range<usize>, found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let mut at = run.start;
    while at < run.end {
        let may_begin = kind(bytes[at]) == Byte::Begin
            && (at == run.start || !bytes[at - 1].is_ascii_alphanumeric());
        let length = if may_begin {
            length_of(&text[at..run.end])
        } else {
            None
        };
        match length {
            Some(length) => {
                found.push(at..at + length);
                at += length;
            }
            None => at += 1,
        }
    }
}

/// The shape that `text` begins as.
fn shape_of(text: &str) -> Option<&'static Shape> {
    let first = *text.as_bytes().first()?;
    let mut shapes = SHAPES.iter();
    shapes.find(|shape| shape.begin.as_bytes()[0] == first && text.starts_with(shape.begin))
}

/// The length of the token that `text` begins with.
fn length_of(text: &str) -> Option<usize> {
    if text.starts_with(JWT) {
        return jwt(text);
    }
    let shape = shape_of(text)?;
    let body = &text[shape.begin.len()..];
    let length = body
        .bytes()
        .take_while(|byte| is_of_token(*byte) && (*byte != b'.' || shape.begin.ends_with('.')))
        .count();
    let body = &body[..length];
    let is_mixed = || {
        body.bytes().any(|byte| byte.is_ascii_digit())
            && body.bytes().any(|byte| byte.is_ascii_uppercase())
    };
    let is_key = shape.begin.len() == 4 && shape.begin.ends_with("IA");
    let is_upper = || {
        body.bytes()
            .take(16)
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    let fits = length >= shape.least && (!shape.is_mixed || is_mixed()) && (!is_key || is_upper());
    fits.then_some(shape.begin.len() + length)
}

/// A JSON web token: two or three parts of base64, the first of which is an object.
fn jwt(text: &str) -> Option<usize> {
    let length = text.bytes().take_while(|byte| is_of_token(*byte)).count();
    let mut parts = text[..length].split('.');
    let is_long = |part: Option<&str>| part.is_some_and(|part| part.len() >= 8);
    (is_long(parts.next()) && is_long(parts.next())).then_some(length)
}

/// What follows `word` (of `Bearer TOKEN`, `Basic BASE64`), where that looks like a token.
fn after_word(text: &str, word: &Finder, found: &mut Vec<Range<usize>>) {
    for at in word.find_iter(text.as_bytes()) {
        let from = at + word.needle().len();
        let length = text[from..]
            .bytes()
            .take_while(|byte| is_of_token(*byte) || matches!(byte, b'+' | b'/' | b'=' | b'~'))
            .count();
        let value = &text[from..from + length];
        let has = |test: fn(&u8) -> bool| value.as_bytes().iter().any(test);
        let is_odd = has(u8::is_ascii_digit)
            || value.ends_with('=')
            || (has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && !is_word(value));
        if length >= 8 && is_odd {
            found.push(from..from + length);
        }
    }
}

/// Whether `text` is a word of prose: small letters after the first.
fn is_word(text: &str) -> bool {
    text.bytes().skip(1).all(|byte| byte.is_ascii_lowercase())
}

fn is_of_token(byte: u8) -> bool {
    kind(byte) != Byte::Other
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let mut found = Vec::new();
        find(text, &mut found);
        let found: Vec<&str> = found.into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn tokens_are_known_by_their_look() {
        let ghp = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
        check(&format!("as {ghp}, see"), &[ghp]);
        let pypi = "pypi-AgEIcHlwaS5vcmcCJDAwMDAwMDAwLTAwMDA";
        check(&format!("TOKEN={pypi}"), &[pypi]);
        check("key AKIAIOSFODNN7EXAMPLE.", &["AKIAIOSFODNN7EXAMPLE"]);
        let jwt =
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P";
        check(&format!("?jwt={jwt}&x=1"), &[jwt]);
        check(
            "x glpat-AbCdEfGhIjKlMnOpQrSt y",
            &["glpat-AbCdEfGhIjKlMnOpQrSt"],
        );
        check("Bearer abc123DEF456", &["abc123DEF456"]);
        check("Basic dXNlcjpwYXNz", &["dXNlcjpwYXNz"]);
    }

    #[test]
    fn names_are_no_tokens() {
        for text in [
            "Collecting pypi-agent-with-a-long-name==1.0",
            "Collecting sk-learn-something-rather-long",
            "hf_transfer-0.1.9-cp38-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "Basic authentication and Bearer authentication",
            "ASIAN-languages-and-names-of-them",
            "AKIAsomethingelseentirely",
            "eyJ",
            "scikit_learn-1.5.0-cp312-cp312-manylinux_2_17_x86_64.whl",
        ] {
            check(text, &[]);
        }
    }
}
