//! What `govc build -t plan` writes, read again by the reader of OPA's plans, answers as the program that we run.

use govc_compile::ir::{PlanJson, Policy, to_plan_json};
use govc_conformance::pipeline::{self, StillWorld};
use govc_conformance::{cases, plan, shared, skip};
use govc_syntax::RegoVersion;
use govc_value::{Arena, Heap, json};
use govc_vm::{BuiltinErrors, Image, Limits, Query, Scratch};

/// OPA finds the key `"2"` of a base document at the number 2 where one reference reads both, and not where a
/// variable stands between; a plan does not tell these apart.
const ONE_FORM: &str = "data/negative case: nested integer";

/// `data.a.b = x` asks for the entrypoint `a/b`.
fn entrypoint(query: &str) -> Option<String> {
    let path = query.strip_prefix("data.")?.strip_suffix(" = x")?;
    let plain = path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
    plain.then(|| path.replace('.', "/"))
}

/// The results, or the code of the error.
fn answer(policy: &Policy, case: &cases::Case, entrypoint: &str) -> Result<Vec<String>, String> {
    let program = govc_compile::emit(policy).map_err(|e| e.to_string())?;
    let data: Vec<_> = case.json("data").map(|d| (Vec::new(), d.as_bytes().to_vec())).into_iter().collect();
    let image = Image::load(program, &data).map_err(|e| e.to_string())?;
    let entrypoint = image.entrypoint(entrypoint).ok_or("no entrypoint")?;
    let arena = Arena::new(1 << 28);
    let heap = Heap::new(&arena, image.frozen.symbols());
    let text = case.json("input").unwrap_or("{}");
    let input = json::read(heap, text.as_bytes(), &json::Limits::default()).map_err(|e| e.to_string())?;
    let limits = Limits { fuel: 10_000_000, ..Limits::default() };
    let world = &mut StillWorld;
    let builtin_errors = BuiltinErrors::Strict;
    let query = Query { entrypoint, input, world, limits, builtin_errors, recorded: None };
    let outcome =
        govc_vm::run(&image, &mut Scratch::default(), &arena, query).map_err(|e| e.code.to_owned())?;
    Ok(outcome.results.iter().map(|value| json::to_string(*value)).collect())
}

#[test]
fn plans_that_were_written_answer_as_the_program() {
    let Some(folder) = shared("opa/cases") else { skip!("the reference data is not there") };
    let declaration = |_: &str| serde_json::json!({"type": "function"});
    let given = PlanJson { declaration: &declaration, place: &|_| None };
    let (mut compared, mut refused, mut wrong) = (0, Vec::new(), Vec::new());
    for case in cases::load(&folder) {
        let Some(name) = case.text("query").as_deref().and_then(entrypoint) else { continue };
        let texts = case.modules();
        let modules: Vec<(&str, &str)> = texts.iter().map(|text| ("module.rego", text.as_str())).collect();
        let version = if case.version == "v0" { RegoVersion::V0 } else { RegoVersion::V1 };
        let Ok(policy) = pipeline::plan(&modules, version, &[&name]) else { continue };
        match to_plan_json(&policy, &given) {
            Err(what) => refused.push(format!("{}: {what}", case.name)),
            Ok(json) => {
                let wanted = answer(&policy, &case, &name);
                let got = plan::read(&json.to_string()).and_then(|read| answer(&read, &case, &name));
                compared += 1;
                if wanted != got && !case.name.ends_with(ONE_FORM) {
                    wrong.push(format!("{}: wanted {wanted:?}, got {got:?}", case.name));
                }
            }
        }
    }
    println!("{compared} plans compared, {} cannot be said in OPA's form", refused.len());
    assert!(wrong.is_empty(), "{} of {compared}: {:#?}", wrong.len(), wrong);
    assert!(compared >= 3_000);
    assert!(refused.len() <= 20, "{refused:#?}");
}
