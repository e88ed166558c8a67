-- Requests for wrk, from the file that is named after "--": a line each, its parts separated by tabs:
-- method, path, token, other headers as NAME=VALUE with | between, body. "{unique}" becomes a word that no other request has.

local lines, made, sent, run = {}, {}, 0, ""

local function request_of(line)
    local parts = {}
    for part in (line .. "\t"):gmatch("([^\t]*)\t") do
        table.insert(parts, part)
    end
    local headers = { ["Content-Type"] = "application/json" }
    if parts[3] ~= "" then headers["Authorization"] = "Token " .. parts[3] end
    for name, value in parts[4]:gmatch("([^|=]+)=([^|]*)") do headers[name] = value end
    return wrk.format(parts[1], parts[2], headers, parts[5] ~= "" and parts[5] or nil)
end

function init(arguments)
    run = arguments[2]
    for line in io.lines(arguments[1]) do
        table.insert(lines, line)
    end
end

function request()
    sent = sent + 1
    local index = (sent - 1) % #lines + 1
    local line = lines[index]
    if line:find("{unique}", 1, true) then
        return request_of((line:gsub("{unique}", run .. "x" .. sent)))
    end
    made[index] = made[index] or request_of(line)
    return made[index]
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        'RESULT {"requests": %d, "microseconds": %d, "bad": %d, "p50": %d, "p95": %d, "p99": %d}\n',
        summary.requests, summary.duration, errors.status + errors.connect + errors.read + errors.write
        + errors.timeout, latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
