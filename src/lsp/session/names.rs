//! Ids and tokens of several servers, told apart.
//!
//! Every server counts from 1. The first one's ids go through as they are; those of a later one carry its number, so
//! that nobody has to remember whose an answer is.
//!
//! | what the client sees | whose it is |
//! | --- | --- |
//! | `7`, `"x"` | the first server's |
//! | `"aim3:7"`, `"aim3:\"x\""` | the third server's `7`, `"x"` |
//! | `"aim:1"` | our own |

/// A server, by its number: the first is 1.
pub type Number = u32;

/// What ids of our own begin with.
const OWN: &str = "aim:";

/// An id of our own.
pub(super) fn own(name: impl std::fmt::Display) -> String {
    format!("{OWN}{name}")
}

/// Whether `id` (JSON) is of our own making.
pub(super) fn own_name(id: &str) -> Option<&str> {
    id.strip_prefix('"')?.strip_suffix('"')?.strip_prefix(OWN)
}

/// The id or token (JSON) of a server, as the client sees it.
pub(super) fn outward(number: Number, id: &str) -> String {
    if number == 1 {
        return id.to_owned();
    }
    serde_json::Value::from(format!("aim{number}:{id}")).to_string()
}

/// The id of a server's registration, as the client sees it.
pub(super) fn registration(number: Number, id: &str) -> String {
    match number {
        1 => id.to_owned(),
        _ => format!("aim{number}:{id}"),
    }
}

/// Whose the id or token (JSON) is that the client names, and what that server calls it.
pub(super) fn inward(id: &str) -> (Number, String) {
    let of_later = || {
        let text: String = serde_json::from_str(id).ok()?;
        let (number, rest) = text.strip_prefix("aim")?.split_once(':')?;
        Some((
            number.parse().ok().filter(|number| *number > 1)?,
            rest.to_owned(),
        ))
    };
    of_later().unwrap_or_else(|| (1, id.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_comes_back_to_who_gave_it() {
        for id in ["1", "\"a\"", r#""a\"b""#, "\"aim2:1\"", "-5", "\"한\""] {
            for number in [2, 3, 40] {
                assert_eq!(inward(&outward(number, id)), (number, id.to_owned()));
            }
        }
        assert_eq!(inward(&outward(1, "7")), (1, "7".to_owned()));
        assert_eq!(outward(3, "7"), "\"aim3:7\"");
        for first in [
            "7",
            "\"aim\"",
            "\"aim1:7\"",
            "\"aimx:7\"",
            "\"aim0:1\"",
            "null",
        ] {
            assert_eq!(inward(first), (1, first.to_owned()));
        }
    }

    #[test]
    fn our_own_are_known() {
        assert_eq!(
            own_name(&format!("\"{}\"", own("shutdown"))),
            Some("shutdown")
        );
        assert_eq!(own_name("\"aim2:1\""), None);
        assert_eq!(own_name("1"), None);
    }
}
