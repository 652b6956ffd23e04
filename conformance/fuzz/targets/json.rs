//! JSON documents, read, written and read again.

#![no_main]

use govc_conformance::fuzz::targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::json_reader(bytes));
