package classic

import data.servers
import input as request

default allow = false

allow = true {
  request.method == "GET"
  request.path = ["salary", id]
  id == request.user
}

allow = true {
  request.user == servers[i].owner
  ports[i] = 80
} {
  request.root
}

ports[i] = p {
  p := servers[i].port
}

violations[{"msg": msg, "id": server.id}] {
  server := servers[_]
  server.protocols[_] == "telnet"
  msg := sprintf("%s speaks telnet", [server.id])
}

violations[{"msg": "open"}] { any_open }

any_open {
  some i, j
  servers[i].ports[j] < 1024
  not whitelisted(servers[i])
}

whitelisted(server) {
  server.id == data.whitelist[_]
} else = false {
  server.temporary
}

f(x, y) = z { z := x + y }

numbers = {n | n := data.ns[_]; n > 0}

matrix = [[1, 2], [3, 4]]
