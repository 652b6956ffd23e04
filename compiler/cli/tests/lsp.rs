//! A client of another process speaks JSON-RPC with `govc lsp`, and types 2,000 changes as fast as it can.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

struct Client {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    next: i64,
    /// The diagnostics last published.
    published: Vec<Value>,
}

impl Client {
    fn start(root: &std::path::Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_govc"))
            .arg("lsp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut client = Self { child, input, output, next: 0, published: Vec::new() };
        let uri = format!("file://{}", root.display());
        let folders = json!([{"uri": uri, "name": "root"}]);
        client.request(
            "initialize",
            json!({"processId": null, "capabilities": {}, "rootUri": uri, "workspaceFolders": folders}),
        );
        client.notify("initialized", json!({}));
        client
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.input.flush().unwrap();
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn request(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let message = self.read();
            if message["id"] == json!(id) && message.get("method").is_none() {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
            self.heed(&message);
        }
    }

    /// Requests of the server are answered with nothing; diagnostics are kept.
    fn heed(&mut self, message: &Value) {
        if message["method"] == json!("textDocument/publishDiagnostics") {
            self.published.push(message["params"].clone());
        } else if message.get("id").is_some() {
            let reply = json!({"jsonrpc": "2.0", "id": message["id"], "result": null});
            self.send(&reply);
        }
    }

    fn read(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the server closed its output");
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", value)) => length = value.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut text = vec![0; length];
        self.output.read_exact(&mut text).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    fn open(&mut self, uri: &str, text: &str) {
        let document = json!({"uri": uri, "languageId": "rego", "version": 1, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": document}));
    }

    /// Waits for diagnostics of a document that satisfy a condition.
    fn wait(&mut self, uri: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        loop {
            let found = self.published.iter().rev().find(|p| p["uri"] == json!(uri));
            let list = found.and_then(|p| p["diagnostics"].as_array().cloned());
            if let Some(list) = list.filter(|list| wanted(list)) {
                return list;
            }
            let message = self.read();
            self.heed(&message);
        }
    }

    fn stop(mut self) {
        self.request("shutdown", Value::Null);
        self.notify("exit", Value::Null);
        drop(self.input);
        assert!(self.child.wait().unwrap().success());
    }
}

fn at(uri: &str, line: u32, character: u32) -> Value {
    json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": character}})
}

#[test]
fn answers_a_client() {
    let root = tempfile::tempdir().unwrap();
    let uri = |name: &str| format!("file://{}/{name}", root.path().display());
    let (a, b) = (uri("a.rego"), uri("b.rego"));
    let mut client = Client::start(root.path());
    client.open(&a, "package a\n\nlimit := 10\n\nallow if input.n < limit\n");
    client.open(&b, "package b\n\nimport data.a\n\nok if a.allow\n\nbad if missing > 1\n");
    let list = client.wait(&b, |list| !list.is_empty());
    assert!(list[0]["message"].as_str().unwrap().contains("missing"), "{list:?}");

    let defined = client.request("textDocument/definition", at(&b, 4, 9));
    let text = defined.to_string();
    assert!(text.contains("a.rego") && text.contains(r#""line":4"#), "{text}");

    client.open(&uri("ugly.rego"), "package ugly\nallow if{ input.x==1 }\n");
    let options =
        json!({"textDocument": {"uri": uri("ugly.rego")}, "options": {"tabSize": 4, "insertSpaces": false}});
    let edits = client.request("textDocument/formatting", options).to_string();
    assert!(edits.contains("allow if input.x == 1"), "{edits}");

    let hover = client.request("textDocument/hover", at(&a, 4, 21)).to_string();
    assert!(hover.contains("limit") || hover.contains("number"), "{hover}");

    let document = json!({"textDocument": {"uri": a}});
    let symbols = client.request("textDocument/documentSymbol", document).to_string();
    assert!(symbols.contains("limit") && symbols.contains("allow"), "{symbols}");
    client.stop();
}

#[test]
fn keeps_2000_changes_in_order() {
    let root = tempfile::tempdir().unwrap();
    let uri = format!("file://{}/storm.rego", root.path().display());
    let mut client = Client::start(root.path());
    client.open(&uri, "package storm\n\n\n");
    // Each change appends one character behind the last one; any two that swap places break the text.
    let typed: String =
        (0..250).map(|i| format!("r{i:03} := 1\n")).collect::<String>().chars().take(2000).collect();
    let (mut line, mut character) = (2, 0);
    for (version, c) in (2..).zip(typed.chars()) {
        let place = json!({"line": line, "character": character});
        let change = json!({"range": {"start": place, "end": place}, "text": c.to_string()});
        client.notify(
            "textDocument/didChange",
            json!({"textDocument": {"uri": uri, "version": version}, "contentChanges": [change]}),
        );
        (line, character) = if c == '\n' { (line + 1, 0) } else { (line, character + 1) };
    }
    let symbols = client.request("textDocument/documentSymbol", json!({"textDocument": {"uri": uri}}));
    let text = symbols.to_string();
    let rules = typed.lines().filter(|line| line.ends_with(":= 1")).count();
    let seen = (0..250).filter(|i| text.contains(&format!("\"r{i:03}\""))).count();
    assert!(rules >= 180, "the text holds many rules: {rules}");
    assert!(seen >= rules, "{seen} of {rules} rules are there");
    client.stop();
}
