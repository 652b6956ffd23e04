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

/// Not a test of its own: what the processes do that the two below start.
#[test]
fn child() {
    campaign::processes::work_as_child();
}

const CHILD: &[&str] = &["child", "--exact", "--nocapture"];

#[test]
fn many_processes_write_one_chain() {
    assert_eq!(campaign::processes::writers(4, 4, 800, CHILD), Ok(()));
}

#[test]
fn a_killed_writer_costs_nothing_that_was_acknowledged() {
    assert_eq!(campaign::processes::kills(20, 1, CHILD), Ok(()));
}
