//! `govc verify`: is this bundle the one that was signed? Exit code 0 or 1.

use crate::exit::Exit;
use crate::keys::Verifying;
use crate::output::{self, Node};
use crate::policies;
use crate::problem::{self, Problem};
use clap::Args;
use govc_engine::{Bundle, Engine};

/// Verify signature, files, program and expiry of a bundle
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc verify bundle.tar.gz --verification-key keys/public.pem")]
pub(crate) struct Verify {
    /// The bundle: a file, or `oci:FOLDER:TAG` in an OCI image layout
    bundle: String,
    /// Time to check the expiry against, RFC 3339
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    #[command(flatten)]
    verifying: Verifying,
}

pub(crate) fn run(args: &Verify) -> Exit {
    match verify(args) {
        Ok(node) => {
            output::println(&node.pretty());
            Exit::Success
        }
        Err(problem) => {
            output::println(&problem::errors_node(&[problem]).pretty());
            Exit::Failure
        }
    }
}

fn verify(args: &Verify) -> Result<Node, Problem> {
    let mut trust = args.verifying.trust()?;
    if args.now.is_some() {
        trust = trust.at(policies::now(args.now.as_deref())?);
    }
    let bytes = policies::bundle(&args.bundle)?;
    let bundle = Bundle::open(&bytes, &trust)?;
    // OPA's bundles have no program of ours: there is nothing more to verify in them.
    if bundle.program().is_some() {
        Engine::load(&bytes, &trust)?;
    }
    Ok(summary(&bundle))
}

fn summary(bundle: &Bundle) -> Node {
    let mut object = vec![
        ("verified".to_owned(), Node::bool(true)),
        ("bundle".to_owned(), Node::string(bundle.digest())),
        ("files".to_owned(), Node::int(bundle.files().count() as i64)),
        ("program".to_owned(), Node::bool(bundle.program().is_some())),
    ];
    if let Some(section) = bundle.section() {
        object.push(("entrypoints".to_owned(), Node::of(&section.entrypoints)));
    }
    if let Some(signer) = bundle.signer() {
        let name = signer.key_id.as_ref().or(signer.fingerprint.as_ref());
        object.push(("algorithm".to_owned(), Node::string(signer.algorithm.name())));
        object.push(("key".to_owned(), Node::of(&name)));
    }
    Node::Object(object)
}
