//! The one place that speaks to bytecode and machine.

use crate::LoadError;
use crate::bundle::Document;
use crate::decision::DecideError;
use crate::host::Recorder;
use govc_value::{Arena, Value};
use govc_vm::Image;

/// A query, as the machine wants it.
pub(crate) struct Call<'c, 'q, 'h> {
    pub(crate) entrypoint: u32,
    pub(crate) input: Value<'q>,
    pub(crate) world: &'c mut Recorder<'h>,
    pub(crate) limits: govc_vm::Limits,
}

/// Decodes and verifies a program and loads its data.
pub(crate) fn load(program: &[u8], data: &[Document]) -> Result<Image, LoadError> {
    let program = govc_bytecode::decode(program).map_err(|e| LoadError::Program(e.to_string()))?;
    with(program, data)
}

/// The program of an image with other data.
pub(crate) fn reload(image: &Image, data: &[Document]) -> Result<Image, LoadError> {
    with(image.program().clone(), data)
}

fn with(program: govc_bytecode::Program, data: &[Document]) -> Result<Image, LoadError> {
    Image::load(program, data).map_err(|error| match error {
        govc_vm::LoadError::Data { ref path, .. } => {
            let file = path.iter().map(String::as_str).chain(["data.json"]).collect::<Vec<_>>();
            LoadError::Data { path: file.join("/"), message: error.to_string() }
        }
        other => LoadError::Program(other.to_string()),
    })
}

/// The number of an entrypoint.
pub(crate) fn entrypoint(image: &Image, name: &str) -> Option<u32> {
    image.entrypoint(name)
}

/// Runs an entrypoint and gives its value; undefined when it has none.
pub(crate) fn run<'q>(
    image: &'q Image,
    registers: &mut govc_vm::Scratch,
    arena: &'q Arena,
    call: Call<'_, 'q, '_>,
) -> Result<Value<'q>, DecideError> {
    let query = govc_vm::Query {
        entrypoint: call.entrypoint,
        input: call.input,
        world: call.world,
        limits: call.limits,
        builtin_errors: govc_vm::BuiltinErrors::Undefined,
        recorded: None,
    };
    let outcome = govc_vm::run(image, registers, arena, query)
        .map_err(|error| DecideError::Evaluation { code: error.code.to_owned(), message: error.message })?;
    match outcome.results.as_slice() {
        [] => Ok(Value::UNDEFINED),
        [one] => Ok(one.as_object().map_or(Value::UNDEFINED, |o| o.get_str("result"))),
        many => Err(DecideError::Internal(format!("an entrypoint gave {} results", many.len()))),
    }
}
