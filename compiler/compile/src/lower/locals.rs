//! Local variables: each declaration (`:=`, `some`, `every`, parameters) gets a name of its own, and
//! declarations become plain equations.
//!
//! Order matters as in OPA: the right side of `:=` is read before its left side is declared, and a name
//! that was used before its declaration in the same scope is an error.

use crate::check::compile_error;
use crate::lower::names::{Name, NameSet, Names};
use crate::lower::tree::*;
use crate::lower::{print, walk};
use crate::safety::vars;
use govc_syntax::{Diagnostic, Span};
use rustc_hash::FxHashMap;

/// How a name first occurred in a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occurrence {
    Argument,
    Seen,
    Assigned,
    Declared,
}

#[derive(Clone, Debug)]
struct Local {
    name: Name,
    occurrence: Occurrence,
    /// The statement that declares it.
    statement: Span,
}

#[derive(Clone, Debug, Default)]
struct Scope {
    locals: FxHashMap<Name, Local>,
    count: FxHashMap<Name, u32>,
}

/// An error message and its place.
pub(crate) type Finding = (Span, String);

const IN_NEGATED: &str = "cannot assign vars inside negated expression";
const IN_AND: &str = "cannot assign vars inside implicit and operand";
const IN_OR: &str = "cannot assign vars inside implicit or operand";

fn error(finding: Finding) -> Diagnostic {
    compile_error("govc_declaration", finding)
}

/// Renames the local variables of one rule or query.
pub(crate) struct Locals<'a> {
    names: &'a mut Names,
    scopes: Vec<Scope>,
    /// Locals that statements call, which is a use of them.
    called: NameSet,
    strict: bool,
    pub(crate) errors: Vec<Diagnostic>,
}

/// Renames the locals of a rule: parameters, bodies, head.
///
/// `is_builtin` tells names of builtins: variables named so become locals, lest they be taken for them.
pub(crate) fn rewrite_rule(
    names: &mut Names,
    strict: bool,
    is_builtin: &dyn Fn(&str) -> bool,
    rule: &mut Rule,
) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    let mut nested = Locals::new(names, strict);
    nested.closures_of_head(rule);
    errors.append(&mut nested.errors);
    let mut in_arguments = NameSet::default();
    rule.args.iter().flatten().for_each(|arg| walk::collect_names(arg, &mut in_arguments));
    let mut params = Locals::new(nested.names, strict);
    params.arguments(rule.args.as_deref_mut().unwrap_or_default());
    errors.append(&mut params.errors);
    let arguments = std::mem::take(&mut params.scopes);
    let mut unused: Vec<Name> = in_arguments.into_iter().collect();
    for i in 0..rule.branches.len() {
        let mut locals = Locals { scopes: arguments.clone(), ..Locals::new(names, strict) };
        locals.variables_like_builtins(&rule.branches[i].body, is_builtin);
        locals.branch(rule, i, &mut unused);
        errors.append(&mut locals.errors);
    }
    if strict {
        unused.retain(|n| !names.is_wildcard(*n));
        unused.sort();
        let text = |n: &Name| {
            format!("unused argument {}. (hint: use _ (wildcard variable) instead)", names.text(*n))
        };
        errors.extend(unused.iter().map(|n| error((rule.head_span, text(n)))));
    }
    errors
}

/// Renames the locals of a query.
pub(crate) fn rewrite_query(names: &mut Names, strict: bool, body: &mut Body) -> Vec<Diagnostic> {
    let mut locals = Locals::new(names, strict);
    locals.body(&NameSet::default(), body);
    locals.errors
}

impl<'a> Locals<'a> {
    fn new(names: &'a mut Names, strict: bool) -> Self {
        Self { names, scopes: vec![Scope::default()], called: NameSet::default(), strict, errors: Vec::new() }
    }

    fn refuse(&mut self, finding: Finding) {
        self.errors.push(error(finding));
    }

    fn branch(&mut self, rule: &mut Rule, i: usize, unused: &mut Vec<Name>) {
        let mut used = NameSet::default();
        if i == 0 {
            rule.steps.iter().for_each(|t| walk::collect_names(t, &mut used));
        }
        let branch = &mut rule.branches[i];
        let mut in_value = NameSet::default();
        walk::collect_names(&branch.value, &mut in_value);
        self.collect_called(&branch.value, &mut in_value);
        unused.retain(|n| !in_value.contains(n));
        used.extend(in_value);
        self.body(&used, &mut branch.body);
        unused.retain(|n| self.count(*n) <= 1);
        let Some(scope) = self.scopes.last() else { return };
        let shadowed = |target: &Target| self.names_local(target, scope);
        rename_in_head(&mut branch.value, scope, &shadowed);
        if i == 0 {
            rule.steps.iter_mut().for_each(|t| rename_in_head(t, scope, &shadowed));
        }
    }

    fn variables_like_builtins(&mut self, body: &[Expr], is_builtin: &dyn Fn(&str) -> bool) {
        let mut c = vars::Collector::new(vars::Skip::SAFETY);
        c.body(body);
        c.out.retain(|n| !n.is_root() && is_builtin(self.names.raw(*n)) && self.find(*n).is_none());
        if c.out.is_empty() {
            return;
        }
        let mut mocks = NameSet::default();
        walk::statements(body, &mut |e| {
            for with in &e.with {
                for term in [&with.target, &with.value] {
                    walk::collect_names(term, &mut mocks);
                    self.collect_called(term, &mut mocks);
                }
            }
        });
        let declared = walk::declared(body);
        let mut like: Vec<Name> = c.out.into_iter().collect();
        like.retain(|n| !declared.contains(n) && !mocks.contains(n));
        like.sort();
        for name in like {
            let span = self.names.span(name);
            let local = self.names.local(name, span);
            self.insert(name, local, Occurrence::Seen, span);
        }
    }

    /// The first words of the builtins that are called in a term.
    fn collect_called(&self, term: &Term, out: &mut NameSet) {
        walk::term(term, &mut |t| {
            if let TermKind::Call(call) = &t.kind
                && let Target::Builtin(text) = &call.op.target
            {
                out.extend(self.names.find(first_word(text)));
            }
            false
        });
    }

    /// Closures in the head have scopes of their own and are renamed before the body.
    fn closures_of_head(&mut self, rule: &mut Rule) {
        for branch in &mut rule.branches {
            self.closures_in(&mut branch.value);
        }
        for term in rule.steps.iter_mut().chain(rule.args.iter_mut().flatten()) {
            self.closures_in(term);
        }
    }

    fn closures_in(&mut self, term: &mut Term) {
        let mut closures: Vec<&mut Term> = Vec::new();
        collect_closures(term, &mut closures);
        for closure in closures {
            self.scopes = vec![Scope::default()];
            self.term(closure);
        }
    }

    fn arguments(&mut self, args: &mut [Term]) {
        args.iter_mut().for_each(|arg| self.argument(arg));
    }

    fn argument(&mut self, arg: &mut Term) {
        match &mut arg.kind {
            TermKind::Var(name) => {
                let name = *name;
                let local = match self.find(name) {
                    Some(local) => {
                        self.seen(name);
                        local
                    }
                    None => {
                        let local = self.names.local(name, arg.span);
                        self.insert(name, local, Occurrence::Argument, arg.span);
                        local
                    }
                };
                arg.kind = TermKind::Var(local);
            }
            TermKind::Ref(items) | TermKind::Array(items) => {
                items.iter_mut().for_each(|t| self.argument(t));
            }
            TermKind::Object(pairs) => pairs.iter_mut().for_each(|(_, v)| self.argument(v)),
            TermKind::Call(_) => {
                self.refuse((arg.span, "rule arguments cannot contain calls".to_owned()));
            }
            TermKind::Const(_) | TermKind::Set(_) | TermKind::Comprehension(_) | TermKind::Template(_) => {}
        }
    }

    fn find(&self, name: Name) -> Option<Name> {
        self.scopes.iter().rev().find_map(|s| s.locals.get(&name)).map(|l| l.name)
    }

    fn occurrence(&self, name: Name) -> Option<Occurrence> {
        self.scopes.last()?.locals.get(&name).map(|l| l.occurrence)
    }

    fn insert(&mut self, name: Name, local: Name, occurrence: Occurrence, statement: Span) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.locals.insert(name, Local { name: local, occurrence, statement });
            scope.count.insert(name, 1);
        }
    }

    fn seen(&mut self, name: Name) {
        let counted = self.scopes.iter_mut().rev().find_map(|s| s.count.get_mut(&name));
        match counted {
            Some(count) => *count += 1,
            None => {
                if let Some(scope) = self.scopes.last_mut() {
                    scope.count.insert(name, 1);
                }
            }
        }
    }

    fn count(&self, name: Name) -> u32 {
        self.scopes.iter().rev().find_map(|s| s.count.get(&name)).copied().unwrap_or(0)
    }

    fn declare(&mut self, name: Name, occurrence: Occurrence, span: Span) -> Result<Name, String> {
        let text = self.names.text(name);
        match self.occurrence(name) {
            Some(Occurrence::Seen) => return Err(format!("var {text} referenced above")),
            Some(Occurrence::Assigned) => return Err(format!("var {text} assigned above")),
            Some(Occurrence::Declared) => return Err(format!("var {text} declared above")),
            Some(Occurrence::Argument) => return Err(format!("arg {text} redeclared")),
            None => {}
        }
        let local = self.names.local(name, span);
        self.insert(name, local, occurrence, span);
        Ok(local)
    }

    fn scoped(&mut self, f: impl FnOnce(&mut Self)) {
        self.scopes.push(Scope::default());
        f(self);
        self.scopes.pop();
    }

    fn body(&mut self, used: &NameSet, body: &mut Body) {
        let span = body.first().map_or(Span::default(), |e| e.span);
        let mut out = Vec::with_capacity(body.len());
        for mut expr in std::mem::take(body) {
            if self.statement(&mut expr) {
                out.push(expr);
            }
        }
        if out.is_empty() {
            out.push(Expr::truth(span));
        }
        *body = out;
        self.check_unused_assigned(used);
        self.check_unused_declared(used, body);
    }

    /// Rewrites a statement; `false` when nothing is left of it.
    fn statement(&mut self, expr: &mut Expr) -> bool {
        match &mut expr.kind {
            ExprKind::Assign(..) => self.assignment(expr),
            ExprKind::SomeDecl(names) => {
                let names = std::mem::take(names);
                self.some(&names, expr.span);
                return false;
            }
            ExprKind::SomeIn { .. } => return self.some_in(expr),
            ExprKind::Every(_) => self.every(expr),
            ExprKind::Not { .. } => self.not(expr),
            ExprKind::And(_) | ExprKind::Or(_) => self.logical(expr),
            _ => self.terms_of(expr),
        }
        true
    }

    fn some(&mut self, names: &[(Name, Span)], span: Span) {
        for (name, _) in names {
            if let Err(message) = self.declare(*name, Occurrence::Declared, span) {
                self.refuse((span, message));
                return;
            }
        }
    }

    /// `some k, v in xs` becomes `v = xs[k]`.
    fn some_in(&mut self, expr: &mut Expr) -> bool {
        let span = expr.span;
        let kind = std::mem::replace(&mut expr.kind, ExprKind::SomeDecl(Vec::new()));
        let ExprKind::SomeIn { key, value, domain } = kind else { return false };
        let key = key.unwrap_or_else(|| Term::var(self.names.fresh(domain.span), domain.span));
        let mut outside = walk::names_of(&domain);
        self.collect_called(&domain, &mut outside);
        let place = domain.span;
        let mut parts = match domain.kind {
            TermKind::Ref(parts) => parts,
            _ => vec![domain],
        };
        parts.push(key);
        expr.kind = ExprKind::Unify(value, Term::new(TermKind::Ref(parts), place));
        let ExprKind::Unify(a, b) = &expr.kind else { return false };
        let mut declared: Vec<Name> =
            vars::outputs_of_unify(expr, a, b, &outside).into_iter().filter(|n| !n.is_root()).collect();
        declared.sort();
        for name in declared {
            if self.names.is_rewritten(name) {
                // OPA renames the key that it has made itself, which takes a number.
                self.names.fresh(span);
                continue;
            }
            if let Err(message) = self.declare(name, Occurrence::Declared, span) {
                self.refuse((span, message));
                return false;
            }
        }
        self.terms_of(expr);
        true
    }

    fn every(&mut self, expr: &mut Expr) {
        let span = expr.span;
        if let ExprKind::Every(every) = &mut expr.kind {
            self.term(&mut every.domain);
            self.scopes.push(Scope::default());
            let declared_at = every.body.first().map_or(span, |e| e.span);
            self.every_variables(every, span, declared_at);
            self.body(&NameSet::default(), &mut every.body);
            self.rename_again(&mut every.body);
            // OPA lets the variables of `every` reach into its domain where nothing else declares them.
            self.term(&mut every.domain);
            self.scopes.pop();
        }
        self.with_of(expr);
    }

    fn every_variables(&mut self, every: &mut Every, span: Span, declared_at: Span) {
        every.key = Some(match every.key {
            None => self.names.fresh(span),
            Some(key) => self.every_variable(key, span, declared_at),
        });
        every.value = self.every_variable(every.value, span, declared_at);
    }

    /// What a nested body declares also holds, in OPA, in front of its declaration.
    fn rename_again(&self, body: &mut Body) {
        walk::body_mut(body, &mut |t| {
            if let TermKind::Var(name) = &mut t.kind
                && let Some(local) = self.find(*name)
            {
                *name = local;
            }
            false
        });
    }

    /// OPA reports an unused variable of `every` at the first statement of its body.
    fn every_variable(&mut self, name: Name, span: Span, declared_at: Span) -> Name {
        // An `every` in the domain of another one is seen twice.
        if self.names.is_wildcard(name) || self.names.is_rewritten(name) {
            return name;
        }
        self.declare(name, Occurrence::Declared, declared_at).unwrap_or_else(|message| {
            // OPA has lost the place of the statement.
            self.errors.push(error((span, message)).nowhere());
            name
        })
    }

    fn not(&mut self, expr: &mut Expr) {
        if let ExprKind::Not { body, explicit } = &mut expr.kind {
            if *explicit {
                self.scoped(|this| {
                    this.body(&NameSet::default(), body);
                    this.rename_again(body);
                });
            } else {
                self.implicit_body(body, IN_NEGATED);
            }
        }
        self.with_of(expr);
    }

    fn logical(&mut self, expr: &mut Expr) {
        let message = if matches!(expr.kind, ExprKind::And(_)) { IN_AND } else { IN_OR };
        if let ExprKind::And(l) | ExprKind::Or(l) = &mut expr.kind {
            self.operand(&mut l.lhs, l.explicit_lhs, message);
            self.operand(&mut l.rhs, l.explicit_rhs, message);
        }
        self.mark_seen(expr);
        self.with_of(expr);
    }

    fn operand(&mut self, body: &mut Body, explicit: bool, message: &'static str) {
        if explicit {
            self.scoped(|this| this.body(&NameSet::default(), body));
        } else {
            self.implicit_body(body, message);
        }
    }

    /// A body without braces has no scope of its own, and nothing can be declared in it.
    fn implicit_body(&mut self, body: &mut Body, message: &'static str) {
        for expr in body {
            match &expr.kind {
                ExprKind::Assign(..) => self.refuse((expr.span, message.to_owned())),
                ExprKind::Not { .. } => self.not(expr),
                ExprKind::And(_) | ExprKind::Or(_) => self.logical(expr),
                _ => self.terms_of(expr),
            }
        }
    }

    /// Names of operands that nothing declares count as seen in the enclosing scope.
    fn mark_seen(&mut self, expr: &Expr) {
        let mut seen = Vec::new();
        walk::expr(expr, &mut |t| match t.kind {
            TermKind::Var(name) => {
                seen.push((name, t.span));
                false
            }
            TermKind::Comprehension(_) => true,
            _ => false,
        });
        for (name, span) in seen {
            if self.find(name).is_none() {
                self.insert(name, name, Occurrence::Seen, span);
            }
        }
    }

    fn assignment(&mut self, expr: &mut Expr) {
        if expr.negated {
            self.refuse((expr.span, IN_NEGATED.to_owned()));
            return;
        }
        let before = self.errors.len();
        let span = expr.span;
        let kind = std::mem::replace(&mut expr.kind, ExprKind::SomeDecl(Vec::new()));
        let ExprKind::Assign(mut lhs, mut rhs) = kind else { return };
        self.term(&mut rhs);
        expr.with.iter_mut().for_each(|w| self.term(&mut w.value));
        self.pattern(&mut lhs, span);
        expr.with.iter_mut().for_each(|w| self.with_target(&mut w.target));
        expr.assigned = self.errors.len() == before;
        expr.kind = ExprKind::Unify(lhs, rhs);
    }

    fn pattern(&mut self, term: &mut Term, statement: Span) {
        let root = term.as_root();
        match &mut term.kind {
            TermKind::Var(name) => {
                let name = *name;
                self.assign(term, name, statement);
            }
            TermKind::Array(items) => items.iter_mut().for_each(|t| self.pattern(t, statement)),
            TermKind::Object(pairs) => {
                for (key, value) in pairs {
                    self.term(key);
                    self.pattern(value, statement);
                }
            }
            _ => match root {
                Some(name) => self.assign(term, name, statement),
                None => self.refuse((term.span, format!("cannot assign to {}", value_name(term)))),
            },
        }
    }

    fn assign(&mut self, term: &mut Term, name: Name, statement: Span) {
        match self.declare(name, Occurrence::Assigned, statement) {
            Ok(local) => term.kind = TermKind::Var(local),
            Err(message) => self.refuse((term.span, message)),
        }
    }

    fn terms_of(&mut self, expr: &mut Expr) {
        match &mut expr.kind {
            ExprKind::Term(t) => self.term(t),
            ExprKind::Call(call) => self.statement_call(call, expr.span),
            ExprKind::Unify(a, b) | ExprKind::Assign(a, b) => {
                self.term(a);
                self.term(b);
            }
            _ => {}
        }
        self.with_of(expr);
    }

    fn with_of(&mut self, expr: &mut Expr) {
        for with in &mut expr.with {
            self.with_target(&mut with.target);
            self.term(&mut with.value);
        }
    }

    /// `input` as a target is the document even where a local shadows it.
    fn with_target(&mut self, target: &mut Term) {
        match &mut target.kind {
            TermKind::Ref(parts) => parts.iter_mut().skip(1).for_each(|t| self.term(t)),
            _ => self.term(target),
        }
    }

    /// A statement that calls a local variable calls nothing; a call inside of a term is told apart.
    fn statement_call(&mut self, call: &mut Call, span: Span) {
        if self.is_shadowed(&call.op.target, span) {
            let text = print::operator(self.names, &call.op.target);
            self.called.extend(self.names.find(first_word(&text)).and_then(|name| self.find(name)));
            call.op.target = Target::Other(text.into());
        }
        call.args.iter_mut().for_each(|t| self.term(t));
    }

    fn call(&mut self, call: &mut Call, span: Span) {
        if self.is_shadowed(&call.op.target, span) {
            let text = print::operator(self.names, &call.op.target);
            self.refuse((span, format!("called function {text} shadowed")));
        }
        call.args.iter_mut().for_each(|t| self.term(t));
    }

    /// The text of a builtin whose first word is a local of a scope: in a head, nothing is called by it.
    fn names_local(&self, target: &Target, scope: &Scope) -> Option<String> {
        let Target::Builtin(text) = target else { return None };
        let name = self.names.find(first_word(text))?;
        let local = scope.locals.get(&name).filter(|local| local.name != name);
        local.map(|_| print::operator(self.names, target))
    }

    /// Whether a local has the first word of a builtin's name. The word counts as seen.
    fn is_shadowed(&mut self, target: &Target, span: Span) -> bool {
        let Target::Builtin(text) = target else { return false };
        let Some(name) = self.names.find(first_word(text)) else { return false };
        match self.find(name) {
            Some(local) => local != name,
            None => {
                self.insert(name, name, Occurrence::Seen, span);
                false
            }
        }
    }

    fn term(&mut self, term: &mut Term) {
        let span = term.span;
        if let Some(root) = term.as_root() {
            self.root(term, root);
            return;
        }
        match &mut term.kind {
            TermKind::Const(_) => {}
            TermKind::Var(name) => self.variable(name, span),
            TermKind::Ref(items) | TermKind::Array(items) | TermKind::Set(items) => {
                items.iter_mut().for_each(|t| self.term(t));
            }
            TermKind::Call(call) => self.call(call, span),
            TermKind::Object(pairs) => {
                for (key, value) in pairs {
                    self.term(key);
                    self.term(value);
                }
            }
            TermKind::Comprehension(c) => self.comprehension(c),
            TermKind::Template(parts) => {
                for part in parts {
                    if let Part::Expr(e) = part {
                        self.terms_of(e);
                    }
                }
            }
        }
    }

    fn variable(&mut self, name: &mut Name, span: Span) {
        match self.find(*name) {
            Some(local) => {
                self.seen(*name);
                *name = local;
            }
            None => self.insert(*name, *name, Occurrence::Seen, span),
        }
    }

    fn root(&mut self, term: &mut Term, root: Name) {
        let local = self.scopes.iter().rev().find_map(|s| s.locals.get(&root));
        if let Some(local) = local.filter(|l| l.occurrence != Occurrence::Seen) {
            term.kind = TermKind::Var(local.name);
        }
    }

    fn comprehension(&mut self, c: &mut Comprehension) {
        let mut used = walk::names_of(&c.term);
        c.key.iter().for_each(|k| walk::collect_names(k, &mut used));
        self.scopes.push(Scope::default());
        self.body(&used, &mut c.body);
        c.key.iter_mut().for_each(|k| self.term(k));
        self.term(&mut c.term);
        self.scopes.pop();
    }

    fn check_unused_assigned(&mut self, used: &NameSet) {
        if !self.strict || !self.errors.is_empty() {
            return;
        }
        let Some(scope) = self.scopes.last() else { return };
        let mut unused: Vec<(Name, Name, Span)> = scope
            .locals
            .iter()
            .filter(|(n, l)| l.occurrence == Occurrence::Assigned && self.count(**n) <= 1)
            .filter(|(n, _)| !self.names.is_wildcard(**n) && !used.contains(n))
            .map(|(n, l)| (l.name, *n, l.statement))
            .collect();
        unused.sort();
        for (_, name, span) in unused {
            self.refuse((span, format!("assigned var {} unused", self.names.text(name))));
        }
    }

    fn check_unused_declared(&mut self, used: &NameSet, body: &[Expr]) {
        if !self.errors.is_empty() {
            return;
        }
        let Some(scope) = self.scopes.last() else { return };
        let mut declared: Vec<(Name, Name, Span)> = scope
            .locals
            .iter()
            .filter(|(n, l)| l.occurrence == Occurrence::Declared && !used.contains(n))
            .map(|(n, l)| (l.name, *n, l.statement))
            .collect();
        if declared.is_empty() {
            return;
        }
        let mentioned = walk::names_of_body(body);
        declared.retain(|(local, _, _)| !mentioned.contains(local) && !self.called.contains(local));
        declared.sort();
        for (_, name, span) in declared {
            self.refuse((span, format!("declared var {} unused", self.names.text(name))));
        }
    }
}

fn first_word(operator: &str) -> &str {
    operator.split('.').next().unwrap_or_default()
}

/// The outermost comprehensions and template strings below a term.
fn collect_closures<'t>(term: &'t mut Term, out: &mut Vec<&'t mut Term>) {
    if matches!(term.kind, TermKind::Comprehension(_) | TermKind::Template(_)) {
        out.push(term);
        return;
    }
    match &mut term.kind {
        TermKind::Ref(items) | TermKind::Array(items) | TermKind::Set(items) => {
            items.iter_mut().for_each(|t| collect_closures(t, out));
        }
        TermKind::Call(call) => call.args.iter_mut().for_each(|t| collect_closures(t, out)),
        TermKind::Object(pairs) => {
            for (key, value) in pairs {
                collect_closures(key, out);
                collect_closures(value, out);
            }
        }
        _ => {}
    }
}

fn rename_in_head(term: &mut Term, scope: &Scope, shadowed: &dyn Fn(&Target) -> Option<String>) {
    walk::term_mut(term, &mut |t| {
        if let TermKind::Call(call) = &mut t.kind
            && let Some(text) = shadowed(&call.op.target)
        {
            call.op.target = Target::Other(text.into());
        }
        if let Some(local) = t.as_root().and_then(|r| scope.locals.get(&r)) {
            if local.occurrence != Occurrence::Seen {
                t.kind = TermKind::Var(local.name);
            }
            return true;
        }
        if let TermKind::Var(name) = &mut t.kind
            && let Some(local) = scope.locals.get(name)
        {
            *name = local.name;
        }
        false
    });
}

/// OPA's word for a kind of value.
fn value_name(term: &Term) -> &'static str {
    use crate::hir::Const;
    match &term.kind {
        TermKind::Const(Const::Null) => "null",
        TermKind::Const(Const::Bool(_)) => "boolean",
        TermKind::Const(Const::Number(_)) => "number",
        TermKind::Const(Const::String(_)) => "string",
        TermKind::Var(_) => "var",
        TermKind::Ref(_) => "ref",
        TermKind::Call(_) => "call",
        TermKind::Array(_) => "array",
        TermKind::Object(_) => "object",
        TermKind::Set(_) => "set",
        TermKind::Comprehension(c) => match c.shape {
            Shape::Array => "arraycomprehension",
            Shape::Set => "setcomprehension",
            Shape::Object => "objectcomprehension",
        },
        TermKind::Template(_) => "templatestring",
    }
}
