//! What to do with an `env_meta.json` that says nothing.
