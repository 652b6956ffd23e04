//! Calls of builtins.

use super::{Author, Ty, builtins};
use govc_stdlib::Builtin;
use govc_value::Type;

/// A type of a declaration as one of ours.
fn wanted(author: &mut Author, ty: &Type) -> Ty {
    match ty {
        Type::Null => Ty::Null,
        Type::Boolean => Ty::Bool,
        Type::Number => Ty::Num,
        Type::String => Ty::Str,
        Type::Array(_, of) => Ty::arr(of.as_ref().map_or(Ty::Any, |of| wanted(author, of))),
        Type::Set(of) => Ty::set(wanted(author, of)),
        Type::Object(_, of) => Ty::obj(of.as_ref().map_or(Ty::Any, |of| wanted(author, &of.1))),
        Type::Any(of) if !of.is_empty() => {
            let one = author.random.pick(of).clone();
            wanted(author, &one)
        }
        _ => Ty::Any,
    }
}

fn is_call_by_name(builtin: &Builtin) -> bool {
    builtin.infix.is_none() || builtin.name.chars().all(|c| c.is_ascii_lowercase())
}

impl Author {
    /// A call of a builtin that gives the type.
    pub(super) fn typed_call(&mut self, ty: &Ty, depth: usize) -> String {
        let of = || match ty {
            Ty::Arr(of) | Ty::Set(of) | Ty::Obj(of) => (**of).clone(),
            _ => Ty::Any,
        };
        let (num, str, any) = (Ty::Num, Ty::Str, Ty::Any);
        let (arr, set, obj) = (Ty::arr(of()), Ty::set(of()), Ty::obj(of()));
        let (nums, strs) = (Ty::arr(Ty::Num), Ty::arr(Ty::Str));
        let calls: &[(&'static str, &[&Ty])] = match ty {
            Ty::Num => &[
                ("count", &[&nums]),
                ("count", &[&str]),
                ("sum", &[&nums]),
                ("max", &[&nums]),
                ("min", &[&Ty::set(Ty::Num)]),
                ("abs", &[&num]),
                ("round", &[&num]),
                ("floor", &[&num]),
                ("indexof", &[&str, &str]),
                ("to_number", &[&str]),
                ("bits.and", &[&num, &num]),
            ],
            Ty::Str => &[
                ("upper", &[&str]),
                ("concat", &[&str, &strs]),
                ("concat", &[&str, &Ty::set(Ty::Str)]),
                ("json.marshal", &[&any]),
                ("type_name", &[&any]),
                ("trim_space", &[&str]),
                ("replace", &[&str, &str, &str]),
                ("substring", &[&str, &num, &num]),
                ("format_int", &[&num, &num]),
                ("crypto.sha256", &[&str]),
                ("base64.encode", &[&str]),
            ],
            Ty::Bool => &[
                ("startswith", &[&str, &str]),
                ("contains", &[&str, &str]),
                ("is_string", &[&any]),
                ("is_set", &[&any]),
                ("regex.match", &[&str, &str]),
                ("json.is_valid", &[&str]),
            ],
            Ty::Arr(of) if **of == Ty::Str => &[("split", &[&str, &str]), ("sort", &[&Ty::set(Ty::Str)])],
            Ty::Arr(_) => &[
                ("array.concat", &[&arr, &arr]),
                ("sort", &[&set]),
                ("array.reverse", &[&arr]),
                ("array.slice", &[&arr, &num, &num]),
            ],
            Ty::Set(_) => &[("union", &[&Ty::set(set.clone())]), ("intersection", &[&Ty::set(set.clone())])],
            Ty::Obj(_) => &[
                ("object.union", &[&obj, &obj]),
                ("object.remove", &[&obj, &strs]),
                ("object.filter", &[&obj, &Ty::set(Ty::Str)]),
            ],
            Ty::Any | Ty::Null => return self.leaf(ty),
        };
        let (name, args) = *self.random.pick(calls);
        self.mark(name);
        let args: Vec<String> = args.iter().map(|arg| self.term(arg, depth.min(1))).collect();
        format!("{name}({})", args.join(", "))
    }

    fn some_builtin(&mut self) -> &'static Builtin {
        let builtin = *self.random.pick(builtins::deterministic());
        self.mark(builtin.name);
        builtin
    }

    /// A call of a builtin with arguments of the declared types.
    fn call_by_type(&mut self, builtin: &'static Builtin) -> String {
        let Type::Function(args, more, _) = builtin.ty() else { return "true".to_owned() };
        let mut types: Vec<Ty> = args.iter().map(|ty| wanted(self, ty)).collect();
        if let Some(more) = more {
            types.extend((0..2).map(|_| wanted(self, &more)));
        }
        let terms: Vec<String> = types.iter().map(|ty| self.argument(builtin.name, ty)).collect();
        format!("{}({})", builtin.name, terms.join(", "))
    }

    fn argument(&mut self, builtin: &str, ty: &Ty) -> String {
        if builtin == "regex.template_match" {
            return self.literal(ty);
        }
        let small =
            matches!(builtin, "numbers.range" | "numbers.range_step" | "bits.lsh" | "net.cidr_expand");
        match ty {
            Ty::Num if small => self.random.below(12).to_string(),
            // Go's years overflow without saying so.
            Ty::Num if builtin == "time.add_date" => self.random.below(4_000).to_string(),
            Ty::Str if small => "\"10.0.0.0/29\"".to_owned(),
            _ => self.term(ty, 1),
        }
    }

    /// A written call, or one by type where there is none or now and then.
    fn call_by_sample(&mut self, builtin: &'static Builtin) -> (Vec<String>, bool) {
        let samples = builtins::samples().get(builtin.name);
        match samples.filter(|_| is_call_by_name(builtin)) {
            Some(samples) if builtin.name == "regex.template_match" => {
                // OPA remembers a template without its delimiters: programs would change each other's answers.
                let usual: Vec<_> =
                    samples.iter().filter(|args| args.get(2..) == Some(&["\"{\"", "\"}\""])).collect();
                let args = self.random.pick(&usual).iter().map(|arg| (*arg).to_owned()).collect();
                (args, true)
            }
            Some(samples) => {
                let mut args: Vec<String> =
                    self.random.pick(samples).iter().map(|a| (*a).to_owned()).collect();
                if self.random.percent(25) && !args.is_empty() {
                    // One argument of another call of the same builtin.
                    let other = self.random.pick(samples);
                    let at = self.random.below(args.len());
                    if let Some(arg) = other.get(at) {
                        args[at] = (*arg).to_owned();
                    }
                }
                (args, true)
            }
            None => {
                let call = self.call_by_type(builtin);
                (vec![call], false)
            }
        }
    }
}

/// Huge results, which one side refuses earlier than the other.
fn is_huge(builtin: &str, args: &[String]) -> bool {
    let long = |arg: &String| arg.chars().filter(char::is_ascii_digit).count() > 4 && !arg.starts_with('"');
    match builtin {
        "numbers.range" | "numbers.range_step" | "bits.lsh" => args.iter().any(long),
        _ => false,
    }
}

/// The call, with arguments that the type checker sees or not.
fn text(a: &mut Author, builtin: &'static Builtin) -> String {
    loop {
        let (args, is_sample) = a.call_by_sample(builtin);
        if !is_sample {
            return args.join("");
        }
        if is_huge(builtin.name, &args) {
            continue;
        }
        let hide = a.random.percent(40);
        let args: Vec<String> = args
            .iter()
            .map(|arg| if hide { format!("object.get({{}}, 0, {arg})") } else { arg.clone() })
            .collect();
        return format!("{}({})", builtin.name, args.join(", "));
    }
}

pub(super) fn sample(a: &mut Author) -> String {
    let builtin = a.some_builtin();
    let call = text(a, builtin);
    a.shown(&call)
}

pub(super) fn typed(a: &mut Author) -> String {
    let builtin = a.some_builtin();
    let call = a.call_by_type(builtin);
    a.shown(&call)
}

/// Arguments from rules.
pub(super) fn hidden(a: &mut Author) -> String {
    let builtin = a.some_builtin();
    let (args, is_sample) = a.call_by_sample(builtin);
    if !is_sample || is_huge(builtin.name, &args) {
        return typed(a);
    }
    let mut names = Vec::new();
    for arg in args {
        let name = a.name("arg");
        a.rule(format!("{name} := {arg}"));
        names.push(name);
    }
    a.shown(&format!("{}({})", builtin.name, names.join(", ")))
}

pub(super) fn condition(a: &mut Author) -> String {
    let builtin = a.some_builtin();
    let (call, name) = (text(a, builtin), a.name("r"));
    match a.random.below(4) {
        0 => a.rule(format!("{name} if {call}")),
        1 => a.rule(format!("{name} if not {call}")),
        2 => a.rule(format!("default {name} := \"fell\"\n\n{name} := x if x := {call}")),
        _ => a.rule(format!("{name} := 1 if {{ {call} }} else := 2")),
    }
    name
}
