// While the browser waits for the answer to an import, says how far it is.
"use strict";

const form = document.getElementById("oms-import");

async function look() {
  const of = form.elements.progress.value;
  const answer = await fetch(`${form.dataset.progress}?of=${of}`, { headers: { Accept: "application/json" } });
  const { what, rows } = await answer.json();
  if (what) document.getElementById("oms-progress").textContent = `${form.dataset[what]}: ${rows.toLocaleString()}`;
}

form.addEventListener("submit", () => {
  form.querySelector("button").disabled = true;
  setInterval(() => look().catch(() => {}), 500);
});
