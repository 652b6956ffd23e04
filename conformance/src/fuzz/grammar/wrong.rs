//! Programs that are to be refused: both sides must say so, with the same codes.

use super::{Author, Ty};

pub(super) fn program(a: &mut Author) -> String {
    let (name, value) = (a.name("r"), a.term(&Ty::Num, 1));
    let text = match a.random.below(24) {
        0 => format!("{name} := y if x := {value}"),
        1 => format!("{name} if not y == {value}"),
        2 => format!("{name} := {name}2 if {value}\n\n{name}2 := {name}"),
        3 => format!("{name} if 1 == \"a\""),
        4 => format!("{name} := nope({value})"),
        5 => format!("{name} := count({value}, 1, 2)"),
        6 => format!("{name} := count(true)"),
        7 => format!("{name} if {{\n\tx := {value}\n\tx := 2\n}}"),
        8 => format!("{name} if {{\n\tx == {value}\n\tx := 2\n}}"),
        9 => format!("{name}(x) := 1\n\n{name} := 2"),
        10 => format!("{name}(x) := 1\n\n{name}(x, y) := 2"),
        11 => format!("{name} := 1\n\n{name} contains 2"),
        12 => format!("default {name} := 1\n\ndefault {name} := 2"),
        13 => format!("default {name} := input.x"),
        14 => format!("{name} if {{ some x; x := 1; x == {value} }}"),
        15 => format!("{name} if {{ every x in y {{ x > {value} }} }}"),
        16 => format!("{name} := 1 if input.x with nope as 1"),
        17 => format!("{name} := x if x = [x, {value}]"),
        18 => format!("{name} := {name}.a if {value}"),
        19 => format!("{name} := data.fz[x] if x := {value}"),
        20 => format!("{name} := [x | y := {value}]"),
        21 => format!("{name}[x].y := 1 if some x in [1]\n\n{name}.z(x) := {value}"),
        22 => format!("{name} := input.x[y] if y > {value}"),
        _ => format!("{name} if {{\n\tsome x in [1]\n\tsome x in [{value}]\n}}"),
    };
    a.rule(text);
    name
}
