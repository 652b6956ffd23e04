//! A program made ready to run: literals as values, builtins found, paths and switches indexed.

use crate::builtins::Implementation;
use crate::native::Native;
use crate::switch::Switch;
use crate::{LoadError, literal, merge};
use govc_bytecode::{Program, verify};
use govc_stdlib::Call;
use govc_value::json;
use govc_value::{Frozen, FrozenBuilder, Heap, Kind, Value};
use rustc_hash::FxHashMap;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};

/// A verified program with its literals and base documents, ready to run. `Send + Sync`; share it in an `Arc`.
pub struct Image {
    /// Literals, and base documents (`data`).
    pub frozen: Frozen,
    pub(crate) program: Program,
    pub(crate) builtins: Vec<Implementation>,
    pub(crate) operators: Operators,
    pub(crate) switches: Vec<Switch>,
    entrypoints: FxHashMap<String, u32>,
    /// Functions by path; see [`dynamic_key`].
    dynamic: FxHashMap<Vec<u8>, u32>,
    data: usize,
    memo_slots: usize,
    id: u64,
    native: OnceLock<Box<dyn Native>>,
}

/// The next [`Image::id`].
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Builtins behind the instructions for operators, for what these do not do themselves.
#[derive(Clone, Copy)]
pub(crate) struct Operators {
    pub(crate) add: Option<Call>,
    pub(crate) sub: Option<Call>,
    pub(crate) mul: Option<Call>,
    pub(crate) div: Option<Call>,
    pub(crate) rem: Option<Call>,
    pub(crate) count: Option<Call>,
}

impl Operators {
    fn find() -> Self {
        let call = |name| govc_stdlib::lookup(name).and_then(|b| b.call);
        Self {
            add: call("plus"),
            sub: call("minus"),
            mul: call("mul"),
            div: call("div"),
            rem: call("rem"),
            count: call("count"),
        }
    }
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Image").field("functions", &self.program.functions.len()).finish_non_exhaustive()
    }
}

impl Image {
    /// Verifies a program and gives it base documents: JSON texts with the paths under `data` at which they
    /// stand. Documents are merged; of two values in one place the first stays.
    ///
    /// # Errors
    /// When the program breaks a rule of the format or a document is no JSON.
    pub fn load(program: Program, data: &[(Vec<String>, Vec<u8>)]) -> Result<Image, LoadError> {
        verify(&program)?;
        let limits = json::Limits::default();
        let mut strings = FrozenBuilder::default();
        program.literals.iter().for_each(|l| literal::intern(&mut strings, l));
        for (path, text) in data {
            path.iter().for_each(|p| strings.intern(p));
            let interned = json::intern(&mut strings, text, &limits);
            interned.map_err(|error| LoadError::Data { path: path.clone(), error })?;
        }
        let frozen = strings.build(|heap| roots(heap, &program, data))?;
        Ok(Self::ready(program, frozen))
    }

    /// As [`Image::load`], over base documents that other images use too: root 0 of `base`. The symbols are those
    /// of `base`; a string of the program that has none there is only compared more slowly.
    ///
    /// # Errors
    /// When the program breaks a rule of the format.
    pub fn over(program: Program, base: &Arc<Frozen>) -> Result<Image, LoadError> {
        verify(&program)?;
        let frozen = Frozen::over(base, |heap, roots| {
            let literals = program.literals.iter().map(|l| literal::value(heap, l));
            let mut all = literals.collect::<Result<Vec<_>, LoadError>>()?;
            let data = roots.first().copied().unwrap_or_else(|| heap.object(&mut Vec::new()));
            all.extend([data, heap.object(&mut Vec::new()), heap.set(&mut Vec::new()), heap.array(&[])]);
            Ok::<_, LoadError>(all)
        })?;
        Ok(Self::ready(program, frozen))
    }

    fn ready(program: Program, frozen: Frozen) -> Image {
        let entrypoints = program.entrypoints.iter().map(|e| (e.name.clone(), e.function)).collect();
        let paths = program.functions.iter().zip(0..).filter(|(f, _)| !f.path.is_empty() && f.params == 2);
        let dynamic =
            paths.map(|(f, index)| (dynamic_key(f.path.iter().map(String::as_str)), index)).collect();
        Image {
            builtins: program.builtins.iter().map(Implementation::find).collect(),
            operators: Operators::find(),
            switches: Switch::all(&program, &frozen),
            entrypoints,
            dynamic,
            data: program.literals.len(),
            memo_slots: program.memo_slots() as usize,
            id: NEXT.fetch_add(1, Relaxed),
            native: OnceLock::new(),
            frozen,
            program,
        }
    }

    /// The handle of an entrypoint, for [`Query`](crate::Query).
    pub fn entrypoint(&self, name: &str) -> Option<u32> {
        self.entrypoints.get(name).copied()
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Unlike that of any other image of this process, and the same for as long as the image lives.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Lets queries that begin from now on run machine code.
    ///
    /// # Errors
    /// Gives the code back when the image has some already.
    pub fn install(&self, native: Box<dyn Native>) -> Result<(), Box<dyn Native>> {
        self.native.set(native)
    }

    /// The machine code, if any.
    #[inline]
    pub fn native(&self) -> Option<&dyn Native> {
        self.native.get().map(|native| &**native)
    }

    /// The values of the program's literals, by number; other roots may follow.
    #[inline]
    pub fn literals(&self) -> &[Value<'_>] {
        self.frozen.roots()
    }

    /// The base documents: an object.
    pub fn data(&self) -> Value<'_> {
        self.frozen.root(self.data)
    }

    /// The value of a literal.
    #[inline]
    pub(crate) fn literal(&self, literal: u32) -> Value<'_> {
        self.frozen.root(literal as usize)
    }

    /// An empty collection of a kind.
    pub(crate) fn empty(&self, kind: Kind) -> Value<'_> {
        let at = match kind {
            Kind::Object => 1,
            Kind::Set => 2,
            _ => 3,
        };
        self.frozen.root(self.data + at)
    }

    /// Number of memo slots.
    pub(crate) fn memo_slots(&self) -> usize {
        self.memo_slots
    }

    /// The function of a path.
    pub(crate) fn dynamic(&self, key: &[u8]) -> Option<u32> {
        self.dynamic.get(key).copied()
    }
}

/// A path as a key: parts with their lengths, so that no two paths have the same.
pub(crate) fn dynamic_key<'a>(parts: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let mut key = Vec::new();
    for part in parts {
        key.extend((part.len() as u64).to_le_bytes());
        key.extend(part.as_bytes());
    }
    key
}

/// Literals in order, then `data`, then an empty object, set and array.
fn roots<'q>(
    heap: Heap<'q>,
    program: &Program,
    data: &[(Vec<String>, Vec<u8>)],
) -> Result<Vec<Value<'q>>, LoadError> {
    let literals = program.literals.iter().map(|l| literal::value(heap, l));
    let mut roots = literals.collect::<Result<Vec<_>, LoadError>>()?;
    let mut root = heap.object(&mut Vec::new());
    for (path, text) in data {
        let document = json::read(heap, text, &json::Limits::default())
            .map_err(|error| LoadError::Data { path: path.clone(), error })?;
        let nested =
            path.iter().rev().fold(document, |inner, key| heap.object(&mut vec![(heap.string(key), inner)]));
        root = merge::merge(heap, root, nested);
    }
    roots.extend([root, heap.object(&mut Vec::new()), heap.set(&mut Vec::new()), heap.array(&[])]);
    Ok(roots)
}
