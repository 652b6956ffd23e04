//! The types of virtual documents, as a tree over `data`.

use govc_value::Type;
use govc_value::ty::Key;
use std::collections::BTreeMap;

/// A node: the type of a rule, or the names below a package.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    value: Option<Type>,
    children: BTreeMap<Key, Tree>,
}

impl Tree {
    /// The child of a key.
    pub(super) fn child(&self, key: &Key) -> Option<&Tree> {
        self.children.get(key)
    }

    /// What lies at a path of names.
    pub(super) fn at(&self, path: &[String]) -> Option<&Tree> {
        path.iter().try_fold(self, |node, name| node.child(&Key::String(name.clone())))
    }

    /// It says nothing of any document.
    pub(super) fn is_empty(&self) -> bool {
        self.value.is_none() && self.children.is_empty()
    }

    /// All keys below.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.children.keys()
    }

    /// The type of a rule at this node.
    pub(super) fn leaf(&self) -> Option<&Type> {
        self.value.as_ref()
    }

    fn node(&mut self, path: &[Key]) -> &mut Tree {
        path.iter().fold(self, |node, key| node.children.entry(key.clone()).or_default())
    }

    /// Sets the type at a path.
    pub(super) fn put(&mut self, path: &[Key], ty: Type) {
        self.node(path).value = Some(ty);
    }

    /// Adds a definition: types of several definitions are merged, and nested definitions become dynamic
    /// properties of object types above them.
    pub(super) fn insert(&mut self, path: &[Key], ty: Type) {
        let mut node = self;
        for (depth, key) in path.iter().enumerate() {
            node = node.children.entry(key.clone()).or_default();
            let rest = &path[depth + 1..];
            if let (Some(Type::Object(known, others)), false) = (&node.value, rest.is_empty()) {
                node.value = Some(insert_into_object(known.clone(), others.as_deref(), rest, &ty));
            }
        }
        let merged = match node.value.take() {
            // To OPA this is no function any more, and nothing else.
            Some(old) if is_function(&old) != is_function(&ty) => return,
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

    fn leaves(&self) -> Vec<(Vec<Key>, &Type)> {
        let mut found = Vec::new();
        for (key, child) in &self.children {
            match &child.value {
                Some(ty) => found.push((vec![key.clone()], ty)),
                None => found.extend(child.leaves().into_iter().map(|(mut path, ty)| {
                    path.insert(0, key.clone());
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
        let known = self.children.iter().map(|(key, child)| (key.clone(), child.extent())).collect();
        Type::Object(known, Some(Box::new((Type::String, Type::ANY))))
    }

    /// The type of all that lies at a path, when rules define something there.
    pub(super) fn extent_at(&self, path: &[String]) -> Option<Type> {
        self.at(path).map(Tree::extent)
    }
}

fn insert_into_object(
    known: Vec<(Key, Type)>,
    others: Option<&(Type, Type)>,
    path: &[Key],
    ty: &Type,
) -> Type {
    let (first, inner) = match path {
        [] => return Type::Object(known, others.cloned().map(Box::new)),
        [first] => (scalar_type(first), ty.clone()),
        [first, rest @ ..] => (scalar_type(first), insert_into_object(Vec::new(), None, rest, ty)),
    };
    let dynamic = match others {
        Some((key, value)) => (key.or(&first).unwrap_or(Type::ANY), value.or(&inner).unwrap_or(Type::ANY)),
        None => (first, inner),
    };
    Type::Object(known, Some(Box::new(dynamic)))
}

fn is_function(ty: &Type) -> bool {
    matches!(ty, Type::Function(..))
}

fn scalar_type(key: &Key) -> Type {
    match key {
        Key::Null => Type::Null,
        Key::Bool(_) => Type::Boolean,
        Key::Number(_) => Type::Number,
        Key::String(_) => Type::String,
        Key::Array(_) | Key::Object(_) => Type::ANY,
    }
}

/// The path of names.
pub(super) fn named(path: &[String]) -> Vec<Key> {
    path.iter().cloned().map(Key::String).collect()
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
