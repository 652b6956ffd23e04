//! Bundles of the format of OPA, unsigned.

#![no_main]

use govc_conformance::fuzz::targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::bundle(bytes));
