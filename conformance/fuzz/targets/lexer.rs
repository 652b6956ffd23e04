//! Words of a module.

#![no_main]

use govc_conformance::fuzz::targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::lexer(bytes));
