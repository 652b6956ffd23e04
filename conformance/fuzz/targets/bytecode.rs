//! Compiled programs; what the verifier accepts is run.

#![no_main]

use govc_conformance::fuzz::targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::bytecode(bytes));
