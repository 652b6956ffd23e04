//! The steps of a path, as Go reads and writes them.

/// A path or query with `%xx` decoded; nothing where one is broken. With `plus`, `+` is a space.
pub fn unescape(text: &str, plus: bool) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                out.push((high * 16 + low) as u8);
            }
            b'+' if plus => out.push(b' '),
            byte => out.push(byte),
        }
    }
    Some(match String::from_utf8(out) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// One step of a path as Go escapes it.
pub fn escape(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~$&+:=@".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A path in a JSON patch: `~1` is `/`, `~0` is `~`.
pub fn of_patch(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix('/')?;
    if path.is_empty() {
        return Some(Vec::new());
    }
    let step = |step: &str| Some(unescape(step, false)?.replace("~1", "/").replace("~0", "~"));
    path.split('/').map(step).collect()
}

/// A path as OPA prints it.
pub(super) fn shown(path: &[String]) -> String {
    if path.is_empty() {
        return "/".to_owned();
    }
    path.iter().map(|step| format!("/{}", escape(step))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_escape_slashes_and_tildes() {
        assert_eq!(of_patch("/a~1b/c~0/d%20"), Some(["a/b", "c~", "d "].map(str::to_owned).to_vec()));
        assert_eq!(of_patch("/"), Some(Vec::new()));
        assert_eq!(of_patch("a"), None);
    }
}
