"use strict";
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(source);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand("copy");
    }
    const old = button.textContent;
    button.textContent = "copied";
    setTimeout(() => { button.textContent = old; }, 1500);
  });
}
const steps = [...document.querySelectorAll("details.step")];
const tools = document.getElementById("tools");
if (tools) tools.hidden = false;
for (const button of document.querySelectorAll("[data-filter]")) {
  button.addEventListener("click", () => {
    for (const other of document.querySelectorAll("[data-filter]")) other.setAttribute("aria-pressed", String(other === button));
    for (const step of steps) step.hidden = button.dataset.filter !== "all" && step.dataset.state !== button.dataset.filter;
  });
}
const fold = document.getElementById("fold");
if (fold) fold.addEventListener("click", () => {
  const open = steps.some((step) => !step.open && !step.hidden);
  for (const step of steps) step.open = open;
  fold.textContent = open ? "close all" : "open all";
});
const reveal = () => {
  const step = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (step instanceof HTMLDetailsElement) { step.hidden = false; step.open = true; step.scrollIntoView(); }
};
addEventListener("hashchange", reveal);
reveal();
