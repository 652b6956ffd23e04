//! Bundles of the policies in this repository, for tests that must run without a compiler.
//!
//! They are made in memory from the sources alone; the bytes are the same on every machine.

use govc_compile::{CheckOptions, PlanRequest, opt};
use govc_engine::{BundleSpec, build_bundle};
use govc_syntax::{ParseOptions, Sources};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Policies and data to be made a bundle of.
#[derive(Clone, Debug, Default)]
pub struct Fixture {
    /// Sources by their path in the bundle.
    pub sources: BTreeMap<String, String>,
    /// `data`.
    pub data: serde_json::Map<String, serde_json::Value>,
    /// Entrypoints.
    pub entrypoints: Vec<String>,
    /// Builtins that the host performs, in the form of a capabilities file.
    pub declarations: Option<serde_json::Value>,
}

impl Fixture {
    /// The policies (without tests) and data of a folder of `examples`.
    ///
    /// # Panics
    /// When the folder is not shaped like an example.
    pub fn example(folder: &Path, entrypoint: &str) -> Self {
        let mut fixture = Self { entrypoints: vec![entrypoint.to_owned()], ..Self::default() };
        for (path, text) in texts(&folder.join("policy")) {
            if !path.ends_with("_test.rego") {
                fixture.sources.insert(format!("policy/{path}"), text);
            }
        }
        for (_, text) in texts(&folder.join("data")) {
            fixture
                .data
                .extend(serde_json::from_str::<serde_json::Map<_, _>>(&text).expect("data is an object"));
        }
        fixture
    }

    /// Compiles and packs.
    ///
    /// # Panics
    /// When a policy does not compile.
    pub fn bundle(&self) -> Vec<u8> {
        let mut spec = BundleSpec::default();
        spec.program = Some(self.program());
        spec.sources =
            self.sources.iter().map(|(path, text)| (path.clone(), text.clone().into_bytes())).collect();
        spec.data = Some(serde_json::to_vec(&self.data).expect("data is JSON"));
        spec.entrypoints = self.entrypoints.clone();
        spec.rego_version = Some(1);
        build_bundle(&spec).expect("the bundle can be built")
    }

    fn program(&self) -> Vec<u8> {
        let mut sources = Sources::default();
        let mut modules = Vec::new();
        for (path, text) in &self.sources {
            let file = sources.add(path.as_str(), text.as_str());
            let parsed = govc_syntax::parse_module(file, text, &ParseOptions::default());
            assert!(parsed.diagnostics.is_empty(), "{path}: {:?}", parsed.diagnostics);
            modules.push(parsed.tree);
        }
        let mut options = CheckOptions { print: true, ..CheckOptions::default() };
        if let Some(document) = &self.declarations {
            options.builtins.declare(document, false).expect("the declarations can be read");
        }
        let checked = govc_compile::check(&sources, &modules, &options);
        assert!(checked.is_ok(), "{:?}", checked.diagnostics);
        let request = PlanRequest { entrypoints: self.entrypoints.clone(), ..PlanRequest::default() };
        let mut policy = govc_compile::plan(&checked.unit, &request).expect("the entrypoints can be planned");
        policy.files = sources.iter().map(|(_, source)| source.name.clone()).collect();
        opt::run(&mut policy, opt::Level::Full);
        let program = govc_compile::emit_located(&policy, &sources).expect("the plan can be emitted");
        govc_bytecode::encode(&program)
    }
}

/// Files of a folder, by name.
fn texts(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let files =
        entries.map(|entry| entry.expect("the folder can be read").path()).filter(|path| path.is_file());
    files
        .map(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            (name, fs::read_to_string(&path).expect("the file is text"))
        })
        .collect()
}
