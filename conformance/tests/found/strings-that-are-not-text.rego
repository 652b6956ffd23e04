package fz

a := hex.decode("91")

b := hex.decode("91") == hex.decode("92")

c := crypto.sha256(hex.decode("ff00"))

d := base64.encode(hex.decode("ff00c3"))

e := sprintf("%v %q %x", [[a], a, a])

f := count(hex.decode("ff00c3"))

g := urlquery.encode(a)

h := json.marshal([a])

j := hex.encode(hex.decode("ffc3a9"))

k := crypto.hmac.sha256("a", a)

l := count(split(hex.decode("61ff62"), "b"))
# opa: [{"x":{"a":"�","b":false,"c":"ea5dbf9596d187e9500f23e9a680109475341cf4e81f7e043f7d97152c10772f","d":"/wDD","e":"[\"\\x91\"] \"\\x91\" 91","f":3,"g":"%91","h":"[\"\\ufffd\"]","j":"ffc3a9","k":"4acccb6888e62b2e8274d788195ed332afeb86baf7de0479fa3ea501b082b7c9","l":2}} {"a": "\x91", "b": false, "c": "ea5dbf9596d187e9500f23e9a680109475341cf4e81f7e043f7d97152c10772f", "d": "/wDD", "e": "[\"\\x91\"] \"\\x91\" 91", "f": 3, "g": "%91", "h": "[\"\\ufffd\"]", "j": "ffc3a9", "k": "4acccb6888e62b2e8274d788195ed332afeb86baf7de0479fa3ea501b082b7c9", "l": 2}]
