//! Attacks that work on Agent-Safe 0.14, by their numbers in its catalogue: each must fail here.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod log;
mod rights;
#[path = "../support/log.rs"]
mod support;
mod world;

/// The numbers of the catalogue; 19, 29, 31 and 36 were never given, 4 and 5, and 34 and 35, share a line of it.
const CATALOGUE: [std::ops::RangeInclusive<u8>; 5] = [1..=18, 20..=28, 30..=30, 32..=35, 37..=38];

#[test]
fn every_attack_is_tried_or_said_to_be_open() {
    let tried = [include_str!("log.rs"), include_str!("rights.rs"), include_str!("world.rs")].concat();
    let page = include_str!("../../../../.github/SECURITY.md");
    let open = page.split("# What we do not promise").nth(1).unwrap();
    for number in CATALOGUE.into_iter().flatten() {
        let test = tried.split("#[test]").find_map(|test| test.split_once(&format!("fn a{number:02}_")));
        let said = open.contains(&format!("A{number} ")) || open.contains(&format!("A{number},"));
        assert_eq!(test.is_none(), said, "A{number}");
        if let Some((_, rest)) = test {
            let name = format!("a{number:02}_{}`", rest.split('(').next().unwrap());
            assert!(page.contains(&name), "`{name} is not on the page");
        }
    }
}

/// Under which tokens and tickets are made.
const KEY: &str = "a-key-of-more-than-thirty-two-bytes!";
