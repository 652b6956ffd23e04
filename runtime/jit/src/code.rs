//! Making machine code, keeping it, entering it.
//!
//! The surprising fact: code belongs to one image and checks that it got it, because the promises it is
//! built on (the verifier's, about registers, lists and literals) are promises about that program.

#![expect(unsafe_code, reason = "calls machine code")]

use crate::JitError;
use crate::operations::{self, Operation};
use crate::reach;
use crate::translate::{self, Callees};
use cranelift_codegen::Context;
use cranelift_codegen::ir::types::{I32, I64};
use cranelift_codegen::ir::{AbiParam, Function as Form, Signature};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Linkage, Module, default_libcall_names};
use govc_vm::Image;
use govc_vm::native::{Native, Window};
use std::fmt::Write;
use std::mem::ManuallyDrop;

/// `(registers, literals, hints, slice, entry) -> instruction`
type Entry = unsafe extern "C" fn(*mut u8, *const u8, *mut u32, *mut u32, u32) -> u32;

/// The machine code of one image.
pub struct Code {
    /// Taken when dropped.
    module: ManuallyDrop<JITModule>,
    /// The image that it was made for.
    image: u64,
    functions: Vec<Compiled>,
    /// For each instruction: 0, or the position in `entries` + 1.
    at: Vec<u32>,
    /// Function, and the number of the entry in it.
    entries: Vec<(u32, u32)>,
    hints: usize,
}

struct Compiled {
    entry: Entry,
    /// Registers that it may touch.
    registers: usize,
}

// SAFETY: after `compile` nothing touches the module until `drop`, which has it alone; finished code only
// reads its own memory.
unsafe impl Send for Code {}
// SAFETY: as above.
unsafe impl Sync for Code {}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Code").field("functions", &self.functions.len()).finish_non_exhaustive()
    }
}

impl Code {
    /// How many functions have machine code; all others stay with the VM.
    pub fn functions(&self) -> usize {
        self.functions.len()
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        // SAFETY: the module is not used again; no code runs, because running needs a reference to `self`.
        unsafe { ManuallyDrop::take(&mut self.module).free_memory() }
    }
}

impl Native for Code {
    #[inline]
    fn enters(&self, pc: u32) -> bool {
        self.at.get(pc as usize).is_some_and(|&entry| entry != 0)
    }

    fn hints(&self) -> usize {
        self.hints
    }

    fn run<'q>(&self, pc: u32, window: Window<'_, 'q>) -> u32 {
        let found =
            self.at.get(pc as usize).and_then(|&entry| self.entries.get((entry as usize).checked_sub(1)?));
        let Some(&(function, number)) = found else { return pc };
        let Some(compiled) = self.functions.get(function as usize) else { return pc };
        let fits = window.image.id() == self.image
            && window.registers.len() >= compiled.registers
            && window.hints.len() >= self.hints;
        if !fits {
            return pc;
        }
        // SAFETY: the code was made from this image's verified program, so its registers and literals lie in
        // the slices (registers and hints were just checked; literals are the image's own). It writes
        // registers with values that the VM would write there, so of lifetime 'q, and hints and slice.
        // Everything it reads through values was built by the value crate, which fixes the layout.
        unsafe {
            (compiled.entry)(
                window.registers.as_mut_ptr().cast(),
                window.image.literals().as_ptr().cast(),
                window.hints.as_mut_ptr(),
                window.slice,
                number,
            )
        }
    }
}

/// Machine code for all functions of an image that gain from it.
///
/// # Errors
/// When the processor is unknown or the code generator refuses.
pub fn compile(image: &Image) -> Result<Code, JitError> {
    let mut maker = Maker::new()?;
    let mut made = Vec::new();
    for (function, entries) in worthwhile(image) {
        made.push((maker.function(image, function, &entries)?, function.registers as usize, entries));
    }
    maker.module.finalize_definitions().map_err(codegen)?;
    let mut at = vec![0; image.program().code.len()];
    let mut numbered = Vec::new();
    let mut functions = Vec::new();
    for (id, registers, entries) in made {
        for (pc, number) in entries.into_iter().zip(0..) {
            numbered.push((functions.len() as u32, number));
            at[pc as usize] = numbered.len() as u32;
        }
        let address = maker.module.get_finalized_function(id);
        // SAFETY: `Maker::function` defined it with the signature of `Entry`.
        let entry = unsafe { std::mem::transmute::<*const u8, Entry>(address) };
        functions.push(Compiled { entry, registers });
    }
    let module = ManuallyDrop::new(maker.module);
    Ok(Code { module, image: image.id(), functions, at, entries: numbered, hints: maker.hints })
}

/// Cranelift's text form of all functions that gain from machine code (`--emit clif`).
///
/// # Errors
/// As [`compile`].
pub fn clif(image: &Image) -> Result<String, JitError> {
    let mut maker = Maker::new()?;
    let mut text = String::new();
    for (function, entries) in worthwhile(image) {
        let form = maker.form(image, function, &entries);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "; {}\n{}", function.name, form.display());
    }
    Ok(text)
}

fn worthwhile(image: &Image) -> impl Iterator<Item = (&govc_bytecode::Function, Vec<u32>)> {
    let program = image.program();
    let all = program.functions.iter().map(|function| (function, reach::entries(program, function)));
    all.filter(|(_, entries)| !entries.is_empty())
}

fn codegen(error: impl std::fmt::Display) -> JitError {
    JitError::Codegen(error.to_string())
}

struct Maker {
    module: JITModule,
    operations: Vec<FuncId>,
    context: FunctionBuilderContext,
    hints: usize,
}

impl Maker {
    fn new() -> Result<Self, JitError> {
        let mut builder = JITBuilder::with_isa(isa()?, default_libcall_names());
        for operation in operations::all() {
            builder.symbol(operation.name, operation.address);
        }
        let mut module = JITModule::new(builder);
        let mut operations = Vec::new();
        for operation in operations::all() {
            let signature = called(&module, &operation);
            let declared = module.declare_function(operation.name, Linkage::Import, &signature);
            operations.push(declared.map_err(codegen)?);
        }
        Ok(Maker { module, operations, context: FunctionBuilderContext::new(), hints: 0 })
    }

    /// The intermediate form of a function.
    fn form(&mut self, image: &Image, function: &govc_bytecode::Function, entries: &[u32]) -> Form {
        let mut form = Form::new();
        form.signature = entered(&self.module);
        let [equal, compare, member, get, find] =
            [0, 1, 2, 3, 4].map(|at| self.module.declare_func_in_func(self.operations[at], &mut form));
        let callees = Callees { equal, compare, member, get, find };
        let config = self.module.target_config();
        let builder = FunctionBuilder::new(&mut form, &mut self.context);
        self.hints = translate::translate(builder, image, function, entries, callees, self.hints, config);
        form
    }

    fn function(
        &mut self,
        image: &Image,
        f: &govc_bytecode::Function,
        entries: &[u32],
    ) -> Result<FuncId, JitError> {
        let form = self.form(image, f, entries);
        let id = self.module.declare_anonymous_function(&form.signature).map_err(codegen)?;
        let mut context = Context::for_function(form);
        self.module.define_function(id, &mut context).map_err(|e| JitError::Codegen(format!("{e:?}")))?;
        Ok(id)
    }
}

fn isa() -> Result<OwnedTargetIsa, JitError> {
    let mut flags = settings::builder();
    let wanted = [
        ("use_colocated_libcalls", "false"),
        ("is_pic", "false"),
        ("opt_level", "speed"),
        ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
    ];
    for (name, value) in wanted {
        flags.set(name, value).map_err(codegen)?;
    }
    let host = cranelift_native::builder().map_err(|reason| JitError::Host(reason.to_owned()))?;
    let isa = host.finish(settings::Flags::new(flags)).map_err(codegen)?;
    if isa.pointer_bits() != 64 {
        return Err(JitError::Host("addresses do not have 64 bits".to_owned()));
    }
    Ok(isa)
}

fn entered(module: &JITModule) -> Signature {
    let mut signature = module.make_signature();
    signature.params.extend([I64, I64, I64, I64, I32].map(AbiParam::new));
    signature.returns.push(AbiParam::new(I32));
    signature
}

fn called(module: &JITModule, operation: &Operation) -> Signature {
    let mut signature = module.make_signature();
    signature.params.extend((0..operation.parameters).map(|_| AbiParam::new(I64)));
    signature.returns.push(AbiParam::new(if operation.gives_address { I64 } else { I32 }));
    signature
}
