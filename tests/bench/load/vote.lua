-- Votes as the page's script sends them, each time for the next of the voters whose cookies are in /load/cookies;
-- prints what came of it as one line of JSON.

local BODY = "served=%013d&after=1500&vote=a"
local heads, turn, served = {}, 0, os.time() * 1000

function init()
  local body = BODY:format(0)
  for cookie in io.lines("/load/cookies") do
    local whole = wrk.format("POST", "/", {
      ["Host"] = "vote.localhost",
      ["Origin"] = "https://vote.localhost",
      ["Sec-Fetch-Site"] = "same-origin",
      ["Accept"] = "application/json",
      ["Content-Type"] = "application/x-www-form-urlencoded;charset=UTF-8",
      ["Cookie"] = cookie,
    }, body)
    heads[#heads + 1] = whole:sub(1, -#body - 1)
  end
end

-- A voter's next vote comes from a page that was served later: the last one is the one that counts.
function request()
  turn = turn % #heads + 1
  served = served + 1
  return heads[turn] .. BODY:format(served)
end

function done(summary)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '{"seconds": %f, "answered": %d, "failed": %d}\n',
    summary.duration / 1e6, summary.requests, failed
  ))
end
