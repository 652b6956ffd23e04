package fz

a := replace("é", "", "c")

b := strings.replace_n({"": "c"}, "aé")

c := replace("aé", "", "")
# opa: [{"x":{"a":"c�c�c","b":"cac�c�c","c":"aé"}} {"a": "c\xc3c\xa9c", "b": "cac\xc3c\xa9c", "c": "aé"}]
