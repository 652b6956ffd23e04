//! Small programs in the text form of the bytecode, with what they answer.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;

use common::{Answer, answer, parts};
use govc_bytecode::{decode, encode, text};

const ANSWERS: &str = include_str!("programs/answers.txt");

#[test]
fn programs_answer_as_written_beside_them() {
    let parts = parts(ANSWERS);
    assert!(parts.len() > 20);
    for part in parts {
        let got = answer(&text::parse(&part.program).unwrap_or_else(|e| panic!("{}: {e}", part.name)), &part);
        assert_eq!(got, part.expected, "{}", part.name);
    }
}

#[test]
fn the_container_changes_no_answer() {
    for part in parts(ANSWERS) {
        let program = text::parse(&part.program).unwrap();
        assert_eq!(answer(&decode(&encode(&program)).unwrap(), &part), part.expected, "{}", part.name);
    }
}

/// Whatever the verifier accepts runs to an answer or an error, and the same one each time.
#[test]
fn no_accepted_mutant_panics() {
    let (mut accepted, mut changed) = (0, 0);
    for part in parts(ANSWERS) {
        let bytes = encode(&text::parse(&part.program).unwrap());
        for at in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            let Ok(program) = decode(&flipped) else { continue };
            if govc_bytecode::verify(&program).is_err() {
                continue;
            }
            accepted += 1;
            let first = answer(&program, &part);
            if at % 8 == 0 {
                assert_eq!(first, answer(&program, &part), "{} bit {at}", part.name);
            }
            changed += usize::from(first != part.expected && first != Answer::Refused);
        }
    }
    println!("{accepted} mutants accepted, {changed} answer otherwise");
    assert!(accepted > 1_000 && changed > 100, "{accepted} accepted, {changed} changed");
}
