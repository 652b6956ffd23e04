//! The tables that others read: their columns, what stands in them, their indexes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use common::{NOW, authority, policy, request, signing};
use govc_engine::sha256_hex;
use govc_governance::AgentSpec;
use govc_governance::store::{SqliteStore, Store, promote};
use rusqlite::Connection;
use serde_json::{Value, json};

/// Tables, with the columns that dashboards of before know.
const TABLES: [(&str, &str); 3] = [
    (
        "agent_specs",
        "id workspace_id name version description role_class mode governance_status anatomy governance created_by \
         created_at updated_at",
    ),
    ("agent_proofs", "agent_id policy_hash spec_hash signature authority signed_at"),
    ("policy_versions", "workspace_id policy_set hash bundle actor reason"),
];

const INDEXES: [(&str, &str); 3] =
    [("idx_workspace", "workspace_id"), ("idx_mode", "mode"), ("idx_status", "governance_status")];

fn texts(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// A row as JSON.
fn row(connection: &Connection, table: &str, columns: &str) -> Value {
    let columns: Vec<&str> = columns.split_whitespace().collect();
    let pairs: Vec<String> = columns.iter().map(|column| format!("'{column}', {column}")).collect();
    let sql = format!("SELECT json_object({}) FROM {table}", pairs.join(", "));
    serde_json::from_str(&texts(connection, &sql)[0]).unwrap()
}

#[test]
fn the_tables_have_the_columns_and_indexes_that_others_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("governance.sqlite");
    let store = SqliteStore::open(&path).unwrap();
    let (policy, key, request) =
        (policy("agent-promotion"), signing("ed25519").with_id("ops"), request(|_| ()));
    let id = store.create_sandbox("finance", request.spec(), "user-9", NOW - 60).unwrap();
    assert!(promote(&store, id, &authority(&policy, &key), &request).unwrap().is_success());
    let other = Connection::open(&path).unwrap();
    let [specs, proofs, versions] = TABLES.map(|(table, columns)| row(&other, table, columns));

    let spec: Value = serde_json::from_str(request.spec().json()).unwrap();
    for (column, member) in [
        ("name", "name"),
        ("version", "version"),
        ("description", "description"),
        ("role_class", "roleClass"),
    ] {
        assert_eq!(specs[column], spec[member], "{column}");
    }
    let inner = |value: &Value| serde_json::from_str::<Value>(value.as_str().unwrap()).unwrap();
    assert_eq!(inner(&specs["anatomy"]), spec["anatomy"]);
    let state = ["id", "workspace_id", "mode", "governance_status", "created_by", "created_at", "updated_at"];
    assert_eq!(
        state.map(|column| specs[column].clone()),
        [
            json!(id),
            json!("finance"),
            json!("governed"),
            json!("GOVERNED_VALID"),
            json!("user-9"),
            json!(NOW - 60),
            json!(NOW)
        ]
    );
    let digest = request.spec().digest();
    let proof = ["agent_id", "policy_hash", "spec_hash", "authority", "signed_at"];
    assert_eq!(
        proof.map(|column| proofs[column].clone()),
        [json!(id), json!(policy.policy_hash()), json!(digest), json!("ops"), json!(NOW)]
    );
    assert_eq!([policy.policy_hash().len(), digest.len(), sha256_hex(b"").len()], [64; 3]);
    assert_eq!(
        proofs["signature"].as_str(),
        store.proof(id).unwrap().as_ref().map(|proof| proof.envelope.as_str())
    );
    let version = ["workspace_id", "policy_set", "hash", "actor"];
    assert_eq!(
        version.map(|column| versions[column].clone()),
        [json!("finance"), json!("promotion/result"), json!(policy.policy_hash()), json!("user-17")]
    );
    // What a specification says of its governance has a column of its own.
    let governed =
        br#"{"name": "x", "governance": {"policy_set": "p", "economics": {"rate_limit_per_min": 60}}}"#;
    let _ = store.create_sandbox("other", &AgentSpec::from_json(governed).unwrap(), "user-9", NOW).unwrap();
    let last = texts(&other, "SELECT governance FROM agent_specs WHERE workspace_id = 'other'");
    let said = json!({"policy_set": "p", "economics": {"rate_limit_per_min": 60}});
    assert_eq!(serde_json::from_str::<Value>(&last[0]).unwrap(), said);
    for (index, column) in INDEXES {
        assert_eq!(texts(&other, &format!("SELECT name FROM pragma_index_info('{index}')")), [column]);
    }
}
