wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local file = assert(io.open(os.getenv("BENCH_REQUEST"), "rb"))
wrk.body = file:read("*a")
file:close()
