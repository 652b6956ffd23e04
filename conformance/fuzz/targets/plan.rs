//! Plans in OPA's form, optimized, compiled and run.

#![no_main]

use govc_conformance::fuzz::targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::plan_loader(bytes));
