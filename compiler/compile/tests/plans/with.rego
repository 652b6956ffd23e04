package t

roles contains r if some r in data.roles[input.user]

helper(x) := lower(x)

is_admin if helper(input.role) == "admin"

other := 1

test_mock if is_admin with lower as "admin" with input.role as "x"

test_function if is_admin with helper as lower with input as {"role": "admin"}

test_data if data.t.roles == {"a"} with data.roles as {"u": ["a"]} with input.user as "u"

test_virtual if count(roles) == 2 with data.t.roles as {"x", "y"}

users := [u | some u in ["x", "y"]; data.t.roles[r] with input.user as u; r == "admin"]
