//! `govc approval`: asks for approvals, votes on them, and fetches their tickets. Exit code 0 or 1.

use super::desk::Desk;
use super::exact::Exact;
use super::person::{self, Person};
use super::ticket::{Office, told};
use crate::exit::Exit;
use crate::output::{self, Node};
use crate::problem::Problem;
use clap::{Args, Subcommand};
use govc_governance::approval::{Approval as Request, ApprovalDesk, ApprovalRule, Vote};
use serde_json::json;

/// Ask for approvals and grant them
#[derive(Args, Debug)]
#[command(after_help = "People are named by the thumbprints of their keys.

Examples:
  $ govc keygen ada
  $ govc approval request --store store.db --key keys/private.pem --approver ada/public.pem --audience cluster --action \
                        restart --target dev/api --bundle 0000000000000000000000000000000000000000000000000000000000000000
  $ govc approval list --store store.db")]
pub(crate) struct Approval {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    Request(Box<Ask>),
    List(List),
    Show(Show),
    Approve(Ballot),
    Deny(Ballot),
    Ticket(Box<Fetch>),
}

/// Ask for approval of one exact action, and print its name
#[derive(Args, Debug)]
struct Ask {
    #[command(flatten)]
    desk: Desk,
    #[command(flatten)]
    person: Person,
    #[command(flatten)]
    exact: Exact,
    /// Public key of an approver: a PEM file or its text; may be repeated
    #[arg(long, value_name = "KEY", required = true)]
    approver: Vec<String>,
    /// How many of them must allow it
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    needed: usize,
    /// Seconds after which it is over
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    expires: i64,
    /// Who will take the ticket
    #[arg(long, value_name = "NAME")]
    audience: String,
}

/// List all, oldest first: name, status, votes, action, target
#[derive(Args, Debug)]
struct List {
    #[command(flatten)]
    desk: Desk,
}

/// Show one
#[derive(Args, Debug)]
struct Show {
    /// Its name
    id: String,
    #[command(flatten)]
    desk: Desk,
}

/// Vote
#[derive(Args, Debug)]
struct Ballot {
    /// Name of the approval
    id: String,
    #[command(flatten)]
    desk: Desk,
    #[command(flatten)]
    person: Person,
}

/// Fetch the ticket of an approval that was granted
#[derive(Args, Debug)]
struct Fetch {
    /// Name of the approval
    id: String,
    #[command(flatten)]
    desk: Desk,
    #[command(flatten)]
    person: Person,
    #[command(flatten)]
    exact: Exact,
    #[command(flatten)]
    office: Office,
}

pub(crate) fn run(args: &Approval) -> Exit {
    told(match &args.action {
        Action::Request(args) => request(args),
        Action::List(args) => list(args),
        Action::Show(args) => show(args),
        Action::Approve(args) => vote(args, Vote::Allow),
        Action::Deny(args) => vote(args, Vote::Deny),
        Action::Ticket(args) => ticket(args),
    })
}

fn opened(desk: &Desk) -> Result<ApprovalDesk, Problem> {
    Ok(ApprovalDesk::new(desk.store()?))
}

fn request(args: &Ask) -> Result<(), Problem> {
    let approvers = args.approver.iter().map(|key| person::name(key)).collect::<Result<_, _>>()?;
    let rule = ApprovalRule { approvers, needed: args.needed, lifetime: args.expires };
    let (requester, action, now) = (args.person.prove()?, args.exact.read()?, args.desk.now()?);
    let made = opened(&args.desk)?.request(&requester, &action, &args.audience, &rule, now);
    output::println(&made?.id);
    Ok(())
}

fn list(args: &List) -> Result<(), Problem> {
    let now = args.desk.now()?;
    for approval in opened(&args.desk)?.approvals()? {
        let Request { id, action, rule, .. } = &approval;
        let (status, votes) = (approval.status(now).name(), approval.allowing());
        output::println(&format!(
            "{id} {status} {votes}/{} {} {}",
            rule.needed, action.action, action.target
        ));
    }
    Ok(())
}

fn show(args: &Show) -> Result<(), Problem> {
    let approval = opened(&args.desk)?.approval(&args.id)?;
    tell(&approval, args.desk.now()?);
    Ok(())
}

fn tell(approval: &Request, now: i64) {
    let told = json!({"status": approval.status(now).name(), "approval": approval});
    output::println(&Node::of(&told).pretty());
}

fn vote(args: &Ballot, vote: Vote) -> Result<(), Problem> {
    let (by, now) = (args.person.prove()?, args.desk.now()?);
    let approval = opened(&args.desk)?.vote(&args.id, &by, vote, now)?;
    tell(&approval, now);
    Ok(())
}

fn ticket(args: &Fetch) -> Result<(), Problem> {
    let (by, action, issuer) = (args.person.prove()?, args.exact.read()?, args.office.issuer()?);
    let ticket = opened(&args.desk)?.ticket(&args.id, &by, &action, &issuer, args.desk.now()?);
    output::println(&ticket?.token);
    Ok(())
}
