//! The type lattice of Rego, as OPA's `types` package defines it.

use std::cmp::Ordering;
use std::fmt;

/// A Rego type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// `null`.
    Null,
    /// `boolean`.
    Boolean,
    /// `number`.
    Number,
    /// `string`.
    String,
    /// An array: the types of its first elements, and of any further ones (`None`: there are none).
    Array(Vec<Type>, Option<Box<Type>>),
    /// An object: its known properties (key, type), and key and value type of any others.
    Object(Vec<(Key, Type)>, Option<Box<(Type, Type)>>),
    /// A set of elements of one type.
    Set(Box<Type>),
    /// A union. The empty union is OPA's `any`: every value.
    Any(Vec<Type>),
    /// A function: argument types, the type of further (variadic) arguments, result (`None`: void).
    Function(Vec<Type>, Option<Box<Type>>, Option<Box<Type>>),
}

/// A known key of an object type: a ground value, of which sets are arrays as in OPA.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as its decimal text.
    Number(String),
    /// A string.
    String(String),
    /// An array, or a set.
    Array(Vec<Key>),
    /// An object, by its keys.
    Object(Vec<(Key, Key)>),
}

impl Type {
    /// OPA's `any`: every value.
    pub const ANY: Type = Type::Any(Vec::new());

    /// OPA's order of types, by which unions are sorted: kind first, then structure.
    pub fn compare(&self, other: &Type) -> Ordering {
        self.rank().cmp(&other.rank()).then_with(|| match (self, other) {
            (Type::Array(a, x), Type::Array(b, y)) => compare_optional(x, y).then_with(|| compare_all(a, b)),
            (Type::Object(a, x), Type::Object(b, y)) => {
                compare_dynamic(x, y).then_with(|| compare_properties(a, b))
            }
            (Type::Set(a), Type::Set(b)) => a.compare(b),
            (Type::Any(a), Type::Any(b)) => compare_all(a, b),
            (Type::Function(a, v, r), Type::Function(b, w, s)) => (a.len().cmp(&b.len()))
                .then_with(|| compare_all(a, b))
                .then_with(|| compare_optional(r, s))
                .then_with(|| compare_optional(v, w)),
            _ => Ordering::Equal,
        })
    }

    fn rank(&self) -> u8 {
        match self {
            Type::Null => 0,
            Type::Boolean => 1,
            Type::Number => 2,
            Type::String => 3,
            Type::Array(..) => 4,
            Type::Object(..) => 5,
            Type::Set(_) => 6,
            Type::Any(_) => 7,
            Type::Function(..) => 8,
        }
    }

    /// This is OPA's `any`.
    pub fn is_any(&self) -> bool {
        matches!(self, Type::Any(of) if of.is_empty())
    }

    /// The union of two types; nothing when just one is a function, or when their arities differ.
    pub fn or(&self, other: &Type) -> Option<Type> {
        match (self, other) {
            (Type::Function(..), Type::Function(..)) => or_functions(self, other),
            (Type::Function(..), _) | (_, Type::Function(..)) => None,
            (Type::Any(a), Type::Any(b)) if a.is_empty() || b.is_empty() => Some(Type::ANY),
            (Type::Any(a), Type::Any(b)) => Some(Type::union(a.iter().chain(b).cloned())),
            (Type::Any(a), b) | (b, Type::Any(a)) if a.is_empty() || a.contains(b) => {
                Some(Type::Any(a.clone()))
            }
            (Type::Any(a), b) | (b, Type::Any(a)) => Some(Type::union(a.iter().chain([b]).cloned())),
            (a, b) if a.compare(b) == Ordering::Equal => Some(a.clone()),
            (a, b) => Some(Type::union([a.clone(), b.clone()])),
        }
    }

    fn union(of: impl IntoIterator<Item = Type>) -> Type {
        let mut of: Vec<Type> = of.into_iter().collect();
        of.sort_by(Type::compare);
        of.dedup_by(|a, b| a.compare(b) == Ordering::Equal);
        Type::Any(of)
    }

    /// The type of the keys that can be enumerated; nothing where nothing can.
    pub fn keys(&self) -> Option<Type> {
        match self {
            Type::Array(..) => Some(Type::Number),
            Type::Object(known, others) => {
                join(known.iter().map(|(k, _)| k.ty()).chain(others.iter().map(|o| o.0.clone())))
            }
            Type::Set(of) => Some((**of).clone()),
            Type::Any(of) if of.is_empty() => Some(Type::ANY),
            Type::Any(of) => join(of.iter().filter_map(Type::keys)),
            _ => None,
        }
    }

    /// The type of the values that can be enumerated; nothing where nothing can.
    pub fn values(&self) -> Option<Type> {
        match self {
            Type::Array(first, rest) => join(first.iter().cloned().chain(rest.iter().map(|r| (**r).clone()))),
            Type::Object(known, others) => {
                join(known.iter().map(|(_, v)| v.clone()).chain(others.iter().map(|o| o.1.clone())))
            }
            Type::Set(of) => Some((**of).clone()),
            Type::Any(of) if of.is_empty() => Some(Type::ANY),
            Type::Any(of) => join(of.iter().filter_map(Type::values)),
            _ => None,
        }
    }

    /// The type behind a constant step of a reference; nothing where the step cannot succeed.
    pub fn select(&self, key: &Key) -> Option<Type> {
        match self {
            Type::Array(first, rest) => {
                let Key::Number(text) = key else { return None };
                let position: usize = text.parse().ok()?;
                first.get(position).or(rest.as_deref()).cloned()
            }
            Type::Object(known, others) => {
                if let Some((_, value)) = known.iter().find(|(k, _)| k == key) {
                    return Some(value.clone());
                }
                others.as_ref().filter(|o| o.0.contains(&key.ty())).map(|o| o.1.clone())
            }
            Type::Set(of) => of.contains(&key.ty()).then(|| key.ty()),
            Type::Any(of) if of.is_empty() => Some(Type::ANY),
            Type::Any(of) => join(of.iter().filter_map(|t| t.select(key))),
            _ => None,
        }
    }

    /// The other type is this one or a member of this union.
    pub fn contains(&self, other: &Type) -> bool {
        match self {
            Type::Any(of) => of.is_empty() || of.iter().any(|t| t.compare(other) == Ordering::Equal),
            _ => self.compare(other) == Ordering::Equal,
        }
    }

    /// Some value could be of both types. (OPA: unification of types.)
    pub fn unifies(&self, other: &Type) -> bool {
        match (self, other) {
            (Type::Any(of), b) | (b, Type::Any(of)) if any_unifies(of, b) => true,
            (Type::Any(_), _) | (_, Type::Any(_)) => false,
            (Type::Array(..), Type::Array(..)) => arrays_unify(self, other),
            (Type::Object(..), Type::Object(..)) => objects_unify(self, other),
            (Type::Set(a), Type::Set(b)) => a.unifies(b),
            (Type::Function(a, ..), Type::Function(b, ..)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.unifies(b))
            }
            (a, b) => a.rank() == b.rank(),
        }
    }
}

impl Key {
    /// The type of the key.
    pub fn ty(&self) -> Type {
        match self {
            Key::Null => Type::Null,
            Key::Bool(_) => Type::Boolean,
            Key::Number(_) => Type::Number,
            Key::String(_) => Type::String,
            Key::Array(items) => Type::Array(items.iter().map(Key::ty).collect(), None),
            Key::Object(fields) => {
                Type::Object(fields.iter().map(|(key, value)| (key.clone(), value.ty())).collect(), None)
            }
        }
    }
}

/// The union of all types; nothing of no types.
pub fn join(types: impl IntoIterator<Item = Type>) -> Option<Type> {
    types.into_iter().reduce(|a, b| a.or(&b).unwrap_or(Type::ANY))
}

fn compare_all(a: &[Type], b: &[Type]) -> Ordering {
    let different = a.iter().zip(b).map(|(a, b)| a.compare(b)).find(|o| o.is_ne());
    different.unwrap_or_else(|| a.len().cmp(&b.len()))
}

fn compare_optional(a: &Option<Box<Type>>, b: &Option<Box<Type>>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.compare(b),
        _ => a.is_some().cmp(&b.is_some()),
    }
}

fn compare_dynamic(a: &Option<Box<(Type, Type)>>, b: &Option<Box<(Type, Type)>>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.0.compare(&b.0).then_with(|| a.1.compare(&b.1)),
        _ => a.is_some().cmp(&b.is_some()),
    }
}

fn compare_properties(a: &[(Key, Type)], b: &[(Key, Type)]) -> Ordering {
    let pairs = a.iter().zip(b).map(|((k, v), (l, w))| k.cmp(l).then_with(|| v.compare(w)));
    pairs.into_iter().find(|o| o.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()))
}

fn or_functions(a: &Type, b: &Type) -> Option<Type> {
    let (Type::Function(x, v, r), Type::Function(y, w, s)) = (a, b) else { return None };
    if x.len() != y.len() || v.is_some() != w.is_some() {
        return None;
    }
    let args: Option<Vec<Type>> = x.iter().zip(y).map(|(a, b)| a.or(b)).collect();
    Some(Type::Function(args?, or_optional(v, w), or_optional(r, s)))
}

fn or_optional(a: &Option<Box<Type>>, b: &Option<Box<Type>>) -> Option<Box<Type>> {
    join(a.iter().chain(b).map(|t| (**t).clone())).map(Box::new)
}

fn any_unifies(of: &[Type], other: &Type) -> bool {
    !matches!(other, Type::Function(..)) && (of.is_empty() || of.iter().any(|t| t.unifies(other)))
}

fn arrays_unify(a: &Type, b: &Type) -> bool {
    let (Type::Array(first, rest), Type::Array(other_first, other_rest)) = (a, b) else { return false };
    let fits = |first: &[Type], first_other: &[Type], rest: &Option<Box<Type>>| {
        let others = first_other.iter().map(Some).chain(std::iter::repeat(rest.as_deref()));
        first.iter().zip(others).all(|(t, o)| o.is_some_and(|o| t.unifies(o)))
    };
    let rests = match (rest, other_rest) {
        (Some(a), Some(b)) => a.unifies(b),
        _ => true,
    };
    rests && fits(first, other_first, other_rest) && fits(other_first, first, rest)
}

fn objects_unify(a: &Type, b: &Type) -> bool {
    let (Type::Object(known, others), Type::Object(other_known, other_others)) = (a, b) else { return false };
    let open = others.is_some() || other_others.is_some();
    let fits = |known: &[(Key, Type)], other: &Type| {
        known.iter().all(|(k, t)| other.select(k).map_or(open, |o| t.unifies(&o)))
    };
    let rests = match (others, other_others) {
        (Some(a), Some(b)) => a.1.unifies(&b.1),
        _ => true,
    };
    rests && fits(known, b) && fits(other_known, a)
}

impl fmt::Display for Key {
    /// As OPA prints keys in types: strings without quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Null => f.write_str("null"),
            Key::Bool(b) => write!(f, "{b}"),
            Key::Number(text) | Key::String(text) => f.write_str(text),
            Key::Array(items) => {
                let items: Vec<String> = items.iter().map(Key::to_string).collect();
                write!(f, "[{}]", items.join(" "))
            }
            Key::Object(fields) => {
                let fields: Vec<String> =
                    fields.iter().map(|(key, value)| format!("{key}:{value}")).collect();
                write!(f, "map[{}]", fields.join(" "))
            }
        }
    }
}

impl fmt::Display for Type {
    /// OPA's notation: `array<string>[any]`, `object<a: number>[string: any]`, `any<number, string>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Null => f.write_str("null"),
            Type::Boolean => f.write_str("boolean"),
            Type::Number => f.write_str("number"),
            Type::String => f.write_str("string"),
            Type::Set(of) => write!(f, "set[{of}]"),
            Type::Array(first, rest) => {
                f.write_str("array")?;
                list(f, first)?;
                rest.as_ref().map_or(Ok(()), |r| write!(f, "[{r}]"))
            }
            Type::Object(known, others) => {
                f.write_str("object")?;
                list(f, &known.iter().map(|(k, v)| format!("{k}: {v}")).collect::<Vec<_>>())?;
                others.as_ref().map_or(Ok(()), |o| write!(f, "[{}: {}]", o.0, o.1))
            }
            Type::Any(of) => {
                f.write_str("any")?;
                list(f, of)
            }
            Type::Function(args, rest, result) => {
                let mut shown: Vec<String> = args.iter().map(Type::to_string).collect();
                shown.extend(rest.iter().map(|r| format!("{r}...")));
                let result = result.as_ref().map_or_else(|| "???".to_owned(), |r| r.to_string());
                write!(f, "({}) => {result}", shown.join(", "))
            }
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, items: &[impl fmt::Display]) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    write!(f, "<{}>", items.join(", "))
}
