//! Where the oracles are: the reference data and the real `opa`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A file or folder of the reference data (`GOVC_SHARED`, else `../shared` beside the checkout), if it is there.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = match std::env::var_os("GOVC_SHARED") {
        Some(root) => PathBuf::from(root),
        None => repository().parent()?.join("shared"),
    };
    let found = root.join(path);
    found.exists().then_some(found)
}

/// The root of the checkout.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The real `opa`: the one on the path, else where `go install` puts it.
pub fn opa() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let home = std::env::var_os("HOME").map(|h| PathBuf::from(h).join("go/bin"));
    std::env::split_paths(&path).chain(home).map(|folder| folder.join("opa")).find(|file| file.is_file())
}

/// The command `govc` as tests start it: `GOVC_BIN`, else what cargo makes beside the running test, where it is not there or
/// old.
///
/// # Panics
/// Cargo cannot make it.
pub fn govc() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let given = std::env::var_os("GOVC_BIN").map(PathBuf::from);
    given.unwrap_or_else(|| BUILT.get_or_init(build).clone())
}

fn build() -> PathBuf {
    let here = std::env::current_exe().unwrap_or_default();
    let target = here.ancestors().nth(3).unwrap_or(&here);
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--package", "govc-cli", "--bin", "govc", "--target-dir"]).arg(target);
    let (folder, flag) =
        if cfg!(debug_assertions) { ("debug", None) } else { ("release", Some("--release")) };
    let made = cargo.args(flag).current_dir(repository()).status();
    assert!(made.is_ok_and(|status| status.success()), "`govc` cannot be built");
    target.join(folder).join("govc")
}
