//! The seam for machine code: an image may have some installed, and runs it where it can.
//!
//! The surprising fact: machine code never calls, returns or fails. It works on the registers of one
//! function and hands back the instruction at which the VM goes on; whatever it cannot do (or would have to
//! report) it leaves to the VM at the instruction itself. So one meaning serves both.

use crate::Image;
use crate::error::Evaluated;
use crate::machine::{DONE, Machine};
use govc_value::Value;

/// Machine code for one image.
pub trait Native: Send + Sync {
    /// Does machine code begin at this instruction?
    fn enters(&self, pc: u32) -> bool;

    /// How many words [`Window::hints`] must have.
    fn hints(&self) -> usize;

    /// Runs from an instruction as far as machine code reaches; gives the instruction that is next. That may
    /// be the same one.
    fn run<'q>(&self, pc: u32, window: Window<'_, 'q>) -> u32;
}

/// What machine code works on.
#[derive(Debug)]
pub struct Window<'m, 'q> {
    /// The image that runs.
    pub image: &'q Image,
    /// The registers of the function that runs, and maybe more behind them.
    pub registers: &'m mut [Value<'q>],
    /// Words that live as long as the thread's scratch memory and mean nothing: last positions of fields.
    pub hints: &'m mut [u32],
    /// Loop iterations until the VM wants to look at its limits: decrement, but never to 0.
    pub slice: &'m mut u32,
}

/// Is a value among the values of an array or object or the elements of a set? Nothing is in anything else.
pub fn member(element: Value<'_>, collection: Value<'_>) -> bool {
    match collection.as_set() {
        Some(set) => set.contains(element),
        None => collection.entries().any(|(_, v)| v == element),
    }
}

impl Machine<'_, '_> {
    /// As `run`, with machine code where there is any.
    pub(crate) fn run_native(&mut self, native: &dyn Native, mut pc: u32) -> Evaluated<()> {
        let wanted = self.scratch.hints.len().max(native.hints());
        self.scratch.hints.resize(wanted, 0);
        while pc != DONE {
            if native.enters(pc) {
                pc = native.run(
                    pc,
                    Window {
                        image: self.image,
                        registers: &mut self.registers[self.base..],
                        hints: &mut self.scratch.hints,
                        slice: &mut self.slice,
                    },
                );
            }
            pc = match self.step(pc) {
                Ok(next) => next,
                Err(error) => self.rescue(error)?,
            };
        }
        Ok(())
    }
}
