-- Requests for wrk: GET /hello with RECORDS=0, else POST /v1/events with so many scans, no two of them the same.
-- KEY is the key of the source SOURCE. An answer that is not 200 is counted by wrk.

local records = tonumber(os.getenv("RECORDS") or "1")
local source, key = os.getenv("SOURCE"), os.getenv("KEY")
local number = os.time() * 1000000
local line = '{"kind":"checkpoint_scanned","event_id":"%s:%d","source_id":"%s","sequence":%d,"occurred_at":"%s",'
    .. '"person_id":"p%06d","area":"jintang/huaikou/c012/g03","checkpoint_id":"cp-012-3","direction":"in","decision":"passed"}'

function request()
    if records == 0 then
        return wrk.format("GET", "/hello")
    end
    local at, lines = os.date("!%Y-%m-%dT%H:%M:%SZ"), {}
    for each = 1, records do
        number = number + 1
        lines[each] = line:format(source, number, source, number, at, number % 1000000)
    end
    local headers = { ["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/x-ndjson" }
    return wrk.format("POST", "/v1/events", headers, table.concat(lines, "\n"))
end
