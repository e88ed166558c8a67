// Keeps the page as it is now. Without it, the page is as it was when it was loaded.
"use strict";

const EVERY = 2000; // milliseconds
const KINDS = ["ok", "drained", "warn", "down"];

const each = (selector, change) => document.querySelectorAll(selector).forEach(change);

function dress(element, kind) {
  element.classList.remove(...KINDS);
  element.classList.add(kind);
}

function show(text, element) {
  if (element.textContent !== text) element.textContent = text;
}

function rows(id, lines) {
  const made = lines.map((cells) => {
    const row = document.createElement("tr");
    for (const cell of cells) row.insertCell().textContent = cell;
    row.lastChild.classList.toggle("number", cells.length === 2);
    return row;
  });
  if (made.length) document.getElementById(id).replaceChildren(...made);
}

function draw(now) {
  show(now.time, document.getElementById("time"));
  show(now.status.text, document.getElementById("status"));
  dress(document.getElementById("status"), now.status.kind);
  for (const node of now.nodes) {
    each(`[data-node="${node.alias}"]`, (element) => show(node[element.dataset.field], element));
    each(`[data-drawn="${node.alias}"], [data-pill="${node.alias}"]`, (element) => dress(element, node.kind));
    each(`[data-spark="${node.alias}"]`, (line) => line.setAttribute("points", node.spark));
    each(`[data-drain="${node.alias}"]`, (form) => { form.hidden = node.drained; });
    each(`[data-enable="${node.alias}"]`, (form) => { form.hidden = !node.drained; });
  }
  for (const id of ["fall_backs", "waits", "events"]) rows(id, now[id]);
}

async function look() {
  try {
    const answer = await fetch(document.body.dataset.source, { headers: { Accept: "application/json" } });
    if (answer.ok && !answer.redirected) draw(await answer.json());
    document.body.classList.toggle("stale", !answer.ok || answer.redirected);
  } catch {
    document.body.classList.add("stale"); // the service does not answer: what is shown is old
  }
  setTimeout(look, EVERY);
}

setTimeout(look, EVERY);
