//! Queries: the stages of modules over one body, with each statement's value kept for the answer.

use super::names::{Name, NameSet};
use super::tree::*;
use super::*;
use crate::QueryOptions;
use govc_syntax::Severity;

/// Lowers and checks a query against what the modules left behind.
pub(crate) fn check_query(
    checked: &Checked,
    body: &ast::Body,
    options: &CheckOptions,
    query: &QueryOptions,
) -> Result<hir::Query, Vec<Diagnostic>> {
    lowered(checked, body, options, query, true).map(|(_, _, query)| query)
}

/// The same, as the tree that the rewrites leave; without `capture` no statement binds its value.
pub(crate) fn rewrite_query(
    checked: &Checked,
    body: &ast::Body,
    options: &CheckOptions,
    query: &QueryOptions,
    capture: bool,
) -> Result<(Names, Body), Vec<Diagnostic>> {
    lowered(checked, body, options, query, capture).map(|(names, body, _)| (names, body))
}

fn lowered(
    checked: &Checked,
    body: &ast::Body,
    options: &CheckOptions,
    query: &QueryOptions,
    capture: bool,
) -> Result<(Names, Body, hir::Query), Vec<Diagnostic>> {
    let program = &checked.program;
    let mut names = program.names.for_query();
    let mut desugar = desugar::Desugar { names: &mut names, wrapping_not: query.wrapping_not, broken: false };
    let body = desugar.body(body);
    let mut lowering = QueryLowering { program, options, names, capture, found: Vec::new() };
    let mut body = lowering.run(body, query);
    let mut finished = None;
    if lowering.found.is_empty() {
        let functions = program.functions(options);
        let finisher = finish::Finisher { names: &lowering.names, functions, tree: &program.tree };
        let query = finisher.query(&body);
        let types = type_options(options).unwrap_or_default();
        let edges = || Graph::new(&program.rules, &program.tree).edges;
        lowering.found = ty::infer_query(&query, (&checked.unit, &edges), &checked.types, &types).1;
        lowering.found.iter_mut().for_each(|d| name_subjects(&lowering.names, d));
        finished = Some(query);
    }
    if lowering.found.is_empty() {
        lowering.builtins(&mut body);
    }
    limit(&mut lowering.found, options.error_limit);
    match finished {
        Some(query) if lowering.found.iter().all(|d| d.severity != Severity::Error) => {
            Ok((lowering.names, body, query))
        }
        _ => Err(lowering.found),
    }
}

struct QueryLowering<'a> {
    program: &'a Program,
    options: &'a CheckOptions<'a>,
    names: Names,
    capture: bool,
    found: Vec<Diagnostic>,
}

type Step<'a> = fn(&mut QueryLowering<'a>, &mut Body);

impl<'a> QueryLowering<'a> {
    fn run(&mut self, mut body: Body, query: &QueryOptions) -> Body {
        self.resolve(&mut body, query);
        let steps: [Step<'a>; 10] = [
            Self::capture,
            Self::locals,
            Self::templates,
            Self::void_calls,
            Self::prints,
            Self::expand,
            Self::withs,
            Self::functions,
            Self::safety,
            Self::dynamic_terms,
        ];
        for step in steps {
            if !self.found.is_empty() {
                break;
            }
            step(self, &mut body);
        }
        body
    }

    fn resolve(&mut self, body: &mut Body, query: &QueryOptions) {
        if self.options.strict {
            let found = check::assigned_roots(&self.names, body);
            self.found.extend(found.into_iter().map(|f| compile_error("govc_shadowed_root", f)));
        }
        let mut globals = Globals::default();
        if let Some(package) = &query.package {
            let rules = self.program.rules.iter().filter(|r| self.program.packages[r.module] == *package);
            for rule in rules {
                let name = self.names.written(&rule.name, Span::default());
                globals.add_rule(name, package, &rule.name);
            }
        }
        add_imports(&mut self.names, &mut globals, &query.imports);
        Resolver::new(&self.names, &mut globals).query(body);
    }

    /// Statements whose value is shown bind it to a variable. Where there are several, or where they
    /// iterate, their truth is checked at the end.
    fn capture(&mut self, body: &mut Body) {
        if !self.capture {
            return;
        }
        let checked = body.len() > 1 || self.iterates(body);
        let mut checks = Vec::new();
        for e in body.iter_mut().filter(|e| !e.negated) {
            let Some(name) = self.capture_one(e) else { continue };
            e.capture = Some(name);
            if checked {
                let check = ExprKind::Term(Term::var(name, e.span));
                checks.push(Expr { generated: true, ..Expr::new(check, e.span) });
            }
        }
        body.extend(checks);
    }

    fn capture_one(&mut self, e: &mut Expr) -> Option<Name> {
        let wildcard = |names: &mut Names| names.wildcard(e.span);
        match &mut e.kind {
            ExprKind::Term(t) => {
                let name = wildcard(&mut self.names);
                let value = std::mem::replace(t, Term::var(name, e.span));
                e.kind = ExprKind::Unify(value, Term::var(name, e.span));
                Some(name)
            }
            ExprKind::Call(call) => {
                let arity = self.program.functions(self.options).arity(&call.op.target)?;
                let void = matches!(&call.op.target,
                    Target::Builtin(n) if self.options.builtins.is_void(n));
                if void || arity != call.args.len() {
                    return None;
                }
                let name = wildcard(&mut self.names);
                call.args.push(Term::var(name, e.span));
                Some(name)
            }
            _ => None,
        }
    }

    fn iterates(&self, body: &[Expr]) -> bool {
        let mut found = false;
        walk::body(body, &mut |t| {
            match &t.kind {
                TermKind::Comprehension(_) => return true,
                TermKind::Ref(parts) => found |= parts[1..].iter().any(|p| p.as_var().is_some()),
                TermKind::Call(call) => found |= self.is_relation(&call.op.target),
                _ => {}
            }
            false
        });
        walk::statements(body, &mut |e| {
            if let ExprKind::Call(call) = &e.kind {
                found |= self.is_relation(&call.op.target);
            }
        });
        found
    }

    fn is_relation(&self, target: &Target) -> bool {
        matches!(target, Target::Builtin(name) if self.options.builtins.is_relation(name))
    }

    fn locals(&mut self, body: &mut Body) {
        let errors = locals::rewrite_query(&mut self.names, self.options.strict, body);
        self.found.extend(errors);
    }

    fn templates(&mut self, body: &mut Body) {
        let functions = self.program.functions(self.options);
        let arity = |t: &Target| functions.arity(t);
        let is_relation = |name: &str| self.options.builtins.is_relation(name);
        let defined = self.program.defined_nodes();
        let is_defined =
            |parts: &[Term]| self.program.tree.at_ref(parts).is_some_and(|n| defined.contains(&n));
        let mut templates = templates::Templates {
            names: &mut self.names,
            arity: &arity,
            is_relation: &is_relation,
            is_defined: &is_defined,
            errors: Vec::new(),
        };
        templates.body(body, &roots());
        let errors = templates.errors;
        self.found.extend(errors);
    }

    fn void_calls(&mut self, body: &mut Body) {
        check::void_calls_in_body(&self.names, &self.options.builtins, body, &mut self.found);
    }

    fn prints(&mut self, body: &mut Body) {
        if !self.options.print {
            prints::erase(body);
            return;
        }
        let functions = self.program.functions(self.options);
        let arity = |t: &Target| functions.arity(t);
        let mut prints = prints::Prints { names: &mut self.names, arity: &arity, errors: Vec::new() };
        prints.body(body, &roots());
        let errors = prints.errors;
        self.found.extend(errors.into_iter().map(|f| compile_error("govc_undeclared", f)));
    }

    fn expand(&mut self, body: &mut Body) {
        calls::expand_query(&mut self.names, body);
        hoist::comprehension_terms(&mut self.names, body);
    }

    fn withs(&mut self, body: &mut Body) {
        let mut withs = withs::Withs {
            names: &mut self.names,
            builtins: &self.options.builtins,
            tree: &self.program.tree,
            functions: &self.program.params,
            errors: Vec::new(),
        };
        walk::rewrite_bodies(body, &mut |body| withs.body(body));
        self.found.append(&mut withs.errors);
    }

    fn functions(&mut self, body: &mut Body) {
        let functions = self.program.functions(self.options);
        let found = check::undefined_functions(&self.names, &functions, body);
        self.found.extend(found);
    }

    fn safety(&mut self, body: &mut Body) {
        let functions = self.program.functions(self.options);
        let arity = |t: &Target| functions.arity(t);
        let unbound = safety::reorder(body, &arity, &roots());
        self.found.extend(unbound.messages(&self.names, "").into_iter().map(unsafe_error));
    }

    fn dynamic_terms(&mut self, body: &mut Body) {
        hoist::dynamic_terms(&mut self.names, body);
    }

    fn builtins(&mut self, body: &mut Body) {
        self.found.extend(check::refused(&self.options.builtins, body));
        if self.options.strict {
            self.found.extend(check::deprecated(&self.options.builtins, body));
        }
    }
}

fn roots() -> NameSet {
    [Name::INPUT, Name::DATA].into_iter().collect()
}
