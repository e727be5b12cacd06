"use strict";

// A vote can be on its way for long. What counts is when it was chosen: so long after the page arrived.
const arrived = Date.now();
const form = document.querySelector("form");

form.addEventListener("submit", () => {
  form.elements.after.value = Math.max(0, Date.now() - arrived);
});
