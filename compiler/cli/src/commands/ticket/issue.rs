//! `govc ticket issue`.

use super::super::desk::Desk;
use super::super::exact::Exact;
use super::super::person;
use crate::keys::{self, Signing};
use crate::output;
use crate::problem::Problem;
use clap::Args;
use govc_engine::Algorithm;
use govc_governance::Principal;
use govc_governance::ticket::{Issuer, LIFETIME, Order};

/// Issue a ticket, and record that in the store
#[derive(Args, Debug)]
pub(super) struct Issue {
    #[command(flatten)]
    desk: Desk,
    #[command(flatten)]
    office: Office,
    #[command(flatten)]
    exact: Exact,
    /// Public key of who will use it: a PEM file or its text
    #[arg(long, value_name = "KEY")]
    caller: String,
    /// Who will take it
    #[arg(long, value_name = "NAME")]
    audience: String,
}

/// With what tickets are signed.
#[derive(Args, Debug)]
pub(crate) struct Office {
    /// Name of the issuer
    #[arg(long, value_name = "NAME", default_value = "govc")]
    issuer: String,
    /// Seconds for which tickets are good
    #[arg(long, value_name = "SECONDS", default_value_t = LIFETIME)]
    lifetime: i64,
    #[command(flatten)]
    signing: Signing,
}

impl Office {
    pub(crate) fn issuer(&self) -> Result<Issuer, Problem> {
        let made = match self.signing.secret()? {
            Some(secret) => Issuer::with_shared_secret(&self.issuer, &secret),
            None => Issuer::new(&self.issuer, self.signing.required()?),
        };
        Ok(made?.lasting(self.lifetime))
    }
}

impl Signing {
    /// The shared secret, where HS256 is asked for by name.
    fn secret(&self) -> Result<Option<Vec<u8>>, Problem> {
        match (&self.signing_key, self.signing_alg.as_deref()) {
            (Some(given), Some("HS256")) => {
                keys::text_of(given, Some(Algorithm::Hs256)).map(|text| Some(text.into_bytes()))
            }
            _ => Ok(None),
        }
    }
}

pub(super) fn run(args: &Issue) -> Result<(), Problem> {
    let name = person::name(&args.caller)?;
    // Whoever uses the ticket must prove this key; here it is only named.
    let caller = Principal::verified_elsewhere(&*name, Some(name.clone()));
    let (issuer, action) = (args.office.issuer()?, args.exact.read()?);
    let order = Order { caller: &caller, action: &action, audience: &args.audience };
    let ticket = issuer.issue(&*args.desk.store()?, order, args.desk.now()?)?;
    output::println(&ticket.token);
    Ok(())
}
