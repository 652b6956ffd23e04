//! `govc sign`: writes `.signatures.json` for a bundle, as `opa sign` does. Exit code 0 or 1.

use crate::exit::Exit;
use crate::files::io_problem;
use crate::keys::Signing;
use crate::output;
use crate::policies;
use crate::problem::Problem;
use clap::Args;
use govc_engine::{Bundle, Trust, sign_bundle};
use std::path::Path;

const SIGNATURES: &str = ".signatures.json";

/// Sign a bundle and write its signature file
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc sign -b bundle.tar.gz --signing-key keys/private.pem -o .")]
pub(crate) struct Sign {
    /// Bundles
    #[arg(required = true)]
    paths: Vec<String>,
    /// The paths are bundles (the only way)
    #[arg(short, long)]
    bundle: bool,
    /// Folder for the signature file
    #[arg(short, long, default_value = ".")]
    output_file_path: String,
    /// File with further claims of the signature
    #[arg(long, value_name = "FILE")]
    claims_file: Option<String>,
    #[command(flatten)]
    signing: Signing,
}

pub(crate) fn run(args: &Sign) -> Exit {
    match sign(args) {
        Ok(()) => Exit::Success,
        Err(problem) => {
            output::eprintln(&format!("error: {}", problem.line()));
            Exit::Failure
        }
    }
}

fn sign(args: &Sign) -> Result<(), Problem> {
    let [path] = args.paths.as_slice() else {
        return Err(Problem::not_yet(
            "several paths cannot be signed together yet; build one bundle of them",
        ));
    };
    if Path::new(path).is_dir() {
        return Err(Problem::not_yet("folders cannot be signed yet; build a bundle of them"));
    }
    let key = args.signing.required()?;
    let claims = match &args.claims_file {
        None => serde_json::Map::new(),
        Some(path) => serde_json::from_slice(&policies::read(path)?)
            .map_err(|error| Problem::plain(format!("{path}: {error}")))?,
    };
    let refused = |error: govc_engine::BundleError| Problem::coded(error.code(), error.to_string());
    let signed = sign_bundle(&policies::read(path)?, &key, &claims).map_err(refused)?;
    let bundle = Bundle::open(&signed, &Trust::unsigned().at(0)).map_err(policies::refusal)?;
    let text = bundle.file(SIGNATURES).unwrap_or_default();
    let target = Path::new(&args.output_file_path).join(SIGNATURES);
    std::fs::write(&target, text).map_err(|error| io_problem("open", &target.display().to_string(), &error))
}
