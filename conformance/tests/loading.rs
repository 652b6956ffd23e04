//! The reference cases can be read, all of them.

use govc_conformance::{cases, shared, skip};

#[test]
fn all_cases_are_read() {
    let Some(folder) = shared("opa/cases") else { skip!("no reference data (GOVC_SHARED or ../shared)") };
    let all = cases::load(&folder);
    println!("{} cases read", all.len());
    assert_eq!(all.iter().filter(|c| c.version == "v0").count(), 1953);
    assert_eq!(all.iter().filter(|c| c.version == "v1").count(), 2274);
    assert!(all.iter().all(|c| c.text("query").is_some()));
}
