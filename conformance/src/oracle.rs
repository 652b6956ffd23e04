//! Where the oracles are: the reference data and the real `opa`.

use std::path::{Path, PathBuf};

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

/// The command `govc` as tests start it: `GOVC_BIN`, else the one built beside this test, built now where it is not.
pub fn server_binary() -> PathBuf {
    if let Some(given) = std::env::var_os("GOVC_BIN") {
        return PathBuf::from(given);
    }
    let here = std::env::current_exe().unwrap_or_default();
    let built = here.ancestors().nth(2).unwrap_or(&here).join("govc");
    if !built.is_file() {
        let mut build =
            std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build.args(["build", "--quiet", "-p", "govc-cli"]).current_dir(repository());
        if here.ancestors().nth(2).is_some_and(|folder| folder.ends_with("release")) {
            build.arg("--release");
        }
        // What comes of it shows when the command is started.
        let _ = build.status();
    }
    built
}
