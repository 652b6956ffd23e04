//! Attacks on tickets, approvals and delegation: none may give a right that nobody granted.

use super::KEY;

/// Runs the command in a folder with keys of two people and of an issuer; gives its output, or the code of its refusal.
struct Office(tempfile::TempDir);

const EXACT: &str = "--action restart --target dev/api --bundle \
                     0000000000000000000000000000000000000000000000000000000000000000";

impl Office {
    fn new() -> Self {
        let office = Self(tempfile::tempdir().unwrap());
        for who in ["worker", "boss", "issuer"] {
            office.govc(&format!("keygen {who}")).unwrap();
        }
        office
    }

    fn govc(&self, line: &str) -> Result<String, String> {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_govc"));
        let output = command.args(line.split_whitespace()).current_dir(self.0.path()).output().unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        match output.status.success() {
            true => Ok(said(&output.stdout)),
            false => Err(said(&output.stderr)),
        }
    }

    fn issue(&self, more: &str) -> Result<String, String> {
        self.govc(&format!(
            "ticket issue --store s.db --signing-key issuer/private.pem --caller worker/public.pem --audience here {EXACT} {more}"
        ))
    }

    fn redeem(&self, token: &str) -> Result<String, String> {
        self.govc(&format!(
            "ticket redeem {token} --store s.db --key worker/private.pem --verification-key issuer/public.pem \
             --audience here {EXACT}"
        ))
    }
}

fn refused_with(done: Result<String, String>, code: &str) {
    let said = done.unwrap_err();
    assert!(said.contains(code), "{said}");
}

#[test]
fn a11_a_ticket_is_used_once_by_all_processes_together() {
    let office = Office::new();
    let token = office.issue("").unwrap();
    assert!(office.redeem(&token).unwrap().contains("\"event\": \"evt-"));
    refused_with(office.redeem(&token), "govc_ticket_replay");
    // What happened stands in the log: issued, used, and tried again.
    let drain = || office.govc("audit drain log --store s.db --signing-key issuer/private.pem");
    assert_eq!((drain(), drain()), (Ok("3".to_owned()), Ok("0".to_owned())));
}

#[test]
fn a14_nobody_makes_tickets_for_ten_years_or_with_the_key_of_who_verifies() {
    let office = Office::new();
    refused_with(office.redeem(&office.issue("--lifetime 315360000").unwrap()), "govc_ticket_lifetime");
    let forged = office.govc(&format!(
        "ticket issue --store s.db --signing-key worker/private.pem --caller worker/public.pem --audience here {EXACT}"
    ));
    refused_with(office.redeem(&forged.unwrap()), "govc_ticket_key");
}

#[test]
fn a25_approvals_need_others_who_prove_who_they_are_and_give_one_ticket() {
    let office = Office::new();
    let request = |approvers: &str| {
        office.govc(&format!(
            "approval request --store s.db --key worker/private.pem --audience here {approvers} {EXACT}"
        ))
    };
    refused_with(request("--approver worker/public.pem"), "govc_approval_rule");
    let id = request("--approver worker/public.pem --approver boss/public.pem").unwrap();
    let vote = |key: &str| office.govc(&format!("approval approve {id} --store s.db {key}"));
    refused_with(vote("--key worker/private.pem"), "govc_approval_own_request");
    refused_with(vote("--key boss/public.pem"), "govc_key_label");
    refused_with(vote("--key issuer/private.pem"), "govc_approval_no_approver");
    refused_with(vote(""), "--key");
    let fetch = || {
        office.govc(&format!(
            "approval ticket {id} --store s.db --key worker/private.pem --signing-key issuer/private.pem {EXACT}"
        ))
    };
    refused_with(fetch(), "govc_approval_pending");
    vote("--key boss/private.pem").unwrap();
    let tickets = [fetch().unwrap(), fetch().unwrap(), fetch().unwrap()];
    assert!(tickets.iter().all(|ticket| *ticket == tickets[0]), "one approval, one ticket");
    office.redeem(&tickets[0]).unwrap();
    refused_with(office.redeem(&tickets[0]), "govc_ticket_replay");
    refused_with(fetch(), "govc_approval_over");
}

#[test]
fn a28_who_delegates_does_not_choose_how_far() {
    use govc_governance::Principal;
    use govc_governance::delegation::{Delegate, Delegation, DelegationPolicy, DelegationRefusal, Scope};
    let policy = DelegationPolicy { max_links: 3, max_seconds: 600 };
    let person = |name: &str| Delegate { id: name.to_owned(), key: format!("key of {name}") };
    let proved = |name: &str| Principal::verified_elsewhere(name, Some(format!("key of {name}")));
    let scope = || Scope::new(["*"], ["*"], 600);
    let mut chain = Delegation::begin(person("root"), scope(), 0);
    assert_eq!(
        chain.narrow(&proved("root"), person("root"), scope(), &policy, 0),
        Err(DelegationRefusal::Circle)
    );
    for (by, to) in [("root", "a"), ("a", "b"), ("b", "c")] {
        chain = chain.narrow(&proved(by), person(to), scope(), &policy, 0).unwrap();
    }
    let fourth = chain.narrow(&proved("c"), person("d"), scope(), &policy, 0);
    assert_eq!(fourth, Err(DelegationRefusal::Depth { limit: 3 }));
}

#[test]
fn a15_a_short_secret_issues_no_ticket() {
    let office = Office::new();
    let issue = |secret: &str| {
        office.govc(&format!(
            "ticket issue --store s.db --signing-key {secret} --signing-alg HS256 --caller worker/public.pem --audience here {EXACT}"
        ))
    };
    refused_with(issue(&KEY[..31]), "govc_key_short");
    assert!(issue(KEY).is_ok());
}
