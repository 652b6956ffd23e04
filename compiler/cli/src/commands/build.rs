//! `govc build`: a bundle with sources, data and compiled program, signed if there is a key. Exit code 0 or 1.
//!
//! OPA's bundle and ours are one file: `opa` reads the sources in it, the engine reads the program.

pub(crate) mod entrypoints;

use super::capabilities;
use crate::exit::Exit;
use crate::files::{self, Loaded};
use crate::keys::Signing;
use crate::language::Language;
use crate::output;
use crate::problem::{self, Problem};
use crate::run;
use clap::{Args, ValueEnum};
use govc_compile::PlanRequest;
use govc_compile::ir::{PlanJson, to_plan_json};
use govc_compile::opt::Level;
use govc_engine::{BundleError, BundleSpec, build_bundle, sign_bundle};
use govc_syntax::{RegoVersion, Span};
use std::collections::BTreeMap;

/// Compile policies and data into a bundle
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  $ govc build policy data.json -o unsigned.tar.gz\n  \
                        $ govc build policy data.json -e access/allow --signing-key keys/private.pem -o signed.tar.gz")]
pub(crate) struct Build {
    /// Files and folders
    #[arg(required = true)]
    paths: Vec<String>,
    /// Load the paths as bundles
    #[arg(short, long)]
    bundle: bool,
    /// Rules that can be asked for; rules with `entrypoint: true` in their metadata are entrypoints too
    #[arg(short, long, value_name = "PATH")]
    entrypoint: Vec<String>,
    /// File to write
    #[arg(short, long, default_value = "bundle.tar.gz")]
    output: String,
    /// What the bundle holds beside sources, data and our program: `plan` adds OPA's plan of the entrypoints
    #[arg(short, long, default_value = "rego")]
    target: Target,
    /// Text that names the state of the policies
    #[arg(short, long, default_value = "")]
    revision: String,
    /// When the bundle stops being good, RFC 3339
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    /// The version of the bundle; engines that remember one refuse a lower one
    #[arg(long, value_name = "NUMBER")]
    bundle_version: Option<u64>,
    /// File with further claims of the signature
    #[arg(long, value_name = "FILE")]
    claims_file: Option<String>,
    /// JSON Schema of the input, or a folder of schemas
    #[arg(short, long, value_name = "PATH")]
    schema: Option<String>,
    /// Files and folders that say which actions, tools, targets and agents there are (other files in a folder are passed over)
    #[arg(long, value_name = "PATH")]
    catalog: Vec<String>,
    /// Names of files and folders to leave out
    #[arg(long, value_delimiter = ',')]
    ignore: Vec<String>,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    language: Language,
    #[command(flatten)]
    later: Later,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Rego,
    Plan,
    #[value(hide = true)]
    Wasm,
}

/// OPA's flags that are not there yet, and those that change nothing here.
#[derive(Args, Debug)]
struct Later {
    #[arg(long, hide = true)]
    prune_unused: bool,
    #[arg(long, hide = true)]
    signing_plugin: Option<String>,
    #[arg(long, hide = true)]
    verification_key: Option<String>,
    #[arg(short = 'O', long, hide = true, default_value_t = 0)]
    optimize: u32,
    #[arg(long, hide = true)]
    debug: bool,
}

impl Build {
    fn not_yet(&self) -> Option<Problem> {
        let flags = [
            (self.target == Target::Wasm, "--target wasm"),
            (self.later.prune_unused, "--prune-unused"),
            (self.later.signing_plugin.is_some(), "--signing-plugin"),
            (self.later.verification_key.is_some(), "--verification-key"),
        ];
        let (_, flag) = flags.iter().find(|(set, _)| *set)?;
        Some(Problem::not_yet(format!("`{flag}` is not supported yet")))
    }
}

pub(crate) fn run(args: &Build) -> Exit {
    match build(args) {
        Ok(()) => Exit::Success,
        Err(problems) => {
            output::eprintln(&format!("error: {}", problem::summary(&problems)));
            Exit::Failure
        }
    }
}

fn build(args: &Build) -> Result<(), Vec<Problem>> {
    if let Some(problem) = args.not_yet() {
        return Err(vec![problem]);
    }
    let key = args.signing.key().map_err(|p| vec![p])?;
    let claims = claims(args).map_err(|p| vec![p])?;
    let loaded = load(args);
    let mut spec = BundleSpec::default();
    let asked = entrypoints::find(&args.entrypoint, &loaded);
    if args.target == Target::Plan && asked.is_empty() {
        return Err(vec![Problem::plain("plan compilation requires at least one entrypoint")]);
    }
    let (program, plan) = compile(args, &loaded, &asked)?;
    spec.program = Some(govc_bytecode::encode(&program));
    spec.extra.extend(plan.map(|plan| ("plan.json".to_owned(), plan)));
    spec.sources = sources(&loaded);
    spec.data = Some(loaded.documents.to_json());
    spec.revision.clone_from(&args.revision);
    spec.rego_version = Some(if args.language.version() == RegoVersion::V0 { 0 } else { 1 });
    spec.entrypoints = asked;
    spec.expires.clone_from(&args.expires);
    spec.version = args.bundle_version;
    let mut bytes = build_bundle(&spec).map_err(|error| vec![refusal(&error)])?;
    if let Some(key) = key {
        bytes = sign_bundle(&bytes, &key, &claims).map_err(|error| vec![refusal(&error)])?;
    }
    std::fs::write(&args.output, bytes).map_err(|error| vec![files::io_problem("open", &args.output, &error)])
}

fn refusal(error: &BundleError) -> Problem {
    Problem::coded(error.code(), error.to_string())
}

fn load(args: &Build) -> Loaded {
    let paths = args.paths.clone();
    let (data, bundles) = if args.bundle { (Vec::new(), paths) } else { (paths, Vec::new()) };
    let ignore = args.ignore.clone();
    files::load(&files::Request {
        data,
        bundles,
        ignore,
        only_rego: false,
        parse: args.language.parse(),
        declared: args.language.declared(),
    })
}

/// The program, and OPA's plan if that was asked for.
fn compile(
    args: &Build,
    loaded: &Loaded,
    asked: &[String],
) -> Result<(govc_bytecode::Program, Option<Vec<u8>>), Vec<Problem>> {
    let mut schemas = files::schema::load(args.schema.as_deref()).map_err(|p| vec![p])?;
    files::schema::add_catalogs(&args.catalog, &mut schemas).map_err(|p| vec![p])?;
    let rules = run::Rules { strict: false, error_limit: 10, schemas, cases: false };
    run::check(loaded, rules, |checked, _| {
        let request = PlanRequest { entrypoints: asked.to_vec(), ..PlanRequest::default() };
        let program = run::emit(&run::plan(&checked, &request, &loaded.sources)?, &loaded.sources)?;
        let plan = match args.target {
            Target::Plan => {
                Some(plan_json(&run::plan_at(Level::None, &checked, &request, &loaded.sources)?, loaded)?)
            }
            Target::Rego | Target::Wasm => None,
        };
        Ok((program, plan))
    })
}

fn plan_json(policy: &govc_compile::ir::Policy, loaded: &Loaded) -> Result<Vec<u8>, Vec<Problem>> {
    let place = |span: Span| {
        let (row, col) = loaded.sources.position(span);
        (span != Span::default()).then_some((span.file.0, row, col))
    };
    let given = PlanJson { declaration: &capabilities::declaration, place: &place };
    let json = to_plan_json(policy, &given)
        .map_err(|what| vec![Problem::not_yet(format!("a plan in OPA's form cannot hold {what}"))])?;
    Ok(json.to_string().into_bytes())
}

/// Sources by the path that they have in the bundle: as named, without what leads out of it.
fn sources(loaded: &Loaded) -> BTreeMap<String, Vec<u8>> {
    let plain = |name: &str| {
        let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
        parts.join("/")
    };
    loaded.sources.iter().map(|(_, source)| (plain(&source.name), source.text.clone().into_bytes())).collect()
}

fn claims(args: &Build) -> Result<serde_json::Map<String, serde_json::Value>, Problem> {
    let Some(path) = &args.claims_file else { return Ok(serde_json::Map::new()) };
    let text = crate::policies::read(path)?;
    serde_json::from_slice(&text).map_err(|error| Problem::plain(format!("{path}: {error}")))
}
