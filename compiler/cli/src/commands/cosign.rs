//! `govc cosign`: adds the signature of one more key to a signed bundle. Exit code 0 or 1.

use crate::exit::Exit;
use crate::files::io_problem;
use crate::keys::Signing;
use crate::output;
use crate::policies;
use crate::problem::Problem;
use clap::Args;
use govc_engine::cosign_bundle;

/// Add the signature of one more key to a signed bundle
#[derive(Args, Debug)]
#[command(
    after_help = "A trust policy (`--trust`) may ask for signatures of several keys. OPA sees the first one.\n\n\
                  Examples:\n  $ govc cosign bundle.tar.gz --signing-key keys/private.pem -o cosigned.tar.gz"
)]
pub(crate) struct Cosign {
    /// The bundle
    bundle: String,
    /// File to write; the bundle itself where it is left out
    #[arg(short, long, value_name = "FILE")]
    output: Option<String>,
    #[command(flatten)]
    signing: Signing,
}

pub(crate) fn run(args: &Cosign) -> Exit {
    match cosign(args) {
        Ok(()) => Exit::Success,
        Err(problem) => {
            output::eprintln(&format!("error: {}", problem.line()));
            Exit::Failure
        }
    }
}

fn cosign(args: &Cosign) -> Result<(), Problem> {
    let key = args.signing.required()?;
    let signed = cosign_bundle(&policies::read(&args.bundle)?, &key, &serde_json::Map::new())?;
    let target = args.output.as_deref().unwrap_or(&args.bundle);
    std::fs::write(target, signed).map_err(|error| io_problem("open", target, &error))
}
