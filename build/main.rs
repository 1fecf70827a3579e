//! Makes `words.rs`, the messages of `locales/*.yml` as Rust, before the library is compiled (decision 0014).
#![expect(clippy::print_stdout, reason = "Cargo reads there")]
#![expect(
    clippy::disallowed_methods,
    reason = "nobody reads the file before this program has ended"
)]

mod words;

use std::path::Path;

fn main() {
    let [english, korean] = ["locales/en.yml", "locales/ko.yml"].map(|file| {
        println!("cargo::rerun-if-changed={file}");
        (file, std::fs::read_to_string(file).expect("a locale file"))
    });
    match words::rust([(english.0, &english.1), (korean.0, &korean.1)]) {
        Ok(rust) => {
            let folder = std::env::var_os("OUT_DIR").expect("Cargo says where");
            std::fs::write(Path::new(&folder).join("words.rs"), rust)
                .expect("a place for words.rs");
        }
        Err(faults) => {
            for fault in faults {
                println!("cargo::error={fault}");
            }
        }
    }
}
