//! OPA's tree for people, drawn from its JSON: one node a line, indented by its depth.

use serde_json::Value;

/// The tree of a module.
pub(super) fn draw(module: &Value) -> String {
    let mut tree = Tree { out: String::new() };
    tree.line(0, "module");
    tree.line(1, "package");
    tree.reference(2, &module["package"]["path"]);
    for import in items(&module["imports"]) {
        tree.line(1, "import");
        tree.term(2, &import["path"]);
        tree.line(2, import["alias"].as_str().unwrap_or_default());
    }
    items(&module["rules"]).iter().for_each(|rule| tree.rule(1, rule));
    items(&module["annotations"]).iter().for_each(|_| tree.line(1, "annotations"));
    items(&module["comments"]).iter().for_each(|_| tree.line(1, "comment"));
    tree.out
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

struct Tree {
    out: String,
}

impl Tree {
    fn line(&mut self, depth: usize, text: &str) {
        self.out.push_str(&format!("{}{text}\n", " ".repeat(depth)));
    }

    fn terms(&mut self, depth: usize, terms: &Value) {
        items(terms).iter().for_each(|term| self.term(depth, term));
    }

    fn reference(&mut self, depth: usize, terms: &Value) {
        self.line(depth, "ref");
        self.terms(depth + 1, terms);
    }

    fn rule(&mut self, depth: usize, rule: &Value) {
        self.line(depth, "rule");
        let head = &rule["head"];
        self.line(depth + 1, "head");
        self.reference(depth + 2, &head["ref"]);
        if !items(&head["args"]).is_empty() {
            self.line(depth + 2, "args");
            self.terms(depth + 3, &head["args"]);
        }
        if head["value"].is_object() {
            self.term(depth + 2, &head["value"]);
        }
        self.body(depth + 1, &rule["body"]);
        if rule["else"].is_object() {
            self.rule(depth + 1, &rule["else"]);
        }
    }

    fn body(&mut self, depth: usize, body: &Value) {
        self.line(depth, "body");
        items(body).iter().for_each(|expr| self.expr(depth + 1, expr));
    }

    fn expr(&mut self, depth: usize, expr: &Value) {
        let negated = if expr["negated"] == true { "negated " } else { "" };
        self.line(depth, &format!("expr {negated}index={}", expr["index"]));
        let terms = &expr["terms"];
        match terms {
            Value::Array(_) => self.terms(depth + 1, terms),
            Value::Object(fields) if fields.contains_key("symbols") => {
                self.line(depth + 1, "somedecl");
                self.terms(depth + 2, &terms["symbols"]);
            }
            Value::Object(fields) if fields.contains_key("domain") => {
                self.line(depth + 1, "every");
                let parts = ["key", "value", "domain"].iter().filter(|name| terms[**name].is_object());
                parts.for_each(|name| self.term(depth + 2, &terms[*name]));
                self.body(depth + 2, &terms["body"]);
            }
            Value::Object(fields) if fields.contains_key("body") && !fields.contains_key("type") => {
                self.line(depth + 1, "not");
                self.body(depth + 2, &terms["body"]);
            }
            _ => self.term(depth + 1, terms),
        }
        for with in items(&expr["with"]) {
            self.line(depth + 1, "with");
            self.term(depth + 2, &with["target"]);
            self.term(depth + 2, &with["value"]);
        }
    }

    fn term(&mut self, depth: usize, term: &Value) {
        let value = &term["value"];
        let kind = term["type"].as_str().unwrap_or_default();
        match kind {
            "null" => self.line(depth, "null"),
            "var" => {
                let name = value.as_str().unwrap_or_default();
                self.line(depth, if name.starts_with('$') { "_" } else { name });
            }
            "boolean" | "number" | "string" => self.line(depth, &value.to_string()),
            "object" => {
                self.line(depth, kind);
                for pair in items(value) {
                    self.terms(depth + 1, pair);
                }
            }
            "arraycomprehension" | "setcomprehension" | "objectcomprehension" => {
                self.line(depth, kind);
                let parts = ["key", "value", "term"].iter().filter(|name| value[**name].is_object());
                parts.for_each(|name| self.term(depth + 1, &value[*name]));
                self.body(depth + 1, &value["body"]);
            }
            "templatestring" => self.line(depth, kind),
            _ => {
                self.line(depth, kind);
                self.terms(depth + 1, value);
            }
        }
    }
}
