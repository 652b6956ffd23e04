//! Tickets are good for one use of one caller, and for nothing that differs in any field.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::{signing, verifying};
use govc_audit::Event;
use govc_engine::{Algorithm, KeyError, SigningKey};
use govc_governance::ledger::Ledger;
use govc_governance::outbox::AuditOutbox;
use govc_governance::store::SqliteStore;
use govc_governance::ticket::{Issuer, Order, Redeemer, TicketRefusal, Use, Verifier};
use govc_governance::{CanonicalAction, Principal};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const NOW: i64 = 1_800_000_000;
const SECRET: &[u8] = b"a shared secret of thirty-two by";

fn thumbprint(key: &str) -> String {
    verifying(key).thumbprint().unwrap()
}

fn principal(id: &str, key: &str) -> Principal {
    Principal::verified_elsewhere(id, Some(thumbprint(key)))
}

fn action(change: impl FnOnce(&mut [Value; 4])) -> CanonicalAction {
    let mut parts =
        [json!("restart"), json!("prod/api"), json!({"force": false, "grace": 30}), json!("ab".repeat(32))];
    change(&mut parts);
    let [action, target, parameters, bundle] = parts;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    CanonicalAction::new(&text(&action), &text(&target), &parameters, &text(&bundle)).unwrap()
}

fn ledger() -> Arc<SqliteStore> {
    Arc::new(SqliteStore::in_memory().unwrap())
}

fn issuer() -> Issuer {
    Issuer::new("govc", signing("ed25519")).unwrap()
}

fn verifier(audience: &str) -> Verifier {
    Verifier::new("govc", audience, [verifying("ed25519")]).unwrap()
}

/// A token of any header and claims under a key.
fn forged(key: &SigningKey, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

fn parts(token: &str) -> (Value, Value) {
    let mut parts = token
        .split('.')
        .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap_or_default());
    (parts.next().unwrap(), parts.next().unwrap())
}

/// A ticket and what it is shown for.
struct Shown {
    token: String,
    caller: Principal,
    action: CanonicalAction,
    audience: &'static str,
    now: i64,
}

impl Shown {
    fn good(ledger: &SqliteStore) -> Self {
        let (caller, action) = (principal("worker", "es256"), action(|_| {}));
        let order = Order { caller: &caller, action: &action, audience: "cluster-1" };
        let token = issuer().issue(ledger, order, NOW).unwrap().token;
        Self { token, caller, action, audience: "cluster-1", now: NOW }
    }

    fn claim(&mut self, name: &str, value: Value) {
        let (header, mut claims) = parts(&self.token);
        claims[name] = value;
        self.token = forged(&signing("ed25519"), &header, &claims);
    }

    fn header(&mut self, name: &str, value: Value) {
        let (mut header, claims) = parts(&self.token);
        header[name] = value;
        self.token = forged(&signing("ed25519"), &header, &claims);
    }

    fn redeem(&self, ledger: &Arc<SqliteStore>) -> Result<(), TicketRefusal> {
        let shown_for = Use { caller: &self.caller, action: &self.action };
        Redeemer::new(ledger.clone(), verifier(self.audience))
            .redeem(&self.token, shown_for, self.now)
            .map(drop)
    }
}

type Change = fn(&mut Shown);

/// One field changed; the code with which the ticket is refused.
const CHANGES: &[(&str, Change, &str)] = &[
    ("claim action", |s| s.claim("action", json!("delete")), "govc_ticket_action"),
    ("claim target", |s| s.claim("target", json!("prod/db")), "govc_ticket_target"),
    ("claim parameters", |s| s.claim("parameters", json!("cd".repeat(32))), "govc_ticket_parameters"),
    ("claim bundle", |s| s.claim("bundle", json!("cd".repeat(32))), "govc_ticket_bundle"),
    ("claim sub", |s| s.claim("sub", json!("boss")), "govc_ticket_caller"),
    ("claim cnf", |s| s.claim("cnf", json!({"jkt": thumbprint("rs256")})), "govc_ticket_caller"),
    ("claim iss", |s| s.claim("iss", json!("other")), "govc_ticket_issuer"),
    ("claim aud", |s| s.claim("aud", json!("cluster-2")), "govc_ticket_audience"),
    ("claim aud, a list", |s| s.claim("aud", json!(["cluster-1"])), "govc_ticket_malformed"),
    ("claim iat", |s| s.claim("iat", json!(NOW + 1)), "govc_ticket_early"),
    ("claim nbf", |s| s.claim("nbf", json!(NOW + 1)), "govc_ticket_early"),
    ("claim exp, over", |s| s.claim("exp", json!(NOW)), "govc_ticket_expired"),
    ("claim exp, ten years", |s| s.claim("exp", json!(NOW + 315_360_000)), "govc_ticket_lifetime"),
    ("claim exp, a fraction", |s| s.claim("exp", json!(1.9e9)), "govc_ticket_malformed"),
    ("claim jti", |s| s.claim("jti", json!("")), "govc_ticket_malformed"),
    ("claim approval", |s| s.claim("approval", json!("apr-1")), "govc_ticket_approval"),
    ("claim that is not known", |s| s.claim("admin", json!(true)), "govc_ticket_malformed"),
    ("claim that is missing", |s| s.claim("exp", json!(null)), "govc_ticket_malformed"),
    ("header alg", |s| s.header("alg", json!("ES256")), "govc_ticket_algorithm"),
    ("header alg none", |s| s.header("alg", json!("none")), "govc_ticket_algorithm"),
    ("header typ", |s| s.header("typ", json!("JWT")), "govc_ticket_type"),
    ("header kid", |s| s.header("kid", json!(thumbprint("other"))), "govc_ticket_key"),
    ("header crit", |s| s.header("crit", json!(["exp"])), "govc_ticket_malformed"),
    ("header jwk", |s| s.header("jwk", json!({})), "govc_ticket_malformed"),
    ("signature", |s| s.token.replace_range(s.token.len() - 4.., "AAAA"), "govc_ticket_signature"),
    ("signature cut off", |s| s.token.truncate(s.token.rfind('.').unwrap() + 1), "govc_ticket_signature"),
    (
        "claims without a new signature",
        |s| {
            let other = forged(&signing("other"), &parts(&s.token).0, &parts(&s.token).1);
            s.token = other;
        },
        "govc_ticket_signature",
    ),
    ("shown for another action", |s| s.action = action(|a| a[0] = json!("restart ")), "govc_ticket_action"),
    ("shown for another target", |s| s.action = action(|a| a[1] = json!("prod/API")), "govc_ticket_target"),
    (
        "shown for another parameter",
        |s| s.action = action(|a| a[2]["force"] = json!(true)),
        "govc_ticket_parameters",
    ),
    (
        "shown for one parameter more",
        |s| s.action = action(|a| a[2]["x"] = json!(1)),
        "govc_ticket_parameters",
    ),
    (
        "shown for a parameter of another type",
        |s| s.action = action(|a| a[2]["grace"] = json!("30")),
        "govc_ticket_parameters",
    ),
    ("shown for no parameters", |s| s.action = action(|a| a[2] = json!({})), "govc_ticket_parameters"),
    (
        "shown under another bundle",
        |s| s.action = action(|a| a[3] = json!("cd".repeat(32))),
        "govc_ticket_bundle",
    ),
    ("shown by another caller", |s| s.caller = principal("boss", "es256"), "govc_ticket_caller"),
    ("shown under another key", |s| s.caller = principal("worker", "rs256"), "govc_ticket_caller"),
    (
        "shown without a key",
        |s| s.caller = Principal::verified_elsewhere("worker", None),
        "govc_ticket_caller",
    ),
    ("shown to somebody else", |s| s.audience = "cluster-2", "govc_ticket_audience"),
    ("shown too early", |s| s.now -= 1, "govc_ticket_early"),
    ("shown too late", |s| s.now += 300, "govc_ticket_expired"),
];

#[test]
fn a_ticket_that_differs_in_one_field_is_refused() {
    assert!(CHANGES.len() >= 30);
    for (what, change, code) in CHANGES {
        let ledger = ledger();
        let mut shown = Shown::good(&ledger);
        change(&mut shown);
        assert_eq!(shown.redeem(&ledger).map_err(|refusal| refusal.code()), Err(*code), "{what}");
    }
    let ledger = ledger();
    assert_eq!(Shown::good(&ledger).redeem(&ledger), Ok(()), "what no change was made to is taken");
}

#[test]
fn being_refused_does_not_burn_a_ticket_and_being_used_does() {
    let ledger = ledger();
    let good = Shown::good(&ledger);
    let shown = |change: Change| {
        let mut shown = Shown {
            token: good.token.clone(),
            caller: good.caller.clone(),
            action: good.action.clone(),
            ..good
        };
        change(&mut shown);
        shown.redeem(&ledger)
    };
    assert_eq!(shown(|s| s.audience = "cluster-2"), Err(TicketRefusal::Audience));
    assert_eq!(shown(|_| {}), Ok(()));
    assert_eq!(shown(|_| {}), Err(TicketRefusal::Replay));
    let events: Vec<Event> =
        ledger.waiting(9).unwrap().iter().map(|row| Event::read(row.entry.as_bytes()).unwrap()).collect();
    let results: Vec<(&str, &[String])> = events
        .iter()
        .map(|event| (event.policy_checks[0].result.as_str(), event.outcome.error_codes.as_slice()))
        .collect();
    let replay = ["govc_ticket_replay".to_owned()];
    assert_eq!(results, [("issued", &[][..]), ("redeemed", &[]), ("refused", &replay)]);
    assert!(ledger.waiting(9).unwrap().iter().all(|row| !row.entry.contains(&good.token)));
}

#[test]
fn forgotten_tickets_stay_burnt_although_the_clock_goes_back() {
    let ledger = ledger();
    let used = Shown::good(&ledger);
    used.redeem(&ledger).unwrap();
    ledger.forget_tickets(NOW + 300).unwrap();
    assert_eq!(used.redeem(&ledger), Err(TicketRefusal::Replay));
    assert_eq!(
        Shown::good(&ledger).redeem(&ledger),
        Err(TicketRefusal::Replay),
        "nobody knows whether it was used"
    );
}

/// Threads of several redeemers over files of their own connection; each ticket is tried by all.
#[test]
fn of_many_who_use_a_ticket_at_once_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Arc::new(SqliteStore::open(folder.path().join("store.db")).unwrap());
    let ledgers = [open(), open()];
    let tickets: Vec<Shown> = (0..40).map(|_| Shown::good(&ledgers[0])).collect();
    let uses: Vec<AtomicUsize> = tickets.iter().map(|_| AtomicUsize::new(0)).collect();
    let redeemers = ledgers.map(|ledger| Redeemer::new(ledger, verifier("cluster-1")));
    std::thread::scope(|scope| {
        for redeemer in redeemers.iter().cycle().take(8) {
            scope.spawn(|| {
                for (shown, uses) in tickets.iter().zip(&uses) {
                    let shown_for = Use { caller: &shown.caller, action: &shown.action };
                    match redeemer.redeem(&shown.token, shown_for, NOW) {
                        Ok(_) => uses.fetch_add(1, Ordering::Relaxed),
                        Err(refusal) => {
                            assert_eq!(refusal, TicketRefusal::Replay);
                            0
                        }
                    };
                }
            });
        }
    });
    assert!(uses.iter().all(|uses| uses.load(Ordering::Relaxed) == 1));
}

#[test]
fn all_families_of_keys_issue() {
    for key in ["ed25519", "es256", "rs256"] {
        let ledger = ledger();
        let issuer = Issuer::new("govc", signing(key)).unwrap();
        let (caller, action) = (principal("worker", "other"), action(|_| {}));
        let ticket = issuer
            .issue(&*ledger, Order { caller: &caller, action: &action, audience: "here" }, NOW)
            .unwrap();
        let redeemer = Redeemer::new(ledger, Verifier::new("govc", "here", [verifying(key)]).unwrap());
        assert_eq!(
            redeemer.redeem(&ticket.token, Use { caller: &caller, action: &action }, NOW).unwrap().claims,
            ticket.claims
        );
    }
}

#[test]
fn shared_secrets_must_be_named_and_long() {
    let secret = SigningKey::from_secret(SECRET, Algorithm::Hs256).unwrap();
    assert_eq!(
        Verifier::new("govc", "here", [secret.verifying_key().clone()]).unwrap_err().code(),
        "govc_key_algorithm"
    );
    assert_eq!(Issuer::new("govc", secret).unwrap_err().code(), "govc_key_algorithm");
    let short = &SECRET[..31];
    assert_eq!(
        Issuer::with_shared_secret("govc", short).unwrap_err(),
        KeyError::Short { given: 31, needed: 32 }
    );
    assert_eq!(
        Verifier::with_shared_secret("govc", "here", short).unwrap_err(),
        KeyError::Short { given: 31, needed: 32 }
    );

    let (ledger, caller, action) = (ledger(), principal("worker", "es256"), action(|_| {}));
    let order = Order { caller: &caller, action: &action, audience: "here" };
    let ticket = Issuer::with_shared_secret("govc", SECRET).unwrap().issue(&*ledger, order, NOW).unwrap();
    let verifier = Verifier::with_shared_secret("govc", "here", SECRET).unwrap();
    let shown_for = Use { caller: &caller, action: &action };
    assert!(Redeemer::new(ledger.clone(), verifier).redeem(&ticket.token, shown_for, NOW).is_ok());
    // A public key is no secret for HMAC.
    let public = common::pem("ed25519.pub");
    let confused =
        Issuer::with_shared_secret("govc", public.as_bytes()).unwrap().issue(&*ledger, order, NOW).unwrap();
    let asymmetric = Verifier::new("govc", "here", [verifying("ed25519")]).unwrap();
    assert_eq!(asymmetric.verify(&confused.token, shown_for, NOW), Err(TicketRefusal::Key));
}

#[test]
fn a_principal_is_made_by_proof_only() {
    let (key, challenge) = (signing("es256"), b"7f0e");
    let signature = key.sign(&Principal::challenge(challenge)).unwrap();
    let proved = Principal::from_key(&verifying("es256"), challenge, &signature).unwrap();
    assert_eq!((proved.id(), proved.key()), (&*thumbprint("es256"), Some(&*thumbprint("es256"))));
    assert_eq!(Principal::from_key(&verifying("es256"), b"7f0f", &signature), None);
    assert_eq!(Principal::from_key(&verifying("other"), challenge, &signature), None);
    let secret = SigningKey::from_secret(SECRET, Algorithm::Hs256).unwrap();
    let mac = secret.sign(&Principal::challenge(challenge)).unwrap();
    assert_eq!(Principal::from_key(secret.verifying_key(), challenge, &mac), None);
}
