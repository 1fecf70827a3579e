//! Names that say that a secret follows: of options, variables, fields, headers and parts of a query.
//!
//! A name is compared without regard to case, dashes and underscores, by its end: `PIP_PASSWORD`, `--db-password` and
//! `dbPassword` hold the same kind of thing, `password-stdin` and `tokenizer` another.

/// What a name says about its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The value is a secret.
    Secret,
    /// The value is a URL whose scheme may be left out: `user:password@host`, `token@host`.
    Url,
    /// The value is `key=secret` (`--config-settings`): what a build is told is nobody's business.
    Setting,
    /// The value is a path; what follows a `:` in it is a passphrase.
    Path,
    /// The value is an option of another program (`--global-option=--password=…`).
    Option,
}

/// Ends of names whose value is a secret, without dashes and underscores.
const SECRET: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "accesskeyid",
    "secretkey",
    "privatekey",
    "authkey",
    "accountkey",
    "signingkey",
    "encryptionkey",
    "sharedkey",
    "sessionkey",
    "subscriptionkey",
    "credential",
    "credentials",
    "authorization",
    "clientcert",
];

/// Last words of longer names (`db_pass`, `--my-pat`); alone they mean other things.
const LAST_WORDS: &[&str] = &["pass", "pwd", "pw", "pat", "jwt", "auth", "otp"];

/// Whole names of parts of a query that are secrets, beyond [`SECRET`].
const QUERY: &[&str] = &[
    "sig",
    "signature",
    "xamzsignature",
    "xgoogsignature",
    "key",
    "auth",
    "oauth",
    "pass",
    "pwd",
    "pw",
    "pat",
    "jwt",
    "otp",
    "hmac",
    "ticket",
    "assertion",
    "bearer",
    "session",
    "sessionid",
    "sid",
    "jsessionid",
    "hdnts",
    "hdnea",
];

/// Headers that carry secrets, beyond longer names of [`SECRET`].
const HEADERS: &[&str] = &["authorization", "proxyauthorization", "cookie", "setcookie"];

/// What pip's options mean, and uv's; as variables `PIP_INDEX_URL` and the like. Enough of a beginning counts, as it
/// does for pip.
const OPTIONS: &[(&str, Kind)] = &[
    ("proxy", Kind::Url),
    ("index-url", Kind::Url),
    ("extra-index-url", Kind::Url),
    ("pypi-url", Kind::Url),
    ("trusted-host", Kind::Url),
    ("find-links", Kind::Url),
    ("default-index", Kind::Url),
    ("publish-url", Kind::Url),
    ("allow-insecure-host", Kind::Url),
    ("client-cert", Kind::Secret),
    ("cert", Kind::Path),
    ("config-settings", Kind::Setting),
    ("config-settings-package", Kind::Setting),
    ("global-option", Kind::Option),
    ("install-option", Kind::Option),
    ("build-option", Kind::Option),
];

/// Letters that a beginning of an option must have to be taken for it.
const SHORTEST_OPTION: usize = 3;

/// What `name` (`token`, `PIP_PROXY`, `--index-url`, `AWSAccessKeyId`) says about the value after it.
pub(super) fn kind(name: &str) -> Option<Kind> {
    let bare = name.trim_start_matches(['-', '_', '.', '$']);
    let plain = plain(bare);
    if SECRET.iter().any(|end| plain.ends_with(end)) {
        return Some(Kind::Secret);
    }
    let last = bare.rsplit(['-', '_', '.']).next().unwrap_or(bare);
    let is_long = last.len() < bare.len() || name.starts_with("--");
    if is_long
        && LAST_WORDS
            .iter()
            .any(|word| last.eq_ignore_ascii_case(word))
    {
        return Some(Kind::Secret);
    }
    if name.starts_with("--") {
        return of_option(bare);
    }
    // `PIP_PROXY`, `UV_INDEX_URL`, `https_proxy`; a line of `pip.conf`.
    let lower = bare.to_ascii_lowercase().replace('_', "-");
    let lower = lower.trim_start_matches("pip-").trim_start_matches("uv-");
    if lower.ends_with("-proxy") {
        return Some(Kind::Url);
    }
    let exact = OPTIONS.iter().find(|(option, _)| *option == lower);
    exact
        .map(|(_, kind)| *kind)
        .filter(|kind| *kind != Kind::Path)
}

/// What a long option of pip's, or a beginning of one, says.
fn of_option(name: &str) -> Option<Kind> {
    let exact = OPTIONS.iter().find(|(option, _)| *option == name);
    let begun = || {
        OPTIONS
            .iter()
            .find(|(option, _)| name.len() >= SHORTEST_OPTION && option.starts_with(name))
    };
    exact.or_else(begun).map(|(_, kind)| *kind)
}

/// Whether the part of a query called `name` is a secret.
pub(super) fn is_secret_in_query(name: &str) -> bool {
    let plain = plain(name);
    QUERY.contains(&plain.as_str()) || kind(name) == Some(Kind::Secret)
}

/// Whether the header called `name` carries a secret.
pub(super) fn is_secret_header(name: &str) -> bool {
    let plain = plain(name);
    HEADERS.contains(&plain.as_str())
        || (name.contains(['-', '_']) && kind(name) == Some(Kind::Secret))
}

/// `name` in lower case, without dashes, underscores and dots.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '-' | '_' | '.'))
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_by_their_ends() {
        for name in [
            "password",
            "--password",
            "PIP_PASSWORD",
            "TWINE_PASSWORD",
            "dbPassword",
            "access_token",
            "private_token",
            "_authToken",
            "UV_PUBLISH_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "AWSAccessKeyId",
            "X-Amz-Credential",
            "X-Amz-Security-Token",
            "client_secret",
            "api-key",
            "DB_PASS",
            "--client-cert",
            "PIP_CLIENT_CERT",
        ] {
            assert_eq!(kind(name), Some(Kind::Secret), "{name}");
        }
        for name in [
            "PWD",
            "OLDPWD",
            "tokenizer",
            "max_tokens",
            "--password-stdin",
            "compass",
            "pass",
            "name",
            "key",
            "egg",
            "sha256",
            "keyring-provider",
            "--pre",
            "",
        ] {
            assert_eq!(kind(name), None, "{name}");
        }
        for (name, expected) in [
            ("--proxy", Kind::Url),
            ("--prox", Kind::Url),
            ("--index-url", Kind::Url),
            ("PIP_EXTRA_INDEX_URL", Kind::Url),
            ("https_proxy", Kind::Url),
            ("--config-settings", Kind::Setting),
            ("--cert", Kind::Path),
            ("--global-option", Kind::Option),
        ] {
            assert_eq!(kind(name), Some(expected), "{name}");
        }
    }

    #[test]
    fn a_query_has_names_of_its_own() {
        for name in ["sig", "Signature", "X-Amz-Signature", "token", "key", "jwt"] {
            assert!(is_secret_in_query(name), "{name}");
        }
        for name in [
            "v",
            "egg",
            "subdirectory",
            "sha256",
            "X-Amz-Date",
            "se",
            "path",
        ] {
            assert!(!is_secret_in_query(name), "{name}");
        }
    }
}
