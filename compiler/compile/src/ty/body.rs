//! Bodies: types of variables and terms, and checks of calls and unifications.

use super::details::{with_arguments, with_sides};
use super::partial::Partial;
use super::refs::Documents;
use super::replace::Dependence;
use super::text::ref_text;
use super::tree::Tree;
use super::vocabulary::Field;
use super::{Annotated, TypeOptions};
use crate::hir::{
    Callee, Comprehension, ComprehensionKind, Const, Expr, ExprKind, Ref, RefHead, Scope, Term, Var, VarInfo,
    With, WithTarget, WithValue,
};
use govc_syntax::{Diagnostic, Reported, Span};
use govc_value::Type;
use govc_value::ty::{Key, join};
use std::collections::HashMap;

/// Checks one rule or query.
pub(super) struct Checker<'a> {
    pub(super) documents: Documents<'a>,
    pub(super) dependence: &'a Dependence<'a>,
    pub(super) options: &'a TypeOptions,
    pub(super) scope: &'a Scope,
    pub(super) vars: Vec<Option<Type>>,
    /// What is known of each variable in the innermost body that types it.
    seen: Vec<Option<Type>>,
    /// Types of comprehensions that have been checked, by address.
    comprehensions: HashMap<*const Comprehension, Option<Type>>,
    /// The field that a variable was read from, for vocabularies.
    pub(super) fields: Vec<Option<Field>>,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Errors of references in the expression at hand; they explain unknown types.
    pub(super) blamed: bool,
}

impl<'a> Checker<'a> {
    pub(super) fn new(
        tree: &'a Tree,
        dependence: &'a Dependence<'a>,
        options: &'a TypeOptions,
        scope: &'a Scope,
        annotated: Option<&'a Vec<Annotated>>,
    ) -> Self {
        Self {
            documents: Documents::new(tree, options.input.as_ref(), annotated),
            dependence,
            options,
            scope,
            vars: like_builtins(scope, options),
            seen: vec![None; scope.vars.len()],
            comprehensions: HashMap::new(),
            fields: vec![None; scope.vars.len()],
            diagnostics: Vec::new(),
            blamed: false,
        }
    }

    pub(super) fn finish(self) -> (Vec<Option<Type>>, Vec<Diagnostic>) {
        (self.seen, self.diagnostics)
    }

    /// Forgets the types of variables, for another branch of the rule.
    pub(super) fn forget(&mut self) {
        self.vars = like_builtins(self.scope, self.options);
    }

    /// Checks the statements of a body in order.
    pub(super) fn body(&mut self, body: &[Expr]) {
        for expr in body {
            self.expr(expr);
        }
    }

    fn expr(&mut self, expr: &Expr) {
        let replaced = (!expr.with.is_empty()).then(|| self.replaced(&expr.with));
        let outer = replaced.map(|replaced| std::mem::replace(&mut self.documents, replaced));
        let blamed = std::mem::take(&mut self.blamed);
        if !self.mocks(&expr.with) {
            self.kind(&expr.kind, expr.span);
        }
        self.blamed = blamed;
        if let Some(documents) = outer {
            self.documents = documents;
        }
    }

    /// Whether a function is to be replaced by one that takes other arguments.
    fn mocks(&mut self, withs: &[With]) -> bool {
        for with in withs {
            let (WithTarget::Function(target), WithValue::Function(value)) = (&with.target, &with.value)
            else {
                continue;
            };
            let (Some(want), Some(have)) = (self.signature(target), self.signature(value)) else { continue };
            if want.unifies(&have) {
                continue;
            }
            let (Type::Function(want, ..), Type::Function(have, ..)) = (want, have) else { continue };
            let name = callee_name(target);
            let have: Vec<Partial> = have.into_iter().map(Partial::Known).collect();
            let message = format!("{name}: arity mismatch");
            let error = Diagnostic::error("govc_arity", "rego_type_error", with.span, message);
            self.diagnostics.push(with_arguments(error, &have, &name, &want));
            return true;
        }
        false
    }

    fn kind(&mut self, kind: &ExprKind, span: Span) {
        match kind {
            ExprKind::Term(term) => self.visit(term),
            ExprKind::Unify(a, b) => {
                self.visit(a);
                self.visit(b);
                self.unification(a, b, span);
            }
            ExprKind::Call { callee, args, output } => {
                args.iter().chain(output).for_each(|t| self.visit(t));
                self.call(callee, args, output.as_ref(), span);
            }
            ExprKind::Not(body) => self.body(body),
            ExprKind::Every { key, value, domain, body } => {
                self.visit(domain);
                let ty = self.term(domain);
                self.references(body);
                key.iter().for_each(|k| self.show(*k, ty.as_ref().and_then(Type::keys)));
                self.show(*value, ty.as_ref().and_then(Type::values));
            }
            ExprKind::Or(arms) => arms.iter().for_each(|arm| self.references(arm)),
        }
    }

    /// What OPA checks of bodies inside of statements: their references and comprehensions, not their calls.
    fn references(&mut self, body: &[Expr]) {
        for expr in body {
            match &expr.kind {
                ExprKind::Term(term) => self.visit(term),
                ExprKind::Unify(a, b) => [a, b].into_iter().for_each(|t| self.visit(t)),
                ExprKind::Call { args, output, .. } => args.iter().chain(output).for_each(|t| self.visit(t)),
                ExprKind::Not(body) => self.references(body),
                ExprKind::Every { domain, body, .. } => {
                    self.visit(domain);
                    self.references(body);
                }
                ExprKind::Or(arms) => arms.iter().for_each(|arm| self.references(arm)),
            }
        }
    }

    /// Checks comprehensions and references inside a term.
    fn visit(&mut self, term: &Term) {
        match term {
            Term::Const(_) | Term::Var(_) => {}
            Term::Ref(reference) => {
                reference.steps.iter().for_each(|s| self.visit(s));
                self.reference(reference);
            }
            Term::Array(items) | Term::Set(items) => items.iter().for_each(|t| self.visit(t)),
            Term::Object(entries) => entries.iter().for_each(|(k, v)| {
                self.visit(k);
                self.visit(v);
            }),
            Term::Comprehension(comprehension) => self.comprehension(comprehension),
        }
    }

    /// What the body says of variables around it does not hold outside.
    fn comprehension(&mut self, comprehension: &Comprehension) {
        let before = self.diagnostics.len();
        let outer = self.vars.clone();
        self.body(&comprehension.body);
        match &comprehension.kind {
            ComprehensionKind::Array(term) | ComprehensionKind::Set(term) => self.visit(term),
            ComprehensionKind::Object(key, value) => {
                self.visit(key);
                self.visit(value);
            }
        }
        let failed = self.diagnostics.len() > before;
        self.blamed |= failed;
        let ty = if failed { None } else { self.comprehension_type(comprehension) };
        self.comprehensions.insert(comprehension, ty);
        self.vars = outer;
    }

    fn comprehension_type(&self, comprehension: &Comprehension) -> Option<Type> {
        Some(match &comprehension.kind {
            ComprehensionKind::Array(of) => Type::Array(Vec::new(), Some(Box::new(self.term(of)?))),
            ComprehensionKind::Set(of) => Type::Set(Box::new(self.term(of)?)),
            ComprehensionKind::Object(key, value) => {
                Type::Object(Vec::new(), Some(Box::new((self.term(key)?, self.term(value)?))))
            }
        })
    }

    pub(super) fn var(&self, var: Var) -> Option<&Type> {
        self.vars.get(var.0 as usize)?.as_ref()
    }

    pub(super) fn assign(&mut self, var: Var, ty: Type) {
        if let Some(slot) = self.vars.get_mut(var.0 as usize) {
            *slot = Some(ty.clone());
            self.show(var, Some(ty));
        }
    }

    /// What a person is told of a variable.
    fn show(&mut self, var: Var, ty: Option<Type>) {
        if let Some(slot) = self.seen.get_mut(var.0 as usize) {
            *slot = Some(ty.unwrap_or(Type::ANY));
        }
    }

    /// The type of a term; nothing while a part of it is unknown.
    pub(super) fn term(&self, term: &Term) -> Option<Type> {
        match term {
            Term::Const(constant) => Some(const_type(constant)),
            Term::Var(var) => self.var(*var).cloned(),
            Term::Ref(reference) => self.ref_type(reference),
            Term::Array(items) if items.is_empty() => {
                Some(Type::Array(Vec::new(), Some(Box::new(Type::ANY))))
            }
            Term::Array(items) => {
                let items: Option<Vec<Type>> = items.iter().map(|t| self.term(t)).collect();
                Some(Type::Array(items?, None))
            }
            Term::Object(entries) => self.object(entries),
            Term::Set(items) => {
                let of = join(items.iter().filter_map(|t| self.term(t))).unwrap_or(Type::ANY);
                Some(Type::Set(Box::new(of)))
            }
            Term::Comprehension(comprehension) => {
                let address: *const Comprehension = &raw const **comprehension;
                match self.comprehensions.get(&address) {
                    Some(known) => known.clone(),
                    None => self.comprehension_type(comprehension),
                }
            }
        }
    }

    fn object(&self, entries: &[(Term, Term)]) -> Option<Type> {
        let (mut known, mut others) = (Vec::new(), None);
        for (key, value) in entries {
            match static_key(key) {
                Some(key) => known.push((key, self.term(value)?)),
                None => others = Some(Box::new((self.term(key)?, self.term(value)?))),
            }
        }
        if entries.is_empty() {
            others = Some(Box::new((Type::ANY, Type::ANY)));
        }
        known.sort_by(|a, b| a.0.cmp(&b.0));
        known.dedup_by(|a, b| a.0 == b.0);
        Some(Type::Object(known, others))
    }

    /// What is known of the type of a term: also of its parts, where others are unknown.
    pub(super) fn partial(&self, term: &Term) -> Partial {
        match (self.term(term), term) {
            (Some(known), _) => Partial::Known(known),
            (None, Term::Array(items)) => Partial::Array(items.iter().map(|t| self.partial(t)).collect()),
            (None, Term::Object(entries)) => self.partial_object(entries),
            (None, _) => Partial::Unknown,
        }
    }

    fn partial_object(&self, entries: &[(Term, Term)]) -> Partial {
        let (mut known, mut others) = (Vec::new(), None);
        for (key, value) in entries {
            match static_key(key) {
                Some(key) => known.push((key, self.partial(value))),
                None => others = Some(Box::new((self.partial(key), self.partial(value)))),
            }
        }
        known.sort_by(|a, b| a.0.cmp(&b.0));
        Partial::Object(known, others)
    }

    /// Parameters that the body never uses can be anything.
    pub(super) fn assume_any(&mut self, term: &Term) {
        match term {
            Term::Var(var) if self.var(*var).is_none() => self.assign(*var, Type::ANY),
            Term::Array(items) | Term::Set(items) => items.iter().for_each(|t| self.assume_any(t)),
            Term::Object(entries) => entries.iter().for_each(|(_, v)| self.assume_any(v)),
            _ => {}
        }
    }

    fn call(&mut self, callee: &Callee, args: &[Term], output: Option<&Term>, span: Span) {
        let (params, rest, result) = match self.signature(callee) {
            Some(Type::Function(params, rest, result)) => (params, rest, result),
            Some(other) if !other.is_any() => return self.no_function(callee, span),
            None if matches!(callee, Callee::Function(_)) => return self.no_function(callee, span),
            _ => return output.into_iter().for_each(|o| self.assume_any(o)),
        };
        let name = callee_name(callee);
        match self.shadow(&name) {
            Some(ty) if ty.is_any() => return,
            Some(_) => return self.no_function(callee, span),
            None => {}
        }
        if matches!(name.as_str(), "equal" | "internal.member_2")
            && let [a, b] = args
        {
            self.vocabulary_check(a, b, span);
        }
        let wanted = |i: usize| match params.get(i) {
            Some(ty) => Some(ty.clone()),
            None if i == params.len() && result.is_some() && rest.is_none() => result.as_deref().cloned(),
            None => rest.as_deref().cloned(),
        };
        let all: Vec<&Term> = args.iter().chain(output).collect();
        let pre: Vec<Partial> = all.iter().map(|t| self.partial(t)).collect();
        if name == "eq" && output.is_some() {
            return self.argument_error("eq: too many arguments", "", &pre, &params, span);
        }
        for (i, term) in all.iter().enumerate() {
            let is_output = output.is_some() && i + 1 == all.len();
            let want = if is_output { result.as_deref().cloned() } else { wanted(i) };
            let Some(want) = want else { continue };
            let known_wrong = matches!(&pre[i], Partial::Known(have) if !have.unifies(&want));
            if known_wrong || !self.unify_with(term, &want, false) {
                let shown = params.iter().cloned().chain(result.as_deref().cloned()).collect::<Vec<_>>();
                // What was tried may have told the types of variables.
                let have = if known_wrong { pre } else { all.iter().map(|t| self.partial(t)).collect() };
                self.argument_error(&format!("{name}: invalid argument(s)"), &name, &have, &shown, span);
                return;
            }
        }
    }

    /// The type of a variable that is named as the first word of a builtin with several: it is looked for in that.
    fn shadow(&self, name: &str) -> Option<&Type> {
        let (word, _) = name.split_once('.').filter(|(word, _)| *word != "data")?;
        let var = self.scope.vars.iter().position(|var| var.undeclared && var.name == word)?;
        self.vars.get(var)?.as_ref()
    }

    fn no_function(&mut self, callee: &Callee, span: Span) {
        let message = format!("undefined function {}", callee_name(callee));
        let found = Diagnostic::error("govc_undefined_function", "rego_type_error", span, message);
        self.diagnostics.push(found);
    }

    fn argument_error(&mut self, message: &str, name: &str, have: &[Partial], want: &[Type], span: Span) {
        if self.blamed && have.iter().any(Partial::is_unknown) {
            return;
        }
        let error = Diagnostic::error("govc_argument_type", "rego_type_error", span, message);
        self.diagnostics.push(with_arguments(error, have, name, want));
    }

    fn signature(&self, callee: &Callee) -> Option<Type> {
        match callee {
            Callee::Builtin(name) => builtin_type(self.options, name).cloned(),
            Callee::Function(path) => self.documents.function(path),
        }
    }

    fn unification(&mut self, a: &Term, b: &Term, span: Span) {
        self.remember_field(a, b);
        self.vocabulary_check(a, b, span);
        let (left, right) = (self.partial(a), self.partial(b));
        if self.unify_terms(a, left.known().as_ref(), b, right.known().as_ref()) {
            return;
        }
        if self.blamed && (left.is_unknown() || right.is_unknown()) {
            return;
        }
        let error = Diagnostic::error("govc_impossible_comparison", "rego_type_error", span, "match error");
        self.diagnostics.push(with_sides(error, &left, &right));
    }

    fn unify_terms(&mut self, a: &Term, left: Option<&Type>, b: &Term, right: Option<&Type>) -> bool {
        match (left, right) {
            (Some(left), Some(right)) => left.unifies(right),
            (None, Some(right)) => self.unify_with(a, right, false),
            (Some(left), None) => self.unify_with(b, left, false),
            (None, None) => self.unify_unknown(a, b),
        }
    }

    fn unify_unknown(&mut self, a: &Term, b: &Term) -> bool {
        match (a, b) {
            (Term::Array(xs), Term::Array(ys)) => {
                xs.len() == ys.len() && xs.iter().zip(ys).all(|(x, y)| self.unify_pair(x, y))
            }
            (Term::Object(xs), Term::Object(ys)) => self.unify_objects(xs, ys),
            (Term::Var(_), _) | (_, Term::Var(_)) => {
                let (var, other) = if matches!(a, Term::Var(_)) { (a, b) } else { (b, a) };
                self.unify_with(other, &Type::ANY, false);
                let ty = self.term(other).unwrap_or(Type::ANY);
                self.unify_with(var, &ty, false)
            }
            _ => false,
        }
    }

    fn unify_pair(&mut self, a: &Term, b: &Term) -> bool {
        let (left, right) = (self.term(a), self.term(b));
        self.unify_terms(a, left.as_ref(), b, right.as_ref())
    }

    fn unify_objects(&mut self, xs: &[(Term, Term)], ys: &[(Term, Term)]) -> bool {
        let value_at = |key: &Term| ys.iter().find(|(other, _)| same_key(key, other)).map(|(_, w)| w);
        xs.len() == ys.len() && xs.iter().all(|(key, v)| value_at(key).is_some_and(|w| self.unify_pair(v, w)))
    }

    /// Checks a term against a type and gives its unknown variables the types that follow.
    pub(super) fn unify_with(&mut self, term: &Term, ty: &Type, union: bool) -> bool {
        match (term, ty) {
            (Term::Var(var), _) => self.unify_var(*var, ty, union),
            (Term::Array(_) | Term::Object(_) | Term::Set(_), Type::Any(of)) if of.is_empty() => {
                self.each_part(term, |checker, part| {
                    checker.unify_with(part, &Type::ANY, true);
                });
                true
            }
            (Term::Array(_) | Term::Object(_) | Term::Set(_), Type::Any(of)) => {
                let fits: Vec<bool> = of.iter().map(|t| self.unify_with(term, t, true)).collect();
                fits.contains(&true)
            }
            (Term::Array(items), Type::Array(first, rest)) => {
                (items.len() == first.len() || rest.is_some())
                    && items.iter().enumerate().all(|(i, item)| {
                        first.get(i).or(rest.as_deref()).is_some_and(|t| self.unify_with(item, t, union))
                    })
            }
            (Term::Object(entries), Type::Object(known, others)) => {
                (entries.len() == known.len() || others.is_some())
                    && entries.iter().all(|(key, value)| self.unify_entry(key, value, ty, union))
            }
            (Term::Set(items), Type::Set(of)) => items.iter().all(|item| self.unify_with(item, of, union)),
            (Term::Array(_) | Term::Object(_) | Term::Set(_), _) => false,
            _ => self.term(term).is_none_or(|have| have.unifies(ty)),
        }
    }

    fn unify_entry(&mut self, key: &Term, value: &Term, ty: &Type, union: bool) -> bool {
        match static_key(key) {
            Some(key) => ty.select(&key).is_some_and(|t| self.unify_with(value, &t, union)),
            None => {
                self.unify_with(value, &Type::ANY, union);
                true
            }
        }
    }

    fn each_part(&mut self, term: &Term, mut visit: impl FnMut(&mut Self, &Term)) {
        match term {
            Term::Array(items) | Term::Set(items) => items.iter().for_each(|t| visit(self, t)),
            Term::Object(entries) => entries.iter().for_each(|(k, v)| {
                visit(self, k);
                visit(self, v);
            }),
            _ => {}
        }
    }

    fn unify_var(&mut self, var: Var, ty: &Type, union: bool) -> bool {
        match self.var(var) {
            Some(known) if union => {
                let widened = known.or(ty).unwrap_or(Type::ANY);
                self.assign(var, widened);
                true
            }
            Some(known) => known.unifies(ty),
            None => {
                self.assign(var, ty.clone());
                true
            }
        }
    }

    /// A diagnostic about a reference that cannot be defined.
    pub(super) fn undefined_ref(
        &mut self,
        reference: &Ref,
        code: &'static str,
        notes: Vec<String>,
        details: Option<String>,
    ) -> &mut Diagnostic {
        let message = format!("undefined ref: {}", ref_text(reference, self.scope));
        let mut diagnostic = Diagnostic::error(code, "rego_type_error", reference.span, message);
        diagnostic.notes = notes;
        diagnostic.details = details;
        diagnostic.reported = shared(reference);
        self.blamed = true;
        self.diagnostics.push(diagnostic);
        // Just pushed.
        let last = self.diagnostics.len() - 1;
        &mut self.diagnostics[last]
    }

    fn ref_type(&self, reference: &Ref) -> Option<Type> {
        match reference.head {
            RefHead::Var(var) => select_all(self.var(var)?.clone(), &reference.steps),
            RefHead::Input => select_all(self.documents.input(), &reference.steps),
            RefHead::Data => self.documents.data(&reference.steps),
        }
    }
}

/// Keys are compared as they are written.
fn same_key(a: &Term, b: &Term) -> bool {
    let same = |a: &[Term], b: &[Term]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_key(a, b));
    match (a, b) {
        (Term::Var(a), Term::Var(b)) => a == b,
        (Term::Array(a), Term::Array(b)) => same(a, b),
        (Term::Ref(a), Term::Ref(b)) => a.head == b.head && same(&a.steps, &b.steps),
        _ => static_key(a).is_some_and(|a| static_key(b) == Some(a)),
    }
}

fn builtin_type<'a>(options: &'a TypeOptions, name: &str) -> Option<&'a Type> {
    options.builtins.get(name).or_else(|| crate::builtins::declared_type(name))
}

/// What is known of variables before they are bound: those that are named as a builtin and that nothing declares have
/// the type of the builtin.
fn like_builtins(scope: &Scope, options: &TypeOptions) -> Vec<Option<Type>> {
    let known = |var: &VarInfo| if var.undeclared { builtin_type(options, &var.name).cloned() } else { None };
    scope.vars.iter().map(known).collect()
}

/// The place of a reference that may begin with the name of a rule or import, and may share its place then.
pub(super) fn shared(reference: &Ref) -> Reported {
    match reference.head {
        RefHead::Var(_) => Reported::Here,
        RefHead::Data | RefHead::Input => Reported::At(reference.span),
    }
}

/// The type behind steps; unknown steps select any value.
pub(super) fn select_all(ty: Type, steps: &[Term]) -> Option<Type> {
    steps.iter().try_fold(ty, |ty, step| match const_key(step) {
        Some(key) => ty.select(&key),
        None => ty.values(),
    })
}

/// The constant that a term is, as a key.
pub(super) fn const_key(term: &Term) -> Option<Key> {
    let Term::Const(constant) = term else { return None };
    Some(match constant {
        Const::Null => Key::Null,
        Const::Bool(b) => Key::Bool(*b),
        Const::Number(text) => Key::Number(key_number(text)),
        Const::String(text) => Key::String(text.clone()),
    })
}

/// Keys are equal as numbers are: `1.0` is `1`.
fn key_number(text: &str) -> String {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match text.parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && number.abs() < EXACT => (number as i64).to_string(),
        _ => text.to_owned(),
    }
}

/// The ground value that a term is, as a key of an object: collections can be keys too.
fn static_key(term: &Term) -> Option<Key> {
    match term {
        Term::Array(items) => items.iter().map(static_key).collect::<Option<_>>().map(Key::Array),
        Term::Set(items) => {
            let mut items: Vec<Key> = items.iter().map(static_key).collect::<Option<_>>()?;
            items.sort();
            items.dedup();
            Some(Key::Array(items))
        }
        Term::Object(entries) => {
            let pair = |(key, value): &(Term, Term)| Some((static_key(key)?, static_key(value)?));
            let mut fields: Vec<(Key, Key)> = entries.iter().map(pair).collect::<Option<_>>()?;
            fields.sort();
            Some(Key::Object(fields))
        }
        _ => const_key(term),
    }
}

pub(crate) fn const_type(constant: &Const) -> Type {
    match constant {
        Const::Null => Type::Null,
        Const::Bool(_) => Type::Boolean,
        Const::Number(_) => Type::Number,
        Const::String(_) => Type::String,
    }
}

fn callee_name(callee: &Callee) -> String {
    match callee {
        Callee::Builtin(name) => name.clone(),
        Callee::Function(path) => format!("data.{}", path.join(".")),
    }
}
