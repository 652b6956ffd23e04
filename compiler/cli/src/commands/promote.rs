//! `govc promote`: may this agent leave the sandbox? Prints `{decision, code, failures}`; exit code 0 or 1.

use crate::exit::Exit;
use crate::files;
use crate::keys::{Signing, Verifying};
use crate::output::{self, Node};
use crate::policies;
use crate::problem::Problem;
use crate::record::{self, Auditing};
use clap::Args;
use govc_engine::{Limits, SystemHost};
use govc_governance::promotion::{self, Authority, Promotion, PromotionRequest};
use govc_governance::{DecisionCode, events};

/// Promote an agent from sandbox to governed
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  $ govc promote inputs/allow.json -b promotion.tar.gz --verification-key \
                        keys/public.pem --signing-key keys/private.pem --proof promotion.json"
)]
pub(crate) struct Promote {
    /// File with the request: `actorId`, `actorRole`, `agent`, `orgLimits`
    spec: String,
    /// The bundle: a file, or `oci:FOLDER:TAG` in an OCI image layout
    #[arg(short, long, value_name = "FILE")]
    bundle: String,
    /// The rule that decides
    #[arg(short, long, value_name = "PATH")]
    entrypoint: Option<String>,
    /// File to write the proof to
    #[arg(long, value_name = "FILE")]
    proof: Option<String>,
    /// Time of the promotion, RFC 3339
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    #[command(flatten)]
    verifying: Verifying,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    auditing: Auditing,
}

pub(crate) fn run(args: &Promote) -> Exit {
    match promote(args) {
        Ok(promotion) => {
            output::println(&Node::of(&promotion).pretty());
            if promotion.is_success() { Exit::Success } else { Exit::Failure }
        }
        Err(problem) => {
            output::println(&denial(&problem).pretty());
            Exit::Failure
        }
    }
}

/// A denial because nothing could be decided.
fn denial(problem: &Problem) -> Node {
    Node::Object(vec![
        ("decision".to_owned(), Node::string("DENY")),
        ("code".to_owned(), Node::string(DecisionCode::PromotionDenied.name())),
        ("failures".to_owned(), Node::Array(vec![Node::string(&problem.line())])),
    ])
}

fn promote(args: &Promote) -> Result<Promotion, Problem> {
    let policy = args.verifying.policy(&args.bundle)?;
    let entrypoint = policies::entrypoint(args.entrypoint.as_deref(), &policy)?;
    let text = files::document(&args.spec)?;
    let request = PromotionRequest::from_json(text.as_bytes())
        .map_err(|error| Problem::coded(error.code(), error.to_string()))?;
    let authority = Authority {
        policy: &policy,
        entrypoint: &entrypoint,
        key: &args.signing.required()?,
        host: &SystemHost::new().with_clock(),
        limits: Limits::default(),
        now: policies::now(args.now.as_deref())?,
    };
    let (agent, workspace) = record::named(request.spec());
    let attempt = events::attempt(&agent, &workspace, &authority, &request);
    args.auditing.record(std::slice::from_ref(&attempt))?;
    let promotion = promotion::decide(&authority, &request);
    if let (Some(path), Some(envelope)) = (&args.proof, &promotion.proof) {
        std::fs::write(path, format!("{envelope}\n"))
            .map_err(|error| files::io_problem("open", path, &error))?;
    }
    args.auditing.record(&[events::promotion(&attempt, &authority, &promotion)])?;
    Ok(promotion)
}
