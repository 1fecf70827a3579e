//! What went wrong, for programs: every `code` that a refusal or a node's reply can have.
//!
//! A code is a line here, with its name in JSON and what it means; the reference page is made from the same lines. A
//! code of a later or another backend is read as [`ErrorCode::Other`] or [`NodeCode::Other`] and keeps its name.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! codes {
    ($(#[$about:meta])* $type:ident { $( #[doc = $meaning:literal] $code:ident = $name:literal, )* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $type {
            $( #[doc = $meaning] $code, )*
            /// A code that this version does not know.
            Other(String),
        }

        impl $type {
            /// Every code with what it means, for the reference page.
            pub const MEANINGS: &[(&str, &str)] = &[$( ($name, $meaning.trim_ascii()) ),*];

            /// Its name in JSON.
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$code => $name, )*
                    Self::Other(name) => name,
                }
            }
        }

        #[cfg(feature = "backend")]
        impl utoipa::PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                let codes = Self::MEANINGS.iter();
                let codes = codes.map(|(code, meaning)| format!("\n* `{code}`: {meaning}"));
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::String)
                    .description(Some("A later version may have more.\n".to_owned() + &codes.collect::<String>()))
                    .into()
            }
        }

        #[cfg(feature = "backend")]
        impl utoipa::ToSchema for $type {}

        impl From<&str> for $type {
            fn from(name: &str) -> Self {
                match name {
                    $( $name => Self::$code, )*
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = Cow::<str>::deserialize(deserializer)?;
                Ok(Self::from(name.as_ref()))
            }
        }
    };
}

codes! {
    /// Why a call was refused.
    ErrorCode {
        /// The call cannot be understood: not JSON, wrong type, bad number.
        BadRequest = "bad-request",
        /// A TCP call without the token or with a wrong one.
        Unauthorized = "unauthorized",
        /// A TCP call for another host name or from a page of another origin.
        Forbidden = "forbidden",
        /// There is no such call.
        NoSuchCall = "no-such-call",
        /// The call exists, with another method.
        MethodNotAllowed = "method-not-allowed",
        /// There is no such project.
        NoSuchProject = "no-such-project",
        /// There is no such terminal session: it has ended.
        NoSuchSession = "no-such-session",
        /// No run of the history has that id, or its log is gone.
        NoSuchRun = "no-such-run",
        /// There is no such file in the project.
        NoSuchFile = "no-such-file",
        /// The file is not what the new text was made from: somebody else has written it.
        ChangedMeanwhile = "changed-meanwhile",
        /// The project has no environment.
        NoEnvironment = "no-environment",
        /// The project is a folder of the projects root, so there is no registration to forget.
        NotRegistered = "not-registered",
        /// The body is larger than the daemon takes.
        TooLarge = "too-large",
        /// The worker on the new environment did not start (`환경 갱신 실패`).
        EnvironmentRefreshFailed = "environment-refresh-failed",
        /// Somebody stopped the worker before it was ready.
        WorkerStopped = "worker-stopped",
        /// The daemon has as many connections as it takes, all of them in calls.
        TooManyConnections = "too-many-connections",
        /// The daemon is on its way out.
        ShuttingDown = "shutting-down",
        /// The daemon itself failed: a file that cannot be written, say.
        Internal = "internal",
    }
}

codes! {
    /// Why a node gave no output, where it is not the node's own failure: a worker's reply to a node that raised an
    /// error has no code.
    NodeCode {
        /// The worker on the new environment did not start (`환경 갱신 실패`), so the node did not run.
        EnvironmentRefreshFailed = "environment-refresh-failed",
        /// The node ran longer than it may.
        TimedOut = "timeout",
        /// Somebody interrupted the node.
        Interrupted = "interrupted",
        /// Whoever asked for the node is gone, and wanted it to end with them.
        Cancelled = "cancelled",
        /// The worker ended by itself while the node ran.
        WorkerExit = "worker-exit",
        /// The worker was restarted while the node ran.
        WorkerRestarted = "worker-restarted",
        /// The worker was stopped before the node ran, or while it did.
        WorkerStopped = "worker-stopped",
        /// The worker that had an object of the node's input has ended.
        ObjectGone = "object-gone",
        /// The daemon is on its way out.
        ShuttingDown = "shutting-down",
        /// The daemon itself failed: the node may have run, and its output was lost.
        Internal = "internal",
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde::de::DeserializeOwned;

    use super::super::ErrorBody;
    use super::*;

    /// Every name is read as a code of its own and written again; a name that is no code here stays what it is.
    fn check<C>(meanings: &[(&str, &str)], is_other: fn(&C) -> bool)
    where
        C: Serialize + DeserializeOwned,
    {
        let there_and_back = |name: &str| {
            let code: C = serde_json::from_value(name.into()).expect("a code");
            let is_known = !is_other(&code);
            let written = serde_json::to_value(code).expect("JSON");
            (written.as_str().expect("a name").to_owned(), is_known)
        };
        for (name, meaning) in meanings {
            assert_eq!(there_and_back(name), ((*name).to_owned(), true), "{name}");
            assert!(meaning.ends_with('.'), "{name}");
        }
        assert_eq!(
            there_and_back("made-up-later"),
            ("made-up-later".to_owned(), false)
        );
    }

    #[test]
    fn codes_go_there_and_back() {
        check(ErrorCode::MEANINGS, |code: &ErrorCode| {
            matches!(code, ErrorCode::Other(_))
        });
        check(NodeCode::MEANINGS, |code: &NodeCode| {
            matches!(code, NodeCode::Other(_))
        });
    }

    #[test]
    fn a_code_of_a_later_version_is_read() {
        let body: ErrorBody =
            serde_json::from_str(r#"{"detail":"x","code":"made-up-later"}"#).expect("an error");
        assert_eq!(body.code, ErrorCode::Other("made-up-later".to_owned()));
    }
}
