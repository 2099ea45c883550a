// Makes pages that work without it quicker: results while one types, parts of a page in place of the whole.
// Every piece of HTML is drawn by the server; this is the one place where it becomes elements.
const trusted = window.trustedTypes?.createPolicy("httptask", { createHTML: (text) => text }) ?? { createHTML: (text) => text };

function elementIn(html, selector) {
  return document.adoptNode(new DOMParser().parseFromString(trusted.createHTML(html), "text/html").querySelector(selector));
}

// --- search: results while one types ---

const search = document.querySelector("#search");
let asked = null;
let timer = 0;

async function showResults() {
  asked?.abort();
  asked = new AbortController();
  const query = search.value;
  try {
    const answer = await fetch(`/search?q=${encodeURIComponent(query)}`, { signal: asked.signal });
    if (!answer.ok) return location.reload();
    const results = elementIn(await answer.text(), "#results");
    // the status stays the same element, so that it is read out when its text changes
    const count = document.querySelector("#count");
    const text = [...results.querySelector("#count").childNodes];
    results.querySelector("#count").replaceWith(count);
    document.querySelector("#results").replaceWith(results);
    count.replaceChildren(...text);
    history.replaceState(null, "", query ? `/?q=${encodeURIComponent(query)}` : "/");
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

search?.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(showResults, 60);
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const field = search ?? document.querySelector("#quick");
    if (field) {
      event.preventDefault();
      field.focus();
      field.select();
    }
    return;
  }
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const links = [...document.querySelectorAll("#results .tasks a")];
  const here = links.indexOf(document.activeElement);
  if (!links.length || (here < 0 && event.target !== search)) return;
  event.preventDefault();
  const next = here + (event.key === "ArrowDown" ? 1 : -1);
  (next < 0 ? search : links[Math.min(next, links.length - 1)]).focus();
});

// --- forms change in place ---

// What the server does not send back stays in the page: secrets that were typed, by the id of their field.
const kept = new Map();
let pressed = Promise.resolve();

// One press after the other: the second is about the form that the first one leaves. A double click is one press.
function press(form, button) {
  if (button.hasAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  pressed = pressed.then(() => carryOut(form, button)).catch(reportError);
}

async function carryOut(given, first) {
  const form = given.isConnected ? given : document.getElementById(given.id);
  const button = first.isConnected ? first : [...(form?.elements ?? [])].find(({ type, value }) => type === "submit" && value === first.value);
  if (!form || !button) return;
  const old = document.getElementById(form.dataset.part);
  remember(old);
  if (button.value === "clear") kept.clear();
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form, button), headers: { "X-Part": form.dataset.part } });
    document.getElementById("unanswered")?.remove();
    if (answer.redirected) return location.assign(answer.url);
    const fresh = elementIn(await answer.text(), `#${form.dataset.part}`);
    if (!fresh) return location.reload();
    if (!button.value.startsWith("remove:")) recall(fresh);
    old.replaceWith(fresh);
    focusOn(fresh.dataset.focus);
    offerCopies();
    watch();
  } catch {
    unanswered();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

// The server has ended, or the machine was asleep: nobody knows whether what was asked for has begun.
function unanswered() {
  const place = document.getElementById("unanswered") ?? document.createElement("p");
  place.id = "unanswered";
  place.className = "notice bad";
  place.setAttribute("role", "alert");
  place.textContent = "httptask serve does not answer. If you have just sent something, look at Runs once it is back.";
  document.querySelector("main").prepend(place);
}

function remember(part) {
  for (const field of part.querySelectorAll("[data-keep]")) kept.set(field.id, field.value);
}

function recall(part) {
  for (const field of part.querySelectorAll("[data-keep]")) if (kept.get(field.id) && (!field.value || field.value.includes("***"))) field.value = kept.get(field.id);
}

function focusOn(id) {
  const place = id && document.getElementById(id);
  if (!place) return;
  const fields = "input:not([type=hidden]), select, textarea";
  const field = place.matches(fields) ? place : place.matches("fieldset, .absent") && place.querySelector(fields);
  (field || place).focus();
  (field || place).scrollIntoView({ block: "nearest" });
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.quiet !== undefined) {
    event.preventDefault();
    fetch(form.action, { method: "POST", body: new FormData(form, event.submitter) }).catch(unanswered);
  } else if (form.dataset.part && event.submitter) {
    event.preventDefault();
    press(form, event.submitter);
  }
});

// --- what is under way: the server says that something happened, and draws it ---

let watched = null;

function watch() {
  const place = document.querySelector("[data-events]");
  if (watched && watched.url.endsWith(place?.dataset.events ?? "\n")) return;
  watched?.close();
  watched = place && new EventSource(place.dataset.events);
  if (!place) return;
  const id = place.id;
  const address = place.dataset.fresh;
  let waiting = 0;
  watched.addEventListener("line", (event) => {
    const live = document.querySelector("#live");
    if (live) live.textContent = JSON.parse(event.data);
    waiting ||= setTimeout(() => ((waiting = 0), refresh(id, address)), 150);
  });
  watched.addEventListener("error", () => {
    const live = document.querySelector("#live");
    if (live) live.textContent = "No connection to httptask serve; trying again";
  });
  watched.addEventListener("end", () => {
    watched.close();
    watched = null;
    clearTimeout(waiting);
    refresh(id, address, true);
  });
}

async function refresh(id, address, last = false) {
  const answer = await fetch(address, { headers: { "X-Part": id } }).catch(() => null);
  const old = document.getElementById(id);
  if (!old) return;
  if (!answer?.ok) return last ? location.reload() : undefined;
  const fresh = elementIn(await answer.text(), `#${id}`);
  const live = old.querySelector("#live");
  const here = document.activeElement;
  const focused = old.contains(here) ? here.id : "";
  const open = [...old.querySelectorAll("details[open] > summary")].map((summary) => summary.textContent);
  // the status stays the same element, so that it is read out when its text changes
  if (live && fresh.querySelector("#live")) fresh.querySelector("#live").replaceWith(live);
  for (const summary of fresh.querySelectorAll("details > summary")) if (open.includes(summary.textContent)) summary.parentElement.open = true;
  old.replaceWith(fresh);
  if (focused) (document.getElementById(focused) ?? fresh).focus();
  if (!last) return;
  watch();
  if (!here.isConnected || here === document.body) fresh.focus({ preventScroll: true }); // whoever has gone on typing is left alone
}

watch();

document.addEventListener("change", (event) => {
  const field = event.target;
  if (field.type === "file" && field.files.length) field.closest(".file").querySelector("button").click();
  else if (field.form?.dataset.check) check(field);
});

// --- problems as one goes: the server's check, shown for the fields that were touched ---

const touched = new Set();
let checking = null;

async function check(field) {
  touched.add(field.id);
  checking?.abort();
  checking = new AbortController();
  const form = field.form;
  try {
    const answer = await fetch(form.dataset.check, { method: "POST", body: new FormData(form), signal: checking.signal });
    if (answer.ok && form.isConnected) tell(form, (await answer.json()).problems);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

function tell(form, problems) {
  for (const id of touched) {
    const field = document.getElementById(id);
    const place = document.getElementById(`${id}-error`);
    if (!field || !place || !form.contains(field)) continue;
    const known = document.getElementById(`${id}-hint`)?.textContent ?? "";
    const said = problems
      .filter((problem) => problem.id === id)
      .map(({ message, hint }) => (hint && !known.includes(hint) ? `${message} (${hint})` : message));
    place.textContent = said.join("; ");
    place.hidden = !said.length;
    if (said.length) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }
}

// --- copying, where a browser lets a page do it ---

function offerCopies() {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const said = document.getElementById("copied-said");
  try {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    said.textContent = "Copied";
  } catch {
    said.textContent = "This browser does not let the page copy; select the text";
  }
});

offerCopies();

// A link of the summary leads into a place that may be folded away.
document.addEventListener("click", (event) => {
  const link = event.target.closest("#problems a");
  const place = link && document.getElementById(link.hash.slice(1));
  if (!place) return;
  event.preventDefault();
  for (let fold = place.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  focusOn(place.id);
});
