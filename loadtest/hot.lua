-- One line of one hot SKU a request, for wrk. README.md, "Measured", says how to run it.
wrk.method = "POST"
wrk.headers["Authorization"] = "Bearer secret"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"lines":[{"sku":"clog-38","location":"malmo","quantity":1}]}'
