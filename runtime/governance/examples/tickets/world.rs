//! Numbered tickets: every process can make the same ones, so nothing has to be handed over.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use govc_engine::{Algorithm, SigningKey, VerifyingKey};
use govc_governance::ledger::Ledger;
use govc_governance::outbox::AuditOutbox;
use govc_governance::store::SqliteStore;
use govc_governance::ticket::{Redeemed, Redeemer, TicketRefusal, Use, Verifier};
use govc_governance::{CanonicalAction, Principal};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

const ISSUER: &str = "issuer.example.com";
const TAKER: &str = "cluster.example.com";
const SECRET: &[u8] = b"a shared secret of thirty-two by";
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
    -----END PRIVATE KEY-----";

/// The time that all tickets are good at.
pub(crate) const NOW: i64 = 1_800_000_000;

/// Tickets that seem to be issued in a millisecond.
const PER_MILLISECOND: u64 = 20;

/// What tickets are signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ed25519,
    Hs256,
}

/// Makes tickets, and shows them for what they are for.
pub(crate) struct World {
    key: SigningKey,
    header: String,
    caller: Principal,
    action: CanonicalAction,
}

impl World {
    pub(crate) fn new(kind: Kind) -> Self {
        let key = match kind {
            Kind::Ed25519 => SigningKey::from_pem(PRIVATE),
            Kind::Hs256 => SigningKey::from_secret(SECRET, Algorithm::Hs256),
        };
        let key = key.expect("a key");
        let mut header = json!({"alg": key.algorithm().name(), "typ": "govc-ticket+jwt"});
        if let Some(thumbprint) = key.verifying_key().thumbprint() {
            header["kid"] = thumbprint.into();
        }
        let parameters = json!({"namespace": "dev", "name": "api", "replicas": 3});
        let action =
            CanonicalAction::new("scale", "dev/api", &parameters, &"ab".repeat(32)).expect("an action");
        let caller = Principal::verified_elsewhere("worker-17", Some("the thumbprint of a key".to_owned()));
        Self { key, header: part(&header), caller, action }
    }

    /// The name of a ticket, as an issuer would make it.
    pub(crate) fn name(number: u64) -> String {
        let milliseconds = NOW as u64 * 1000 + number / PER_MILLISECOND;
        format!("{milliseconds:012x}{:020x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn ticket(&self, number: u64) -> String {
        let CanonicalAction { action, target, parameters, bundle } = &self.action;
        let claims = json!({
            "iss": ISSUER, "aud": TAKER, "sub": self.caller.id(), "cnf": {"jkt": self.caller.key()},
            "action": action, "target": target, "parameters": parameters, "bundle": bundle,
            "iat": NOW, "nbf": NOW, "exp": NOW + 300, "jti": Self::name(number),
        });
        let signed = format!("{}.{}", self.header, part(&claims));
        let signature = self.key.sign(signed.as_bytes()).expect("the key signs");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    pub(crate) fn verifier(&self) -> Verifier {
        let made = match self.key.algorithm() {
            Algorithm::Hs256 => Verifier::with_shared_secret(ISSUER, TAKER, SECRET),
            _ => Verifier::new(ISSUER, TAKER, [self.key.verifying_key().clone()]),
        };
        made.expect("a verifier")
    }

    pub(crate) fn redeemer(&self, store: &Arc<dyn Store>) -> Redeemer {
        Redeemer::new(store.clone(), self.verifier())
    }

    pub(crate) fn shown_for(&self) -> Use<'_> {
        Use { caller: &self.caller, action: &self.action }
    }

    /// Uses a ticket. True when it was good, false when it was used before; nothing else may happen.
    pub(crate) fn used(&self, redeemer: &Redeemer, token: &str) -> bool {
        Self::told(redeemer.redeem(token, self.shown_for(), NOW))
    }

    fn told(answer: Result<Redeemed, TicketRefusal>) -> bool {
        match answer {
            Ok(_) => true,
            Err(TicketRefusal::Replay) => false,
            Err(refusal) => panic!("a good ticket was refused: {refusal}"),
        }
    }

    /// As [`used`](Self::used), where the server may be shot down: then nobody was told anything, and the ticket may be gone.
    pub(crate) fn used_if_answered(&self, redeemer: &Redeemer, token: &str) -> bool {
        Self::told(redeemer.redeem(token, self.shown_for(), NOW).map_err(|refusal| match refusal {
            TicketRefusal::Store(_) => TicketRefusal::Replay,
            other => other,
        }))
    }

    /// Key, message and signature of a ticket, for the library alone.
    pub(crate) fn signature(&self) -> (VerifyingKey, Algorithm, Vec<u8>, Vec<u8>) {
        let token = self.ticket(0);
        let (signed, signature) = token.rsplit_once('.').expect("a token");
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        (self.key.verifying_key().clone(), self.key.algorithm(), signed.as_bytes().to_vec(), signature)
    }
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// What a store must be here.
pub(crate) trait Store: Ledger + AuditOutbox {}

impl<T: Ledger + AuditOutbox> Store for T {}

/// File of a folder with the address of a PostgreSQL server; without it the folder has a store of SQLite.
pub(crate) const SERVER: &str = "server";

pub(crate) fn store(folder: &Path) -> Arc<dyn Store> {
    match std::fs::read_to_string(folder.join(SERVER)) {
        Ok(address) => server(&address),
        Err(_) => Arc::new(SqliteStore::open(folder.join("store.db")).expect("the store opens")),
    }
}

/// A server that lost a process by force is back after a second or so.
#[cfg(feature = "postgres")]
fn server(address: &str) -> Arc<dyn Store> {
    use govc_governance::store::PostgresLedger;
    for _ in 0..100 {
        if let Ok(ledger) = PostgresLedger::connect(address) {
            return Arc::new(ledger);
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    panic!("the server does not answer")
}

#[cfg(not(feature = "postgres"))]
fn server(_: &str) -> Arc<dyn Store> {
    panic!("built without the feature `postgres`")
}
