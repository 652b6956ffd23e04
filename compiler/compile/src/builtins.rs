//! The builtins that a compilation knows: those of the standard library and those the host declares.

use govc_value::Type;
use std::collections::BTreeMap;

/// A builtin that the host declares beside those of the standard library.
#[derive(Clone, Debug)]
pub struct HostBuiltin {
    /// Its type: a function.
    pub ty: Type,
    /// It gives several results per call.
    pub relation: bool,
}

/// What a compilation may call.
#[derive(Clone, Debug, Default)]
pub struct Builtins {
    /// Builtins that the host adds, by name.
    pub host: BTreeMap<String, HostBuiltin>,
    /// Builtins that must not be called.
    pub refused: std::collections::BTreeSet<String>,
}

impl Builtins {
    /// Whether there is a builtin of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.host.contains_key(name) || govc_stdlib::lookup(name).is_some()
    }

    /// Number of parameters, without variadic ones.
    pub fn arity(&self, name: &str) -> Option<usize> {
        if let Some(host) = self.host.get(name) {
            return match &host.ty {
                Type::Function(args, _, _) => Some(args.len()),
                _ => None,
            };
        }
        match govc_stdlib::lookup(name)?.ty() {
            Type::Function(args, _, _) => Some(args.len()),
            _ => None,
        }
    }

    /// The function type.
    pub fn ty(&self, name: &str) -> Option<Type> {
        match self.host.get(name) {
            Some(host) => Some(host.ty.clone()),
            None => govc_stdlib::lookup(name).map(govc_stdlib::Builtin::ty),
        }
    }

    /// Whether a call gives several results.
    pub fn is_relation(&self, name: &str) -> bool {
        match self.host.get(name) {
            Some(host) => host.relation,
            None => govc_stdlib::lookup(name).is_some_and(|b| b.relation),
        }
    }

    /// Whether it gives no value.
    pub fn is_void(&self, name: &str) -> bool {
        match self.host.get(name) {
            Some(host) => matches!(host.ty, Type::Function(_, _, None)),
            None => govc_stdlib::lookup(name).is_some_and(|b| b.result.is_none()),
        }
    }

    /// Whether v1 refuses it.
    pub fn is_deprecated(&self, name: &str) -> bool {
        !self.host.contains_key(name) && govc_stdlib::lookup(name).is_some_and(|b| b.deprecated)
    }
}
