//! URLs that are given away whole: an export has to work where somebody else installs it.

use super::{HIDDEN, hide};

/// `url` without what is secret in it, so that it is still one: no user and no password (but for the `git@` that every
/// SSH host of repositories has, PEP 610), no secret parameter. None where something secret would be left.
pub fn public_url(url: &str) -> Option<String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return (hide(url) == url).then(|| url.to_owned());
    };
    let everybody = match rest.strip_prefix(EVERYBODY) {
        Some(_) if scheme.ends_with("ssh") => EVERYBODY,
        _ => "",
    };
    let rest = &rest[everybody.len()..];
    let hidden = hide(&format!("{scheme}://{rest}")).into_owned();
    let rest = hidden.strip_prefix(scheme)?.strip_prefix("://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let (path, fragment) = path
        .split_once('#')
        .map_or((path, None), |(p, f)| (p, Some(f)));
    let (path, query) = path
        .split_once('?')
        .map_or((path, None), |(p, q)| (p, Some(q)));
    let mut public = format!("{scheme}://{everybody}{host}{path}");
    for (mark, part) in [('?', query), ('#', fragment)] {
        let kept = without_secrets(part.unwrap_or_default());
        if !kept.is_empty() {
            public.push(mark);
            public += &kept;
        }
    }
    (!public.contains(HIDDEN)).then_some(public)
}

/// The user under whom everybody reads repositories by SSH.
const EVERYBODY: &str = "git@";

/// The parameters of a query or a fragment that are no secrets.
fn without_secrets(parameters: &str) -> String {
    let all = parameters.split('&');
    let kept: Vec<_> = all
        .filter(|parameter| !parameter.contains(HIDDEN))
        .collect();
    kept.join("&")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secrets::testing::{innocent, shaped};

    #[test]
    fn what_is_secret_goes_and_the_rest_is_a_url() {
        fn check(url: &str, expected: Option<&str>) {
            assert_eq!(public_url(url).as_deref(), expected, "{url}");
        }
        for same in [
            "https://h.org/x-1.0.whl",
            "https://h.org:8080/a/@scope/x.zip?v=1#subdirectory=y&sha256=ab",
            "file:///home/kim/a%20b",
            "git+ssh://git@h.org/r.git",
            "ssh://git@h.org:22/r",
            "https://[::1]:8080/x",
        ] {
            check(same, Some(same));
        }
        check("https://kim:pw@h.org/x", Some("https://h.org/x"));
        check("https://kim@h.org/x", Some("https://h.org/x"));
        check("https://kim:p%40w@[::1]:80/x", Some("https://[::1]:80/x"));
        check("https://kim:a@b/c@h.org/x", Some("https://h.org/x"));
        check("git+ssh://kim@h.org/r", Some("git+ssh://h.org/r"));
        check("git+ssh://git:pw@h.org/r", Some("git+ssh://h.org/r"));
        check("https://git@h.org/r", Some("https://h.org/r"));
        check(
            "https://h.org/x?token=ab&v=1#c",
            Some("https://h.org/x?v=1#c"),
        );
        check("https://h.org/x?token=ab", Some("https://h.org/x"));
        check(
            "https://h.org/ghp_16C7e42F292c6912E7710c838347Ae178B4a/x",
            None,
        );
        check("kim:pw@h.org/x", None);
    }

    proptest! {
        #[test]
        fn no_secret_is_given_away((secret, line) in shaped()) {
            let public = public_url(&line).unwrap_or_default();
            prop_assert!(!public.contains(&secret), "{}", public);
        }

        #[test]
        fn nothing_else_is_taken_out(line in innocent()) {
            prop_assume!(!line.contains('@') && !line.contains('#'));
            prop_assert_eq!(public_url(&line), Some(line));
        }
    }
}
