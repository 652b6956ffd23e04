//! A workspace of governed agents, and policies that some of them do not pass.

use super::{NOW, authority, engine_tests, gate, policy, request_json, signing, trusted, verifying};
use govc_audit::{Event, FolderDisk, Log, Options, Signer};
use govc_engine::{BundleSpec, Engine, Policy, Trust, VerifyingKey, build_bundle};
use govc_governance::metrics::Counts;
use govc_governance::outbox::{AuditOutbox, drain};
use govc_governance::promotion::{self, PromotionRequest};
use govc_governance::revalidation::{Revalidation, Summary, revalidate};
use govc_governance::store::{SqliteStore, Store, StoreError, admit, promote};
use govc_governance::{Actor, DecisionCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

pub const ENTRYPOINT: &str = "promotion/result";

/// The promotion policy with other data.
fn bundle_with(change: impl FnOnce(&mut BundleSpec, &mut Value)) -> Vec<u8> {
    let bytes = std::fs::read(engine_tests().join("bundles/agent-promotion.tar.gz")).unwrap();
    let bundle = govc_engine::Bundle::open(&bytes, &Trust::unsigned()).unwrap();
    let mut data = json!(null);
    let mut spec = BundleSpec::default();
    for (path, content) in bundle.files() {
        match path {
            "policy.govc" => spec.program = Some(content.to_vec()),
            "data.json" => data = serde_json::from_slice(content).unwrap(),
            _ => {}
        }
    }
    spec.entrypoints = vec![ENTRYPOINT.to_owned()];
    if let Some(section) = bundle.section() {
        assert!(section.schemas.is_empty(), "the schemas are part of the hash, and their texts are not here");
    }
    let given = data.clone();
    change(&mut spec, &mut data);
    let text = if data == given {
        bundle.file("data.json").unwrap().to_vec()
    } else {
        data.to_string().into_bytes()
    };
    spec.data = Some(text);
    build_bundle(&spec).unwrap()
}

/// Policies under which temperatures are lower.
pub fn stricter_bundle() -> Vec<u8> {
    bundle_under(0.35)
}

/// Policies under which agents must stay below this temperature.
pub fn bundle_under(temperature: f64) -> Vec<u8> {
    bundle_with(|_, data| data["promotion"]["temperature"]["analysis"] = json!(temperature))
}

pub fn stricter() -> Policy {
    Engine::load(&stricter_bundle(), &Trust::unsigned()).unwrap()
}

/// The same policies in another bundle.
pub fn same_policies() -> Policy {
    let bundle = bundle_with(|spec, _| {
        spec.revision = "another".to_owned();
        spec.extra.insert("README.md".to_owned(), b"unrelated".to_vec());
    });
    Engine::load(&bundle, &Trust::unsigned()).unwrap()
}

/// The request for an agent of a number; its temperature goes from 0 to 0.69.
pub fn numbered(number: i64) -> PromotionRequest {
    let mut json = request_json();
    json["agent"]["agentId"] = json!(number);
    json["agent"]["name"] = json!(format!("agent-{number}"));
    json["agent"]["roleClass"] = json!("analysis");
    let temperature = (number * 37 % 70) as f64 / 100.0;
    json["agent"]["anatomy"]["reasoning"]["temperature"] = json!(temperature);
    PromotionRequest::from_json(json.to_string().as_bytes()).unwrap()
}

pub struct House {
    pub store: SqliteStore,
    pub folder: tempfile::TempDir,
    pub size: i64,
}

impl House {
    /// So many agents that were promoted under the policies of the example.
    pub fn of(size: i64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("governance.sqlite")).unwrap();
        let (policy, key) = (policy("agent-promotion"), signing("ed25519"));
        for number in 1..=size {
            let request = numbered(number);
            let id = store.create_sandbox("finance", request.spec(), "user-17", NOW).unwrap();
            assert_eq!(id, number);
            let promoted = promote(&store, id, &authority(&policy, &key), &request).unwrap();
            assert!(promoted.is_success(), "{:?}", promoted.failures);
        }
        Self { store, folder, size }
    }

    pub fn ids(&self) -> impl Iterator<Item = i64> + use<> {
        1..=self.size
    }

    pub fn request(&self, id: i64) -> PromotionRequest {
        numbered(id)
    }

    pub fn connection(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("governance.sqlite")).unwrap()
    }

    pub fn revalidate(&self, policy: &Policy, step: usize) -> Result<Summary, StoreError> {
        self.revalidate_with(policy, &[verifying("ed25519")], step)
    }

    pub fn revalidate_with(
        &self,
        policy: &Policy,
        keys: &[VerifyingKey],
        step: usize,
    ) -> Result<Summary, StoreError> {
        run(&self.store, policy, keys, step)
    }

    /// Decides on every agent by itself: its number, and why it does not pass.
    pub fn expected(&self, policy: &Policy) -> Vec<(i64, Vec<String>)> {
        let key = signing("ed25519");
        let decide = |id| promotion::decide(&authority(policy, &key), &numbered(id)).failures;
        self.ids().map(|id| (id, decide(id))).collect()
    }

    pub fn starts(&self, id: i64, policy: &Policy) -> Vec<DecisionCode> {
        let verdict = admit(&self.store, id, &gate(Some(policy), &trusted(), NOW)).unwrap();
        verdict.failures.iter().map(|failure| failure.code).collect()
    }

    /// An agent whose promotion the policy denies.
    pub fn denied_promotion(&self) -> i64 {
        let mut json = request_json();
        json["actorRole"] = json!("viewer");
        let request = PromotionRequest::from_json(json.to_string().as_bytes()).unwrap();
        let id = self.store.create_sandbox("finance", request.spec(), "user-17", NOW).unwrap();
        let (policy, key) = (policy("agent-promotion"), signing("ed25519"));
        assert!(!promote(&self.store, id, &authority(&policy, &key), &request).unwrap().is_success());
        id
    }

    pub fn events_of(&self, code: DecisionCode) -> Vec<Event> {
        let rows = self.store.waiting(100_000).unwrap();
        let events = rows.iter().map(|row| Event::read(row.entry.as_bytes()).unwrap());
        events.filter(|event| event.code.unwrap().text() == code.name()).collect()
    }

    /// Drains into a log and counts what stands there: as the counters would, and by hand.
    pub fn counts_of_log(&self) -> (Counts, Numbers) {
        let log = log(self.folder.path());
        let _ = drain(&self.store, &log).unwrap();
        let (mut counts, mut numbers) = (Counts::default(), Numbers::default());
        let reader = log.reader().unwrap();
        for entry in (0..reader.size().div_ceil(256)).flat_map(|bundle| reader.bundle(bundle).unwrap()) {
            counts.observe(&Event::read(&entry).unwrap());
            numbers.count(&serde_json::from_slice(&entry).unwrap());
        }
        (counts, numbers)
    }
}

pub fn run(
    store: &SqliteStore,
    policy: &Policy,
    keys: &[VerifyingKey],
    step: usize,
) -> Result<Summary, StoreError> {
    let key = signing("ed25519");
    let actor = Actor { id: "user-1", role: "policy_admin" };
    let authority = &authority(policy, &key);
    revalidate(store, &Revalidation { workspace: "finance", authority, keys, actor, threads: 2, step })
}

pub fn log(folder: &Path) -> Log {
    let signer = Signer::log("example.com/audit", &[7; 32]).unwrap();
    let disk = FolderDisk::open(folder.join("log")).unwrap();
    Log::open(disk, signer, Options::new("example.com/audit")).unwrap()
}

/// The seven counters, counted over the JSON of the log by another hand.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Numbers(BTreeMap<&'static str, u64>);

impl Numbers {
    fn count(&mut self, event: &Value) {
        let code = event["code"].as_str().unwrap();
        let verdict = event["outcome"]["verdict"].as_str().unwrap();
        let name = match (code, verdict) {
            ("ADMISSION_ALLOW", "allow") => "allowed",
            ("POLICY_HOTRELOAD", "success") => "reloads",
            ("POLICY_HOTRELOAD", "failure") => "failures",
            ("POLICY_REVALIDATION", "deny") => "invalidations",
            ("PROMOTION_ATTEMPT", _) => "attempts",
            ("PROMOTION_DENIED", _) => "denies",
            (code, "deny") if code.starts_with("ADMISSION_") => "denied",
            _ => return,
        };
        *self.0.entry(name).or_default() += 1;
    }

    pub fn of(counts: &Counts) -> Self {
        let sum = |values: &BTreeMap<String, u64>| values.values().sum();
        Self(BTreeMap::from([
            ("allowed", counts.starts_allowed),
            ("denied", sum(&counts.starts_denied)),
            ("reloads", counts.reloads),
            ("failures", counts.reload_failures),
            ("invalidations", counts.invalidations),
            ("attempts", counts.promotion_attempts),
            ("denies", sum(&counts.promotion_denies)),
        ]))
    }

    pub fn all_seen(&self) -> bool {
        self.0.len() == 7 && self.0.values().all(|count| *count > 0)
    }
}
