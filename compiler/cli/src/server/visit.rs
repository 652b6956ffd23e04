//! The outside world of one question to the server: as on the command line, but `print` goes to the log.

use crate::world::Terminal;
use govc_stdlib::{BuiltinError, World};
use govc_value::{Heap, Value, json};

/// What a question sees of the world.
pub(crate) struct Visit<'a> {
    world: Terminal,
    /// What `opa.runtime()` answers, as JSON.
    runtime: &'a str,
    /// What was printed, with file and row.
    pub(crate) printed: Vec<(String, String, u32)>,
}

impl<'a> Visit<'a> {
    pub(crate) fn new(runtime: &'a str) -> Self {
        Self { world: Terminal::new(), runtime, printed: Vec::new() }
    }
}

impl World for Visit<'_> {
    fn now_ns(&mut self) -> i64 {
        self.world.now_ns()
    }

    fn call<'q>(
        &mut self,
        name: &str,
        heap: Heap<'q>,
        args: &[Value<'q>],
    ) -> Result<Value<'q>, BuiltinError> {
        match name {
            "opa.runtime" => json::read(heap, self.runtime.as_bytes(), &json::Limits::default())
                .map_err(|error| BuiltinError::Failed(error.to_string())),
            _ => self.world.call(name, heap, args),
        }
    }

    fn print(&mut self, text: &str, file: &str, row: u32) {
        self.printed.push((text.to_owned(), file.to_owned(), row));
    }
}
