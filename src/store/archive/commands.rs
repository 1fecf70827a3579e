//! The commands that a distribution brought.

use std::collections::BTreeSet;
use std::path::Path;

use super::installed_files::{read, sites};
use crate::files::{Folder, Walk};
use crate::inventory::{canonical, name_and_version};
use crate::project::{Venv, VenvLayout};
use crate::store::places;

/// The commands in the environment's folder of programs that are of the distributions called `names`, in canonical
/// form; sorted. Of what cannot be read there are none.
pub fn commands(venv: &Venv, names: &BTreeSet<String>) -> Vec<String> {
    let Ok(root) = places::environment(&venv.layout()) else {
        return Vec::new();
    };
    let mut walk = Walk::from(root);
    let mut commands = BTreeSet::new();
    for site in sites(venv) {
        let entries = walk.folder(&site).and_then(Folder::names);
        for entry in entries.unwrap_or_default() {
            let name = entry.to_str().and_then(name_and_version);
            if !name.is_some_and(|(name, _)| names.contains(&canonical(name))) {
                continue;
            }
            let listed = read(&mut walk, &site, &site.join(&entry));
            for file in listed
                .ok()
                .flatten()
                .into_iter()
                .flat_map(|listed| listed.files)
            {
                let path = Path::new(&file.path);
                let name = path
                    .strip_prefix(VenvLayout::BIN)
                    .ok()
                    .and_then(Path::to_str);
                commands.extend(name.filter(|name| !name.contains('/')).map(str::to_owned));
            }
        }
    }
    commands.into_iter().collect()
}
