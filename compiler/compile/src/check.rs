//! Small checks of OPA's compiler, each over the statements of a rule or query: calls that cannot be,
//! names that must not be shadowed, imports that clash.

use crate::builtins::Builtins;
use crate::lower::locals::Finding;
use crate::lower::names::Names;
use crate::lower::print;
use crate::lower::tree::*;
use crate::lower::walk;
use crate::rules::RuleTree;
use crate::ty::details::with_arguments;
use crate::ty::partial::Partial;
use govc_syntax::{Diagnostic, Span, ast};
use govc_value::Type;
use govc_value::ty::Key;

/// OPA's `rego_compile_error`.
pub(crate) fn compile_error(code: &'static str, (span, message): Finding) -> Diagnostic {
    Diagnostic::error(code, "rego_compile_error", span, message)
}

/// OPA's `rego_type_error`.
pub(crate) fn type_error(code: &'static str, (span, message): Finding) -> Diagnostic {
    Diagnostic::error(code, "rego_type_error", span, message)
}

/// What is known of functions: arity by target.
pub(crate) struct Functions<'a> {
    pub(crate) builtins: &'a Builtins,
    pub(crate) tree: &'a RuleTree,
    /// Parameters of each rule by position.
    pub(crate) params: &'a [usize],
}

impl Functions<'_> {
    /// Number of parameters; a rule without parameters has none.
    pub(crate) fn arity(&self, target: &Target) -> Option<usize> {
        match target {
            Target::Builtin(name) => self.builtins.arity(name),
            Target::Function(path) => {
                let node = self.tree.node(self.tree.at(path)?);
                node.rules.first().map(|&r| self.params[r])
            }
            Target::Other(_) | Target::Written(..) => None,
        }
    }
}

/// Calls of functions that do not exist or take another number of arguments. As OPA's, the check does not look into
/// what it complains about.
pub(crate) fn undefined_functions(names: &Names, functions: &Functions, body: &[Expr]) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    walk::outer_statements(body, &mut |e| {
        let ExprKind::Call(call) = &e.kind else { return false };
        let complaint = check_call(names, functions, e, call);
        let is_wrong = complaint.is_some();
        out.extend(complaint);
        is_wrong
    });
    out
}

fn check_call(names: &Names, functions: &Functions, e: &Expr, call: &Call) -> Option<Diagnostic> {
    let given = call.args.len();
    let text = || print::operator(names, &call.op.target);
    let Some(arity) = functions.arity(&call.op.target) else {
        return Some(type_error(
            "govc_undefined_function",
            (e.span, format!("undefined function {}", text())),
        ));
    };
    if is_variadic(functions, &call.op.target) || given == arity + 1 || (given == arity && !e.generated) {
        return None;
    }
    let given = if e.generated { given.saturating_sub(1) } else { given };
    if let Target::Builtin(name) = &call.op.target {
        let message = format!("{name}: arity mismatch");
        let error = type_error("govc_arity", (e.span, message));
        let have: Vec<Partial> = call.args.iter().map(known_type).collect();
        let want = match functions.builtins.ty(name) {
            Some(Type::Function(args, _, _)) => args,
            _ => Vec::new(),
        };
        return Some(with_arguments(error, &have, name, &want));
    }
    let plural = if given == 1 { "" } else { "s" };
    let message = format!("function {} has arity {arity}, got {given} argument{plural}", text());
    Some(type_error("govc_arity", (e.span, message)))
}

/// What can be said of a term's type before any is inferred.
fn known_type(t: &Term) -> Partial {
    let known = match &t.kind {
        TermKind::Const(value) => Some(crate::ty::body::const_type(value)),
        TermKind::Ref(parts) => {
            parts.first().and_then(Term::as_var).filter(|n| n.is_root()).map(|_| Type::ANY)
        }
        TermKind::Array(items) => return Partial::array(items.iter().map(known_type).collect()),
        TermKind::Object(pairs) => return known_object(pairs),
        TermKind::Set(items) => {
            let of = items.iter().map(known_type).map(|of| of.known()).collect::<Option<Vec<_>>>();
            of.map(|of| Type::Set(Box::new(govc_value::ty::join(of).unwrap_or(Type::ANY))))
        }
        _ => None,
    };
    known.into()
}

fn known_object(pairs: &[(Term, Term)]) -> Partial {
    let (mut known, mut others) = (Vec::new(), None);
    for (key, value) in pairs {
        match key.as_str() {
            Some(key) => known.push((Key::String(key.to_owned()), known_type(value))),
            None => others = Some(Box::new((known_type(key), known_type(value)))),
        }
    }
    known.sort_by(|a, b| a.0.cmp(&b.0));
    Partial::Object(known, others)
}

fn is_variadic(functions: &Functions, target: &Target) -> bool {
    matches!(target, Target::Builtin(name) if functions.builtins.is_variadic(name))
}

/// Calls without a value where a value is needed.
pub(crate) fn void_calls(names: &Names, builtins: &Builtins, t: &Term, out: &mut Vec<Diagnostic>) {
    walk::term(t, &mut |t| {
        if let TermKind::Call(call) = &t.kind
            && matches!(&call.op.target, Target::Builtin(name) if builtins.is_void(name))
        {
            let message = format!("{} used as value", print::call(names, call));
            out.push(type_error("govc_void_value", (t.span, message)));
        }
        false
    });
}

/// The same for all terms of a body.
pub(crate) fn void_calls_in_body(
    names: &Names,
    builtins: &Builtins,
    body: &[Expr],
    out: &mut Vec<Diagnostic>,
) {
    walk::body(body, &mut |t| {
        void_calls(names, builtins, t, out);
        true
    });
}

/// Calls of builtins that v1 has retired.
pub(crate) fn deprecated(builtins: &Builtins, body: &[Expr]) -> Vec<Diagnostic> {
    calls_that(body, "govc_deprecated_builtin", "deprecated", &|name| builtins.is_deprecated(name))
}

/// Calls of builtins that the options refuse.
pub(crate) fn refused(builtins: &Builtins, body: &[Expr]) -> Vec<Diagnostic> {
    if builtins.refused.is_empty() {
        return Vec::new();
    }
    calls_that(body, "govc_refused_builtin", "unsafe", &|name| builtins.refused.contains(name))
}

fn calls_that(
    body: &[Expr],
    code: &'static str,
    word: &str,
    matches: &dyn Fn(&str) -> bool,
) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    walk::statements(body, &mut |e| {
        if let ExprKind::Call(Call { op: Operator { target: Target::Builtin(name), .. }, .. }) = &e.kind
            && matches(name)
        {
            let message = format!("{word} built-in function calls in expression: {name}");
            out.push(type_error(code, (e.span, message)));
        }
    });
    out
}

/// Rules, parameters and variables named `input` or `data`.
pub(crate) fn root_overrides(names: &Names, rules: &[&Rule]) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    for rule in rules {
        if matches!(rule.name.as_str(), "input" | "data") {
            out.push((rule.span, format!("rules must not shadow {} (use a different rule name)", rule.name)));
        }
        for arg in rule.args.iter().flatten() {
            if let Some(root) = arg.as_root() {
                out.push((arg.span, shadow("args", names.text(root))));
            }
        }
    }
    for rule in rules {
        for branch in &rule.branches {
            out.extend(assigned_roots(names, &branch.body));
            walk::statements_in_term(&branch.value, &mut |e| out.extend(assigned_root(names, e)));
        }
    }
    out.into_iter().map(|f| compile_error("govc_shadowed_root", f)).collect()
}

fn shadow(what: &str, name: &str) -> String {
    format!("{what} must not shadow {name} (use a different variable name)")
}

/// Assignments to `input` or `data`.
pub(crate) fn assigned_roots(names: &Names, body: &[Expr]) -> Vec<Finding> {
    let mut out = Vec::new();
    walk::statements(body, &mut |e| out.extend(assigned_root(names, e)));
    out
}

fn assigned_root(names: &Names, e: &Expr) -> Option<Finding> {
    let ExprKind::Assign(lhs, _) = &e.kind else { return None };
    lhs.as_root().map(|root| (e.span, shadow("variables", names.text(root))))
}

/// Imports that bind a name twice.
pub(crate) fn duplicate_imports(module: &ast::Module) -> Vec<Diagnostic> {
    let mut seen: Vec<(&str, &ast::Import)> = Vec::new();
    let mut out = Vec::new();
    for import in &module.imports {
        let Some(name) = import_name(import) else { continue };
        match seen.iter().find(|(n, _)| *n == name) {
            Some((_, first)) => {
                let message = format!("import must not shadow {}", import_text(first));
                out.push(compile_error("govc_duplicate_import", (import.span, message)));
            }
            None => seen.push((name, import)),
        }
    }
    out
}

/// The name that an import binds.
pub(crate) fn import_name(import: &ast::Import) -> Option<&str> {
    let last = import.alias.as_ref().or(import.path.last());
    last.map(|i| i.name.as_str())
}

/// An import as OPA prints it.
pub(crate) fn import_text(import: &ast::Import) -> String {
    let mut text = "import ".to_owned();
    for (i, part) in import.path.iter().enumerate() {
        if i == 0 {
            text.push_str(&part.name);
        } else {
            print::push_field(&part.name, &mut text);
        }
    }
    if let Some(alias) = &import.alias {
        text.push_str(&format!(" as {}", alias.name));
    }
    text
}

/// Whether an import names a document (and no language feature).
pub(crate) fn is_document(import: &ast::Import) -> bool {
    import.path.first().is_some_and(|p| p.name == "data" || p.name == "input")
}

/// A place that stands for a whole module without a better one.
pub(crate) fn package_span(module: &ast::Module) -> Span {
    module.package.as_ref().map_or(module.span, |p| p.span)
}
