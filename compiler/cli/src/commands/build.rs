//! `govc build`: a bundle with sources, data and compiled program, signed if there is a key. Exit code 0 or 1.
//!
//! OPA's bundle and ours are one file: `opa` reads the sources in it, the engine reads the program.

pub(crate) mod entrypoints;
mod optimized;

use super::capabilities;
use crate::exit::Exit;
use crate::files::{self, Loaded, Opened};
use crate::keys::{Signing, Verifying};
use crate::language::Language;
use crate::output;
use crate::problem::{self, Problem};
use crate::run;
use crate::telling;
use clap::{Args, ValueEnum};
use govc_compile::PlanRequest;
use govc_compile::ir::{PlanJson, to_plan_json};
use govc_compile::opt::Level;
use govc_engine::{Bundle, BundleSpec, LoadError, Telling, Trust, build_bundle, sign_bundle};
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
    /// Evaluate entrypoints as far as they can be without the input: 1 keeps rules as rules, 2 does not
    #[arg(short = 'O', long, default_value_t = 0, value_name = "LEVEL")]
    optimize: u32,
    /// Plan the entrypoints alone, not also the rules that depend on them
    #[arg(long)]
    prune_unused: bool,
    /// Text that names the state of the policies
    #[arg(short, long, value_name = "TEXT")]
    revision: Option<String>,
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
    /// Add a program that tells which rules a decision rests on, for those who ask for it
    #[arg(long)]
    explain: bool,
    /// Names of files and folders to leave out
    #[arg(long, value_delimiter = ',')]
    ignore: Vec<String>,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    verification: Verification,
    #[command(flatten)]
    language: Language,
    #[command(flatten)]
    later: Later,
}

/// How the signatures of the bundles that go in are checked; their algorithm is `--signing-alg`, as in OPA.
#[derive(Args, Debug)]
struct Verification {
    /// Key that the bundles must be signed with: a public key (a PEM file or its text), or for HMAC the secret
    #[arg(long, value_name = "KEY")]
    verification_key: Option<String>,
    /// Name of the key
    #[arg(long, default_value = "default", value_name = "NAME")]
    verification_key_id: String,
    /// Scope that the signatures must have
    #[arg(long, default_value = "", value_name = "SCOPE")]
    scope: String,
    /// Files that the signatures need not name
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    exclude_files_verify: Vec<String>,
}

impl Verification {
    fn trust(&self, signing: &Signing) -> Result<Option<Trust>, Problem> {
        let Some(key) = &self.verification_key else { return Ok(None) };
        let verifying = Verifying {
            verification_key: vec![key.clone()],
            verification_key_id: Some(self.verification_key_id.clone()),
            verification_alg: signing.signing_alg.clone(),
            scope: self.scope.clone(),
            ..Verifying::default()
        };
        let trust = verifying.trust()?;
        Ok(Some(trust.excluding(self.exclude_files_verify.iter().cloned())))
    }
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Rego,
    Wasm,
    Plan,
}

/// OPA's flags that are not there yet, and those that change nothing here.
#[derive(Args, Debug)]
struct Later {
    #[arg(long, hide = true)]
    signing_plugin: Option<String>,
    #[arg(long, hide = true)]
    debug: bool,
    #[arg(long, hide = true, default_value = "json", value_parser = ["json", "proto"])]
    format: String,
    #[arg(long, hide = true)]
    plan_addons: Vec<String>,
    // Only WebAssembly modules could leave `print` out.
    #[arg(long, hide = true)]
    wasm_include_print: bool,
    // Names of partially evaluated rules.
    #[arg(long, hide = true, default_value = "partial")]
    partial_namespace: String,
    // Links are always followed.
    #[arg(long, hide = true)]
    follow_symlinks: bool,
}

impl Build {
    fn not_yet(&self) -> Option<Problem> {
        let flags = [
            (self.target == Target::Wasm, "--target wasm"),
            (self.later.signing_plugin.is_some(), "--signing-plugin"),
            (self.later.format != "json", "--format proto"),
            (!self.later.plan_addons.is_empty(), "--plan-addons"),
        ];
        let (_, flag) = flags.iter().find(|(set, _)| *set)?;
        Some(Problem::not_yet(format!("`{flag}` is not supported yet")))
    }
}

pub(crate) fn run(args: &Build) -> Exit {
    match build(args) {
        Ok(()) => Exit::Success,
        Err(problems) => {
            // As OPA: on standard output.
            output::println(&format!("error: {}", told(&problems)));
            Exit::Failure
        }
    }
}

/// A single error without code is told as it is, everything else as a list.
fn told(problems: &[Problem]) -> String {
    match problems {
        [one] if one.code == "plan_error" => one.message.replace('`', "\""),
        [one] if one.code != "govc_not_yet" && one.location.is_none() => one.message.clone(),
        many => problem::summary(many),
    }
}

fn build(args: &Build) -> Result<(), Vec<Problem>> {
    if let Some(problem) = args.not_yet() {
        return Err(vec![problem]);
    }
    let key = args.signing.key().map_err(|p| vec![p])?;
    let claims = claims(args).map_err(|p| vec![p])?;
    let trust = args.verification.trust(&args.signing).map_err(|p| vec![p])?;
    if let Some(trust) = &trust {
        verify(args, trust).map_err(|p| vec![p])?;
    }
    if !args.bundle {
        warn(args);
    }
    let loaded = load(args);
    if !loaded.problems.is_empty() {
        let text = problem::loading_summary(&loaded.problems);
        // Bundles that do not go together were loaded.
        let step = if text.starts_with("bundle merge failed") { "" } else { "load error: " };
        return Err(vec![Problem::plain(format!("{step}{text}"))]);
    }
    let mut spec = BundleSpec::default();
    let version = manifest(&loaded, args.language.version(), &mut spec);
    let asked = entrypoints::find(&args.entrypoint, &loaded);
    if args.optimize > 0 && entrypoints::named(&args.entrypoint, &loaded).is_empty() {
        return Err(vec![Problem::plain("bundle optimizations require at least one entrypoint")]);
    }
    if args.target == Target::Plan && entrypoints::named(&args.entrypoint, &loaded).is_empty() {
        return Err(vec![Problem::plain("plan compilation requires at least one entrypoint")]);
    }
    let compiled = compile(args, &loaded, &asked)?;
    spec.program = Some(govc_bytecode::encode(&compiled.program));
    spec.extra.extend(compiled.plan.map(|plan| ("plan.json".to_owned(), plan)));
    if let Some(telling) = compiled.telling {
        telling.enclose(&mut spec);
    }
    spec.sources = match args.optimize {
        0 => sources(&loaded),
        level => optimized::sources(args, &loaded, version, level)?,
    };
    spec.data = Some(
        [
            loaded.documents.to_json(),
            b"
"
            .to_vec(),
        ]
        .concat(),
    );
    if let Some(revision) = &args.revision {
        spec.revision.clone_from(revision);
    }
    spec.entrypoints = asked;
    spec.expires.clone_from(&args.expires);
    spec.version = args.bundle_version;
    let mut bytes = build_bundle(&spec).map_err(|error| vec![error.into()])?;
    if let Some(key) = key {
        bytes = sign_bundle(&bytes, &key, &claims).map_err(|error| vec![error.into()])?;
    }
    std::fs::write(&args.output, bytes).map_err(|error| vec![files::io_problem("open", &args.output, &error)])
}

/// Checks the bundles that go in, with OPA's words for the faults that OPA has words for.
fn verify(args: &Build, trust: &Trust) -> Result<(), Problem> {
    if !args.bundle {
        let text = "enable bundle mode (ie. --bundle) to verify or sign bundle files or directories";
        return Err(Problem::plain(text));
    }
    for path in &args.paths {
        if std::path::Path::new(path).is_dir() {
            return Err(Problem::not_yet("signatures of folders are not checked yet"));
        }
        let bytes = crate::policies::read(path)?;
        if let Err(error) = Bundle::open(&bytes, trust) {
            let why = match &error {
                LoadError::Unsigned => "bundle missing .signatures.json file".to_owned(),
                LoadError::BadSignature
                    if args.signing.signing_alg.as_deref().is_some_and(|a| a.starts_with("HS")) =>
                {
                    "failed to verify JWT signature: invalid HMAC signature".to_owned()
                }
                other => other.to_string(),
            };
            let problem = Problem::plain(format!("load error: bundle {path}: {why}"));
            return Err(Problem { govc_code: error.code().to_owned(), ..problem });
        }
    }
    Ok(())
}

/// A manifest that is not looked at is likely a mistake.
fn warn(args: &Build) {
    for path in &args.paths {
        if std::path::Path::new(path).join(".manifest").exists() {
            let text = "but -b flag not specified. Manifest will be ignored.";
            output::eprintln(&format!("Warning: .manifest file found in \"{path}\" {text}"));
        }
    }
}

/// What the manifests of the bundles that go in say, in one: of a single bundle everything, of several their roots.
fn manifest(loaded: &Loaded, default: RegoVersion, spec: &mut BundleSpec) -> RegoVersion {
    let mut version = default;
    spec.roots = Some(vec![String::new()]);
    match loaded.bundles.as_slice() {
        [] => {}
        [Opened { manifest, roots, .. }] => {
            spec.roots = Some(roots.paths().to_vec());
            spec.revision.clone_from(&manifest.revision);
            spec.metadata.clone_from(&manifest.metadata);
            spec.metadata.remove("govc");
            // Of no file in particular.
            version = files::roots::version(manifest, "", default);
        }
        several => {
            let mut sorted: Vec<&Opened> = several.iter().collect();
            sorted.sort_by(|a, b| a.path.cmp(&b.path));
            spec.roots = Some(sorted.iter().flat_map(|bundle| bundle.roots.paths()).cloned().collect());
        }
    }
    spec.rego_version = Some(number(version));
    for (module, other) in loaded.modules.iter().zip(&loaded.versions).filter(|(_, v)| **v != version) {
        let path = plain(&loaded.sources.get(module.span.file).name);
        spec.file_rego_versions.insert(format!("/{path}"), number(*other));
    }
    version
}

fn number(version: RegoVersion) -> u8 {
    if version == RegoVersion::V0 { 0 } else { 1 }
}

fn load(args: &Build) -> Loaded {
    let paths = args.paths.clone();
    let (data, bundles) = if args.bundle { (Vec::new(), paths) } else { (paths, Vec::new()) };
    let ignore = args.ignore.clone();
    files::load(&files::Request {
        data,
        bundles,
        wording: files::Wording::Merge,
        ignore,
        only_rego: false,
        parse: args.language.parse(),
        declared: args.language.declared(),
    })
}

/// What sources are compiled to.
struct Compiled {
    program: govc_bytecode::Program,
    /// OPA's plan, if that was asked for.
    plan: Option<Vec<u8>>,
    /// What tells which rules fired, if that was asked for.
    telling: Option<Telling>,
}

fn compile(args: &Build, loaded: &Loaded, asked: &[String]) -> Result<Compiled, Vec<Problem>> {
    let mut schemas = files::schema::load(args.schema.as_deref()).map_err(|p| vec![p])?;
    files::schema::add_catalogs(&args.catalog, &mut schemas).map_err(|p| vec![p])?;
    let rules = run::Rules { strict: false, error_limit: 10, schemas, cases: false };
    run::check(loaded, rules, |checked, _| {
        let request = PlanRequest { entrypoints: asked.to_vec(), ..PlanRequest::default() };
        let program = run::emit(&run::plan(&checked, &request, &loaded.sources)?, &loaded.sources)?;
        let plan = match args.target {
            Target::Plan => {
                let named = entrypoints::named(&args.entrypoint, loaded);
                let entrypoints = entrypoints::planned(named, &checked, args.prune_unused);
                let request = PlanRequest { entrypoints, whole: true, ..PlanRequest::default() };
                Some(plan_json(&run::plan_at(Level::None, &checked, &request, &loaded.sources)?, loaded)?)
            }
            Target::Rego | Target::Wasm => None,
        };
        let telling = args.explain.then(|| telling::compile(loaded, &checked, asked)).transpose()?;
        Ok(Compiled { program, plan, telling })
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

/// A path in the bundle: as named, without what leads out of it.
fn plain(name: &str) -> String {
    let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
    parts.join("/")
}

/// Sources by the path that they have in the bundle.
fn sources(loaded: &Loaded) -> BTreeMap<String, Vec<u8>> {
    loaded.sources.iter().map(|(_, source)| (plain(&source.name), source.text.clone().into_bytes())).collect()
}

fn claims(args: &Build) -> Result<serde_json::Map<String, serde_json::Value>, Problem> {
    let Some(path) = &args.claims_file else { return Ok(serde_json::Map::new()) };
    let text = crate::policies::read(path)?;
    serde_json::from_slice(&text).map_err(|error| Problem::plain(format!("{path}: {error}")))
}
