//! The builtins that a compilation knows: those of the standard library and those the host declares.

use govc_value::Type;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

/// A builtin that the host declares beside those of the standard library.
#[derive(Clone, Debug)]
pub struct HostBuiltin {
    /// Its type: a function.
    pub ty: Type,
    /// It gives several results per call.
    pub relation: bool,
    /// Path, without `data`, of the rules that perform it; absent where the host does.
    pub body: Option<Vec<String>>,
}

/// What a compilation may call.
#[derive(Clone, Debug, Default)]
pub struct Builtins {
    /// Builtins that the host adds, by name.
    pub host: BTreeMap<String, HostBuiltin>,
    /// Builtins that must not be called.
    pub refused: BTreeSet<String>,
    /// The builtins of the standard library that there are; absent: all.
    pub only: Option<BTreeSet<String>>,
}

/// The type of a builtin of the standard library, read when somebody asks for the first time: a policy calls
/// a few of all that there are.
pub(crate) fn declared_type(name: &str) -> Option<&'static Type> {
    static TYPES: OnceLock<HashMap<&'static str, OnceLock<Type>>> = OnceLock::new();
    let types = TYPES.get_or_init(|| govc_stdlib::all().iter().map(|b| (b.name, OnceLock::new())).collect());
    let builtin = govc_stdlib::lookup(name)?;
    Some(types.get(builtin.name)?.get_or_init(|| builtin.ty()))
}

impl Builtins {
    /// Whether there is a builtin of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.host.contains_key(name) || self.standard(name).is_some()
    }

    /// A builtin of the standard library that may be called. Operators and what rewrites call are always there.
    fn standard(&self, name: &str) -> Option<&'static govc_stdlib::Builtin> {
        let allowed = |only: &BTreeSet<String>| only.contains(name) || name.starts_with("internal.");
        govc_stdlib::lookup(name).filter(|_| self.only.as_ref().is_none_or(allowed))
    }

    /// Builtins that are performed by rules, with the paths of these rules.
    pub(crate) fn bodies(&self) -> BTreeMap<String, Vec<String>> {
        self.host.iter().filter_map(|(name, host)| Some((name.clone(), host.body.clone()?))).collect()
    }

    /// Number of parameters, without variadic ones.
    pub fn arity(&self, name: &str) -> Option<usize> {
        match self.ty_ref(name)? {
            Type::Function(args, _, _) => Some(args.len()),
            _ => None,
        }
    }

    /// Whether it takes any number of arguments.
    pub fn is_variadic(&self, name: &str) -> bool {
        matches!(self.ty_ref(name), Some(Type::Function(_, Some(_), _)))
    }

    /// The function type.
    pub fn ty(&self, name: &str) -> Option<Type> {
        self.ty_ref(name).cloned()
    }

    fn ty_ref(&self, name: &str) -> Option<&Type> {
        match self.host.get(name) {
            Some(host) => Some(&host.ty),
            None => self.standard(name).and_then(|b| declared_type(b.name)),
        }
    }

    /// Whether a call gives several results.
    pub fn is_relation(&self, name: &str) -> bool {
        match self.host.get(name) {
            Some(host) => host.relation,
            None => self.standard(name).is_some_and(|b| b.relation),
        }
    }

    /// Whether it gives no value.
    pub fn is_void(&self, name: &str) -> bool {
        match self.host.get(name) {
            Some(host) => matches!(host.ty, Type::Function(_, _, None)),
            None => self.standard(name).is_some_and(|b| b.result.is_none()),
        }
    }

    /// Whether v1 refuses it.
    pub fn is_deprecated(&self, name: &str) -> bool {
        !self.host.contains_key(name) && govc_stdlib::lookup(name).is_some_and(|b| b.deprecated)
    }
}
