//! `govc ticket check` and `govc ticket redeem`.

use super::super::desk::Desk;
use super::super::exact::Exact;
use super::super::person::Person;
use crate::keys;
use crate::output::{self, Node};
use crate::problem::Problem;
use clap::Args;
use govc_engine::{Algorithm, VerifyingKey};
use govc_governance::ticket::{Redeemer, Use, Verifier};
use serde_json::json;

/// Use a ticket: verify it, burn it and record that, in one durable transaction
#[derive(Args, Debug)]
pub(super) struct Redeem {
    #[command(flatten)]
    desk: Desk,
    #[command(flatten)]
    shown: Shown,
}

/// Tell whether a ticket is good for a use, as far as it tells itself; nothing is burnt
#[derive(Args, Debug)]
pub(super) struct Check {
    #[command(flatten)]
    shown: Shown,
    /// Time, RFC 3339
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
}

/// A ticket and what it is shown for.
#[derive(Args, Debug)]
struct Shown {
    /// The ticket
    token: String,
    #[command(flatten)]
    person: Person,
    #[command(flatten)]
    exact: Exact,
    /// Public key of the issuer: a PEM file or its text (or, for HS256, the secret); may be repeated
    #[arg(long, value_name = "KEY", required = true, env = "GOVC_VERIFICATION_KEY", hide_env_values = true)]
    verification_key: Vec<String>,
    /// `HS256` where the key is a shared secret
    #[arg(long, value_name = "ALGORITHM")]
    verification_alg: Option<String>,
    /// Name of the issuer
    #[arg(long, value_name = "NAME", default_value = "govc")]
    issuer: String,
    /// Who takes the ticket
    #[arg(long, value_name = "NAME")]
    audience: String,
}

impl Shown {
    fn verifier(&self) -> Result<Verifier, Problem> {
        let made = match (self.verification_alg.as_deref(), self.verification_key.as_slice()) {
            (Some("HS256"), [secret]) => {
                let secret = keys::text_of(secret, Some(Algorithm::Hs256))?;
                Verifier::with_shared_secret(&self.issuer, &self.audience, secret.as_bytes())
            }
            (_, given) => {
                let key = |given: &String| {
                    VerifyingKey::from_pem(&keys::text_of(given, None)?).map_err(Problem::from)
                };
                Verifier::new(
                    &self.issuer,
                    &self.audience,
                    given.iter().map(key).collect::<Result<Vec<_>, _>>()?,
                )
            }
        };
        made.map_err(Problem::from)
    }
}

pub(super) fn redeem(args: &Redeem) -> Result<(), Problem> {
    let (caller, action) = (args.shown.person.prove()?, args.shown.exact.read()?);
    let redeemer = Redeemer::new(args.desk.store()?, args.shown.verifier()?);
    let shown_for = Use { caller: &caller, action: &action };
    let redeemed = redeemer.redeem(&args.shown.token, shown_for, args.desk.now()?)?;
    let told = json!({"ticket": redeemed.claims.jti, "event": redeemed.event});
    output::println(&Node::of(&told).pretty());
    Ok(())
}

pub(super) fn check(args: &Check) -> Result<(), Problem> {
    let (caller, action) = (args.shown.person.prove()?, args.shown.exact.read()?);
    let now = crate::policies::now(args.now.as_deref())?;
    let shown_for = Use { caller: &caller, action: &action };
    let claims = args.shown.verifier()?.verify(&args.shown.token, shown_for, now)?;
    output::println(&Node::of(&claims).pretty());
    Ok(())
}
