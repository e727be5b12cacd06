"use strict";

const state = document.getElementById("state");
const total = document.getElementById("total");
const bars = document.querySelectorAll("#bars > li");
const number = new Intl.NumberFormat("en");

let known = state.dataset.state;

function showState(name) {
  if (state.dataset.state !== name) state.dataset.state = name;
}

function showScores(scores) {
  const sum = Object.values(scores).reduce((a, b) => a + b, 0);
  total.textContent = number.format(sum);
  for (const bar of bars) {
    const count = scores[bar.dataset.key] ?? 0;
    const percent = sum ? (100 * count) / sum : 0;
    bar.querySelector(".count").textContent = number.format(count);
    bar.querySelector(".percent").textContent = percent.toFixed(1);
    bar.querySelector("progress").value = percent;
  }
}

const socket = io({
  transports: ["websocket", "polling"],
  tryAllTransports: true,
  timeout: 5000,
  reconnectionDelay: 250,
  reconnectionDelayMax: 2000,
});

socket.on("scores", showScores);
socket.on("status", (status) => {
  known = status.state;
  showState(known);
});
socket.on("connect", () => showState(known));
socket.on("disconnect", () => showState("reconnecting"));
socket.on("connect_error", () => showState("reconnecting"));
