//! Type inference over HIR: what every rule and variable can be, and what cannot be meant.
//!
//! The rules are OPA's (`v1/ast/check.go`): base documents are `any` unless a schema says more, a rule's type
//! follows from its definitions, and an error is reported only where no value could ever satisfy both sides.
//! The surprising fact: variables are typed at their first use, so bodies must be in their safe order before.

pub(crate) mod body;
pub(crate) mod details;
pub mod json;
pub(crate) mod partial;
mod refs;
mod replace;
mod results;
pub mod schema;
pub(crate) mod text;
mod tree;
mod vocabulary;

use crate::hir::{Branch, Rule, RuleId, RuleKind, Unit};
use body::Checker;
use govc_syntax::Diagnostic;
use govc_value::Type;
use govc_value::ty::Key;
use replace::Dependence;
use std::collections::HashMap;
use tree::Tree;

pub use replace::Edges;
pub use vocabulary::{Noun, Vocabulary};

/// What the checker knows beside the policy itself.
#[derive(Clone, Debug, Default)]
pub struct TypeOptions {
    /// The type of `input`; absent means `any`.
    pub input: Option<Type>,
    /// Types that annotations give to documents while one rule is checked.
    pub annotations: HashMap<RuleId, Vec<Annotated>>,
    /// Strings that fields may hold: names of actions and tools, `enum`s of schemas.
    pub vocabulary: Vocabulary,
    /// Builtins that the host declares, by name.
    pub builtins: HashMap<String, Type>,
}

/// A document and the type that a `schemas` annotation gives it.
#[derive(Clone, Debug)]
pub struct Annotated {
    /// `input` or `data`, then the steps.
    pub path: Vec<String>,
    /// Its type.
    pub ty: Type,
    /// The strings that its fields may hold.
    pub vocabulary: Vocabulary,
}

/// The types that were inferred.
#[derive(Clone, Debug, Default)]
pub struct TypeTable {
    /// For each rule of the unit, the type of each of its variables.
    pub vars: Vec<Vec<Option<Type>>>,
    tree: Tree,
}

impl TypeTable {
    /// The type of the document at a path under `data`, when rules define it.
    pub fn document(&self, path: &[String]) -> Option<Type> {
        self.tree.extent_at(path)
    }
}

/// Infers the types of all rules, which must be given in an order in which each comes after those it depends on.
pub fn infer(
    unit: &Unit,
    order: &[RuleId],
    edges: Edges<'_>,
    options: &TypeOptions,
) -> (TypeTable, Vec<Diagnostic>) {
    let dependence = Dependence::new(&unit.rules, edges);
    let mut table = TypeTable { vars: vec![Vec::new(); unit.rules.len()], tree: Tree::default() };
    let mut diagnostics = Vec::new();
    for &id in order {
        let Some(rule) = unit.rules.get(id.0 as usize) else { continue };
        let mut checker =
            Checker::new(&table.tree, &dependence, options, &rule.scope, options.annotations.get(&id));
        let branches = branch_types(rule, &mut checker);
        let (vars, found) = checker.finish();
        diagnostics.extend(found);
        table.vars[id.0 as usize] = vars;
        let path = ground_path(rule);
        for branch in branches {
            match branch {
                Ok(ty) => ty.into_iter().for_each(|ty| table.tree.insert(&path, ty)),
                // What has an error is `any`, so that its users are not blamed for it.
                Err(Failed) => table.tree.put(&path, Type::ANY),
            }
        }
    }
    (table, diagnostics)
}

/// Infers the types of a query's variables and reports what cannot be meant.
pub fn infer_query(
    query: &crate::hir::Query,
    (unit, edges): (&Unit, Edges<'_>),
    table: &TypeTable,
    options: &TypeOptions,
) -> (Vec<Option<Type>>, Vec<Diagnostic>) {
    let dependence = Dependence::new(&unit.rules, edges);
    let mut checker = Checker::new(&table.tree, &dependence, options, &query.scope, None);
    checker.body(&query.body);
    checker.finish()
}

/// Errors were found.
struct Failed;

/// The types of the branches: each is a rule of its own to the checker, with the same parameters.
fn branch_types(rule: &Rule, checker: &mut Checker<'_>) -> Vec<Result<Option<Type>, Failed>> {
    let branches = rule.branches.iter().map(|branch| {
        let before = checker.diagnostics.len();
        let ty = branch_type(rule, branch, checker);
        if checker.diagnostics.len() > before { Err(Failed) } else { Ok(ty) }
    });
    branches.collect()
}

fn branch_type(rule: &Rule, branch: &Branch, checker: &mut Checker<'_>) -> Option<Type> {
    checker.forget();
    checker.body(&branch.body);
    if let Some(params) = &rule.params {
        for param in params {
            checker.assume_any(param);
        }
        let args: Vec<Type> = params.iter().map(|p| checker.term(p).unwrap_or(Type::ANY)).collect();
        return Some(Type::Function(args, None, checker.term(&branch.value).map(Box::new)));
    }
    let value = checker.term(&branch.value)?;
    let leaf = match rule.kind {
        RuleKind::Single => value,
        RuleKind::Multi => Type::Set(Box::new(value)),
    };
    rule.dynamic.iter().skip(ground_steps(rule)).rev().try_fold(leaf, |inner, step| {
        let key = checker.term(step)?;
        Some(Type::Object(Vec::new(), Some(Box::new((key, inner)))))
    })
}

/// The steps of a head behind its path that are constants, up to the first that is not.
fn ground_steps(rule: &Rule) -> usize {
    rule.dynamic.iter().take_while(|step| body::const_key(step).is_some()).count()
}

/// Where the type of a rule lies in the tree.
fn ground_path(rule: &Rule) -> Vec<Key> {
    let mut path = tree::named(&rule.path);
    path.extend(rule.dynamic.iter().map_while(body::const_key));
    path
}
