//! Splitting one line into tokens.

/// A token of the text form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A word or number: letters, digits and `_ . + - @`.
    Word(String),
    /// A quoted text.
    Text(String),
    /// One of `[ ] { } ( ) , :`.
    Mark(char),
}

/// The tokens of a line, or what is wrong with it.
pub(super) fn tokens(line: &str) -> Result<Vec<Token>, &'static str> {
    let mut rest = line.chars().peekable();
    let mut found = Vec::new();
    while let Some(&c) = rest.peek() {
        match c {
            '#' => break,
            '"' => found.push(Token::Text(text(&mut rest)?)),
            '[' | ']' | '{' | '}' | '(' | ')' | ',' | ':' => {
                rest.next();
                found.push(Token::Mark(c));
            }
            c if c.is_ascii_whitespace() => {
                rest.next();
            }
            c if is_word(c) => found.push(Token::Word(word(&mut rest))),
            _ => return Err("unexpected character"),
        }
    }
    Ok(found)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '+' | '-' | '@')
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn word(rest: &mut Chars<'_>) -> String {
    let mut out = String::new();
    while let Some(c) = rest.next_if(|&c| is_word(c)) {
        out.push(c);
    }
    out
}

fn text(rest: &mut Chars<'_>) -> Result<String, &'static str> {
    rest.next();
    let mut out = String::new();
    loop {
        match rest.next().ok_or("a text is not closed")? {
            '"' => return Ok(out),
            '\\' => out.push(escape(rest)?),
            c => out.push(c),
        }
    }
}

fn escape(rest: &mut Chars<'_>) -> Result<char, &'static str> {
    match rest.next() {
        Some('n') => Ok('\n'),
        Some('u') => unicode(rest).ok_or("bad unicode escape"),
        Some(c @ ('"' | '\\')) => Ok(c),
        _ => Err("unknown escape"),
    }
}

fn unicode(rest: &mut Chars<'_>) -> Option<char> {
    rest.next_if_eq(&'{')?;
    let mut code = 0u32;
    while let Some(digit) = rest.next_if(char::is_ascii_hexdigit) {
        code = code.checked_mul(16)?.checked_add(digit.to_digit(16)?)?;
    }
    rest.next_if_eq(&'}')?;
    char::from_u32(code)
}
