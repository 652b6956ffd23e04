//! `govc sign`: writes `.signatures.json` for files and folders, or for a bundle, as `opa sign` does. Exit code 0 or 1.

use crate::exit::Exit;
use crate::files::{io_problem, join};
use crate::keys::Signing;
use crate::output;
use crate::policies;
use crate::problem::Problem;
use clap::Args;
use govc_engine::{Bundle, Trust, sign_files};
use std::collections::BTreeMap;
use std::path::Path;

const SIGNATURES: &str = ".signatures.json";

/// Sign files and write their signature file
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc sign -b bundle.tar.gz --signing-key keys/private.pem -o .\n  \
                        $ govc sign -b policy --signing-key keys/private.pem -o policy")]
pub(crate) struct Sign {
    /// Folders, files and bundles
    #[arg(required = true)]
    paths: Vec<String>,
    /// Take the paths as bundles; nothing else can be signed
    #[arg(short, long)]
    bundle: bool,
    /// Folder for the signature file
    #[arg(short, long, default_value = ".", value_name = "FOLDER")]
    output_file_path: String,
    /// File with further claims of the signature
    #[arg(long, value_name = "FILE")]
    claims_file: Option<String>,
    /// Not there: only our own way of signing is
    #[arg(long, hide = true)]
    signing_plugin: Option<String>,
    #[command(flatten)]
    signing: Signing,
}

pub(crate) fn run(args: &Sign) -> Exit {
    if let Some(message) = usage(args) {
        output::eprintln(&format!("Error: {message}"));
        return Exit::Failure;
    }
    match sign(args) {
        Ok(()) => Exit::Success,
        Err(problem) => {
            output::println(&format!("error: {}", problem.message));
            Exit::Failure
        }
    }
}

/// OPA's rules for the command line.
fn usage(args: &Sign) -> Option<&'static str> {
    match () {
        () if args.signing.signing_key.is_none() => Some(
            "specify the secret (HMAC) or path of the PEM file containing the private key (RSA and ECDSA)",
        ),
        () if !args.bundle => Some("enable bundle mode (ie. --bundle) to sign bundle files or directories"),
        () => None,
    }
}

fn sign(args: &Sign) -> Result<(), Problem> {
    if args.signing_plugin.is_some() {
        return Err(Problem::not_yet("`--signing-plugin` is not supported yet"));
    }
    let mut files = BTreeMap::new();
    for path in &args.paths {
        collect(path.strip_prefix("file://").unwrap_or(path), &mut files)?;
    }
    let key = args.signing.required()?;
    let claims = match &args.claims_file {
        None => serde_json::Map::new(),
        Some(path) => serde_json::from_slice(&policies::read(path)?)
            .map_err(|error| Problem::plain(format!("{path}: {error}")))?,
    };
    let signed = sign_files(&files, &key, &claims)?;
    let text = output::indent(&String::from_utf8_lossy(&signed)).replace("  ", " ");
    let target = join(&args.output_file_path, SIGNATURES);
    std::fs::write(&target, text).map_err(|error| io_problem("open", &target, &error))
}

/// The files at a path by the name that they have in a bundle: those of an archive, or all of a folder as opa takes them.
fn collect(path: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), Problem> {
    if !path.ends_with(".tar.gz") || Path::new(path).is_dir() {
        return collect_file(path, files);
    }
    let bundle = Bundle::open(&policies::read(path)?, &Trust::unsigned().at(0))?;
    let of_bundle = bundle.files().filter(|(name, _)| *name != SIGNATURES);
    files.extend(of_bundle.map(|(name, content)| (name.to_owned(), content.to_vec())));
    Ok(())
}

fn collect_file(path: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), Problem> {
    let info = std::fs::metadata(path).map_err(|error| {
        let problem = io_problem("stat", path, &error);
        Problem { message: format!("error reading \"{path}\": {}", problem.message), ..problem }
    })?;
    if info.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|error| io_problem("open", path, &error))?;
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        return names.iter().try_for_each(|name| collect_file(&join(path, name), files));
    }
    if Path::new(path).file_name().is_none_or(|name| name != SIGNATURES) {
        files.insert(path.trim_start_matches("./").trim_start_matches('/').to_owned(), policies::read(path)?);
    }
    Ok(())
}
