//! The two forms of a program, and what the verifier refuses.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use govc_bytecode::{Program, decode, encode, text, verify};

const SAMPLE: &str = include_str!("every_operand.txt");

fn sample() -> Program {
    text::parse(SAMPLE).unwrap()
}

#[test]
fn text_survives_printing() {
    let printed = text::print(&sample());
    assert_eq!(text::parse(&printed).unwrap(), sample());
    assert_eq!(text::print(&text::parse(&printed).unwrap()), printed);
    let plain: Vec<&str> = printed.lines().map(|l| l.split("   #").next().unwrap_or("").trim_end()).collect();
    assert_eq!(plain.join("\n") + "\n", SAMPLE);
}

#[test]
fn container_survives_reading() {
    let bytes = encode(&sample());
    assert_eq!(decode(&bytes).unwrap(), sample());
    assert_eq!(encode(&decode(&bytes).unwrap()), bytes);
    verify(&sample()).unwrap();
}

#[test]
fn every_prefix_of_a_container_is_refused() {
    let bytes = encode(&sample());
    for end in 0..bytes.len() {
        assert!(decode(&bytes[..end]).is_err(), "{end}");
    }
    assert!(decode(&[&bytes[..], &[0]].concat()).is_err());
}

/// What decodes is a program that the same bytes come from, and the verifier has an opinion on it.
#[test]
fn no_flipped_bit_panics() {
    let bytes = encode(&sample());
    let mut decoded = 0;
    for at in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        if let Ok(program) = decode(&flipped) {
            decoded += 1;
            assert_ne!(program, sample());
            assert_eq!(encode(&program), flipped);
            let _ = verify(&program);
        }
    }
    assert!(decoded > bytes.len(), "{decoded} of {} decode", bytes.len() * 8);
}

#[test]
fn counts_do_not_reserve_memory() {
    let mut bytes = b"govc\x01\x00\x00".to_vec();
    bytes.extend([0xff; 4]);
    bytes.extend([0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert!(decode(&bytes).is_err());
}

#[test]
fn deep_literals_are_refused() {
    let deep = |n: usize| format!("govc-bytecode 1\nliteral {}1{}\n", "[".repeat(n), "]".repeat(n));
    assert!(text::parse(&deep(250)).is_ok());
    assert!(text::parse(&deep(100_000)).is_err());
    let mut bytes = encode(&text::parse(&deep(1)).unwrap());
    let nested: Vec<u8> = [5u8, 1].iter().copied().cycle().take(200_000).chain([0]).collect();
    bytes.splice(6..16, [&[0u8], &(nested.len() as u32 + 1).to_le_bytes()[..], &[1], &nested].concat());
    assert!(decode(&bytes).is_err());
}

#[test]
fn broken_programs_are_refused_with_the_reason() {
    let mut seen = 0;
    for part in include_str!("refused.txt").split("\n\n").skip(1) {
        let reason = part.lines().next().unwrap().trim_start_matches("# ");
        let program =
            text::parse(&format!("govc-bytecode 1\n{part}")).unwrap_or_else(|e| panic!("{e} in {part}"));
        let refused = verify(&program).expect_err(part);
        assert_eq!(refused.reason, reason, "{part}");
        seen += 1;
    }
    assert_eq!(seen, 38);
}
