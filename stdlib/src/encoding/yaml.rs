//! STUB yaml
use crate::{Answer, BuiltinError};
use govc_value::{Heap, Value};
pub(crate) fn read<'q>(_: Heap<'q>, _: &str) -> Answer<'q> {
    Err(BuiltinError::not_yet("yaml.unmarshal"))
}
pub(crate) fn write(_: Value<'_>) -> Result<String, BuiltinError> {
    Err(BuiltinError::not_yet("yaml.marshal"))
}
