//! Which pages may call, as `--allow-origin` names them.

use crate::words::t;

/// An origin as browsers write it (RFC 6454, section 6.2): scheme, host, port; no path. For the command line.
pub(in crate::backend) fn origin(text: &str) -> Result<String, String> {
    let text = text.trim_end_matches('/');
    let name = ["http://", "https://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    match name {
        Some(name)
            if !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && !b"/?#@*".contains(&byte)) =>
        {
            Ok(text.to_ascii_lowercase())
        }
        _ => Err(t!("backend.bad_origin").into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_have_no_path() {
        for (text, expected) in [
            ("http://localhost:5173", Some("http://localhost:5173")),
            ("https://Example.com/", Some("https://example.com")),
            ("http://a/b", None),
            ("http://", None),
            ("*", None),
            ("localhost", None),
        ] {
            assert_eq!(origin(text).ok().as_deref(), expected, "{text}");
        }
    }
}
