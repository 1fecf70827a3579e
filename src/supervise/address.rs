//! Where a supervised command listens, as it is typed.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a socket listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A host and a port.
    Tcp(String),
    /// A path.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = ();

    /// `127.0.0.1:8000`, `localhost:8000`, `[::1]:8000`, `:8000` and `8000` for this machine alone, `unix:PATH`.
    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some(path) = text.strip_prefix("unix:") {
            return (!path.is_empty())
                .then(|| Self::Unix(path.into()))
                .ok_or(());
        }
        let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
        let host = if host.is_empty() { "127.0.0.1" } else { host };
        let port: u16 = port.parse().map_err(|_| ())?;
        Ok(Self::Tcp(format!("{host}:{port}")))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(place) => f.write_str(place),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_typed_in_the_usual_ways() {
        for (typed, shown) in [
            ("8000", "127.0.0.1:8000"),
            (":8000", "127.0.0.1:8000"),
            ("0.0.0.0:8000", "0.0.0.0:8000"),
            ("[::1]:8000", "[::1]:8000"),
            ("localhost:0", "localhost:0"),
            ("unix:/run/a b", "unix:/run/a b"),
        ] {
            let address: Result<Address, ()> = typed.parse();
            assert_eq!(
                address.map(|address| address.to_string()),
                Ok(shown.to_owned())
            );
        }
        for bad in [
            "",
            "here",
            "localhost",
            "1.2.3.4:http",
            "8000x",
            "99999",
            "unix:",
        ] {
            assert_eq!(bad.parse::<Address>(), Err(()), "{bad}");
        }
    }
}
