"use strict";

const form = document.querySelector("form");
const notice = document.getElementById("notice");
const container = document.getElementById("container");
// Another poll may be at another path of the same host.
const tabs = new BroadcastChannel(`voted ${location.pathname}`);

// The service gives a vote up after ten seconds; the edge may then ask another replica.
const PATIENCE = 15000;
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 8000;

// A vote can be on its way for long. What counts is when it was chosen: so long after the page arrived.
// One of the clocks can be set back, the other may stand still while the computer sleeps.
function stopwatch(already) {
  const wall = Date.now();
  const running = performance.now();
  return () => Math.round(already + Math.max(Date.now() - wall, performance.now() - running));
}

const [page] = performance.getEntriesByType("navigation");
let sinceServed = stopwatch(performance.now() - page.responseStart);
let lastAfter = -1;
let underway = null;

function say(state, text, more = "") {
  form.dataset.state = state;
  const [strong, span] = notice.children;
  // Said again, an unchanged sentence would be read out again.
  if (strong.textContent !== text) strong.textContent = text;
  if (span.textContent !== more) span.textContent = more;
}

function nameOf(button) {
  return button.querySelector(".name").textContent;
}

function about(state, button) {
  // Isolated, so that a name keeps its own direction within the sentence.
  return notice.dataset[state].replace("{name}", () => `\u2068${nameOf(button)}\u2069`);
}

function press(button) {
  for (const option of form.querySelectorAll(".option")) {
    option.setAttribute("aria-pressed", String(option === button));
  }
}

function pause(milliseconds) {
  return new Promise((resume) => setTimeout(resume, milliseconds * (0.5 + Math.random())));
}

// Without an answer nobody knows whether the vote arrived: null.
async function send(body, signal) {
  const attempt = new AbortController();
  const giveUp = () => attempt.abort();
  signal.addEventListener("abort", giveUp);
  const patience = setTimeout(giveUp, PATIENCE);
  try {
    const headers = { Accept: "application/json" };
    const answer = await fetch(form.action, { method: "POST", body, headers, signal: attempt.signal });
    const paused = answer.headers.get("Vote-Intake") === "maintenance";
    return { status: answer.status, paused, said: answer.ok ? await answer.json() : null };
  } catch {
    return null;
  } finally {
    clearTimeout(patience);
    signal.removeEventListener("abort", giveUp);
  }
}

function confirm(said) {
  const button = form.querySelector(`[value="${said.choice}"]`);
  // The options have changed since this page was loaded, or were in another tab.
  if (!button || nameOf(button) !== said.name) return reload();
  form.elements.served.value = said.served;
  sinceServed = stopwatch(0);
  lastAfter = -1;
  container.textContent = said.container;
  press(button);
  say("recorded", about("recorded", button), notice.dataset.change);
  tabs.postMessage(said.choice);
}

async function vote(button, body, signal) {
  say("sending", "", about("sending", button));
  press(button);
  for (let wait = FIRST_PAUSE; !signal.aborted; wait = Math.min(2 * wait, LONGEST_PAUSE)) {
    const answer = await send(body, signal);
    if (signal.aborted) return;
    if (answer?.said) return confirm(answer.said);
    if (answer && answer.status < 500 && answer.status !== 429) {
      press(null);
      return say("refused", notice.dataset.refused);
    }
    say("retrying", about("retrying", button), answer?.paused ? notice.dataset.paused : "");
    body.set("again", "1");
    await pause(wait);
  }
}

function start(event) {
  event.preventDefault();
  underway?.abort();
  underway = new AbortController();
  // Of two votes from one page the later one must be the higher, even within a millisecond.
  lastAfter = Math.max(sinceServed(), lastAfter + 1);
  const { served, poll } = form.elements;
  const said = { served: served.value, after: lastAfter, poll: poll?.value ?? 1, vote: event.submitter.value };
  const body = new URLSearchParams(said);
  vote(event.submitter, body, underway.signal);
}

function isBusy() {
  return ["sending", "retrying"].includes(form.dataset.state);
}

function reload() {
  underway?.abort();
  form.dataset.state = "";
  location.reload();
}

for (const time of document.querySelectorAll("time")) {
  const inZone = { dateStyle: "full", timeStyle: "short" };
  time.textContent = new Intl.DateTimeFormat(document.documentElement.lang, inZone).format(new Date(time.dateTime));
}

// Without a cookie each attempt would be another voter's: then the form alone sends the vote, once.
if (navigator.cookieEnabled) form.addEventListener("submit", start);
// Another tab has voted, or the browser shows the page as it was. A vote under way learns it from its answer.
tabs.addEventListener("message", () => {
  if (!isBusy()) reload();
});
addEventListener("pageshow", (event) => {
  if (event.persisted) reload();
});
addEventListener("beforeunload", (event) => {
  if (isBusy()) event.preventDefault();
});
