//! Makes Rust of what is not, before the library is compiled: `words.rs` of the messages in `locales/*.yml` (decision
//! 0014) and, for the daemon, `page.rs` of the built page (decision 0026).
#![expect(clippy::print_stdout, reason = "Cargo reads there")]
#![expect(
    clippy::disallowed_methods,
    reason = "nobody reads the file before this program has ended"
)]

#[cfg(feature = "backend")]
mod page;
mod words;

use std::path::{Path, PathBuf};

fn main() {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("Cargo says where"));
    words(&out);
    #[cfg(feature = "backend")]
    page(&out);
}

#[cfg(feature = "backend")]
fn page(out: &Path) {
    let dist = Path::new("web/page/dist");
    let is_built = dist.join("index.html").is_file();
    // Cargo looks again each time where a file is missing. So it looks at the folder, until there is one.
    let watched = if is_built {
        dist
    } else {
        Path::new("web/page")
    };
    println!("cargo::rerun-if-changed={}", watched.display());
    let text = if is_built {
        page::rust(dist, out).expect("the built page")
    } else {
        "pub(super) static FILES: &[PageFile] = &[];\n".to_owned()
    };
    std::fs::write(out.join("page.rs"), text).expect("a place for page.rs");
}

fn words(out: &Path) {
    let [english, korean] = ["locales/en.yml", "locales/ko.yml"].map(|file| {
        println!("cargo::rerun-if-changed={file}");
        (file, std::fs::read_to_string(file).expect("a locale file"))
    });
    match words::rust([(english.0, &english.1), (korean.0, &korean.1)]) {
        Ok(rust) => {
            std::fs::write(out.join("words.rs"), rust).expect("a place for words.rs");
        }
        Err(faults) => {
            for fault in faults {
                println!("cargo::error={fault}");
            }
        }
    }
}
