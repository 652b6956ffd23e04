//! The types of virtual documents, as a tree over `data`.

use govc_value::Type;
use govc_value::ty::Key;
use std::collections::BTreeMap;

/// A node: the type of a rule, or the names below a package.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    value: Option<Type>,
    children: BTreeMap<String, Tree>,
}

impl Tree {
    /// The child of a name.
    pub(super) fn child(&self, name: &str) -> Option<&Tree> {
        self.children.get(name)
    }

    /// It says nothing of any document.
    pub(super) fn is_empty(&self) -> bool {
        self.value.is_none() && self.children.is_empty()
    }

    /// All names below.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.children.keys().map(String::as_str)
    }

    /// The type of a rule at this node.
    pub(super) fn leaf(&self) -> Option<&Type> {
        self.value.as_ref()
    }

    fn node(&mut self, path: &[String]) -> &mut Tree {
        path.iter().fold(self, |node, name| node.children.entry(name.clone()).or_default())
    }

    /// Sets the type at a path.
    pub(super) fn put(&mut self, path: &[String], ty: Type) {
        self.node(path).value = Some(ty);
    }

    /// Adds a definition: types of several definitions are merged, and nested definitions become dynamic
    /// properties of object types above them.
    pub(super) fn insert(&mut self, path: &[String], ty: Type) {
        let mut node = self;
        for (depth, name) in path.iter().enumerate() {
            node = node.children.entry(name.clone()).or_default();
            let rest = &path[depth + 1..];
            if let (Some(Type::Object(known, others)), false) = (&node.value, rest.is_empty()) {
                node.value = Some(insert_into_object(known.clone(), others.as_deref(), rest, &ty));
            }
        }
        let merged = match node.value.take() {
            Some(old) => merge(old, ty),
            None => ty,
        };
        node.value = Some(node.with_leaves(merged));
    }

    fn with_leaves(&self, ty: Type) -> Type {
        let mut ty = ty;
        for (path, leaf) in self.leaves() {
            if let Type::Object(known, others) = &ty {
                ty = insert_into_object(known.clone(), others.as_deref(), &path, leaf);
            }
        }
        ty
    }

    fn leaves(&self) -> Vec<(Vec<String>, &Type)> {
        let mut found = Vec::new();
        for (name, child) in &self.children {
            match &child.value {
                Some(ty) => found.push((vec![name.clone()], ty)),
                None => found.extend(child.leaves().into_iter().map(|(mut path, ty)| {
                    path.insert(0, name.clone());
                    (path, ty)
                })),
            }
        }
        found
    }

    /// The type of all that lies at this node: base documents may add any other key.
    pub(super) fn extent(&self) -> Type {
        if let Some(ty) = &self.value {
            return ty.clone();
        }
        let known = self.children.iter().map(|(n, c)| (Key::String(n.clone()), c.extent())).collect();
        Type::Object(known, Some(Box::new((Type::String, Type::ANY))))
    }

    /// The type of all that lies at a path, when rules define something there.
    pub(super) fn extent_at(&self, path: &[String]) -> Option<Type> {
        path.iter().try_fold(self, |node, name| node.child(name)).map(Tree::extent)
    }
}

fn insert_into_object(
    known: Vec<(Key, Type)>,
    others: Option<&(Type, Type)>,
    path: &[String],
    ty: &Type,
) -> Type {
    let inner = match path {
        [] => return Type::Object(known, others.cloned().map(Box::new)),
        [_] => ty.clone(),
        [_, rest @ ..] => insert_into_object(Vec::new(), None, rest, ty),
    };
    let dynamic = match others {
        Some((key, value)) => {
            (key.or(&Type::String).unwrap_or(Type::ANY), value.or(&inner).unwrap_or(Type::ANY))
        }
        None => (Type::String, inner),
    };
    Type::Object(known, Some(Box::new(dynamic)))
}

/// The type of a document with several definitions.
fn merge(a: Type, b: Type) -> Type {
    match (a, b) {
        (Type::Object(known, Some(a)), Type::Object(other, Some(b)))
            if known.is_empty() && other.is_empty() =>
        {
            let key = a.0.or(&b.0).unwrap_or(Type::ANY);
            Type::Object(known, Some(Box::new((key, merge(a.1, b.1)))))
        }
        (Type::Set(a), Type::Set(b)) => Type::Set(Box::new(a.or(&b).unwrap_or(Type::ANY))),
        (a, b) => a.or(&b).unwrap_or(Type::ANY),
    }
}
