package p

a if true with foo as 1

b if true with data.p.c.d as 1

c := 1

d if true with eq as 1

e if true with internal.member_2 as 1

f if true with walk as 1

g if true with print as 1
