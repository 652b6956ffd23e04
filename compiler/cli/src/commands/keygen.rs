//! `govc keygen`: a new key pair in a folder.

use crate::exit::Exit;
use crate::files::io_problem;
use crate::output;
use crate::problem::Problem;
use clap::Args;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// Make a new Ed25519 key: private.pem and public.pem
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc keygen new-keys")]
pub(crate) struct Keygen {
    /// Folder for the two files
    #[arg(default_value = ".")]
    folder: String,
}

pub(crate) fn run(args: &Keygen) -> Exit {
    match write(Path::new(&args.folder)) {
        Ok(paths) => {
            paths.iter().for_each(|path| output::println(path));
            Exit::Success
        }
        Err(problem) => {
            output::eprintln(&problem.line());
            Exit::Failure
        }
    }
}

fn write(folder: &Path) -> Result<[String; 2], Problem> {
    let failed =
        |path: &Path, error: std::io::Error| io_problem("write", &path.display().to_string(), &error);
    let (private, public) =
        govc_engine::generate_key().map_err(|error| Problem::coded(error.code(), error.to_string()))?;
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let paths = [folder.join("private.pem"), folder.join("public.pem")];
    for (path, text) in paths.iter().zip([private, public]) {
        create(path, text.as_bytes()).map_err(|error| failed(path, error))?;
    }
    Ok(paths.map(|path| path.display().to_string()))
}

/// Never replaces a key, and lets nobody else read it.
fn create(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}
