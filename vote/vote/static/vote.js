"use strict";

// A vote can be on its way for long. What counts is when it was chosen: so long after the page arrived.
const [page] = performance.getEntriesByType("navigation");
const wall = Date.now();
const running = performance.now();
const form = document.querySelector("form");

form.addEventListener("submit", () => {
  // One of the clocks can be set back, the other may stand still while the computer sleeps.
  const sinceScript = Math.max(Date.now() - wall, performance.now() - running);
  form.elements.after.value = Math.round(running - page.responseStart + sinceScript);
});
