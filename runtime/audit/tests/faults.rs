//! Short runs of the campaigns against the log.

mod campaign;

#[test]
fn no_tampering_goes_unnoticed_and_no_clean_log_is_accused() {
    assert_eq!(campaign::tamper::campaign(2, 1), Ok(()));
    assert!(campaign::tamper::KINDS.len() >= 40);
}

#[test]
fn a_power_cut_costs_nothing_that_was_acknowledged() {
    assert_eq!(campaign::power::campaign(40, 1), Ok(()));
}

#[test]
fn a_failing_disk_costs_nothing_that_was_acknowledged() {
    assert_eq!(campaign::failures::campaign(15, 1), Ok(()));
}
