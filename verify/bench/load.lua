-- Requests for wrk. The environment has their kind (BENCH_KIND) and a name of the run that is unique in its
-- cluster (BENCH_RUN).
-- At the end prints one line of JSON: requests, error answers, seconds, latencies in microseconds.

local run = os.getenv("BENCH_RUN")
local path = os.getenv("BENCH_PATH")
local job = tonumber(os.getenv("BENCH_JOB"))
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
  -- The same as jobBody in large/print-jobs.ts.
  ["job"] = function()
    local number = job + count - 1
    local body = string.format(
      '{"id":"job-%08d","printer_id":"printer-%04d","filament_id":"spool-%05d","filepath":"/models/part-%d.gcode","print_weight_in_grams":1.5}',
      number, number % 1000, (number * 7) % 10000, number % 500)
    return wrk.format("POST", "/api/v1/print_jobs", json, body)
  end,
  ["status"] = function()
    return wrk.format("POST", string.format("/api/v1/print_jobs/job-%08d/status?status=Running", job + count - 1))
  end,
  -- A value of 81 bytes.
  ["etcd-put"] = function()
    local body = string.format('{"key":"%s","value":"%s"}', etcd_key(), string.rep("QUJD", 27))
    return wrk.format("POST", "/v3/kv/put", json, body)
  end,
  ["etcd-range"] = function()
    return wrk.format("POST", "/v3/kv/range", json, string.format('{"key":"%s"}', path))
  end,
  -- A job with a path so long that its body has about BENCH_PATH bytes, with up to four bytes a character.
  ["padded"] = function()
    local missing = math.max(1, tonumber(path) - 110)
    local padding = missing <= 4000 and string.rep("x", missing) or string.rep("\240\159\150\168", missing / 4)
    local body = string.format(
      '{"id":"%s%07d","printer_id":"printer","filament_id":"spool","filepath":"/%s","print_weight_in_grams":0.001}',
      run, count, padding)
    return wrk.format("POST", "/api/v1/print_jobs", json, body)
  end,
  -- Another page every time, somewhere among the jobs: 7919 is a prime, so that the steps meet all of them.
  ["page"] = function()
    return wrk.format("GET", string.format("%s&after=job-%08d", path, (count * 7919) % job))
  end,
  ["get"] = function()
    return wrk.format("GET", path)
  end,
}

local request_of = kinds[os.getenv("BENCH_KIND")]

function request()
  count = count + 1
  return request_of()
end

-- Only where requests are to be apart: wrk waits on a timer then, also for no time at all.
local pause = tonumber(os.getenv("BENCH_PAUSE"))
if pause > 0 then
  function delay()
    return pause
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"errors":%d,"seconds":%.6f,"p50":%.1f,"p99":%.1f,"p999":%.1f,"max":%.1f,"bytes":%d}\n',
    summary.requests, errors.status + errors.connect + errors.read + errors.write + errors.timeout,
    summary.duration / 1e6, latency:percentile(50), latency:percentile(99), latency:percentile(99.9), latency.max,
    summary.bytes))
end
