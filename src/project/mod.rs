//! What belongs to a project: its folder, its environment, its paths on disk, its settings, its id.
//!
//! **Invariant:** reads only, and starts nothing; who changes a file does so through `store`.

mod activation;
mod config;
mod discover;
mod group;
mod layout;
mod node_variables;
mod orders;
mod package_places;
mod problem;
mod registry;
mod setting;
mod settings_file;
mod venv;
mod whose;
mod worker_settings;

pub use activation::put_first_on_python_path;
pub use config::{ALL_PROJECTS, Config, SINGLE_PROJECTS, SettingRow, meant_by};
pub use discover::{Project, resolved};
pub use layout::{
    CONDA_META, EXTERNALLY_MANAGED, HOOK_LINE, HOOK_PACKAGE, HookLayout, LOGS, ProjectLayout,
    UserLayout, VIEW_LINE, VIEW_MODULE, VenvLayout, service_folder, socket, socket_lock, sockets,
    worker_scripts,
};
pub use node_variables::node_variables;
pub use orders::{Orders, SupervisedOrder, is_command_name, is_of_command_name};
pub use package_places::PackagePlace;
pub use problem::Problem;
pub use registry::{ProjectId, Registration, Registry};
pub use setting::Origin;
pub use venv::{Venv, VenvError};
pub use whose::Note;
pub use worker_settings::{PythonServer, RestartPolicy};
