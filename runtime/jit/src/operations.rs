//! What machine code calls: the operations of values, with addresses instead of references.
//!
//! The surprising fact: none of these decides anything of its own; each is one call of what the VM calls.

#![expect(unsafe_code, reason = "machine code passes addresses")]

use govc_value::{Value, View};
use govc_vm::native::member;

/// A name with an address and the number of its parameters, all of which are addresses; each gives an
/// address or a word.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) address: *const u8,
    pub(crate) parameters: usize,
    /// Gives an address instead of a word of 32 bits.
    pub(crate) gives_address: bool,
}

/// All operations, in the order of [`crate::translate::Callees`].
pub(crate) fn all() -> [Operation; 5] {
    let word = |name, address, parameters| Operation { name, address, parameters, gives_address: false };
    [
        word("equal", equal as *const u8, 2),
        word("compare", compare as *const u8, 2),
        word("member", is_member as *const u8, 2),
        word("get", get as *const u8, 3),
        Operation { name: "find", address: find as *const u8, parameters: 3, gives_address: true },
    ]
}

/// `a == b`
///
/// # Safety
/// Both must point to values.
unsafe extern "C" fn equal(a: *const Value<'_>, b: *const Value<'_>) -> u32 {
    // SAFETY: promised by the caller.
    u32::from(unsafe { *a == *b })
}

/// -1, 0 or 1.
///
/// # Safety
/// Both must point to values.
unsafe extern "C" fn compare(a: *const Value<'_>, b: *const Value<'_>) -> i32 {
    // SAFETY: promised by the caller.
    unsafe { (*a).cmp(&*b) as i32 }
}

/// Is the first among the values of the second?
///
/// # Safety
/// Both must point to values.
unsafe extern "C" fn is_member(element: *const Value<'_>, collection: *const Value<'_>) -> u32 {
    // SAFETY: promised by the caller.
    u32::from(unsafe { member(*element, *collection) })
}

/// Writes the element at a key; is there one?
///
/// # Safety
/// All must point to values; the last may be written, with a value of the first's lifetime.
unsafe extern "C" fn get<'a>(src: *const Value<'a>, key: *const Value<'_>, dst: *mut Value<'a>) -> u32 {
    // SAFETY: promised by the caller.
    unsafe {
        let found = (*src).get(*key);
        *dst = found;
        u32::from(!found.is_undefined())
    }
}

/// The address of the element at a key, or null; keeps the position in an object in `hint`.
///
/// # Safety
/// The first two must point to values, the third to a word that may be written.
unsafe extern "C" fn find(src: *const Value<'_>, key: *const Value<'_>, hint: *mut u32) -> *const u8 {
    // SAFETY: promised by the caller.
    let (src, key, hint) = unsafe { (*src, *key, &mut *hint) };
    let (elements, position) = match src.view() {
        View::Object(object) => (object.values(), object.position(key)),
        View::Set(set) => (set.as_slice(), set.position(key)),
        // A string is no index of an array.
        _ => return std::ptr::null(),
    };
    match position.and_then(|at| Some((at, elements.get(at)?))) {
        Some((at, element)) => {
            // Lossless: collections have fewer than 2^32 elements.
            *hint = at as u32;
            std::ptr::from_ref(element).cast()
        }
        None => std::ptr::null(),
    }
}
