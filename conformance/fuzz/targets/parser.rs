//! Modules in both versions, and queries.

#![no_main]

use govc_conformance::fuzz::targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::parser(bytes));
