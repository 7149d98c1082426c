-- What wrk sends, by the environment: BENCH_KIND, and BENCH_RUN, which no other run on the same cluster has.
-- At the end one line of JSON: requests, answers that were errors, seconds, latencies in microseconds.

local run = os.getenv("BENCH_RUN")
local path = os.getenv("BENCH_PATH")
local json = { ["content-type"] = "application/json" }
local count = 0

-- Twelve characters are a key in base64 as they stand: nine bytes.
local function etcd_key()
  return string.format("%s%07d", run, count % 10000000)
end

local kinds = {
  ["printer"] = function()
    local body = string.format('{"id":"%s%07d","company":"Prusa Research","model":"MK4S, nozzle 0.4 mm"}', run, count)
    return wrk.format("POST", "/api/v1/printers", json, body)
  end,
  -- A value of 81 bytes.
  ["etcd-put"] = function()
    local body = string.format('{"key":"%s","value":"%s"}', etcd_key(), string.rep("QUJD", 27))
    return wrk.format("POST", "/v3/kv/put", json, body)
  end,
  ["etcd-range"] = function()
    return wrk.format("POST", "/v3/kv/range", json, string.format('{"key":"%s"}', path))
  end,
  ["get"] = function()
    return wrk.format("GET", path)
  end,
  ["post"] = function()
    return wrk.format("POST", path, json, os.getenv("BENCH_BODY"))
  end,
}

local request_of = kinds[os.getenv("BENCH_KIND")]

function request()
  count = count + 1
  return request_of()
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"errors":%d,"seconds":%.6f,"p50":%.1f,"p99":%.1f,"p999":%.1f,"max":%.1f,"bytes":%d}\n',
    summary.requests, errors.status + errors.connect + errors.read + errors.write + errors.timeout,
    summary.duration / 1e6, latency:percentile(50), latency:percentile(99), latency:percentile(99.9), latency.max,
    summary.bytes))
end
