//! What modules need of the OPA that runs them: `capabilities` in the output of `opa inspect`.
//!
//! The modules may be a part of a policy, so they may call functions that none of them defines. The surprising fact:
//! OPA notes a builtin when it checks the types of a call, and so misses calls in bodies inside of statements (`every`,
//! `not {}`); it notes operators and what it rewrites wherever they stand.

use crate::lower::names::Names;
use crate::lower::{desugar, print, tree, walk};
use crate::rewritten::{Callee, Expr, ExprKind, Program, Term, TermKind};
use crate::{CheckOptions, check};
use govc_syntax::{Diagnostic, RegoVersion, Sources, ast};
use std::collections::BTreeSet;

/// The capabilities that modules need, each by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Required {
    /// Builtins.
    pub builtins: BTreeSet<String>,
    /// Words that an import turns on.
    pub future_keywords: BTreeSet<String>,
    /// Features of the language.
    pub features: BTreeSet<&'static str>,
}

/// What modules need, each given with the language that it was read in.
///
/// # Errors
/// The findings of the checks, where the modules cannot be a part of any policy.
pub fn required(
    sources: &Sources,
    modules: &[ast::Module],
    languages: &[RegoVersion],
) -> Result<Required, Vec<Diagnostic>> {
    let options = CheckOptions { open: true, ..CheckOptions::default() };
    let checked = check(sources, modules, &options);
    if !checked.is_ok() {
        return Err(checked.diagnostics);
    }
    let mut found = Required::default();
    for (module, language) in modules.iter().zip(languages) {
        found.module(module, *language == RegoVersion::V1);
    }
    found.program(&checked.rewritten(&options));
    // Functions that nobody defines are no builtins.
    found.builtins.retain(|name| options.builtins.contains(name));
    if found.builtins.contains(TEMPLATE) {
        found.features.insert("template_strings");
    }
    Ok(found)
}

const TEMPLATE: &str = "internal.template_string";

/// Keywords that v1 still imports, and those that only v0 imports.
const FUTURE: [&str; 3] = ["and", "not", "or"];
const FUTURE_V0: [&str; 4] = ["contains", "every", "if", "in"];

/// A head with as many parts has more than a name and a key.
const LONG_HEAD: usize = 3;

impl Required {
    fn module(&mut self, module: &ast::Module, v1: bool) {
        for import in &module.imports {
            self.import(import, v1);
        }
        if v1 {
            self.features.insert("rego_v1");
        } else {
            module.rules.iter().for_each(|rule| self.head(&rule.head));
        }
        self.written(module);
    }

    fn import(&mut self, import: &ast::Import, v1: bool) {
        let path: Vec<&str> = import.path.iter().map(|part| part.name.as_str()).collect();
        let known = FUTURE.iter().chain(if v1 { &[][..] } else { &FUTURE_V0 });
        match path[..] {
            ["rego", "v1"] if !v1 => {
                self.features.insert("rego_v1_import");
            }
            ["future", "keywords"] => self.future_keywords.extend(known.map(|word| (*word).to_owned())),
            ["future", "keywords", word] if known.into_iter().any(|known| *known == word) => {
                self.future_keywords.insert(word.to_owned());
            }
            _ => {}
        }
    }

    fn head(&mut self, head: &ast::Head) {
        if 1 + head.steps.len() < LONG_HEAD {
            return;
        }
        let is_string = |step: &ast::Step| match &step.kind {
            ast::StepKind::Field(_) => true,
            ast::StepKind::Index(term) => matches!(term.kind, ast::TermKind::String { .. }),
            ast::StepKind::Missing => false,
        };
        let all_strings = head.steps.iter().all(is_string);
        self.features.insert(if all_strings { "rule_head_ref_string_prefixes" } else { "rule_head_refs" });
    }

    /// What stands in the text and is something else after the rewrites.
    fn written(&mut self, module: &ast::Module) {
        let mut names = Names::new();
        let rules = desugar::rules(&mut names, 0, module, false);
        let names = &names;
        for rule in rules {
            let heads = rule.steps.iter().chain(rule.args.iter().flatten());
            heads.for_each(|term| self.written_in_term(names, term));
            for branch in &rule.branches {
                self.written_in_term(names, &branch.value);
                walk::statements(&branch.body, &mut |expr| self.written_statement(names, expr));
                walk::body(&branch.body, &mut |term| {
                    self.written_term(names, term);
                    false
                });
            }
        }
    }

    fn written_in_term(&mut self, names: &Names, term: &tree::Term) {
        walk::statements_in_term(term, &mut |expr| self.written_statement(names, expr));
        walk::term(term, &mut |term| {
            self.written_term(names, term);
            false
        });
    }

    fn written_statement(&mut self, names: &Names, expr: &tree::Expr) {
        match &expr.kind {
            tree::ExprKind::Assign(..) => {
                self.builtins.insert("assign".to_owned());
            }
            tree::ExprKind::Call(call) => self.written_call(names, call),
            _ => {}
        }
    }

    fn written_term(&mut self, names: &Names, term: &tree::Term) {
        match &term.kind {
            tree::TermKind::Call(call) => self.written_call(names, call),
            tree::TermKind::Template(_) => {
                self.builtins.insert(TEMPLATE.to_owned());
            }
            _ => {}
        }
    }

    fn written_call(&mut self, names: &Names, call: &tree::Call) {
        let name = print::operator(names, &call.op.target);
        if matches!(name.as_str(), "equal" | "print") {
            self.builtins.insert(name);
        }
    }

    fn program(&mut self, program: &Program) {
        for rule in &program.rules {
            rule.branches.iter().for_each(|branch| self.body(&branch.body));
        }
    }

    /// The calls of a body, and those of comprehensions wherever they stand.
    fn body(&mut self, body: &[Expr]) {
        for expr in body {
            match &expr.kind {
                ExprKind::Unify(..) => self.call("eq"),
                ExprKind::Call(Callee::Builtin(name), args) if &**name == "equal" && args.len() == 2 => {
                    self.call("eq");
                }
                ExprKind::Call(Callee::Builtin(name), _) => self.call(name),
                _ => {}
            }
            self.comprehensions(expr);
        }
    }

    fn call(&mut self, name: &str) {
        self.builtins.insert(name.to_owned());
    }

    fn comprehensions(&mut self, expr: &Expr) {
        let all = |this: &mut Self, body: &[Expr]| body.iter().for_each(|expr| this.comprehensions(expr));
        match &expr.kind {
            ExprKind::Term(term) => self.term(term),
            ExprKind::Unify(a, b) => [a, b].into_iter().for_each(|term| self.term(term)),
            ExprKind::Call(_, args) => args.iter().for_each(|term| self.term(term)),
            ExprKind::Every { domain, body, .. } => {
                self.term(domain);
                all(self, body);
            }
            ExprKind::Not { body, .. } => all(self, body),
            ExprKind::And(lhs, rhs) | ExprKind::Or(lhs, rhs) => {
                all(self, lhs);
                all(self, rhs);
            }
        }
        expr.with.iter().for_each(|with| self.term(&with.value));
    }

    fn term(&mut self, term: &Term) {
        match &term.kind {
            TermKind::Const(_) | TermKind::Var(_) | TermKind::Builtin(_) => {}
            TermKind::Ref(items) | TermKind::Array(items) | TermKind::Set(items) => {
                items.iter().for_each(|item| self.term(item));
            }
            TermKind::Object(pairs) => pairs.iter().for_each(|(key, value)| {
                self.term(key);
                self.term(value);
            }),
            TermKind::Comprehension(comprehension) => self.body(&comprehension.body),
        }
    }
}
