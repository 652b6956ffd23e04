//! Plans of small modules, without and with optimization, as text. Each `plans/*.rego` plans the whole of
//! its package's document `data.t`.

use govc_compile::opt::{self, Level};
use govc_compile::{CheckOptions, PlanRequest};
use govc_syntax::{ParseOptions, Sources};

fn ir(text: &str, entrypoint: &str, level: Level) -> String {
    policy(text, entrypoint, level).to_string()
}

fn policy(text: &str, entrypoint: &str, level: Level) -> govc_compile::ir::Policy {
    let mut sources = Sources::default();
    let file = sources.add("t.rego", text);
    let parsed = govc_syntax::parse_module(file, text, &ParseOptions::default());
    assert_eq!(parsed.diagnostics, []);
    let checked = govc_compile::check(&sources, &[parsed.tree], &CheckOptions::default());
    assert!(checked.is_ok(), "{:?}", checked.diagnostics);
    let request = PlanRequest { entrypoints: vec![entrypoint.to_owned()], ..PlanRequest::default() };
    let mut policy = govc_compile::plan(&checked.unit, &request).expect("plans");
    opt::run(&mut policy, level);
    policy
}

#[test]
fn plans() {
    insta::glob!("plans/*.rego", |path| {
        let text = std::fs::read_to_string(path).expect("readable");
        insta::assert_snapshot!("plan", ir(&text, "t", Level::None));
        insta::assert_snapshot!("optimized", ir(&text, "t", Level::Full));
    });
}

/// `GOVC_PLAN=FILE.rego` prints the optimized plan of `GOVC_ENTRYPOINT`.
#[test]
fn print_plan() {
    let Some(path) = std::env::var_os("GOVC_PLAN") else { return };
    let text = std::fs::read_to_string(path).expect("readable");
    println!("{}", ir(&text, &std::env::var("GOVC_ENTRYPOINT").unwrap_or_default(), Level::Full));
}

/// A thousand tests with the same mocks share one copy of what the mocks reach; values are parameters.
#[test]
fn mocks_share_copies() {
    let mut text = String::from(
        "package t\n\nroles contains r if some r in data.roles[lower(input.user)]\n\n\
         allow if \"admin\" in roles\n\nother := count(input.xs)\n\n",
    );
    for i in 0..1_000 {
        text += &format!("test_{i} if allow with lower as \"u{i}\" with data.t.roles as {{\"r{i}\"}}\n\n");
        text += &format!("test_other_{i} if other with lower as {i} with input as {{}}\n\n");
    }
    let policy = policy(&text, "t", Level::None);
    let copies = policy.funcs.iter().filter(|f| f.name.ends_with("data.t.allow")).count();
    assert_eq!(copies, 2, "allow itself, and one for all the tests");
    let copies = policy.funcs.iter().filter(|f| f.name.ends_with("data.t.other")).count();
    assert_eq!(copies, 1, "no mock reaches it");
}

/// Planning and optimizing are linear in the policy: ten times the rules take less than thirty times as long.
#[test]
fn time_is_linear() {
    let (small, large) = (time_of(300), time_of(3_000));
    println!("300 rules: {small:?}; 3,000 rules: {large:?}");
    assert!(large < small * 30 + std::time::Duration::from_millis(200), "{small:?} {large:?}");
}

fn time_of(rules: usize) -> std::time::Duration {
    let mut text = String::from("package t\n\ndefault allow := false\n\n");
    for i in 0..rules {
        text += &format!("allow if {{\n\tinput.action == \"a{i}\"\n\tinput.risk < {i}\n}}\n\n");
        text += &format!("rule{i} contains x if some x in input.xs[{i}]\n\n");
    }
    let mut sources = Sources::default();
    let file = sources.add("t.rego", text.clone());
    let parsed = govc_syntax::parse_module(file, &text, &ParseOptions::default());
    let checked = govc_compile::check(&sources, &[parsed.tree], &CheckOptions::default());
    assert!(checked.is_ok(), "{:?}", checked.diagnostics);
    let start = std::time::Instant::now();
    let request = PlanRequest { entrypoints: vec![String::new()], ..PlanRequest::default() };
    let mut policy = govc_compile::plan(&checked.unit, &request).expect("plans");
    let planned = start.elapsed();
    opt::run(&mut policy, Level::Full);
    println!("{rules}: plan {planned:?}, optimize {:?}", start.elapsed() - planned);
    start.elapsed()
}
