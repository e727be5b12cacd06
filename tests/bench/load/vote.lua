-- Votes as the page's script sends them, each time for the next of the voters whose cookies are in /load/cookies;
-- prints what came of it as one line of JSON.

local requests, turn = {}, 0

function init()
  for cookie in io.lines("/load/cookies") do
    requests[#requests + 1] = wrk.format("POST", "/", {
      ["Host"] = "vote.localhost",
      ["Origin"] = "https://vote.localhost",
      ["Sec-Fetch-Site"] = "same-origin",
      ["Accept"] = "application/json",
      ["Content-Type"] = "application/x-www-form-urlencoded",
      ["Cookie"] = cookie,
    }, "vote=a")
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '{"seconds": %f, "answered": %d, "failed": %d}\n',
    summary.duration / 1e6, summary.requests, failed
  ))
end
