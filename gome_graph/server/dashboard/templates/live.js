"use strict";
// Brings the page up to date when the journal grows: it fetches the same page again and swaps the parts marked data-live.
const wire = document.getElementById("wire");
const said = document.getElementById("said");
const address = document.body.dataset.events;

const clock = (seconds) => {
  const whole = Math.floor(Math.max(seconds, 0));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), String(whole % 60).padStart(2, "0")];
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
};

let since = performance.now();
setInterval(() => {
  const passed = (performance.now() - since) / 1000;
  for (const place of document.querySelectorAll("[data-tick]")) place.textContent = clock(Number(place.dataset.tick) + passed);
}, 1000);

const keep = (part) => ({
  open: [...part.querySelectorAll("details")].map((each) => each.open),
  scrolled: [...part.querySelectorAll(".scroll, pre")].map((each) => [each.scrollLeft, each.scrollTop]),
  focus: part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null,
});
const restore = (part, kept) => {
  [...part.querySelectorAll("details")].forEach((each, index) => { if (kept.open[index]) each.open = true; });
  [...part.querySelectorAll(".scroll, pre")].forEach((each, index) => {
    if (kept.scrolled[index]) [each.scrollLeft, each.scrollTop] = kept.scrolled[index];
  });
  if (kept.focus) [...part.querySelectorAll("a")].find((each) => each.getAttribute("href") === kept.focus)?.focus({ preventScroll: true });
};

let busy = false;
let again = false;
const refresh = async () => {
  if (busy) { again = true; return; }
  busy = true;
  try {
    const answer = await fetch(location.pathname + location.search, { credentials: "same-origin" });
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      since = performance.now();
      for (const fresh of page.querySelectorAll("[data-live]")) {
        const part = document.getElementById(fresh.id);
        if (!part || part.innerHTML === fresh.innerHTML) continue;
        const kept = keep(part);
        part.replaceChildren(...[...fresh.childNodes].map((node) => document.adoptNode(node)));
        restore(part, kept);
      }
      document.title = page.title;
      document.documentElement.dataset.refreshed = String(Date.now());
    }
  } catch { /* the stream says that the server is away */ }
  busy = false;
  if (again) { again = false; setTimeout(refresh, 100); }
};

if (address) {
  const tell = (lost) => {
    wire.hidden = false;
    wire.classList.toggle("lost", lost);
    wire.textContent = lost ? "no connection" : "live";
  };
  const events = new EventSource(address);
  let first = true;
  let state = null;
  events.onopen = () => { tell(false); if (!first) refresh(); first = false; };
  events.onerror = () => tell(true);
  events.addEventListener("journal", refresh);
  events.addEventListener("state", (event) => {
    const now = JSON.parse(event.data).state;
    if (state !== null && state !== now) {
      said.textContent = `The run is now ${now}.`;
      if (now === "live" || state === "live") setTimeout(() => location.reload(), 800); // forms come and go with the state
    }
    state = now;
    wire.textContent = now === "live" ? "live" : "connected";
  });
  events.addEventListener("line", (event) => {
    const line = JSON.parse(event.data);
    if (["best", "validated", "warning", "run_finished"].includes(line.kind)) said.textContent = line.text;
  });
  addEventListener("pagehide", () => events.close());
}
