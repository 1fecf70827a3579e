//! Why pip failed, as its log says it.

/// The line in which pip says it last: `ERROR: …`; of an error that pip 22 and newer draw over several lines, the one
/// with the cross; else what comes after `error: `, or what the command line had that pip does not know.
pub(crate) fn last_reason(log: &str) -> Option<&str> {
    let last = |begin: &str| {
        let mut lines = log.lines().rev();
        lines.find(|line| line.starts_with(begin))
    };
    let without = |begin: &str| last(begin)?.strip_prefix(begin);
    last("ERROR")
        .or_else(|| without("× "))
        .or_else(|| without("error: "))
        .or_else(|| last("no such option: "))
        .map(str::trim_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(log: &str, expected: Option<&str>) {
        assert_eq!(last_reason(log), expected, "{log}");
    }

    #[test]
    fn each_of_pips_ways_to_fail_has_its_line() {
        check(
            "ERROR: no\nERROR: none at all \nWARNING: old\n",
            Some("ERROR: none at all"),
        );
        check(
            "error: subprocess-exited-with-error\n\n× Getting requirements did not run.\n│ exit code: 1\n╰─> See.\n",
            Some("Getting requirements did not run."),
        );
        check(
            "  × not the outermost\nerror: metadata-generation-failed\n",
            Some("metadata-generation-failed"),
        );
        check(
            "\nUsage:   \n  pip install\n\nno such option: --nope\n",
            Some("no such option: --nope"),
        );
        check("Successfully installed six\n", None);
    }
}
