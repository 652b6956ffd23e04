//! `govc init`: a policy to start from, with its test, data, input and schema.

use crate::exit::Exit;
use crate::files::io_problem;
use crate::output;
use clap::Args;
use std::path::Path;

/// Start a policy: sources, test, data, input and schema in a new folder
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc init hello\n  $ govc test hello")]
pub(crate) struct Init {
    /// Folder to create the files in
    #[arg(default_value = ".")]
    folder: String,
}

const FILES: &[(&str, &str)] = &[
    ("policy/access.rego", include_str!("init/access.rego")),
    ("policy/access_test.rego", include_str!("init/access_test.rego")),
    ("data.json", include_str!("init/data.json")),
    ("input.json", include_str!("init/input.json")),
    ("schemas/input.json", include_str!("init/input.schema.json")),
];

pub(crate) fn run(args: &Init) -> Exit {
    let folder = Path::new(&args.folder);
    if let Some((name, _)) = FILES.iter().find(|(name, _)| folder.join(name).exists()) {
        output::eprintln(&format!("`{}` is already there; nothing was written", folder.join(name).display()));
        return Exit::Failure;
    }
    for (name, text) in FILES {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        if let Err(error) = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, text)) {
            output::eprintln(&io_problem("write", &path.display().to_string(), &error).line());
            return Exit::Failure;
        }
        output::println(&path.display().to_string());
    }
    Exit::Success
}
