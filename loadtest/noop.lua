-- The request that `loadtest noop --without-keys` sends, for wrk: README.md, "How it is made".
wrk.method = "POST"
wrk.headers["Authorization"] = "Bearer secret"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"lines":[{"sku":"lt-0000000","location":"store-0000","quantity":1}],"ttl_seconds":14400}'
