-- Sends the requests of a file, one after the other (method, path, token, body; by tabs), and tells of the answers.
-- With CYCLE=1 it begins again at the end; else each is sent once, and then the thread stops.
local requests, at = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    local method, path, token, body = line:match("([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)")
    local headers = {}
    if token ~= "" then headers["Authorization"] = "Bearer " .. token end
    if body ~= "" then headers["Content-Type"] = "application/json" else body = nil end
    requests[#requests + 1] = wrk.format(method, path, headers, body)
  end
end

function request()
  at = at + 1
  if at > #requests then
    if os.getenv("CYCLE") ~= "1" then wrk.thread:stop() end
    at = 1
  end
  return requests[at]
end

function done(summary, latency, _)
  io.write(string.format('{"requests":%d,"seconds":%.6f,"refused":%d,"broken":%d,"p50":%.3f,"p99":%.3f}\n',
    summary.requests, summary.duration / 1e6, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
