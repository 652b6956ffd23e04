package fz

a := replace("é", "", "c")

b := strings.replace_n({"": "c"}, "aé")

c := replace("aé", "", "")

d := [lower(replace("É", "", "C")), upper(hex.decode("ff61"))]
# opa: [{"x":{"a":"c�c�c","b":"cac�c�c","c":"aé","d":["c�c�c","�A"]}} {"a": "c\xc3c\xa9c", "b": "cac\xc3c\xa9c", "c": "aé", "d": ["c�c�c", "�A"]}]
