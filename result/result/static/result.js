import { io } from "./vendor/socket.io.esm.min.js";

const RATE_MS = 10_000;
const SHORTEST_RATE_MS = 2_000;
const PATIENCE_MS = 2_000;
const HOUR = 3600;

const find = (id) => document.getElementById(id);
const state = find("state");
const past = find("past");
const picture = past.querySelector("svg");
const bars = [...document.querySelectorAll("#bars > li")];
const { width, height } = picture.viewBox.baseVal;

const language = document.documentElement.lang;
const oneDecimal = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat(language, oneDecimal);
const share = new Intl.NumberFormat(language, { style: "percent", ...oneDecimal });
const clock = new Intl.DateTimeFormat(language, { timeStyle: "medium", hourCycle: "h23" });

const sum = (scores) => Object.values(scores).reduce((a, b) => a + b, 0);

let shown = Object.fromEntries(bars.map((bar) => [bar.dataset.key, Number(bar.dataset.votes)]));
let held = null;
let patience = 0;
let samples = [];
let hour = null;
let lost = false;

function say(name, sentence) {
  // Said again, an unchanged sentence would be read out again.
  if (state.textContent === sentence) return;
  state.dataset.state = name;
  state.textContent = sentence;
}

function lose() {
  samples = [];
  if (lost) return;
  lost = true;
  say("reconnecting", state.dataset.reconnecting.replace("{time}", clock.format(new Date())));
}

function show(scores) {
  shown = scores;
  held = null;
  const total = sum(scores);
  samples.push({ at: performance.now(), total });
  find("total").textContent = whole.format(total);
  for (const bar of bars) {
    const count = scores[bar.dataset.key] ?? 0;
    const part = total ? count / total : 0;
    bar.querySelector(".count").textContent = whole.format(count);
    bar.querySelector(".percent").textContent = share.format(part);
    bar.querySelector("progress").value = 100 * part;
  }
}

// The replica that a viewer comes back to may not have read as far as the lost one: fewer votes wait.
// If they are fewer even then, somebody has removed votes.
function receive(scores) {
  if (patience && sum(scores) < sum(shown)) held = scores;
  else show(scores);
}

function bePatient() {
  clearTimeout(patience);
  patience = setTimeout(() => {
    patience = 0;
    if (held && state.dataset.state !== "live") bePatient();
    else if (held) show(held);
  }, PATIENCE_MS);
}

function showRate() {
  const now = performance.now();
  while (samples.length > 1 && samples[1].at <= now - RATE_MS) samples.shift();
  const growth = samples.length ? samples.at(-1).total - samples[0].total : 0;
  const span = samples.length ? Math.min(RATE_MS, Math.max(SHORTEST_RATE_MS, now - samples[0].at)) : RATE_MS;
  const rate = Math.max(0, (1000 * growth) / span);
  find("rate").textContent = lost ? "–" : (rate < 9.95 ? precise : whole).format(rate);
}

function drawPast() {
  past.hidden = !hour?.at.length;
  if (past.hidden) return;
  // The viewer's own clock may be wrong.
  const now = Math.max(Number(picture.dataset.now) + performance.now() / 1000, hour.at.at(-1));
  const across = [...hour.at, now].map((at) => width * (1 - (now - at) / HOUR));
  // A page from before the options changed may know more of them.
  const columnOf = (key) => [...(hour[key] ?? hour.at.map(() => 0)), shown[key] ?? 0];
  const top = Math.max(1, ...bars.flatMap((bar) => columnOf(bar.dataset.key)));
  find("top").textContent = whole.format(top);
  for (const line of picture.children) {
    const points = columnOf(line.dataset.key).map((votes, i) => `${across[i].toFixed(1)},${(height * (1 - votes / top)).toFixed(1)}`);
    line.setAttribute("points", points.join(" "));
  }
}

function showPoll({ state: stage, closes, checksum, paused }) {
  const { ends, closed, final, pause } = find("poll").dataset;
  const at = new Date(closes).toLocaleString(language, { dateStyle: "full", timeStyle: "short" });
  const open = paused ? pause : closes ? `${ends} ${at}` : "";
  find("poll").textContent = { open, closed }[stage] ?? final;
  find("checksum").textContent = checksum;
  find("archive").hidden = !checksum;
  find("archive").firstElementChild.href = "archive.json";
}

function offerFullScreen() {
  const button = find("full");
  const enter = button.textContent;
  button.hidden = !document.fullscreenEnabled;
  button.addEventListener("click", () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen().catch(() => {});
  });
  document.addEventListener("fullscreenchange", () => {
    button.textContent = document.fullscreenElement ? button.dataset.leave : enter;
  });
}

const socket = io({
  path: new URL("socket.io/", document.baseURI).pathname,
  transports: ["websocket", "polling"],
  tryAllTransports: true,
  timeout: 5000,
  reconnectionDelay: 250,
  reconnectionDelayMax: 2000,
});

socket.on("connect", bePatient);
socket.on("scores", receive);
socket.on("history", (columns) => {
  hour = columns;
  drawPast();
});
socket.on("watching", ({ count }) => {
  find("watching").textContent = whole.format(count);
});
socket.on("poll", showPoll);
socket.on("status", (status) => {
  lost = false;
  say(status.state, state.dataset[status.state]);
});
socket.on("disconnect", lose);
socket.on("connect_error", lose);

offerFullScreen();
find("rate").parentElement.hidden = false;
showRate();
setInterval(() => {
  showRate();
  if (hour) drawPast();
}, 1000);
