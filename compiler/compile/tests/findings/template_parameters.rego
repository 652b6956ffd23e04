package p

f($"{input} {x}") := 42
