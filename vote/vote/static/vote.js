"use strict";

const form = document.querySelector("form");
const notice = document.getElementById("notice");
const container = document.getElementById("container");

// The service gives a vote up after ten seconds, the edge after twelve.
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
  notice.querySelector("strong").textContent = text;
  notice.querySelector("span").textContent = more;
}

function about(state, button) {
  // Isolated, so that a name keeps its own direction within the sentence.
  const name = `\u2068${button.querySelector(".name").textContent}\u2069`;
  return notice.dataset[state].replace("{name}", name);
}

function press(button) {
  for (const option of form.querySelectorAll(".option")) {
    option.setAttribute("aria-pressed", String(option === button));
  }
}

function pause(milliseconds) {
  return new Promise((resume) => setTimeout(resume, milliseconds * (0.5 + Math.random())));
}

async function send(body, signal) {
  try {
    const giveUp = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]);
    return await fetch("/", { method: "POST", body, headers: { Accept: "application/json" }, signal: giveUp });
  } catch {
    return null; // no answer: whether the vote arrived is not known, so it is sent again as it is
  }
}

async function confirm(answer, button) {
  const said = await answer.json();
  form.elements.served.value = said.served;
  sinceServed = stopwatch(0);
  lastAfter = -1;
  container.textContent = said.container;
  say("recorded", about("recorded", button), notice.dataset.change);
}

async function vote(button, body, signal) {
  say("sending", "", about("sending", button));
  press(button);
  for (let wait = FIRST_PAUSE; !signal.aborted; wait = Math.min(2 * wait, LONGEST_PAUSE)) {
    const answer = await send(body, signal);
    if (signal.aborted) return;
    if (answer?.ok) return confirm(answer, button);
    if (answer && answer.status < 500 && answer.status !== 429) {
      press(null);
      return say("refused", notice.dataset.refused);
    }
    say("retrying", about("retrying", button));
    await pause(wait);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  underway?.abort();
  underway = new AbortController();
  // Of two votes from one page the later one must be the higher, even within a millisecond.
  lastAfter = Math.max(sinceServed(), lastAfter + 1);
  const button = event.submitter;
  const { served } = form.elements;
  const body = new URLSearchParams({ served: served.value, after: lastAfter, vote: button.value });
  vote(button, body, underway.signal);
});

addEventListener("beforeunload", (event) => {
  if (["sending", "retrying"].includes(form.dataset.state)) event.preventDefault();
});
