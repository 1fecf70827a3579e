//! The secret that whoever calls over TCP must have.

use std::fmt::Write as _;

use subtle::ConstantTimeEq as _;

use crate::env_vars;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::words::t;

/// The secret that TCP callers must have.
#[derive(Clone)]
pub(in crate::backend) struct Token(String);

/// Fewest characters of a token that a person chose.
const SHORTEST: usize = 16;

impl Token {
    /// The token of `AIM_TOKEN`, else 256 random bits.
    ///
    /// # Errors
    /// For a token too short to be one, or with characters that a URL or a cookie would change.
    pub(in crate::backend) fn of(host: &Host) -> Result<Self> {
        let Some(chosen) = host
            .var_os(env_vars::TOKEN)
            .filter(|token| !token.is_empty())
        else {
            return Self::random();
        };
        chosen
            .to_str()
            .filter(|token| token.len() >= SHORTEST)
            .filter(|token| token.bytes().all(is_plain))
            .map(|token| Self(token.to_owned()))
            .ok_or_else(|| Error::usage(t!("backend.bad_token", n = SHORTEST)))
    }

    /// The one that the daemon had before this program took its place.
    pub(in crate::backend) fn handed(secret: String) -> Self {
        Self(secret)
    }

    fn random() -> Result<Self> {
        let mut bits = [0_u8; 32];
        getrandom::fill(&mut bits).map_err(std::io::Error::from)?;
        Ok(Self(bits.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })))
    }

    /// The secret itself, for the one line that tells it.
    pub(in crate::backend) fn reveal(&self) -> &str {
        &self.0
    }

    /// Compares in a time that does not depend on where the two differ.
    pub(super) fn is(&self, offered: &str) -> bool {
        self.0.as_bytes().ct_eq(offered.as_bytes()).into()
    }
}

/// Unreserved in URLs (RFC 3986, section 2.3), and so harmless in cookies.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_long_and_plain_or_random() {
        let with = |token: &str| Token::of(&Host::fake(["x"]).with_var(env_vars::TOKEN, token));
        for bad in [
            "short",
            "with space in it....",
            "a&b=c;d=e;f=g;h=i",
            "가나다라마바사아자차카타",
        ] {
            assert!(with(bad).is_err(), "{bad}");
        }
        let (one, other) = (with("").expect("random"), with("").expect("random"));
        assert_eq!(one.reveal().len(), 64);
        assert!(!one.is(other.reveal()));
    }
}
