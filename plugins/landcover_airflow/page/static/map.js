// The published map of a run, read from its own files by ranges of the guarded route.
"use strict";

async function begin() {
  const given = new URLSearchParams(location.search);
  const [dag, run] = ["dag_id", "run_id"].map((name) => encodeURIComponent(given.get(name) ?? ""));
  document.getElementById("back").href = `run?${given}`;
  const api = `api/dags/${dag}/runs/${run}/map`;
  const answer = await fetch(api);
  const about = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(about.detail ?? `${answer.status} ${answer.statusText}`);
  document.getElementById("title").textContent = about.title;
  document.getElementById("simulated").hidden = !about.simulated;
  const addressOf = (file) => `${api}/${about.report}/${encodeURIComponent(file)}`;
  showMap(document.getElementById("viewer"), about, async (file) => new RangeSource(addressOf(file)), addressOf);
}

begin().catch((error) => {
  const trouble = document.getElementById("trouble");
  trouble.textContent = error.message;
  trouble.hidden = false;
});
