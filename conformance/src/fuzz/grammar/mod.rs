//! A grammar that writes programs: well-typed, safe and defined most of the time.
//!
//! Each construct is a function that writes rules of its own and gives the name of the rule that shows it. What is
//! written is text, because text is what both sides read.

mod builtins;
mod calls;
mod documents;
mod heads;
mod literals;
mod modules;
mod replace;
mod rules;
mod terms;
mod v0;
mod wrong;

use super::program::Program;
use super::random::Random;
use documents::Documents;
use govc_syntax::RegoVersion;
use std::collections::BTreeSet;
use std::rc::Rc;

/// What a term may be.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ty {
    Any,
    Null,
    Bool,
    Num,
    Str,
    Arr(Box<Ty>),
    Set(Box<Ty>),
    Obj(Box<Ty>),
}

impl Ty {
    fn arr(of: Ty) -> Self {
        Ty::Arr(Box::new(of))
    }
    fn set(of: Ty) -> Self {
        Ty::Set(Box::new(of))
    }
    fn obj(of: Ty) -> Self {
        Ty::Obj(Box::new(of))
    }

    /// A value of this type can stand where `wanted` is.
    fn fits(&self, wanted: &Ty) -> bool {
        match (self, wanted) {
            (_, Ty::Any) => true,
            (Ty::Arr(a), Ty::Arr(b)) | (Ty::Set(a), Ty::Set(b)) | (Ty::Obj(a), Ty::Obj(b)) => a.fits(b),
            (a, b) => a == b,
        }
    }
}

/// A function of the program.
#[derive(Clone, Debug)]
struct Function {
    name: String,
    args: Vec<Ty>,
    result: Ty,
}

/// Writes one program.
struct Author {
    random: Random,
    documents: Rc<Documents>,
    /// Rules that can be named: name and type of the value.
    rules: Vec<(String, Ty)>,
    functions: Vec<Function>,
    /// Variables in scope.
    vars: Vec<(String, Ty)>,
    out: Vec<String>,
    imports: BTreeSet<String>,
    /// Further modules.
    modules: Vec<String>,
    marks: BTreeSet<&'static str>,
    names: usize,
    /// Imports that come after the rules.
    late: Vec<String>,
}

type Construct = fn(&mut Author) -> String;

/// The constructs of v1, by name.
const CONSTRUCTS: &[(&str, Construct)] = &[
    ("complete rule", heads::complete),
    ("partial set", heads::partial_set),
    ("partial object", heads::partial_object),
    ("ref head", heads::ref_head),
    ("general ref head", heads::general_ref),
    ("nested partial set", heads::nested_set),
    ("deep general ref", heads::deep_general_ref),
    ("chained bodies", heads::chained),
    ("else chain", heads::else_chain),
    ("default rule", heads::default_rule),
    ("conflict", heads::conflict),
    ("object conflict", heads::object_conflict),
    ("default function", rules::default_function),
    ("function patterns", rules::function_patterns),
    ("overloaded function", rules::overloads),
    ("else in function", rules::else_function),
    ("output argument", rules::output_argument),
    ("function of ref head", rules::ref_function),
    ("walk relation", rules::walk_relation),
    ("walk function", rules::walk_function),
    ("shadowing", rules::shadowing),
    ("every", rules::every),
    ("template string", rules::template),
    ("keywords in refs", rules::keyword_refs),
    ("and or not", rules::logic),
    ("base and virtual", rules::base_virtual),
    ("print", rules::print),
    ("comprehension", rules::comprehension),
    ("numbers", rules::numbers),
    ("dynamic dispatch", rules::dispatch),
    ("composite key", rules::composite),
    ("unification", rules::unification),
    ("membership", rules::membership),
    ("negation", rules::negation),
    ("metadata", rules::metadata),
    ("comparison of types", rules::ordering),
    ("iteration of virtual documents", rules::iteration),
    ("import", modules::import),
    ("import of input", modules::import_input),
    ("self-import", modules::self_import),
    ("import after rules", modules::late_import),
    ("two files", modules::two_files),
    ("with input", replace::input),
    ("with input path", replace::input_path),
    ("with data", replace::data),
    ("with rule", replace::rule),
    ("with function by function", replace::function),
    ("with function by value", replace::function_by_value),
    ("with builtin by function", replace::builtin),
    ("with builtin by value", replace::builtin_by_value),
    ("with several", replace::several),
    ("with on not", replace::on_not),
    ("builtin", calls::sample),
    ("builtin", calls::sample),
    ("builtin", calls::sample),
    ("builtin", calls::sample),
    ("builtin", calls::sample),
    ("builtin", calls::sample),
    ("builtin typed", calls::typed),
    ("builtin typed", calls::typed),
    ("builtin typed", calls::typed),
    ("builtin typed", calls::typed),
    ("builtin with input", calls::hidden),
    ("builtin with input", calls::hidden),
    ("builtin in condition", calls::condition),
    ("error of the program", wrong::program),
];

/// Programs share their documents with so many neighbours.
const SAME_DOCUMENTS: u64 = 64;

/// The program of a number in the stream of a seed.
pub fn program(seed: u64, number: u64, documents: &mut Option<(u64, Rc<Documents>)>) -> Program {
    let group = number / SAME_DOCUMENTS;
    let documents = match documents {
        Some((known, documents)) if *known == group => documents.clone(),
        _ => documents
            .insert((group, Rc::new(Documents::new(&mut Random::of(seed ^ 0xd0c5, group)))))
            .1
            .clone(),
    };
    let mut random = Random::of(seed, number);
    if random.percent(12) {
        return v0::program(random, documents);
    }
    let mut author = Author::new(random, documents);
    let more = author.random.below(3);
    for _ in 0..more {
        author.construct();
    }
    let main = author.construct();
    author.finish(&main)
}

/// Everything that a campaign must have met.
pub fn all_marks() -> BTreeSet<&'static str> {
    let constructs = CONSTRUCTS.iter().map(|c| c.0).chain(v0::CONSTRUCTS.iter().map(|c| c.0));
    constructs
        .chain(builtins::deterministic().iter().map(|b| b.name))
        .filter(|m| *m != "error of the program")
        .collect()
}

pub use documents::Documents as Base;

impl Author {
    fn new(random: Random, documents: Rc<Documents>) -> Self {
        Self {
            random,
            documents,
            rules: Vec::new(),
            functions: Vec::new(),
            vars: Vec::new(),
            out: Vec::new(),
            imports: BTreeSet::new(),
            modules: Vec::new(),
            marks: BTreeSet::new(),
            names: 0,
            late: Vec::new(),
        }
    }

    fn construct(&mut self) -> String {
        let (mark, construct) = *self.random.pick(CONSTRUCTS);
        self.marks.insert(mark);
        self.vars.clear();
        construct(self)
    }

    fn mark(&mut self, mark: &'static str) {
        self.marks.insert(mark);
    }

    /// A name that no other rule or variable has.
    fn name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    fn rule(&mut self, text: String) {
        self.out.push(text);
    }

    /// Writes what a scope of its own binds.
    fn scoped<T>(&mut self, write: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.vars.len();
        let written = write(self);
        self.vars.truncate(outer);
        written
    }

    fn finish(mut self, main: &str) -> Program {
        if !self.out.is_empty() && self.random.percent(10) {
            let n = self.out.len();
            let (a, b) = (self.random.below(n), self.random.below(n));
            self.out.swap(a, b);
        }
        let strict = self.random.percent(8);
        let mut module = String::from("package fz\n\n");
        for import in &self.imports {
            module.push_str(&format!("import {import}\n"));
        }
        module.push('\n');
        module.push_str(&self.out.join("\n\n"));
        module.push_str(&format!("\n\nresult := {main}\n"));
        for import in &self.late {
            module.push_str(&format!("\nimport {import}\n"));
        }
        let query = if strict { "x = data.fz.result" } else { "x = data.fz; sprintf(\"%v\", [x], t)" };
        self.modules.push(module);
        Program {
            version: RegoVersion::V1,
            modules: self.modules,
            data: self.documents.data.clone(),
            input: (!self.random.percent(4)).then(|| self.documents.input.clone()),
            query: query.to_owned(),
            strict,
            marks: self.marks,
        }
    }
}
