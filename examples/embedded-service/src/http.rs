//! As much HTTP/1.1 as the example needs, on the standard library alone: one request a connection, bounded in size and time.
//! A real service would use a server crate here; nothing else would change.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

const MAX_BODY: usize = 64 << 20;
const MAX_HEAD: u64 = 16 << 10;

pub struct Request {
    pub method: String,
    pub path: String,
    pub body: Vec<u8>,
}

pub struct Response {
    status: u16,
    bundle: String,
    body: String,
}

impl Response {
    pub fn decision(status: u16, decision: &str, reasons: &[String], bundle: &str) -> Self {
        let reasons: Vec<String> = reasons.iter().map(|reason| quote(reason)).collect();
        let body = format!("{{\"decision\":\"{decision}\",\"reasons\":[{}]}}", reasons.join(","));
        Self { status, bundle: bundle.to_owned(), body }
    }

    pub fn deny(status: u16, reason: &str) -> Self {
        Self::decision(status, "DENY", &[reason.to_owned()], "")
    }

    pub fn bundle(status: u16, outcome: &str, bundle: &str) -> Self {
        Self { status, bundle: bundle.to_owned(), body: format!("{{\"bundle\":{}}}", quote(outcome)) }
    }
}

/// A JSON string.
fn quote(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c < ' ' => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

/// Answers connections for ever. What cannot be read is answered too, with a denial.
pub fn serve<S>(listener: &TcpListener, state: &mut S, answer: impl Fn(&Request, &mut S) -> Response) {
    for connection in listener.incoming() {
        let Ok(mut connection) = connection else { continue };
        let response = match read(&connection) {
            Ok(request) => answer(&request, state),
            Err(error) => Response::deny(400, &error.to_string()),
        };
        // The client may have gone; the next one may not suffer for it.
        let _ = write(&mut connection, &response);
    }
}

fn read(connection: &TcpStream) -> std::io::Result<Request> {
    connection.set_read_timeout(Some(Duration::from_secs(5)))?;
    connection.set_write_timeout(Some(Duration::from_secs(5)))?;
    let mut reader = BufReader::new(connection);
    let mut head = Vec::new();
    for line in (&mut reader).take(MAX_HEAD).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let mut words = head.first().map(String::as_str).unwrap_or_default().split(' ');
    let (method, path) =
        (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let named = head.iter().filter_map(|line| line.split_once(':'));
    let length =
        named.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, value)| value.trim());
    let length: usize =
        length.last().unwrap_or("0").parse().map_err(|_| invalid("the length is no number"))?;
    if length > MAX_BODY {
        return Err(invalid("the body is too large"));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Request { method, path, body })
}

fn invalid(why: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, why)
}

fn write(connection: &mut TcpStream, response: &Response) -> std::io::Result<()> {
    let Response { status, bundle, body } = response;
    write!(
        connection,
        "HTTP/1.1 {status} \r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\nx-govc-bundle: {bundle}\r\n\r\n{body}",
        body.len()
    )?;
    connection.flush()
}
